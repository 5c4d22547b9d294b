// Sorting along an axis. Any dtype and strides; always stable; NaN stands above every number, so it comes last (first
// when descending); -0 equals 0. Indices are int64. A tensor without axes counts as one of a single element.
// Differentiable in the values: the gradient goes back to the elements chosen.
#pragma once

#include <utility>

#include "needlecpp/core/tensor.h"

namespace needlecpp {

Tensor sort(const Tensor& x, int64_t axis = -1, bool descending = false);
// x[indices] is sorted; not differentiable.
Tensor argsort(const Tensor& x, int64_t axis = -1, bool descending = false);
// Both: values and indices.
std::pair<Tensor, Tensor> sort_with_index(const Tensor& x, int64_t axis = -1, bool descending = false);
// The k largest (or smallest) elements along the axis, best first, and their indices; of equal ones the first.
std::pair<Tensor, Tensor> topk(const Tensor& x, int64_t k, int64_t axis = -1, bool largest = true);
// Rows of `values` in the order that sorts `keys`: sorted keys and reordered values. Differentiable in both.
std::pair<Tensor, Tensor> sort_by_key(const Tensor& keys,     // [n]
                                      const Tensor& values);  // [n, ...]

}  // namespace needlecpp
