// What reduce_cpu.cpp hands to the kernels of reduce_simd.cpp, and how two values become one.
#pragma once

#include <stdint.h>

#include "simd/hd.h"
#include "simd/isa.h"
#include "simd/view.h"

namespace needlecpp {

// Sums of f(x): SumNumbers leaves NaN out, SumSquares is of x - side, SumPowers of |x|^side, Count of x != 0. Sum,
// Count, Prod, Max, Min and the places take any type, the others floats alone.
enum class ReduceOp : uint8_t { Sum, SumNumbers, SumAbs, SumSquares, SumPowers, Count, Prod, Max, Min, ArgMax, ArgMin };

// x seen as kept axes times reduced axes, both ordered by falling stride and with at least one axis each (of size 1 if
// there is none); no size is 0. Output i is the i-th index of the kept axes in C order.
struct ReduceArgs {
  ReduceOp op;
  Element x_type;  // no 16-bit float
  Element y_type;  // sums and products: F32, F64 or I64; max and min: as x; argmax and argmin: I64
  const void* x;
  void* y;
  const double* side;  // one number an output (or one for all, with strides 0)
  double divisor;      // sums are divided by it before they are stored
  int kept_rank, reduced_rank;
  int64_t kept_shape[kViewRank], x_kept[kViewRank], y_kept[kViewRank], side_kept[kViewRank];  // in elements
  int64_t reduced_shape[kViewRank], x_reduced[kViewRank];
};

// Rows [offsets[s], offsets[s + 1]) of x are reduced into row s of y; the kept axis are the columns of a row. Segments
// of more than `longest` rows are left to the caller.
struct ReduceSegmentsArgs {
  ReduceArgs args;
  const int64_t* offsets;
  int64_t x_row, y_row, longest;
  bool mean;
};

// Outputs [begin, end). argmax and argmin take one reduced axis.
NDL_DECLARE_KERNEL(void, reduce_loop, (const ReduceArgs& args, int64_t begin, int64_t end));
// Segments [begin, end).
NDL_DECLARE_KERNEL(void, reduce_segments, (const ReduceSegmentsArgs& segments, int64_t begin, int64_t end));

namespace NDL_ISA {

// The larger or smaller of two; a NaN on either side wins. For numbers and vectors of them.
template <ReduceOp op, class V>
NDL_HD V better_of(V a, V b) {
  if constexpr (op == ReduceOp::Max || op == ReduceOp::ArgMax)
    return ((a > b) | (a != a)) ? a : b;
  else
    return ((a < b) | (a != a)) ? a : b;
}

}  // namespace NDL_ISA
}  // namespace needlecpp
