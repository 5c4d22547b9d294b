// A small multilayer perceptron as one op (Mueller et al., "Real-time Neural Radiance Caching", 2021, section 4): tiles
// of points pass all layers while they stay in cache, forward and backward.
#pragma once

#include <string>

#include "needlecpp/core/config.h"
#include "needlecpp/core/tensor.h"

namespace needlecpp {

enum class Activation { None, ReLU, Sigmoid };
// BFloat16: the factors of every product (activations, weights and the gradients behind them) are rounded to bfloat16,
// sums stay in float32; parameters and their gradients are float32. About twice the products a second on a processor
// with AVX512-BF16, and half the memory for activations; the same numbers, slower, on others.
enum class Precision { Float32, BFloat16 };
constexpr std::array<std::pair<const char*, Precision>, 2> names_of(Precision) {
  return {{{"float32", Precision::Float32}, {"bfloat16", Precision::BFloat16}}};
}
inline const char* name(Precision precision) { return name_of(precision); }
Precision precision_from_name(const std::string& precision_name);  // throws ValueError for others

// y = out(... relu(relu(x W0) W1) ... Wk), no bias. Differentiable in x and every weight.
Tensor fused_mlp(const Tensor& x,  // [n, in] float32 (other floating dtypes go through the twin); rows may be strided
                 const Tensors& weights,  // [in, h0], [h0, h1], ..., [hk, out]; each width 1..256
                 Activation hidden = Activation::ReLU, Activation output = Activation::None,
                 Precision precision = Precision::Float32);  // -> [n, out]
Tensor fused_mlp_composed(const Tensor& x, const Tensors& weights, Activation hidden = Activation::ReLU,
                          Activation output = Activation::None, Precision precision = Precision::Float32);

}  // namespace needlecpp
