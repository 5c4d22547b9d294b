// Derivatives against central differences.
#include <cmath>

#include "core/memory_run.h"
#include "needlecpp/autograd/autograd.h"

namespace needlecpp {
namespace {

// Fixed weights that make a scalar of every output.
Tensor weights_like(const Tensor& x, int output) {
  std::vector<double> values(static_cast<size_t>(x.numel()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::cos(1.0 + 0.7 * static_cast<double>(i) + 2.3 * output);
  return Tensor::from_vector(values, x.shape(), x.device());
}

double contracted(const Tensors& outputs) {
  double total = 0;
  for (size_t k = 0; k < outputs.size(); ++k) {
    if (outputs[k].dtype() != DType::Float64) continue;
    const std::vector<double> values = outputs[k].to_vector<double>();
    const std::vector<double> weights = weights_like(outputs[k], static_cast<int>(k)).to_vector<double>();
    for (size_t i = 0; i < values.size(); ++i) total += values[i] * weights[i];
  }
  return total;
}

// Fresh leaves with the same values, so that neither the caller's tensors nor their .grad change.
Tensors leaves_of(const Tensors& inputs) {
  Tensors leaves;
  for (const Tensor& input : inputs) {
    if (!input.requires_grad()) {
      leaves.push_back(input);
      continue;
    }
    NDL_CHECK(input.dtype() == DType::Float64, TypeError, "gradcheck", "inputs must be float64: got ",
              name(input.dtype()), ", expected float64.");
    Tensor leaf = Tensor::from_vector(input.to_vector<double>(), input.shape(), input.device());
    leaf.set_requires_grad(true);
    leaves.push_back(leaf);
  }
  return leaves;
}

// Of a leaf of leaves_of(), behind the tape's back.
void set_element(const Tensor& leaf, int64_t i, double value) {
  const View elements = row_of(leaf.raw(), Element::F64, leaf.numel());
  NDL_ON(leaf.device(), run_write)(row_of(&value, Element::F64, 1), range(elements, i, i + 1));
}

}  // namespace

bool gradcheck(const std::function<Tensors(const Tensors&)>& fn, const Tensors& inputs, double eps, double atol,
               double rtol) {
  const Tensors leaves = leaves_of(inputs);
  Tensors outputs;
  Tensors dys;
  const Tensors all = fn(leaves);
  for (size_t k = 0; k < all.size(); ++k)
    if (all[k].requires_grad()) {
      outputs.push_back(all[k]);
      dys.push_back(weights_like(all[k], static_cast<int>(k)));
    }
  Tensors wanted;
  for (const Tensor& leaf : leaves)
    if (leaf.requires_grad()) wanted.push_back(leaf);
  NDL_CHECK(!wanted.empty(), ValueError, "gradcheck", "no input requires grad: got none, expected one at least.");
  NDL_CHECK(!outputs.empty(), Error, "gradcheck", "no output depends on an input: got none, expected one at least.");
  const Tensors analytic = grad(outputs, wanted, dys);

  for (size_t w = 0; w < wanted.size(); ++w) {
    const std::vector<double> values = wanted[w].to_vector<double>();
    const std::vector<double> derivative = analytic[w].to_vector<double>();
    for (int64_t i = 0; i < wanted[w].numel(); ++i) {
      const double value = values[static_cast<size_t>(i)];
      NoGrad no_grad;
      set_element(wanted[w], i, value + eps);
      const double above = contracted(fn(leaves));
      set_element(wanted[w], i, value - eps);
      const double below = contracted(fn(leaves));
      set_element(wanted[w], i, value);
      const double numeric = (above - below) / (2 * eps);
      const double error = std::abs(numeric - derivative[static_cast<size_t>(i)]);
      NDL_CHECK(error <= atol + rtol * std::abs(numeric), Error, "gradcheck", "gradient of input ", w, " at element ",
                i, " is wrong: got ", derivative[static_cast<size_t>(i)], ", expected ", numeric,
                " (central difference).");
    }
  }
  return true;
}

bool gradgradcheck(const std::function<Tensors(const Tensors&)>& fn, const Tensors& inputs, double eps, double atol,
                   double rtol) {
  // The first derivative as a function of the inputs and of the incoming gradients.
  Tensors arguments = inputs;
  const Tensors probe = fn(leaves_of(inputs));
  for (size_t k = 0; k < probe.size(); ++k)
    if (probe[k].requires_grad()) {
      Tensor dy = weights_like(probe[k], static_cast<int>(k));
      dy.set_requires_grad(true);
      arguments.push_back(dy);
    }
  const size_t n_inputs = inputs.size();
  const auto first = [&fn, n_inputs](const Tensors& all) {
    const Tensors x(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n_inputs));
    const Tensors dys(all.begin() + static_cast<std::ptrdiff_t>(n_inputs), all.end());
    const GradMode mode(true);
    Tensors outputs;
    for (const Tensor& y : fn(x))
      if (y.requires_grad()) outputs.push_back(y);
    Tensors wanted;
    for (const Tensor& tensor : x)
      if (tensor.requires_grad()) wanted.push_back(tensor);
    return grad(outputs, wanted, dys, true, true);
  };
  return gradcheck(first, arguments, eps, atol, rtol);
}

}  // namespace needlecpp
