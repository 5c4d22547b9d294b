// What search_cpu.cpp hands to the kernels of search_simd.cpp.
#pragma once

#include <stdint.h>

#include "simd/element.h"
#include "simd/hd.h"
#include "simd/isa.h"

namespace needlecpp {

// All contiguous: values [rows, per_row], one sorted row of `length` for each row of values (row_step 0: for all).
struct SearchArgs {
  Element type;  // F32, F64, I32 or I64
  bool right;
  const void* sorted;
  int64_t length, row_step;
  const void* values;
  int64_t per_row;
  int64_t* y;
};
// Places of the values [begin, end).
NDL_DECLARE_KERNEL(void, search_sorted, (const SearchArgs& args, int64_t begin, int64_t end));

// Contiguous x and rising edges [bins + 1], both F32 or F64. Equal bins have `scale` = bins per unit, others 0.
struct BinArgs {
  Element type;
  const void* x;
  const void* edges;
  int64_t bins;
  double scale;
  int64_t* y;
};
// The bins of the elements [begin, end); `bins` for those outside.
NDL_DECLARE_KERNEL(void, find_bins, (const BinArgs& args, int64_t begin, int64_t end));
// ++counts[x[i]] for i in [begin, end).
NDL_DECLARE_KERNEL(void, count_bins, (const int64_t* x, int64_t begin, int64_t end, int64_t* counts));

namespace NDL_ISA {

// The number of elements in front of v in a sorted row: those below it, or with `right` those not above it.
template <class T>
NDL_HD int64_t place_of(const T* sorted, int64_t length, T v, bool right) {
  int64_t low = 0, high = length;
  const bool nan = v != v;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    const T at = sorted[middle];
    const bool below = at < v || (nan && at == at);
    const bool equal = at == v || (nan && at != at);
    if (below || (right && equal))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

}  // namespace NDL_ISA
}  // namespace needlecpp
