// Kernel of picture.h. Both sides of the picture are measured in units in which the edges of old and new pixels are
// whole numbers: an old pixel is `old_span` long and a new one `new_span`, so that how much of the one lies in the
// other is exact.
#pragma once

#include "simd/hd.h"
#include "simd/isa.h"
#include "simd/math.h"

namespace needlecpp {

struct AreaAxis {
  int64_t old_span;
  int64_t new_span;
};

struct AreaArgs {
  const uint8_t* from;  // [h, width, from_channels]
  uint8_t* to;          // [h', new_width, channels]
  uint32_t* sums;       // [channels, width], scratch
  double* totals;       // [channels, new_width], scratch; whole numbers
  int64_t width;
  int64_t new_width;
  int64_t from_channels;  // 3 or 4
  int64_t channels;       // 3 or 4, not more than from_channels
  AreaAxis across, down;
};
NDL_DECLARE_KERNEL(void, area_average_rows, (const AreaArgs& args, int64_t begin, int64_t end))
// For pictures that keep their size.
NDL_DECLARE_KERNEL(void, copy_rows, (const AreaArgs& args, int64_t begin, int64_t end))

namespace NDL_ISA {

// How much of old pixel `i` lies in new pixel `j`, if any does.
NDL_HD int64_t overlap(const AreaAxis& axis, int64_t i, int64_t j) {
  const int64_t old_low = i * axis.old_span, new_low = j * axis.new_span;
  const int64_t old_high = old_low + axis.old_span, new_high = new_low + axis.new_span;
  return (old_high < new_high ? old_high : new_high) - (old_low > new_low ? old_low : new_low);
}
// The old pixels [first, last] that new pixel `j` touches.
NDL_HD int64_t first_overlapped(const AreaAxis& axis, int64_t j) { return j * axis.new_span / axis.old_span; }
NDL_HD int64_t last_overlapped(const AreaAxis& axis, int64_t j) {
  return ((j + 1) * axis.new_span - 1) / axis.old_span;
}

// total / by rounded half up, for whole numbers with total / by <= 255 and by < 2^40, by a product with inverse_of(by).
// That is a little large, by a part in 2^50 of which rounding takes less than half: a quotient that is a whole number
// stays above it, and one that is less is so by 1 / (2 by) at least, which is more than what was added.
NDL_HD double inverse_of(double by) { return (1.0 + 0x1p-50) / (2.0 * by); }
NDL_HD uint32_t rounded_mean(double total, double by, double inverse) {
  return static_cast<uint32_t>(static_cast<int32_t>((2.0 * total + by) * inverse));
}
NDL_HD double pixel_area(const AreaArgs& args) {
  return static_cast<double>(args.across.new_span * args.down.new_span);
}

}  // namespace NDL_ISA
}  // namespace needlecpp
