// Reductions over any set of axes (an empty list means all). keepdims leaves reduced axes with size 1.
#pragma once

#include "needlecpp/core/tensor.h"

namespace needlecpp {

Tensor sum(const Tensor& x, const Dims& axes = {}, bool keepdims = false);   // bool and integers give int64
Tensor mean(const Tensor& x, const Dims& axes = {}, bool keepdims = false);  // integers give float32; empty gives NaN
Tensor max(const Tensor& x, const Dims& axes = {}, bool keepdims = false);   // NaN wins; ties share the gradient
Tensor min(const Tensor& x, const Dims& axes = {}, bool keepdims = false);
// Index of the first maximum along one axis, int64, not differentiable.
Tensor argmax(const Tensor& x, int64_t axis, bool keepdims = false);
Tensor argmin(const Tensor& x, int64_t axis, bool keepdims = false);
// Sums x down to `shape`, which must broadcast to x's shape: the reverse of broadcasting.
Tensor sum_to(const Tensor& x, const Shape& shape);

}  // namespace needlecpp
