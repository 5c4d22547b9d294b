// Kernels of picture.h. The old rows under a new row are summed first, a plane a channel, colour times alpha; then the
// columns of the sums; then all is divided.
#include "render/ops/picture_kernels.h"
#include "simd/vec.h"

namespace needlecpp::NDL_ISA {

namespace {

// Pixels of four bytes from x on, as many as V has lanes: red is the lowest byte.
template <class V>
void add_pixels(const uint8_t* row, uint32_t weight, bool with_alpha, int64_t x, int64_t width, uint32_t* sums) {
  const V pixel = load<V>(row + 4 * x);
  const V factor = with_alpha ? weight * (pixel >> 24) : V{} + weight;
  const auto add = [&](int64_t channel, const V& value) {
    uint32_t* sum = sums + channel * width + x;
    store(sum, load<V>(sum) + value);
  };
  add(0, factor * (pixel & 255u));
  add(1, factor * (pixel >> 8 & 255u));
  add(2, factor * (pixel >> 16 & 255u));
  if (with_alpha) add(3, factor);
}

void add_row(const AreaArgs& args, const uint8_t* row, uint32_t weight) {
  const int64_t width = args.width;
  if (args.from_channels == 3) {
    for (int64_t x = 0; x < width; ++x)
      for (int64_t c = 0; c < 3; ++c) args.sums[c * width + x] += weight * row[3 * x + c];
    return;
  }
  const bool with_alpha = args.channels == 4;
  int64_t x = 0;
  for (; x + kFloats <= width; x += kFloats) add_pixels<UIntV>(row, weight, with_alpha, x, width, args.sums);
  for (; x < width; ++x) add_pixels<uint32_t>(row, weight, with_alpha, x, width, args.sums);
}

// Sums over the columns under each new pixel: the rest of a column that the pixel before ended in, whole columns, and
// the first part of another.
template <int kChannels>
void add_columns(const AreaArgs& args) {
  const AreaAxis& axis = args.across;
  const int64_t at_most_whole = axis.new_span / axis.old_span;
  int64_t rest = axis.old_span, first = 0;
  for (int64_t j = 0; j < args.new_width; ++j) {
    const int64_t open = axis.new_span - rest;
    const int64_t whole = open >= at_most_whole * axis.old_span ? at_most_whole : at_most_whole - 1;
    const int64_t part = open - whole * axis.old_span;
    const int64_t last = first + whole + 1;
    // Few columns a pixel: channels inside, or the compiler would spread so short a loop over vectors.
    int64_t between[kChannels] = {};
    for (int64_t i = first + 1; i < last; ++i)
      for (int c = 0; c < kChannels; ++c) between[c] += args.sums[c * args.width + i];
    for (int c = 0; c < kChannels; ++c) {
      const uint32_t* sums = args.sums + c * args.width;
      int64_t total = rest * sums[first] + axis.old_span * between[c];
      if (part > 0) total += part * sums[last];
      args.totals[c * args.new_width + j] = static_cast<double>(total);
    }
    first = last;
    rest = axis.old_span - part;
  }
}

void write_opaque(const AreaArgs& args, uint8_t* to) {
  const int64_t n = args.new_width;
  const double area = pixel_area(args), inverse = inverse_of(area);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t c = 0; c < 3; ++c)
      to[3 * i + c] = static_cast<uint8_t>(rounded_mean(args.totals[c * n + i], area, inverse));
}

void write_with_alpha(const AreaArgs& args, uint8_t* to) {
  const int64_t n = args.new_width;
  const double *red = args.totals, *green = red + n, *blue = green + n, *alpha = blue + n;
  const double area = pixel_area(args), inverse_area = inverse_of(area);
  for (int64_t i = 0; i < n; ++i) {
    const double by = alpha[i] > 0 ? alpha[i] : 1.0;  // where alpha is 0 colour is, too
    const double inverse = inverse_of(by);
    const uint32_t pixel = rounded_mean(red[i], by, inverse) | rounded_mean(green[i], by, inverse) << 8 |
                           rounded_mean(blue[i], by, inverse) << 16 | rounded_mean(alpha[i], area, inverse_area) << 24;
    store(to + 4 * i, pixel);
  }
}

}  // namespace

void area_average_rows(const AreaArgs& args, int64_t begin, int64_t end) {
  const bool with_alpha = args.channels == 4;
  for (int64_t j = begin; j < end; ++j) {
    memset(args.sums, 0, static_cast<size_t>(args.width * args.channels) * sizeof(uint32_t));
    for (int64_t y = first_overlapped(args.down, j); y <= last_overlapped(args.down, j); ++y)
      add_row(args, args.from + y * args.width * args.from_channels, static_cast<uint32_t>(overlap(args.down, y, j)));
    with_alpha ? add_columns<4>(args) : add_columns<3>(args);
    uint8_t* to = args.to + j * args.new_width * args.channels;
    with_alpha ? write_with_alpha(args, to) : write_opaque(args, to);
  }
}

void copy_rows(const AreaArgs& args, int64_t begin, int64_t end) {
  const uint8_t* from = args.from + begin * args.width * args.from_channels;
  uint8_t* to = args.to + begin * args.width * args.channels;
  const int64_t pixels = (end - begin) * args.width;
  if (args.from_channels == args.channels) {
    memcpy(to, from, static_cast<size_t>(pixels * args.channels));
    return;
  }
  for (int64_t i = 0; i < pixels; ++i)
    for (int64_t c = 0; c < 3; ++c) to[3 * i + c] = from[4 * i + c];
}

}  // namespace needlecpp::NDL_ISA
