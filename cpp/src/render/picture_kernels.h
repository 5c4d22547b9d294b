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
  const uint8_t* from;  // [h, w, channels]
  uint8_t* to;          // [h', w', channels]
  uint32_t* sums;       // [w * channels], scratch
  int64_t width;        // of `from`
  int64_t new_width;    // of `to`
  int64_t channels;     // 3 or 4
  AreaAxis across, down;
};
NDL_DECLARE_KERNEL(void, area_average_rows, (const AreaArgs& args, int64_t begin, int64_t end))

namespace NDL_ISA {

// How much of old pixel `i` lies in new pixel `j`.
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

// total / by rounded half up, for total / by <= 255 and by < 2^43: the quotient of two such integers is so far from the
// next whole number, or on it, that its rounding to double cannot reach it.
NDL_HD uint8_t rounded_mean(uint64_t total, uint64_t by) {
  return static_cast<uint8_t>(static_cast<double>(2 * total + by) / static_cast<double>(2 * by));
}

}  // namespace NDL_ISA
}  // namespace needlecpp
