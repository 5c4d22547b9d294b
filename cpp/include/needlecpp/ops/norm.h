// Normalization layers: y = (x - mean) / sqrt(var + eps) * weight + bias, with mean and (biased) variance over groups
// of elements. They differ in what a group is. Weights and biases may be undefined. All differentiable in x, weight and
// bias, twice. eps and momentum are finite.
#pragma once

#include <optional>

#include "needlecpp/core/tensor.h"

namespace needlecpp {

// A group is what stands at one place of the leading axes; weight and bias have the shape of the last axes.
Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight = {}, const Tensor& bias = {},
                  double eps = 1e-5);
// x / sqrt(mean(x^2) + eps) * weight over the last axes (Zhang and Sennrich 2019); eps is not negative, and by
// default the machine epsilon of x's dtype.
Tensor rms_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight = {},
                std::optional<double> eps = {});
// Channels in num_groups groups, for each sample; weight and bias [c] (Wu and He 2018).
Tensor group_norm(const Tensor& x,  // [n, c, ...]
                  int64_t num_groups, const Tensor& weight = {}, const Tensor& bias = {}, double eps = 1e-5);
// Each channel of each sample; or, unless use_input_stats, the running statistics as they are. The running statistics,
// if given, take the fraction `momentum` of the samples' mean (and unbiased variance), in place.
Tensor instance_norm(const Tensor& x,  // [n, c, spatial...]
                     const Tensor& running_mean = {}, const Tensor& running_var = {}, const Tensor& weight = {},
                     const Tensor& bias = {}, bool use_input_stats = true, double momentum = 0.1, double eps = 1e-5);
// Each channel over all samples in training; the running statistics as they are otherwise (Ioffe and Szegedy 2015).
Tensor batch_norm(const Tensor& x,  // [n, c, ...]
                  const Tensor& running_mean, const Tensor& running_var, const Tensor& weight = {},
                  const Tensor& bias = {}, bool training = false, double momentum = 0.1, double eps = 1e-5);

// The composed twins' common form, for tests: which elements share their statistics.
enum class NormLayout { Layer, Rms, Group, Batch };
// `groups`: of Group. `normalized`: number of last axes, of Layer and Rms.
Tensor norm_composed(const Tensor& x, NormLayout layout, int64_t groups, int normalized, const Tensor& weight,
                     const Tensor& bias, double eps);

}  // namespace needlecpp
