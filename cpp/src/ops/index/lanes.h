// What gather, the scatters and scatter_reduce share: ops whose index has the rank of x.
#pragma once

#include "needlecpp/core/tensor.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/shape.h"
#include "ops/index/gather_kernels.h"

namespace needlecpp {

// The index as int64 or int32; uint8 is an integer here, as in NumPy.
Tensor checked_index(const char* op, const Tensor& index);
// Refuses a src that would lose something as x's dtype.
void check_added(const char* op, const Tensor& x, const Tensor& src);
// x with src combined into the places of an index; not recorded.
Tensor combine_lanes(const Tensor& x, int axis, const Tensor& index, const Tensor& src, Combine combine);

// PyTorch reads a tensor without axes as one with a single element on one axis, and takes an index without elements of
// any rank. Such calls are made again with axes.
bool lacks_axes(const Tensor& x, const Tensor& index);
// src cut to the index, which may be shorter; a number stands for every element. Throws for other shapes.
Tensor cut_to_index(const char* op, const Tensor& src, const Tensor& index);
// scatter(x, index, src) with an axis on each.
template <class Scatter>
Tensor with_axes(const Tensor& x, const Tensor& index, const Tensor& src, const Scatter& scatter) {
  if (index.numel() == 0) return clone(x);
  return reshape(scatter(atleast_1d(x), atleast_1d(index), src.rank() == 0 ? atleast_1d(src) : src), x.shape());
}

}  // namespace needlecpp
