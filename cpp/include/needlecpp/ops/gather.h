// Reading and writing by index. Index tensors are integers; negative values count from the end; a value outside the
// axis throws IndexError. Differentiable in the values to any order, not in the indices. A tensor without axes is read
// as one with a single element on one axis.
#pragma once

#include <optional>
#include <vector>

#include "needlecpp/core/tensor.h"

namespace needlecpp {

// y[i][j] = x[index[i][j]][j] for axis 0 (and so on): index has x's rank and may be shorter off the axis.
Tensor gather(const Tensor& x, int64_t axis, const Tensor& index);
// x with src in those places: y = x; y[index[i][j]][j] = src[i][j]. Of several writes to a place the last stays, and
// has the gradient of the place; the others have 0. So for all that write here. src is at least as long as index on
// every axis, or a number.
Tensor scatter(const Tensor& x, int64_t axis, const Tensor& index, const Tensor& src);
// x with src added at those places. Repeated places add up, in order (the same for any number of threads).
Tensor scatter_add(const Tensor& x, int64_t axis, const Tensor& index, const Tensor& src);
// All values that fall on a place reduced to one, with x's own value among them if include_self. Of equal extremes each
// has an equal share of the gradient.
enum class ScatterReduction { Sum, Product, Mean, Max, Min };
ScatterReduction reduction_from_name(const char* name);  // "sum", "prod", "mean", "amax", "amin"; throws ValueError
Tensor scatter_reduce(const Tensor& x, int64_t axis, const Tensor& index, const Tensor& src, ScatterReduction reduction,
                      bool include_self = true);
// Whole slices: y = x taken at the 1-D index along axis; x with slices of src, one an index, added, put there, or
// filled.
Tensor index_select(const Tensor& x, int64_t axis, const Tensor& index);
Tensor index_add(const Tensor& x, int64_t axis, const Tensor& index, const Tensor& src, double alpha = 1);
Tensor index_copy(const Tensor& x, int64_t axis, const Tensor& index, const Tensor& src);
Tensor index_fill(const Tensor& x, int64_t axis, const Tensor& index, const Tensor& value);
// NumPy's advanced indexing with integer or bool arrays: indices[i] (if given) indexes axis i; index tensors broadcast;
// the result axes stand at the first indexed axis when the indexed axes are adjacent, in front otherwise or if told to.
Tensor index(const Tensor& x, const std::vector<std::optional<Tensor>>& indices, bool in_front = false);
// The same with zeros for places that stand again further on: the derivative of index_put in its values.
Tensor index_lasting(const Tensor& x, const std::vector<std::optional<Tensor>>& indices, bool in_front = false);
// x with values in (or, with accumulate, added at) those places. values broadcasts.
Tensor index_put(const Tensor& x, const std::vector<std::optional<Tensor>>& indices, const Tensor& values,
                 bool accumulate = false);
// The same in place, off the tape.
void index_put_(const Tensor& x, const std::vector<std::optional<Tensor>>& indices, const Tensor& values,
                bool accumulate = false, bool in_front = false);
// Elements of the flattened x: y[i] = x.flatten()[index[i]].
Tensor take(const Tensor& x, const Tensor& index);
// Any index along one axis: its axes stand where that axis stood.
Tensor take(const Tensor& x, const Tensor& index, int64_t axis);
// gather and scatter with x and index (and values) broadcast to each other off the axis.
Tensor take_along_axis(const Tensor& x, const Tensor& index, int64_t axis);
Tensor put_along_axis(const Tensor& x, const Tensor& index, const Tensor& values, int64_t axis);
// The elements where mask is true, in order; x with those replaced by the first elements of source. Both broadcast.
Tensor masked_select(const Tensor& x, const Tensor& mask);
Tensor masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& source);
// Positions of the true elements, int64 [count, rank].
Tensor nonzero(const Tensor& x);
Tensors nonzero_axes(const Tensor& x);  // the same as one int64 [count] for each axis
// 1 at classes[...], 0 elsewhere: [..., num_classes]. A negative class is an error here: labels do not count from the
// end.
Tensor one_hot(const Tensor& classes, int64_t num_classes, DType dtype = DType::Float32);

}  // namespace needlecpp
