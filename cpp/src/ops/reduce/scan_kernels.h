// What scan_cpu.cpp hands to the kernels of scan_simd.cpp.
#pragma once

#include <stdint.h>

#include "simd/isa.h"
#include "simd/view.h"

namespace needlecpp {

// Last is the element itself (exclusive, it shifts by one and fills with 0). Linear is y[i] = a[i] y[i - 1] + x[i] from
// y[-1] = 0. The places are indices of the largest or smallest so far, the last of equals, -1 of nothing.
// LogSumExp, Last and Linear take floats alone.
enum class ScanOp : uint8_t { Sum, Prod, Max, Min, LogSumExp, Last, Linear, PlaceMax, PlaceMin };

// What a scan has gathered so far; each op's own (scan_simd.cpp).
struct ScanCarry {
  alignas(8) char bytes[16];
};

// A scan along one axis; the others are kept axes, at least one (of size 1 if there is none). Strides in elements; a
// reversed scan starts at the far end with negative strides. Element i of row r (of the innermost kept axis) stands at
// place first_place + r place_row + i place_step.
struct ScanArgs {
  ScanOp op;
  Element type;
  bool exclusive;
  const void* x;
  const void* a;  // Linear's factors, null otherwise
  void* y;        // sums and products of integers: int64; places: int64; all else: as x
  int64_t length, x_step, a_step, y_step;
  int kept_rank;
  int64_t kept_shape[kViewRank], x_kept[kViewRank], a_kept[kViewRank], y_kept[kViewRank];
  int64_t first_place, place_step, place_row;
  const ScanCarry* carries;  // what each row starts from; null for nothing
};

// Rows [offsets[s], offsets[s + 1]) of x are scanned by themselves; the kept axis are the columns of a row, the steps
// are positive. Segments of more than `longest` rows are left to the caller.
struct ScanSegmentsArgs {
  ScanArgs args;
  const int64_t* offsets;
  int64_t longest;
  bool reverse;
};

// Rows [begin, end) of the kept axes in C order.
NDL_DECLARE_KERNEL(void, scan_rows, (const ScanArgs& args, int64_t begin, int64_t end));
// What rows [begin, end) of the innermost kept axis gather as a whole, into totals[begin] and on.
NDL_DECLARE_KERNEL(void, scan_totals, (const ScanArgs& args, int64_t begin, int64_t end, ScanCarry* totals));
// Totals of successive pieces become what each piece starts from.
NDL_DECLARE_KERNEL(void, scan_carries, (const ScanArgs& args, ScanCarry* totals, int64_t count));
// Segments [begin, end).
NDL_DECLARE_KERNEL(void, scan_segments, (const ScanSegmentsArgs& segments, int64_t begin, int64_t end));

}  // namespace needlecpp
