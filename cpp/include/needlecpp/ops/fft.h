// Discrete Fourier transforms. There is no complex dtype: complex numbers are pairs, a last axis of two (real and
// imaginary part), as PyTorch's view_as_real shows them. Axes are counted without that last one, so that they mean what
// they mean in NumPy: [..., n, 2] is a complex line of n numbers on axis -1.
//
// Any length: products of 2, 3, 5 and 7 fastest, all others as a convolution. Any strides. float32 and float64 are
// computed as such, 16-bit floats in float32; integers give float32. Differentiable to any order.
#pragma once

#include <optional>

#include "needlecpp/core/tensor.h"

namespace needlecpp::fft {

// What divides: nothing on the way there and n on the way back, sqrt(n) on both, or n there and nothing back.
enum class Norm { Backward, Ortho, Forward };
using MaybeSize = std::optional<int64_t>;

// y[j] = sum over k of x[k] exp(-2 pi i j k / n), or exp(+...) / n if `inverse`, along an axis that is cut or filled
// with zeros to n numbers first.
Tensor transform(const Tensor& x,  // [..., m, ..., 2]
                 bool inverse, MaybeSize n = {}, int64_t axis = -1, Norm norm = Norm::Backward);
// Of real numbers: those n / 2 + 1 of the result that are not another's conjugate.
Tensor real_transform(const Tensor& x,  // [..., m, ...], gives [..., n / 2 + 1, ..., 2]
                      MaybeSize n = {}, int64_t axis = -1, Norm norm = Norm::Backward);
// Its inverse: n real numbers, 2 (m - 1) by default. The imaginary parts of numbers 0 and n / 2 are taken as 0.
Tensor inverse_real_transform(const Tensor& x,  // [..., m, ..., 2], gives [..., n, ...]
                              MaybeSize n = {}, int64_t axis = -1, Norm norm = Norm::Backward);
// (re, im) -> (re, -im); of uint8 and bool, which have no sign, in float32.
Tensor conjugate(const Tensor& x);  // [..., 2]

}  // namespace needlecpp::fft
