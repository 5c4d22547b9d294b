// Moving axes and elements: views where possible, copies where not. All differentiable, to any order.
#pragma once

#include <optional>
#include <vector>

#include "needlecpp/core/axis_set.h"
#include "needlecpp/core/tensor.h"

namespace needlecpp {

// Views. A tensor without axes is taken to have one where an axis is named, as in PyTorch.
Tensor reshape(const Tensor& x, const Shape& shape);  // one -1 is inferred; copies only when strides cannot express it
Tensor view_as_shape(const Tensor& x, const Shape& shape);              // never copies: ValueError where it would
Tensor flatten(const Tensor& x, int64_t first = 0, int64_t last = -1);  // merges the axes first to last
Tensor unflatten(const Tensor& x, int64_t axis, const Shape& sizes);    // splits one; one size may be -1
Tensor permute(const Tensor& x, const Dims& axes);
Tensor reverse_axes(const Tensor& x);                                         // x.T
Tensor transpose(const Tensor& x, int64_t axis_a = -2, int64_t axis_b = -1);  // swaps two axes
Tensor t(const Tensor& x);                                           // a matrix transposed; fewer axes stay as they are
Tensor moveaxis(const Tensor& x, const Dims& from, const Dims& to);  // the others keep their order
Tensor broadcast_to(const Tensor& x, const Shape& shape);            // a size -1 keeps the axis' own size ("expand")
Tensors broadcast_tensors(const Tensors& xs);                        // all of the shape they broadcast to
Tensor squeeze(const Tensor& x);                                     // drops all axes of size 1
Tensor squeeze(const Tensor& x, const Dims& axes);                   // drops those of the axes named that have size 1
Tensor unsqueeze(const Tensor& x, int64_t axis);
Tensor expand_dims(const Tensor& x, const Dims& axes);  // several new axes, numbered as in the result
Tensor atleast_1d(const Tensor& x);
Tensor atleast_2d(const Tensor& x);  // [n] becomes [1, n]
Tensor atleast_3d(const Tensor& x);  // [n] becomes [1, n, 1], [n, m] becomes [n, m, 1]
Tensor flip(const Tensor& x, const AxisSet& axes);
Tensor rot90(const Tensor& x, int64_t times = 1, const Dims& axes = {0, 1});  // quarter turns from axes[0] to axes[1]
// start:stop:step along one axis, Python's rules (negative values count from the end, out of range is clipped);
// kSliceEnd stands for a missing bound.
inline constexpr int64_t kSliceEnd = INT64_MAX;
Tensor slice(const Tensor& x, int64_t axis, int64_t start = 0, int64_t stop = kSliceEnd, int64_t step = 1);
Tensor narrow(const Tensor& x, int64_t axis, int64_t start, int64_t length);  // a slice that may not leave the axis
Tensor select(const Tensor& x, int64_t axis, int64_t index);                  // drops the axis
Tensors split(const Tensor& x, int64_t axis, const std::vector<int64_t>& sizes);
Tensors split_each(const Tensor& x, int64_t axis, int64_t size);    // parts of `size` elements; the last may be shorter
Tensors chunk(const Tensor& x, int64_t axis, int64_t count);        // at most `count` parts of one size, as in PyTorch
Tensors array_split(const Tensor& x, int64_t axis, int64_t count);  // `count` parts that differ by one at most
Tensors split_at(const Tensor& x, int64_t axis, const std::vector<int64_t>& places);  // cut before each place
Tensors unbind(const Tensor& x, int64_t axis);
// Windows of `size` elements along an axis, one each `step`: the axis counts windows, a last axis their elements.
Tensor unfold(const Tensor& x, int64_t axis, int64_t size, int64_t step);
// x[..., i, i + offset] as a last axis, of the two axes named.
Tensor diagonal(const Tensor& x, int64_t offset = 0, int64_t axis_a = 0, int64_t axis_b = 1);
Tensors meshgrid(const Tensors& xs, bool cartesian = false);  // coordinates [n0, n1, ...]; cartesian: [n1, n0, ...]

// Copies.
Tensor concat(const Tensors& parts, int64_t axis);
Tensor stack(const Tensors& parts, int64_t axis);
Tensor hstack(const Tensors& parts);                                     // along axis 1, or 0 for vectors
Tensor vstack(const Tensors& parts);                                     // rows on top of each other
Tensor dstack(const Tensors& parts);                                     // along axis 2
Tensor column_stack(const Tensors& parts);                               // vectors become columns
Tensor block_diag(const Tensors& parts);                                 // matrices along the diagonal of one
Tensor tile(const Tensor& x, const Dims& times);                         // x side by side times[i] times on axis i
Tensor repeat_interleave(const Tensor& x, int64_t times, int64_t axis);  // every slice `times` times in a row
Tensor repeat_interleave(const Tensor& x, const Tensor& times, int64_t axis);  // slice i times[i] times, integers
// What leaves an axis at one end enters at the other; without axes, of the flattened x. One shift serves all axes.
Tensor roll(const Tensor& x, const Dims& shifts, const std::optional<Dims>& axes = {});
Tensor diag(const Tensor& x, int64_t offset = 0);  // the diagonal of a matrix, or the matrix of a diagonal
// Zeros with x's last axis on the diagonal of two new axes.
Tensor diag_embed(const Tensor& x, int64_t offset = 0, int64_t axis_a = -2, int64_t axis_b = -1);
Tensor tril(const Tensor& x, int64_t offset = 0);  // zeros above diagonal `offset` of the last two axes
Tensor triu(const Tensor& x, int64_t offset = 0);  // zeros below it

}  // namespace needlecpp
