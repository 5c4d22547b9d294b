// What functions that make tensors from a rule ask of a device. All write contiguous memory, of float64 where nothing
// else is said: rules are evaluated in double, or in int64 where they are whole.
#pragma once

#include "core/run.h"

namespace needlecpp {

// y[i] = start + i step.
NDL_DECLARE_RUN(void, run_arange, (double start, double step, const View& y));
// The same of int64, modulo 2^64.
NDL_DECLARE_RUN(void, run_arange_whole, (int64_t start, int64_t step, const View& y));

struct Spacing {
  double start;
  double stop;
  double step;    // from one number to the next
  bool endpoint;  // the last number is `stop`
};
// The numbers at equal distances; exact at both ends, for the second half is counted from the end.
NDL_DECLARE_RUN(void, run_linspace, (const Spacing& spacing, const View& y));
// base to the power of those.
NDL_DECLARE_RUN(void, run_logspace, (const Spacing& spacing, double base, const View& y));

struct Triangle {
  int64_t columns;    // of the matrix
  int64_t shift;      // of the diagonal, to the right
  int64_t first_row;  // with elements
  int64_t last_row;   // without
  bool lower;
};
// Rows and columns of a triangle's elements, int64 [2, count], row by row.
NDL_DECLARE_RUN(void, run_triangle_indices, (const Triangle& triangle, const View& places));

}  // namespace needlecpp
