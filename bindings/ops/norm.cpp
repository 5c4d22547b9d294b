// Normalization layers.
#include "needlecpp/ops/norm.h"

#include "binder.h"

namespace needlecpp::python {
namespace {

Tensor or_none(const std::optional<Tensor>& x) { return x.value_or(Tensor()); }

}  // namespace

void bind_norm(Binder b) {
  b = b.layers();
  b.def(
      "layer_norm",
      [](const Tensor& x, nb::object shape, std::optional<Tensor> weight, std::optional<Tensor> bias, double eps) {
        const Shape sizes = dims_of(shape);
        return unlocked([&] { return layer_norm(x, sizes, or_none(weight), or_none(bias), eps); });
      },
      "input"_a, "normalized_shape"_a, "weight"_a = nb::none(), "bias"_a = nb::none(), "eps"_a = 1e-5,
      "(x - mean) / sqrt(var + eps) * weight + bias, mean and variance over the last axes, of normalized_shape.\n\n"
      "weight and bias have that shape. Differentiable in input, weight and bias.\n\n"
      ">>> import needlecpp as ndl\n>>> ndl.layer_norm(ndl.Tensor([[1.0, 3.0], [2.0, 2.0]]), 2, eps=0).shape\n(2, 2)");
  b.def(
      "rms_norm",
      [](const Tensor& x, nb::object shape, std::optional<Tensor> weight, std::optional<double> eps) {
        const Shape sizes = dims_of(shape);
        return unlocked([&] { return rms_norm(x, sizes, or_none(weight), eps); });
      },
      "input"_a, "normalized_shape"_a, "weight"_a = nb::none(), "eps"_a = nb::none(),
      "x / sqrt(mean(x^2) + eps) * weight over the last axes, of normalized_shape; eps is the dtype's epsilon if not\n"
      "given. Differentiable in input and weight.\n\n"
      ">>> import needlecpp as ndl\n>>> ndl.rms_norm(ndl.Tensor([2.0, -2.0]), 2, eps=0).tolist()\n[1.0, -1.0]");
  b.def(
      "group_norm",
      [](const Tensor& x, int64_t num_groups, std::optional<Tensor> weight, std::optional<Tensor> bias, double eps) {
        return group_norm(x, num_groups, or_none(weight), or_none(bias), eps);
      },
      "input"_a, "num_groups"_a, "weight"_a = nb::none(), "bias"_a = nb::none(), "eps"_a = 1e-5, Release(),
      "(x - mean) / sqrt(var + eps) * weight + bias of x [n, c, ...], mean and variance of each sample's channels in\n"
      "num_groups groups; weight and bias [c]. Differentiable in input, weight and bias.\n\n"
      ">>> import needlecpp as ndl\n>>> ndl.group_norm(ndl.Tensor([[1.0, 3.0, 5.0, 5.0]]), 2, eps=0.25).shape\n(1, 4)");
  b.def(
      "instance_norm",
      [](const Tensor& x, std::optional<Tensor> running_mean, std::optional<Tensor> running_var,
         std::optional<Tensor> weight, std::optional<Tensor> bias, bool use_input_stats, double momentum, double eps) {
        return instance_norm(x, or_none(running_mean), or_none(running_var), or_none(weight), or_none(bias),
                             use_input_stats, momentum, eps);
      },
      "input"_a, "running_mean"_a = nb::none(), "running_var"_a = nb::none(), "weight"_a = nb::none(),
      "bias"_a = nb::none(), "use_input_stats"_a = true, "momentum"_a = 0.1, "eps"_a = 1e-5, Release(),
      "(x - mean) / sqrt(var + eps) * weight + bias of x [n, c, spatial...], mean and variance of each channel of "
      "each\n"
      "sample. Running statistics, if given, move towards them by `momentum`, in place; with use_input_stats=False\n"
      "they are used instead. Differentiable in input, weight and bias.\n\n"
      ">>> import needlecpp as ndl\n>>> ndl.instance_norm(ndl.Tensor([[[-2.0, 2.0]]]), eps=0).tolist()\n"
      "[[[-1.0, 1.0]]]");
  b.def(
      "batch_norm",
      [](const Tensor& x, std::optional<Tensor> running_mean, std::optional<Tensor> running_var,
         std::optional<Tensor> weight, std::optional<Tensor> bias, bool training, double momentum, double eps) {
        return batch_norm(x, or_none(running_mean), or_none(running_var), or_none(weight), or_none(bias), training,
                          momentum, eps);
      },
      "input"_a, "running_mean"_a.none(), "running_var"_a.none(), "weight"_a = nb::none(), "bias"_a = nb::none(),
      "training"_a = false, "momentum"_a = 0.1, "eps"_a = 1e-5, Release(),
      "(x - mean) / sqrt(var + eps) * weight + bias of x [n, c, ...], mean and variance of each channel in training,\n"
      "when the running statistics (unbiased variance) move towards them by `momentum`, in place; the running\n"
      "statistics otherwise. Differentiable in input, weight and bias.\n\n"
      ">>> import needlecpp as ndl\n>>> ndl.batch_norm(ndl.Tensor([[-2.0], [2.0]]), None, None, training=True, "
      "eps=0).tolist()\n[[-1.0], [1.0]]");
}

}  // namespace needlecpp::python
