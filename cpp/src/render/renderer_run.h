// What rendering a picture asks of a device.
#pragma once

#include "core/run.h"

namespace needlecpp {

// The pixels of a pass over a picture: every `block`-th of every block-th row, less those of a pass with twice the
// block unless it is the first.
struct Pass {
  int64_t width, height, block;
  bool first;
};
// How many they are.
int64_t count_pixels(const Pass& pass);
// pixels: [n, 2] int32, (x, y), row by row.
NDL_DECLARE_RUN(void, run_pass_pixels, (const Pass& pass, View pixels))
// Writes values [n] or [n, c] float32 to the pixels' blocks of an image [height, width] or [height, width, c].
NDL_DECLARE_RUN(void, run_fill_blocks, (View values, View pixels, int64_t block, View image))
// Whether every number of x, contiguous float32, is finite.
NDL_DECLARE_RUN(bool, run_all_finite, (View x))

}  // namespace needlecpp
