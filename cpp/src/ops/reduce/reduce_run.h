// Running the reduction kernels, for ops that reduce.
#pragma once

#include "needlecpp/core/tensor.h"
#include "ops/reduce/reduce_dims.h"
#include "ops/reduce/reduce_kernels.h"

namespace needlecpp {

// What an op takes beside x: sums are divided by `divisor`; `side` (float64, one element or y's shape, contiguous) is
// what ReduceOp says of it.
struct ReduceExtras {
  double divisor = 1;
  Tensor side;
};

// Reduces x (no half type) over `axes` into y, whose elements lie in C order of the kept axes.
void run_reduce(ReduceOp op, const Tensor& x, const ReducedAxes& axes, const Tensor& y,
                const ReduceExtras& extras = {});
// Rows [offsets[s], offsets[s + 1]) of x (contiguous, no half type) into row s of y; mean divides by their number.
void run_reduce_segments(ReduceOp op, bool mean, const Tensor& x, const Tensor& offsets, const Tensor& y);

}  // namespace needlecpp
