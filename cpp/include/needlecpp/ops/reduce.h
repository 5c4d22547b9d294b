// Reductions over any set of axes, see AxisSet. keepdims leaves reduced axes with size 1. A `dtype` is converted to
// first and is the result's, too; integers wrap around as its arithmetic does. Floats are summed in double beyond short
// stretches; the result is the same for any number of threads.
#pragma once

#include <optional>
#include <utility>

#include "needlecpp/core/axis_set.h"
#include "needlecpp/core/tensor.h"

namespace needlecpp {

using MaybeDType = std::optional<DType>;

// bool and integers give int64.
Tensor sum(const Tensor& x, const AxisSet& axes = {}, bool keepdims = false, MaybeDType dtype = {});
// The derivative is the product of the others, right with any number of zeros.
Tensor prod(const Tensor& x, const AxisSet& axes = {}, bool keepdims = false, MaybeDType dtype = {});
// Integers give float32; the mean of nothing is NaN. Its dtype is a floating one.
Tensor mean(const Tensor& x, const AxisSet& axes = {}, bool keepdims = false, MaybeDType dtype = {});
// The same of the elements that are not NaN.
Tensor nansum(const Tensor& x, const AxisSet& axes = {}, bool keepdims = false, MaybeDType dtype = {});
Tensor nanmean(const Tensor& x, const AxisSet& axes = {}, bool keepdims = false, MaybeDType dtype = {});
// sum((x - mean)^2) / max(0, n - correction), and its square root, whose derivative at 0 is 0.
Tensor var(const Tensor& x, const AxisSet& axes = {}, double correction = 1, bool keepdims = false);
Tensor standard_deviation(const Tensor& x, const AxisSet& axes = {}, double correction = 1, bool keepdims = false);
// sum(|x|^ord)^(1/ord); the largest or smallest |x| for an infinite ord, the number of elements other than 0 for
// ord 0. The derivative where the norm is 0 is 0.
Tensor vector_norm(const Tensor& x, double ord = 2, const AxisSet& axes = {}, bool keepdims = false,
                   MaybeDType dtype = {});

// Not differentiable. NaN counts as true and as other than 0.
Tensor count_nonzero(const Tensor& x, const AxisSet& axes = {}, bool keepdims = false);  // int64
Tensor all(const Tensor& x, const AxisSet& axes = {}, bool keepdims = false);            // bool; true of nothing
Tensor any(const Tensor& x, const AxisSet& axes = {}, bool keepdims = false);            // bool; false of nothing

Tensor max(const Tensor& x, const AxisSet& axes = {}, bool keepdims = false);  // NaN wins; ties share the gradient
Tensor min(const Tensor& x, const AxisSet& axes = {}, bool keepdims = false);
Tensor ptp(const Tensor& x, const AxisSet& axes = {}, bool keepdims = false);  // max - min
// The lower of the two middle elements where their number is even; NaN if there is one. As PyTorch's: the gradient goes
// to the chosen element along one axis, ties share it over all axes.
Tensor median(const Tensor& x, std::optional<int64_t> axis = {}, bool keepdims = false);
// Index of the first maximum along one axis, int64, not differentiable.
Tensor argmax(const Tensor& x, int64_t axis, bool keepdims = false);
Tensor argmin(const Tensor& x, int64_t axis, bool keepdims = false);
// The maximum along an axis and its index; the gradient goes to that element alone.
std::pair<Tensor, Tensor> max_with_index(const Tensor& x, int64_t axis, bool keepdims = false);
std::pair<Tensor, Tensor> min_with_index(const Tensor& x, int64_t axis, bool keepdims = false);

// Sums x down to `shape`, which must broadcast to x's shape: the reverse of broadcasting.
Tensor sum_to(const Tensor& x, const Shape& shape);

}  // namespace needlecpp
