// The tape: switching it, gradients, checks.
#include "needlecpp/autograd/autograd.h"

#include <algorithm>

#include "convert.h"
#include "needlecpp/autograd/function.h"
#include "needlecpp/autograd/transforms.h"

namespace needlecpp::python {
namespace {

// What a Python function returned: a tensor, None where allowed, or a sequence of those.
Tensors tensors_of(nb::handle result) {
  if (nb::isinstance<Tensor>(result)) return {nb::cast<Tensor>(result)};
  Tensors tensors;
  if (result.is_none()) return {Tensor()};
  NDL_CHECK(nb::isinstance<nb::tuple>(result) || nb::isinstance<nb::list>(result), TypeError, "autograd",
            "a function returned no tensors: got ", text_of(result.type()), ", expected a Tensor or a tuple of them.");
  for (nb::handle item : nb::borrow<nb::sequence>(result)) {
    NDL_CHECK(item.is_none() || nb::isinstance<Tensor>(item), TypeError, "autograd",
              "a function returned no tensor: got ", text_of(item.type()), ", expected a Tensor.");
    tensors.push_back(item.is_none() ? Tensor() : nb::cast<Tensor>(item));
  }
  return tensors;
}

nb::object to_python(const Tensor& x) { return x.defined() ? nb::cast(x) : nb::object(nb::none()); }
nb::list to_python(const Tensors& tensors) {
  nb::list result;
  for (const Tensor& x : tensors) result.append(to_python(x));
  return result;
}

// A Python function of tensors, called from C++ with or without the lock.
TensorFunction wrap_function(nb::object fn) {
  return [callable = Callable(std::move(fn))](const Tensors& inputs) {
    nb::gil_scoped_acquire acquire;
    nb::list arguments = to_python(inputs);
    const Tensors outputs = tensors_of(callable(*arguments));
    for (const Tensor& y : outputs)
      NDL_CHECK(y.defined(), TypeError, "autograd", "a function returned None: expected a Tensor.");
    return outputs;
  };
}

Tensors optional_tensors(const std::optional<std::vector<std::optional<Tensor>>>& list) {
  Tensors result;
  if (list)
    for (const auto& item : *list) result.push_back(item ? *item : Tensor());
  return result;
}

// The node of a Python Function: backward(dys, saved) gives a gradient or None for each input. A saved tensor that is
// an output is kept as such, for a tensor would own the node that owns it.
Tensors record_function(const std::string& name, const Tensors& outputs, const Tensors& inputs,
                        const std::optional<std::vector<std::optional<Tensor>>>& to_save, nb::object backward) {
  const Tensors saved = optional_tensors(to_save);
  Tensors kept = saved;
  std::vector<int> output_of(saved.size(), -1);
  for (size_t i = 0; i < saved.size(); ++i)
    for (size_t k = 0; k < outputs.size(); ++k)
      if (saved[i].defined() && saved[i].is_same(outputs[k])) {
        output_of[i] = static_cast<int>(k);
        kept[i] = Tensor();
      }
  const char* label = interned(name);
  const size_t count = inputs.size();
  return record(
      label, outputs, inputs, kept,
      [callable = Callable(std::move(backward)), output_of, label, count](Backward& g) {
        Tensors saved_now;
        for (size_t i = 0; i < output_of.size(); ++i)
          saved_now.push_back(output_of[i] < 0 ? g.saved(static_cast<int>(i)) : g.output(output_of[i]));
        Tensors dys;
        for (int k = 0; k < g.n_outputs(); ++k) dys.push_back(g.dy_or_zeros(k));
        nb::gil_scoped_acquire acquire;
        const Tensors gradients = tensors_of(callable(to_python(dys), to_python(saved_now)));
        NDL_CHECK(gradients.size() == count, ValueError, label, "backward returned a wrong number of gradients: got ",
                  gradients.size(), ", expected ", count, ", one a tensor that forward was given (None for none).");
        for (size_t i = 0; i < count; ++i)
          if (gradients[i].defined()) g.give(static_cast<int>(i), gradients[i]);
      },
      kept.size() != static_cast<size_t>(std::count(output_of.begin(), output_of.end(), -1)) ? SaveOutputs::Yes
                                                                                             : SaveOutputs::No);
}

}  // namespace

void bind_autograd(nb::module_& m) {
  m.def("grad_enabled", &grad_enabled, "Whether ops of this thread are recorded.");
  m.def("set_grad_enabled", &set_grad_enabled, "enabled"_a, "Switches recording for this thread.");
  m.def(
      "backward",
      [](const Tensors& outputs, std::optional<std::vector<std::optional<Tensor>>> dys, bool retain_graph,
         bool create_graph) {
        const Tensors seeds = optional_tensors(dys);
        unlocked([&] {
          backward(outputs, seeds, retain_graph, create_graph);
          return 0;
        });
      },
      "outputs"_a, "out_grads"_a = nb::none(), "retain_graph"_a = false, "create_graph"_a = false);
  m.def(
      "grad",
      [](const Tensors& outputs, const Tensors& inputs, std::optional<std::vector<std::optional<Tensor>>> dys,
         bool retain_graph, bool create_graph) {
        const Tensors seeds = optional_tensors(dys);
        return unlocked([&] { return grad(outputs, inputs, seeds, retain_graph, create_graph); });
      },
      "outputs"_a, "inputs"_a, "out_grads"_a = nb::none(), "retain_graph"_a = false, "create_graph"_a = false);
  m.def(
      "gradcheck",
      [](nb::object fn, const Tensors& inputs, double eps, double atol, double rtol) {
        return unlocked([&, wrapped = wrap_function(fn)] { return gradcheck(wrapped, inputs, eps, atol, rtol); });
      },
      "fn"_a, "inputs"_a, "eps"_a = 1e-6, "atol"_a = 1e-5, "rtol"_a = 1e-3,
      "Compares gradients with central differences at float64 inputs; raises RuntimeError naming the worst entry.");
  m.def(
      "gradgradcheck",
      [](nb::object fn, const Tensors& inputs, double eps, double atol, double rtol) {
        return unlocked([&, wrapped = wrap_function(fn)] { return gradgradcheck(wrapped, inputs, eps, atol, rtol); });
      },
      "fn"_a, "inputs"_a, "eps"_a = 1e-6, "atol"_a = 1e-5, "rtol"_a = 1e-3, "The same for second derivatives.");
  m.def("record_function", &record_function, "name"_a, "outputs"_a, "inputs"_a, "saved"_a, "backward"_a,
        "Puts a function of Python's on the tape: what autograd.Function stands on.");
  m.def(
      "vjp",
      [](nb::object fn, const Tensors& inputs, std::optional<std::vector<std::optional<Tensor>>> dys,
         bool create_graph) {
        const Tensors seeds = optional_tensors(dys);
        return unlocked([&, wrapped = wrap_function(fn)] { return vjp(wrapped, inputs, seeds, create_graph); });
      },
      "fn"_a, "inputs"_a, "dys"_a = nb::none(), "create_graph"_a = false);
  m.def(
      "jvp",
      [](nb::object fn, const Tensors& inputs, const Tensors& tangents, bool create_graph) {
        return unlocked([&, wrapped = wrap_function(fn)] { return jvp(wrapped, inputs, tangents, create_graph); });
      },
      "fn"_a, "inputs"_a, "tangents"_a, "create_graph"_a = false);
  m.def(
      "checkpoint",
      [](nb::object fn, const Tensors& inputs) {
        return unlocked([&, wrapped = wrap_function(fn)] { return checkpoint(wrapped, inputs); });
      },
      "fn"_a, "inputs"_a);
  m.def("anomaly_detection", &anomaly_detection, "Whether results of this thread's ops are searched for NaN.");
  m.def("set_anomaly_detection", &set_anomaly_detection, "enabled"_a, "Switches the search for NaN, for this thread.");
}

}  // namespace needlecpp::python
