// Kernel of picture.h: the old rows under a new row are summed first, then their columns.
#include "render/picture_kernels.h"

namespace needlecpp::NDL_ISA {

namespace {

// sums += weight * row, interleaved.
void add_opaque_row(const uint8_t* row, uint32_t weight, int64_t count, uint32_t* sums) {
  for (int64_t i = 0; i < count; ++i) sums[i] += weight * row[i];
}

// The same for red, green, blue, each times alpha, and alpha: each channel in a plane of its own.
void add_premultiplied_row(const uint8_t* row, uint32_t weight, int64_t width, uint32_t* sums) {
  uint32_t *red = sums, *green = sums + width, *blue = sums + 2 * width, *alpha = sums + 3 * width;
  for (int64_t x = 0; x < width; ++x) {
    const uint32_t a = weight * row[4 * x + 3];
    red[x] += a * row[4 * x];
    green[x] += a * row[4 * x + 1];
    blue[x] += a * row[4 * x + 2];
    alpha[x] += a;
  }
}

uint64_t sum_columns(const AreaAxis& axis, int64_t j, const uint32_t* sums, int64_t step) {
  const int64_t first = first_overlapped(axis, j), last = last_overlapped(axis, j);
  if (axis.old_span == 1) {
    uint64_t total = 0;
    for (int64_t i = first; i <= last; ++i) total += sums[i * step];
    return total;
  }
  uint64_t total = static_cast<uint64_t>(overlap(axis, first, j)) * sums[first * step];
  for (int64_t i = first + 1; i < last; ++i) total += static_cast<uint64_t>(axis.old_span) * sums[i * step];
  if (last > first) total += static_cast<uint64_t>(overlap(axis, last, j)) * sums[last * step];
  return total;
}

}  // namespace

void area_average_rows(const AreaArgs& args, int64_t begin, int64_t end) {
  const int64_t width = args.width;
  const bool opaque = args.channels == 3;
  const uint64_t area = static_cast<uint64_t>(args.across.new_span * args.down.new_span);
  for (int64_t j = begin; j < end; ++j) {
    memset(args.sums, 0, static_cast<size_t>(width * args.channels) * sizeof(uint32_t));
    for (int64_t y = first_overlapped(args.down, j); y <= last_overlapped(args.down, j); ++y) {
      const uint8_t* row = args.from + y * width * args.channels;
      const uint32_t weight = static_cast<uint32_t>(overlap(args.down, y, j));
      if (opaque)
        add_opaque_row(row, weight, 3 * width, args.sums);
      else
        add_premultiplied_row(row, weight, width, args.sums);
    }
    uint8_t* to = args.to + j * args.new_width * args.channels;
    for (int64_t i = 0; i < args.new_width; ++i, to += args.channels) {
      if (opaque) {
        for (int64_t c = 0; c < 3; ++c) to[c] = rounded_mean(sum_columns(args.across, i, args.sums + c, 3), area);
        continue;
      }
      const uint64_t alpha = sum_columns(args.across, i, args.sums + 3 * width, 1);
      for (int64_t c = 0; c < 3; ++c)
        to[c] = alpha ? rounded_mean(sum_columns(args.across, i, args.sums + c * width, 1), alpha) : 0;
      to[3] = rounded_mean(alpha, area);
    }
  }
}

}  // namespace needlecpp::NDL_ISA
