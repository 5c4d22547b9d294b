// Drawing pixels on the CPU.
#include <algorithm>

#include "needlecpp/core/parallel.h"
#include "train/pixels_run.h"

namespace needlecpp::cpu {
namespace {

// Index of the last of `count` entries, `stride` numbers apart, that is not above `value`.
int64_t last_up_to(const int64_t* sorted, int64_t count, int64_t stride, int64_t value) {
  int64_t low = 0, high = count;
  while (high - low > 1) {
    const int64_t middle = low + (high - low) / 2;
    (sorted[middle * stride] > value ? high : low) = middle;
  }
  return low;
}

}  // namespace

void run_draw_pixels(const PixelViews& from, View draws, View camera_index, View pixels, View rgba) {
  const int64_t channels = from.images.size[from.images.rank - 1];
  const int64_t n_runs = from.runs.size[0], n_pictures = from.widths.count;
  const int64_t* draw = data<int64_t>(draws);
  const uint8_t* image = data<uint8_t>(from.images);
  const int64_t* first = data<int64_t>(from.first);
  const int64_t* widths = data<int64_t>(from.widths);
  const int64_t* runs = data<int64_t>(from.runs);
  int32_t* camera = data<int32_t>(camera_index);
  float* pixel = data<float>(pixels);
  float* color = data<float>(rgba);
  parallel_for(draws.count, 4096, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t* run = runs + 2 * last_up_to(runs + 1, n_runs, 2, draw[i]);
      const int64_t index = run[0] + draw[i] - run[1];
      const int64_t picture = last_up_to(first, n_pictures, 1, index);
      const int64_t within = index - first[picture];
      camera[i] = static_cast<int32_t>(picture);
      pixel[2 * i] = static_cast<float>(within % widths[picture]) + 0.5f;
      pixel[2 * i + 1] = static_cast<float>(within / widths[picture]) + 0.5f;
      const uint8_t* at = image + index * channels;
      for (int64_t c = 0; c < 3; ++c) color[4 * i + c] = static_cast<float>(at[c]) * (1.0f / 255.0f);
      color[4 * i + 3] = channels == 4 ? static_cast<float>(at[3]) * (1.0f / 255.0f) : 1.0f;
    }
  });
}

std::vector<int64_t> run_find_runs(View mask, int64_t& used) {
  const char* use = mask.as<char>();
  std::vector<int64_t> runs;
  used = 0;
  for (int64_t i = 0; i < mask.count; ++i) {
    if (!use[i]) continue;
    if (i == 0 || !use[i - 1]) {
      runs.push_back(i);
      runs.push_back(used);
    }
    ++used;
  }
  return runs;
}

}  // namespace needlecpp::cpu
