// The fused multilayer perceptron: checks, memory and the tape. How it is computed is told in fused_mlp_simd.cpp.
#include "needlecpp/render/fused_mlp.h"

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/matmul.h"
#include "render/ops/fused_mlp_kernels.h"
#include "render/ops/fused_mlp_tape.h"

namespace needlecpp {
namespace {

constexpr int64_t kMaxWidth = 256;

// x as the bfloat16 products see it; the gradient passes.
Tensor rounded(const Tensor& x) {
  return record("rounded", cast(cast(x.detach(), DType::BFloat16), x.dtype()), {x}, {},
                [](Backward& g) { g.give(0, g.dy()); });
}

Tensor activate(const Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::ReLU:
      return relu(x);
    case Activation::Sigmoid:
      return sigmoid(x);
    default:
      return x;
  }
}

void check_arguments(const char* op, const Tensor& x, const Tensors& weights) {
  NDL_CHECK(x.defined(), ValueError, op, "x is undefined: got no tensor, expected [n, in].");
  NDL_CHECK(is_floating(x.dtype()), TypeError, op, "wrong dtype of x: got ", name(x.dtype()),
            ", expected a floating type. Cast first.");
  NDL_CHECK(x.rank() == 2, ValueError, op, "wrong rank of x: got ", x.rank(), ", expected 2: [n, in]. Reshape first.");
  check_weights(op, x.size(1), x.dtype(), weights);
}

}  // namespace

void check_weights(const char* op, int64_t width, DType dtype, const Tensors& weights) {
  NDL_CHECK(!weights.empty(), ValueError, op, "no weights: got an empty list, expected at least one [in, out].");
  for (size_t i = 0; i < weights.size(); ++i) {
    const Tensor& w = weights[i];
    NDL_CHECK(w.defined(), ValueError, op, "weight ", i, " is undefined: got no tensor, expected [in, out].");
    NDL_CHECK(w.dtype() == dtype, TypeError, op, "mixed dtypes: got ", name(w.dtype()), " for weight ", i,
              ", expected ", name(dtype), " as x has. Cast first.");
    NDL_CHECK(w.rank() == 2, ValueError, op, "wrong rank of weight ", i, ": got ", w.rank(),
              ", expected 2: [in, out].");
    NDL_CHECK(w.size(0) == width, ValueError, op, "widths do not chain: got ", w.size(0), " rows in weight ", i,
              ", expected ", width, ", the width in front of it.");
    NDL_CHECK(w.size(0) >= 1 && w.size(0) <= kMaxWidth && w.size(1) >= 1 && w.size(1) <= kMaxWidth, ValueError, op,
              "width out of range: got ", w.size(0), " x ", w.size(1), " in weight ", i, ", expected 1 to ", kMaxWidth,
              ". Use matmul for wider layers.");
    width = w.size(1);
  }
}

Tensors hidden_activations(int64_t n, const Tensors& weights, Precision precision) {
  const DType kept = precision == Precision::BFloat16 ? DType::BFloat16 : DType::Float32;
  Tensors hidden;
  for (size_t l = 0; l + 1 < weights.size(); ++l)
    hidden.push_back(Tensor::empty({n, mlp_row(weights[l].size(1))}, kept, weights[l].device()));
  return hidden;
}

void backward_through_mlp(Backward& b, int first, const MlpOptions& options, const Tensor& x, const Tensors& weights,
                          const Tensors& hidden, const Tensor& dx) {
  const int64_t n = b.dy().size(0);
  Tensors dweights(weights.size());
  for (size_t l = 0; l < weights.size(); ++l) {
    if (!b.needs(first + static_cast<int>(l))) continue;
    const Shape& shape = weights[l].shape();
    const Device device = weights[l].device();
    dweights[l] = n > 0 ? Tensor::empty(shape, DType::Float32, device) : Tensor::zeros(shape, DType::Float32, device);
  }
  const Tensor y = options.output == Activation::None ? Tensor() : b.output();
  if (n > 0) {
    NDL_ON(x.device(), run_mlp_backward)
    (options, x, views_of(weights), views_of(hidden), y, contiguous(b.dy()), dx, views_of(dweights));
  }
  for (size_t l = 0; l < weights.size(); ++l)
    if (dweights[l].defined()) b.give(first + static_cast<int>(l), dweights[l]);
}

Precision precision_from_name(const std::string& precision_name) {
  Precision precision = Precision::Float32;
  NDL_CHECK(assign_named(precision, precision_name), ValueError, "fused_mlp", "unknown precision: got \"",
            precision_name, "\", expected ", names_listed(precision), ".");
  return precision;
}

Tensor fused_mlp(const Tensor& x, const Tensors& weights, Activation hidden, Activation output, Precision precision) {
  Op op("fused_mlp", x, weights);
  check_arguments(op, x, weights);
  if (x.dtype() != DType::Float32) return fused_mlp_composed(x, weights, hidden, output, precision);

  const MlpOptions options{hidden, output, precision};
  const int64_t n = x.size(0);
  Tensors inputs = {x};
  inputs.insert(inputs.end(), weights.begin(), weights.end());
  const bool taped = grad_enabled() && detail::any_requires_grad(inputs);
  const Tensors saved_hidden = taped ? hidden_activations(n, weights, precision) : Tensors();
  const Tensor y = op.empty({n, weights.back().size(1)});
  if (n > 0) NDL_ON(op.device(), run_mlp)(options, x, views_of(weights), views_of(saved_hidden), y);
  if (!taped) return y;

  Tensors saved = inputs;
  saved.insert(saved.end(), saved_hidden.begin(), saved_hidden.end());
  const int n_weights = static_cast<int>(weights.size());
  return op.record(
      Tensors{y}, inputs, saved,
      [n_weights, options](Backward& b) {
        Tensors inputs, hidden;
        for (int i = 0; i <= n_weights; ++i) inputs.push_back(b.saved(i));
        if (Backward::recording()) {
          b.through_twin(
              [options](const Tensors& in) {
                return Tensors{fused_mlp_composed(in[0], Tensors(in.begin() + 1, in.end()), options.hidden,
                                                  options.output, options.precision)};
              },
              inputs);
          return;
        }
        for (int l = 1; l < n_weights; ++l) hidden.push_back(b.saved(n_weights + l));
        const Tensor& x = inputs[0];
        const Tensor dx = b.needs(0) ? Tensor::empty(x.shape(), DType::Float32, x.device()) : Tensor();
        backward_through_mlp(b, 1, options, x, Tensors(inputs.begin() + 1, inputs.end()), hidden, dx);
        if (dx.defined()) b.give(0, dx);
      },
      output == Activation::None ? SaveOutputs::No : SaveOutputs::Yes)[0];
}

Tensor fused_mlp_composed(const Tensor& x, const Tensors& weights, Activation hidden, Activation output,
                          Precision precision) {
  Op op("fused_mlp", x, weights);
  check_arguments(op, x, weights);
  Tensor y = x;
  for (size_t l = 0; l < weights.size(); ++l) {
    const bool narrow = precision == Precision::BFloat16;
    const Tensor product = narrow ? matmul(rounded(y), rounded(weights[l])) : matmul(y, weights[l]);
    y = activate(product, l + 1 < weights.size() ? hidden : output);
  }
  return y;
}

}  // namespace needlecpp
