// Distinct values, membership, and places in sorted rows. Nothing here is differentiable. NaN stands above every
// number.
#pragma once

#include "needlecpp/core/tensor.h"

namespace needlecpp {

// The distinct elements of x in rising order. With n of them:
struct Unique {
  Tensor values;   // [n]
  Tensor indices;  // int64 [n]: where each stands first in x, flattened
  Tensor inverse;  // int64, x's shape: which of the values each element is
  Tensor counts;   // int64 [n]: how often each occurs
};
// equal_nan: all NaN are one value (NumPy's default); otherwise each NaN is its own (array API, PyTorch).
Unique unique(const Tensor& x, bool equal_nan = true);

// For every value v the place where it can be inserted so that the row stays sorted, int64, shape of values: in front
// of equal elements, or with `right` behind them. `sorted` is one row for all values, or has rows with the same leading
// axes as values. `sorter` (indices that sort each row) is for rows that are not sorted themselves.
Tensor searchsorted(const Tensor& sorted,  // [n] or [..., n]
                    const Tensor& values,  // any shape, or [..., m]
                    bool right = false, const Tensor& sorter = Tensor());
// The number of the bucket between rising boundaries that each element of x lies in: boundaries[i-1] < x <=
// boundaries[i], or with `right` boundaries[i-1] <= x < boundaries[i].
Tensor bucketize(const Tensor& x, const Tensor& boundaries, bool right = false);
// Whether each element of x is among those of `values` (or with `invert`, is not): bool, x's shape. NaN equals nothing.
Tensor isin(const Tensor& x, const Tensor& values, bool invert = false);

}  // namespace needlecpp
