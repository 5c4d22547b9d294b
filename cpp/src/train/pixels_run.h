// What drawing pixels asks of a device.
#pragma once

#include <cstdint>
#include <vector>

#include "core/run.h"

namespace needlecpp {

// Photographs as memory, see PixelSampler.
struct PixelViews {
  View images, first, widths, runs;
};
// Pixels number draws[i] of those that are used: which camera's, where, and what it shows.
NDL_DECLARE_RUN(void, run_draw_pixels, (const PixelViews& from, View draws, View camera_index, View pixels, View rgba))
// The runs of bytes that are not zero, as pairs (first, used before); `used` becomes their sum.
NDL_DECLARE_RUN(std::vector<int64_t>, run_find_runs, (View mask, int64_t& used))

}  // namespace needlecpp
