// Reading and writing by index. Index tensors are int64 or int32; negative values count from the end; a value outside
// the axis throws IndexError. Differentiable in the values, not in the indices.
#pragma once

#include <optional>
#include <vector>

#include "needlecpp/core/tensor.h"

namespace needlecpp {

// y[i][j] = x[index[i][j]][j] for axis 0 (and so on): index has x's rank and may be shorter off the axis.
Tensor gather(const Tensor& x, int64_t axis, const Tensor& index);
// x with src added at those places: y = x; y[index[i][j]][j] += src[i][j]. Repeated places add up, in order
// (the same for any number of threads); src broadcasts to index's shape.
Tensor scatter_add(const Tensor& x, int64_t axis, const Tensor& index, const Tensor& src);
// Whole slices: y = x taken at the 1-D index along axis.
Tensor index_select(const Tensor& x, int64_t axis, const Tensor& index);
// x with src's slices added along axis at the 1-D index.
Tensor index_add(const Tensor& x, int64_t axis, const Tensor& index, const Tensor& src);
// NumPy's advanced indexing with integer or bool arrays: indices[i] (if given) indexes axis i; index tensors broadcast;
// the result axes stand at the first indexed axis when the indexed axes are adjacent, in front otherwise.
Tensor index(const Tensor& x, const std::vector<std::optional<Tensor>>& indices);
// In place: x[indices] = values (or += with accumulate). values broadcasts.
void index_put_(const Tensor& x, const std::vector<std::optional<Tensor>>& indices, const Tensor& values,
                bool accumulate = false);
// Positions of the true elements, int64 [count, rank].
Tensor nonzero(const Tensor& x);
// 1 at classes[...], 0 elsewhere: [..., num_classes]. A negative class is an error here: labels do not count from the
// end.
Tensor one_hot(const Tensor& classes, int64_t num_classes, DType dtype = DType::Float32);

}  // namespace needlecpp
