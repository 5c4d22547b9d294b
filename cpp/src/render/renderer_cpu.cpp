// Pixels of a picture on the CPU.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "needlecpp/core/parallel.h"
#include "render/renderer_run.h"

namespace needlecpp::cpu {

void run_pass_pixels(const Pass& pass, View pixels) {
  int32_t* to = data<int32_t>(pixels);
  for (int64_t y = 0; y < pass.height; y += pass.block)
    for (int64_t x = 0; x < pass.width; x += pass.block)
      if (pass.first || x % (2 * pass.block) != 0 || y % (2 * pass.block) != 0) {
        *to++ = static_cast<int32_t>(x);
        *to++ = static_cast<int32_t>(y);
      }
}

void run_fill_blocks(View values, View pixels, int64_t block, View image) {
  const int64_t channels = image.rank < 3 ? 1 : image.size[2];
  const int64_t height = image.size[0], width = image.size[1];
  const float* from = data<float>(values);
  const int32_t* at = data<int32_t>(pixels);
  float* to = data<float>(image);
  parallel_for(pixels.size[0], 1024, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      for (int64_t y = at[2 * i + 1]; y < std::min(height, at[2 * i + 1] + block); ++y)
        for (int64_t x = at[2 * i]; x < std::min(width, at[2 * i] + block); ++x)
          std::copy_n(from + i * channels, channels, to + (y * width + x) * channels);
  });
}

bool run_all_finite(View x) {
  const float* at = data<float>(x);
  std::atomic<bool> finite = true;
  parallel_for(x.count, int64_t{1} << 16, [&](int64_t begin, int64_t end) {
    bool here = true;
    for (int64_t i = begin; i < end; ++i) here &= std::fabs(at[i]) <= std::numeric_limits<float>::max();
    if (!here) finite = false;
  });
  return finite;
}

}  // namespace needlecpp::cpu
