// Moving axes and elements: views where possible, copies where not. All differentiable.
#pragma once

#include <vector>

#include "needlecpp/core/tensor.h"

namespace needlecpp {

// Views.
Tensor reshape(const Tensor& x, const Shape& shape);  // one -1 is inferred; copies only when strides cannot express it
Tensor permute(const Tensor& x, const Dims& axes);
Tensor transpose(const Tensor& x, int64_t axis_a = -2, int64_t axis_b = -1);  // swaps two axes
Tensor broadcast_to(const Tensor& x, const Shape& shape);  // a size -1 keeps the axis' own size ("expand")
Tensor squeeze(const Tensor& x, const Dims& axes = {});    // drops the size-1 axes named (all if none is)
Tensor unsqueeze(const Tensor& x, int64_t axis);
Tensor flip(const Tensor& x, const Dims& axes);
// start:stop:step along one axis, Python's rules (negative values count from the end, out of range is clipped);
// kSliceEnd stands for a missing bound.
inline constexpr int64_t kSliceEnd = INT64_MAX;
Tensor slice(const Tensor& x, int64_t axis, int64_t start = 0, int64_t stop = kSliceEnd, int64_t step = 1);
Tensor select(const Tensor& x, int64_t axis, int64_t index);  // drops the axis
std::vector<Tensor> split(const Tensor& x, int64_t axis, const std::vector<int64_t>& sizes);
std::vector<Tensor> unbind(const Tensor& x, int64_t axis);

// Copies.
Tensor concat(const Tensors& parts, int64_t axis);
Tensor stack(const Tensors& parts, int64_t axis);
// Zeros (or `value`) around: before[i] and after[i] elements on axis i, neither negative.
Tensor pad(const Tensor& x, const std::vector<int64_t>& before, const std::vector<int64_t>& after, double value = 0);

}  // namespace needlecpp
