// Ranges of an axis, and copies row by row: what the views and the joining ops share.
#pragma once

#include <vector>

#include "needlecpp/core/tensor.h"
#include "ops/shape/shape_kernels.h"

namespace needlecpp {

// Elements start, start + step, ... (`length` of them) of one axis.
struct Range {
  int axis;
  int64_t start;
  int64_t length;
  int64_t step;
};

// The range as a view: off the tape, and on it with the gradient slice_backward.
Tensor view_range(const Tensor& x, const Range& range);
Tensor slice_range(const Tensor& x, const Range& range);
// Zeros of `shape` with dy where the range was taken. Differentiable.
Tensor slice_backward(const Tensor& dy, const Shape& shape, const Range& range);

int64_t product(const Shape& shape, int begin, int end);
// The copy of `source` into `target` (same shape and dtype) as rows of all axes from `axis` on, if the elements of a
// row lie side by side in both.
bool as_row_copy(const Tensor& target, const Tensor& source, int axis, CopyRowsArgs* args);
// Copies all rows of all parts into one result; the parts fill each block of rows while it is in cache.
void copy_all_rows(const std::vector<CopyRowsArgs>& parts, int64_t rows);
// source into target (same shape), by rows where they lie so; off the tape and without counting an edit.
void copy_into(const Tensor& target, const Tensor& source, int axis);

// Refuses numbers of parts that no list of tensors could hold.
void check_parts(const char* op, int64_t count);

// An axis of x; a tensor without axes is read as one with a single axis, as PyTorch does.
inline int axis_or_none(const char* op, int64_t axis, const Tensor& x) {
  return normalize_axis(op, axis, x.rank() > 0 ? x.rank() : 1);
}

}  // namespace needlecpp
