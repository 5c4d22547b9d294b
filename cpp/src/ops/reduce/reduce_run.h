// What reductions ask of a device.
#pragma once

#include "core/run.h"
#include "ops/reduce/reduce_dims.h"
#include "ops/reduce/reduce_kernels.h"

namespace needlecpp {

// What an op takes beside x: sums are divided by `divisor`; `side` (float64, one element or y's shape, contiguous) is
// what ReduceOp says of it.
struct ReduceExtras {
  double divisor = 1;
  View side = {};
};

// Reduces x (of any layout, no half type) over `axes` into y, whose elements lie in C order of the kept axes. y is of
// x's type for maxima and minima, int64 for places and counts, and float32, float64 or int64 for all else. x without
// elements gives what a sum or product of nothing is.
NDL_DECLARE_RUN(void, run_reduce,
                (ReduceOp op, const View& x, const ReducedAxes& axes, const View& y, const ReduceExtras& extras));
// Rows [offsets[s], offsets[s + 1]) of x (contiguous, no half type) into row s of y; mean divides by their number.
NDL_DECLARE_RUN(void, run_reduce_segments, (ReduceOp op, bool mean, const View& x, const View& offsets, const View& y));
// The place of each row's lower median, or of its first NaN: x [rows, length], contiguous, no half type, length at
// least 1; places [rows], int64.
NDL_DECLARE_RUN(void, run_median_places, (const View& x, const View& places));

}  // namespace needlecpp
