// Activation functions of networks, element by element. All differentiable, twice and more; derivatives at kinks as
// PyTorch's. Integers give float32. (relu, sigmoid, tanh and trunc_exp are in elementwise.h.)
#pragma once

#include "needlecpp/core/tensor.h"

namespace needlecpp {

Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01);  // x, below zero negative_slope x
Tensor elu(const Tensor& x, double alpha = 1);                     // x, below zero alpha (exp(x) - 1)
Tensor celu(const Tensor& x, double alpha = 1);                    // x, below zero alpha (exp(x / alpha) - 1)
Tensor selu(const Tensor& x);  // 1.0507... elu(x, 1.6732...): keeps mean 0 and variance 1
Tensor silu(const Tensor& x);  // x sigmoid(x)
Tensor mish(const Tensor& x);  // x tanh(softplus(x))
// x Phi(x), Phi the normal distribution, or its approximation x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.
Tensor gelu(const Tensor& x, bool tanh_approximation = false);
// log(1 + exp(beta x)) / beta, stable; x itself where beta x > threshold.
Tensor softplus(const Tensor& x, double beta, double threshold);
Tensor hardtanh(const Tensor& x, double low = -1, double high = 1);  // clamp with derivative 0 at the bounds
Tensor relu6(const Tensor& x);                                       // hardtanh(x, 0, 6)
Tensor hardsigmoid(const Tensor& x);                                 // clamp(x + 3, 0, 6) / 6
Tensor hardswish(const Tensor& x);                                   // x hardsigmoid(x)
Tensor hardshrink(const Tensor& x, double bound = 0.5);              // 0 where |x| <= bound
Tensor softshrink(const Tensor& x, double bound = 0.5);              // bound nearer to zero, 0 where |x| <= bound
Tensor softsign(const Tensor& x);                                    // x / (1 + |x|)
Tensor logsigmoid(const Tensor& x);                                  // log(sigmoid(x)), stable
Tensor tanhshrink(const Tensor& x);                                  // x - tanh(x)
Tensor threshold(const Tensor& x, double bound, double value);       // x where x > bound, value elsewhere
// x, below zero weight x; one weight, or one for each channel (axis 1).
Tensor prelu(const Tensor& x,        // [n, c, ...]
             const Tensor& weight);  // [1] or [c]
// a sigmoid(b) for the two halves a and b of an axis.
Tensor glu(const Tensor& x, int axis = -1);

}  // namespace needlecpp
