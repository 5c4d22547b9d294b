// What scan.cpp hands to the kernels of scan_cpu.cpp.
#pragma once

#include <stdint.h>

#include "simd/isa.h"

namespace needlecpp {

enum class ScanType : uint8_t { F32, F64, I32, I64, U8 };

inline constexpr int kScanRank = 12;

// Prefix sums along one axis; the others are kept axes, at least one (of size 1 if there is none). Strides in elements;
// a reversed scan starts at the far end with negative strides. Floats give floats, all else int64.
struct ScanArgs {
  ScanType type;
  bool exclusive;
  const void* x;
  void* y;
  int64_t length, x_step, y_step;
  int kept_rank;
  int64_t kept_shape[kScanRank], x_kept[kScanRank], y_kept[kScanRank];
};

// A running sum: floats in `real`, all else in `whole`.
struct ScanCarry {
  double real;
  uint64_t whole;
};

// Rows [begin, end) of the kept axes in C order.
NDL_DECLARE_KERNEL(void, scan_rows, (const ScanArgs& args, int64_t begin, int64_t end));
// Elements [begin, end) of the first row: their sum, and their scan starting from `carry`.
NDL_DECLARE_KERNEL(ScanCarry, scan_total, (const ScanArgs& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(void, scan_piece, (const ScanArgs& args, int64_t begin, int64_t end, ScanCarry carry));

}  // namespace needlecpp
