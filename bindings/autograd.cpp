// The tape: switching it, gradients, checks.
#include "needlecpp/autograd/autograd.h"

#include <nanobind/stl/function.h>

#include "convert.h"

namespace needlecpp::python {
namespace {

// A Python function of tensors that returns a tensor or a sequence of them, as the checks want it.
std::function<Tensors(const Tensors&)> wrap_function(nb::object fn) {
  return [fn](const Tensors& inputs) {
    nb::list arguments;
    for (const Tensor& x : inputs) arguments.append(x);
    nb::object result = fn(*arguments);
    if (nb::isinstance<Tensor>(result)) return Tensors{nb::cast<Tensor>(result)};
    return nb::cast<Tensors>(result);
  };
}

Tensors optional_tensors(const std::optional<std::vector<std::optional<Tensor>>>& list) {
  Tensors result;
  if (list)
    for (const auto& item : *list) result.push_back(item ? *item : Tensor());
  return result;
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
        return gradcheck(wrap_function(fn), inputs, eps, atol, rtol);
      },
      "fn"_a, "inputs"_a, "eps"_a = 1e-6, "atol"_a = 1e-5, "rtol"_a = 1e-3,
      "Compares gradients with central differences at float64 inputs; raises RuntimeError naming the worst entry.");
  m.def(
      "gradgradcheck",
      [](nb::object fn, const Tensors& inputs, double eps, double atol, double rtol) {
        return gradgradcheck(wrap_function(fn), inputs, eps, atol, rtol);
      },
      "fn"_a, "inputs"_a, "eps"_a = 1e-6, "atol"_a = 1e-5, "rtol"_a = 1e-3, "The same for second derivatives.");
}

}  // namespace needlecpp::python
