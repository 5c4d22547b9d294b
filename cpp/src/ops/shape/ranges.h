// Ranges of an axis: what the views and the joining ops share.
#pragma once

#include "needlecpp/core/tensor.h"

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

inline int64_t product(const Shape& shape, int begin, int end) {
  int64_t count = 1;
  for (int i = begin; i < end; ++i) count *= shape[i];
  return count;
}

// source into target (same shape and dtype), by rows of all axes from `axis` on where they lie so; off the tape and
// without counting an edit.
void copy_into(const Tensor& target, const Tensor& source, int axis);

// Refuses numbers of parts that no list of tensors could hold.
void check_parts(const char* op, int64_t count);

// An axis of x; a tensor without axes is read as one with a single axis, as PyTorch does.
inline int axis_or_none(const char* op, int64_t axis, const Tensor& x) {
  return normalize_axis(op, axis, x.rank() > 0 ? x.rank() : 1);
}

}  // namespace needlecpp
