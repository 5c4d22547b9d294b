// The convolution as a matrix product whose right operand is never built.
//
// A convolution is y[o, p] = sum over k = (c, t) of w[o, k] * b[k, p], where row k of b holds channel c of x as tap t
// of the kernel sees it at every position p. Building b (im2col) multiplies the input by the number of taps. But if the
// positions are the elements of x in order, the rows of one channel are the same memory at different offsets. So:
//
//   tile      A block of positions: one along the depth, some along the height, up to kTileWidth along the width.
//   lines     A copy of what the tile needs of some channels of x, with zeros where x ends (conv_pack). Positions
//             follow each other along a line and from line to line: position (i, j) of a tap is at offset(tap) +
//             i * width + j. Columns between the end of a tile's row and the end of its line come out as garbage and
//             are dropped.
//   taps      A tap reads x[position * scale + shift]. Where scale is 1, taps share lines. Where it is not, each
//             residue of the shift has lines of its own that hold every scale-th element, so that positions stay
//             adjacent. Taps whose shifts are too far apart to share (large dilation) get their own lines too. Nothing
//             else in here knows of strides and dilations. group_taps() decides.
//   product   conv_product walks k with a table of offsets; weights are packed once a call. k goes in steps of whole
//             channels, about kDepth long: the lines of one step are small, are made just before they are used, and the
//             sums of a tile wait in a block of c. conv_unpack then drops the garbage, adds the bias and writes y.
//
// The three products of a convolution are made of this:
//   run_conv            as above.
//   run_conv_transpose  dx is split by the residue of its index modulo the stride. Elements of one residue meet the
//                       same taps, and from y at scale 1: each is a convolution of y with these taps, written with
//                       gaps. No two write the same place, nothing is added up in memory and no zeros are multiplied.
//   run_conv_weight     dw[k, o] = sum over p of b[k, p] * dy[o, p]: the lines of x again, now as rows
//                       (conv_weight_grad), and dy packed in panels. A task owns some k and o and passes over its share
//                       of all tiles; shares are few, depend on sizes alone, and are added in order.
//
// So results do not depend on the number of threads, and memory beyond the result is a few hundred kilobytes a thread.
#include <string.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "needlecpp/core/parallel.h"
#include "ops/matmul/matmul_kernels.h"
#include "ops/plumbing/scratch.h"
#include "ops/reduce/reduce_run.h"
#include "ops/window/conv_kernels.h"
#include "ops/window/conv_run.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kDepth = 256;      // terms of the sum in one step
constexpr int64_t kTileWidth = 256;  // positions of a tile along the last axis
constexpr int64_t kTilePositions = 1024;
constexpr int64_t kBlockRows = 128;    // channels of the result in one task
constexpr int64_t kWeightRows = 288;   // (channel, tap) pairs in one task of the weight's gradient
constexpr int64_t kWeightShares = 16;  // of the positions, if there are fewer other tasks

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }
// The size of equal pieces of at most `most` that cover `count`.
int64_t piece(int64_t count, int64_t most) { return count <= most ? count : ceil_div(count, ceil_div(count, most)); }

template <class T>
constexpr Element kElement = element_of(DTypeOf<T>::value);

// An image [batch, groups * channels, ...] as the kernels see it.
template <class T>
struct Image {
  T* data;
  int64_t batch, channel;
  int64_t step[3] = {};
  explicit Image(const View& x) : data(needlecpp::data<T>(x)), batch(x.stride[0]), channel(x.stride[1]) {
    for (int i = 2; i < x.rank; ++i) step[3 - x.rank + i] = x.stride[i];
  }
};

// One axis: tap t of position o reads source element o * scale + shift[t]; results are written `step` elements apart.
struct Axis {
  int64_t source = 1;
  int64_t positions = 1;
  int64_t scale = 1;
  std::vector<int64_t> shift = {0};
  int64_t step = 1;
};

// Which taps share lines.
struct Groups {
  std::vector<int64_t> first;  // source element where each group starts
  std::vector<int64_t> span;   // the largest distance of a tap from there, in positions
  std::vector<int64_t> group;  // of each tap
  std::vector<int64_t> at;     // of each tap: its distance from the start of its group
};

// Taps join the group of the tap before them if they are at most `step` positions apart and the group does not grow
// beyond `span`.
Groups group_taps(const Axis& axis, int64_t step, int64_t span) {
  const auto residue = [&](int64_t shift) { return (shift % axis.scale + axis.scale) % axis.scale; };
  std::vector<size_t> order(axis.shift.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const int64_t left = residue(axis.shift[a]), right = residue(axis.shift[b]);
    return left != right ? left < right : axis.shift[a] < axis.shift[b];
  });
  Groups groups;
  groups.group.resize(order.size());
  groups.at.resize(order.size());
  for (const size_t tap : order) {
    const int64_t shift = axis.shift[tap];
    int64_t at = 0;
    bool joins = false;
    if (!groups.first.empty() && residue(groups.first.back()) == residue(shift)) {
      at = (shift - groups.first.back()) / axis.scale;
      joins = at - groups.span.back() <= step && at <= span;
    }
    if (!joins) {
      groups.first.push_back(shift);
      groups.span.push_back(0);
      at = 0;
    }
    groups.span.back() = at;
    groups.group[tap] = static_cast<int64_t>(groups.first.size()) - 1;
    groups.at[tap] = at;
  }
  return groups;
}

// How positions are cut into tiles, and where the lines of a tile lie.
struct Tiling {
  const Axis* axis;
  int64_t extent[3];            // positions of a tile along the axes
  int64_t count[3];             // tiles along the axes
  std::vector<int64_t> at[3];   // source elements of lines and groups of the tile at the origin
  int64_t width;                // of a line
  int64_t channel;              // elements between the lines of two channels
  std::vector<int64_t> offset;  // of each tap in the lines of a channel

  int64_t tiles() const { return count[0] * count[1] * count[2]; }

  Tiling(const Axis axes[3], int64_t rows, int64_t columns) : axis(axes), extent{1, rows, columns} {
    std::vector<int64_t> line[2];  // of each tap of the first two axes
    for (int i = 0; i < 2; ++i) {
      const Groups groups = group_taps(axis[i], extent[i], INT64_MAX);
      std::vector<int64_t> start;
      for (size_t g = 0; g < groups.first.size(); ++g) {
        start.push_back(static_cast<int64_t>(at[i].size()));
        for (int64_t o = 0; o < extent[i] + groups.span[g]; ++o) at[i].push_back(groups.first[g] + o * axis[i].scale);
      }
      for (size_t t = 0; t < groups.at.size(); ++t)
        line[i].push_back(start[static_cast<size_t>(groups.group[t])] + groups.at[t]);
    }
    // Sharing along the width saves copies and costs garbage columns.
    const Groups groups = group_taps(axis[2], columns, columns / 8);
    at[2] = groups.first;
    width = columns;
    for (const int64_t span : groups.span) width = std::max(width, columns + span);

    const int64_t heights = static_cast<int64_t>(at[1].size()), across = static_cast<int64_t>(at[2].size());
    for (const int64_t d : line[0])
      for (const int64_t h : line[1])
        for (size_t t = 0; t < groups.at.size(); ++t)
          offset.push_back(((d * across + groups.group[t]) * heights + h) * width + groups.at[t]);
    // Not a multiple of 1 KB: channels would compete for the same sets of the cache.
    channel = round_up(static_cast<int64_t>(at[0].size()) * across * heights * width, 16);
    if (channel % 128 == 0) channel += 16;
    for (int i = 0; i < 3; ++i) count[i] = ceil_div(axis[i].positions, extent[i]);
  }

  // The first position of a tile, and how many it has along each axis.
  struct Tile {
    int64_t first[3], size[3];
  };
  Tile tile(int64_t index) const {
    Tile found;
    for (int i = 2; i >= 0; --i) {
      found.first[i] = index % count[i] * extent[i];
      found.size[i] = std::min(extent[i], axis[i].positions - found.first[i]);
      index /= count[i];
    }
    return found;
  }

  // Makes the lines of `channels` channels from x, which points at the first of them.
  template <class T>
  void pack_lines(const Image<T>& image, const T* x, int64_t channels, const Tile& tile, T* to) const {
    ConvPackArgs args;
    args.element = kElement<T>;
    args.channels = channels;
    args.x = x;
    args.channel = image.channel;
    for (int i = 0; i < 3; ++i) {
      args.step[i] = image.step[i];
      args.size[i] = axis[i].source;
      args.count[i] = static_cast<int64_t>(at[i].size());
      args.at[i] = at[i].data();
      args.origin[i] = tile.first[i] * axis[i].scale;
    }
    args.scale = axis[2].scale;
    args.width = width;
    args.to = to;
    args.to_channel = channel;
    NDL_KERNEL(conv_pack)(args);
  }
  // The offsets of all taps of `channels` channels.
  std::vector<int64_t> offsets(int64_t channels) const {
    std::vector<int64_t> all;
    for (int64_t c = 0; c < channels; ++c)
      for (const int64_t tap : offset) all.push_back(c * channel + tap);
    return all;
  }
};

// y[n, g, r] = sum over channels and taps of x[n, g, c] w[g, r, c, t], at the positions of the axes. A row of the
// result is known by where its weights and its first position are: rows of several residues can be computed together.
template <class T>
struct Correlation {
  int64_t batch, groups, channels;
  Axis axis[3];
  const T* w;
  int64_t w_group, w_channel;
  std::vector<int64_t> w_tap;
  std::vector<int64_t> w_row, y_row;  // of each row in a group
  int64_t y_group;
  std::vector<T> bias;  // of each group's rows; empty for none

  int64_t rows() const { return static_cast<int64_t>(w_row.size()); }
};

template <class T>
void correlate(const Correlation<T>& g, const Image<T>& x, const Image<T>& y) {
  const Axis* axis = g.axis;
  const int64_t all_rows = g.rows();
  if (g.batch * g.groups * all_rows == 0 || axis[0].positions * axis[1].positions * axis[2].positions == 0) return;
  const int64_t taps = static_cast<int64_t>(g.w_tap.size()), depth = taps * g.channels;
  const int64_t step = std::clamp<int64_t>(kDepth / std::max<int64_t>(1, taps), 1, std::max<int64_t>(1, g.channels));
  const int64_t steps = depth == 0 ? 0 : ceil_div(g.channels, step);

  // Tiles and blocks of rows, smaller if there are too few of them for the threads.
  const int64_t unit = NDL_KERNEL(gemm_tile<T>)().rows;
  int64_t columns = piece(axis[2].positions, kTileWidth);
  int64_t lines = piece(axis[1].positions, std::max<int64_t>(1, kTilePositions / columns));
  int64_t block = std::min(all_rows, round_up(piece(all_rows, kBlockRows), unit));
  const auto count_tasks = [&] {
    return g.batch * g.groups * axis[0].positions * ceil_div(axis[1].positions, lines) *
           ceil_div(axis[2].positions, columns) * ceil_div(all_rows, block);
  };
  while (num_threads() > 1 && count_tasks() < 4 * num_threads()) {
    if (lines > 1 && lines * columns > 256)
      lines = piece(axis[1].positions, lines / 2);
    else if (block > 2 * unit)
      block = round_up(ceil_div(block, 2), unit);
    else
      break;
  }
  const Tiling tiling(axis, lines, columns);
  const int64_t blocks = ceil_div(all_rows, block);

  // Packed weights: [group][block of rows][step].
  Scratch<T> weights(g.groups * all_rows * depth);
  const auto packed_weights = [&](int64_t group, int64_t row, int64_t channel) {
    return weights.data() + (group * all_rows + row) * depth + channel * taps * std::min(block, all_rows - row);
  };
  parallel_for(steps * g.groups * blocks, std::max<int64_t>(1, (1 << 14) / (step * taps * block + 1)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i) {
                   const int64_t channel = i % steps * step, row = i / steps % blocks * block;
                   const int64_t group = i / steps / blocks;
                   NDL_KERNEL(conv_pack_weights)
                   (ConvWeightArgs{kElement<T>, g.w + group * g.w_group + channel * g.w_channel, &g.w_row[row],
                                   g.w_channel, g.w_tap.data(), std::min(block, all_rows - row),
                                   std::min(step, g.channels - channel), taps, packed_weights(group, row, channel)});
                 }
               });

  const std::vector<int64_t> offsets = tiling.offsets(steps == 0 ? 0 : step);
  const int64_t positions = (lines - 1) * tiling.width + columns, c_row = positions + kConvSlack;
  const int64_t tasks = count_tasks(), chunks = std::min(tasks, 8 * int64_t{num_threads()});
  parallel_tasks(chunks, [&](int64_t chunk) {
    Scratch<T> packed(steps == 0 ? 0 : step * tiling.channel + kConvSlack);
    Scratch<T> c(block * c_row);
    for (int64_t task = tasks * chunk / chunks; task < tasks * (chunk + 1) / chunks; ++task) {
      const int64_t row = task % blocks * block, taken = std::min(block, all_rows - row);
      const Tiling::Tile tile = tiling.tile(task / blocks % tiling.tiles());
      const int64_t image = task / blocks / tiling.tiles(), n = image / g.groups, group = image % g.groups;
      for (int64_t channel = 0; channel < steps * step; channel += step) {
        const int64_t channels = std::min(step, g.channels - channel);
        const T* from = x.data + n * x.batch + (group * g.channels + channel) * x.channel;
        tiling.pack_lines(x, from, channels, tile, packed.data());
        NDL_KERNEL(conv_product)
        (ConvProductArgs{kElement<T>, taken, channels * taps, (tile.size[1] - 1) * tiling.width + tile.size[2],
                         packed_weights(group, row, channel), packed.data(), offsets.data(), c.data(), c_row,
                         channel > 0});
      }
      if (steps == 0) std::fill_n(c.data(), block * c_row, T{});
      T* to = y.data + n * y.batch + group * g.y_group;
      for (int i = 0; i < 3; ++i) to += tile.first[i] * axis[i].step * y.step[i];
      NDL_KERNEL(conv_unpack)
      (ConvUnpackArgs{kElement<T>, taken, tile.size[1], tile.size[2], tiling.width, c.data(), c_row,
                      g.bias.empty() ? nullptr : &g.bias[group * all_rows + row], to, &g.y_row[row],
                      axis[1].step * y.step[1], axis[2].step * y.step[2]});
    }
  });
}

// The axes of the convolution itself.
void conv_axes(const ConvSizes& s, Axis axis[3]) {
  for (int i = 0; i < 3; ++i) {
    axis[i].source = s.in[i];
    axis[i].positions = s.out[i];
    axis[i].scale = s.stride[i];
    axis[i].shift.clear();
    for (int64_t t = 0; t < s.kernel[i]; ++t) axis[i].shift.push_back(t * s.dilation[i] - s.padding[i]);
  }
}

// Offsets of all taps from three lists of taps along the axes.
template <class T>
std::vector<int64_t> tap_offsets(const Image<T>& w, const std::vector<int64_t> taps[3]) {
  std::vector<int64_t> offsets;
  for (const int64_t a : taps[0])
    for (const int64_t b : taps[1])
      for (const int64_t c : taps[2]) offsets.push_back(a * w.step[0] + b * w.step[1] + c * w.step[2]);
  return offsets;
}

template <class T>
void convolve(const ConvSizes& s, const Image<T>& x, const Image<T>& w, const T* bias, const Image<T>& y) {
  Correlation<T> g;
  g.batch = s.batch;
  g.groups = s.groups;
  g.channels = s.in_channels;
  conv_axes(s, g.axis);
  g.w = w.data;
  g.w_group = s.out_channels * w.batch;
  g.w_channel = w.channel;
  std::vector<int64_t> taps[3];
  for (int i = 0; i < 3; ++i)
    for (int64_t t = 0; t < s.kernel[i]; ++t) taps[i].push_back(t);
  g.w_tap = tap_offsets(w, taps);
  for (int64_t o = 0; o < s.out_channels; ++o) {
    g.w_row.push_back(o * w.batch);
    g.y_row.push_back(o * y.channel);
  }
  g.y_group = s.out_channels * y.channel;
  if (bias) g.bias.assign(bias, bias + s.groups * s.out_channels);
  correlate(g, x, y);
}

// Where in dx each residue that any tap meets starts, in order. A stride beyond the kernel leaves gaps.
std::vector<int64_t> transposed_starts(const ConvSizes& s, int i) {
  std::vector<int64_t> starts;
  for (int64_t t = 0; t < s.kernel[i]; ++t) {
    int64_t first = (t * s.dilation[i] - s.padding[i]) % s.stride[i];
    if (first < 0) first += s.stride[i];
    if (first < s.in[i]) starts.push_back(first);
  }
  std::sort(starts.begin(), starts.end());
  starts.erase(std::unique(starts.begin(), starts.end()), starts.end());
  return starts;
}

// Residues of an axis of the transposed convolution that read y alike: elements first, first + stride, ... of dx, where
// tap first_tap + taps[j] reads y at shift[j].
struct Phase {
  Axis axis;
  std::vector<int64_t> taps;
  std::vector<int64_t> first, first_tap;
};

std::vector<Phase> transposed_phases(const ConvSizes& s, int i) {
  std::vector<Phase> phases;
  for (const int64_t first : transposed_starts(s, i)) {
    Phase phase;
    const int64_t residue = (first + s.padding[i]) % s.stride[i], start = (first + s.padding[i]) / s.stride[i];
    phase.axis.source = s.out[i];
    phase.axis.positions = ceil_div(s.in[i] - first, s.stride[i]);
    phase.axis.step = s.stride[i];
    phase.axis.shift.clear();
    int64_t first_tap = 0;
    for (int64_t t = 0; t < s.kernel[i]; ++t) {
      if (t * s.dilation[i] % s.stride[i] != residue) continue;
      if (phase.taps.empty()) first_tap = t;
      phase.taps.push_back(t - first_tap);
      phase.axis.shift.push_back(start - t * s.dilation[i] / s.stride[i]);
    }
    auto same = std::find_if(phases.begin(), phases.end(), [&](const Phase& other) {
      return other.axis.positions == phase.axis.positions && other.axis.shift == phase.axis.shift &&
             other.taps == phase.taps;
    });
    if (same == phases.end()) same = phases.insert(phases.end(), std::move(phase));
    same->first.push_back(first);
    same->first_tap.push_back(first_tap);
  }
  return phases;
}

template <class T>
void convolve_transposed(const ConvSizes& s, const Image<T>& y, const Image<T>& w, const T* bias, const Image<T>& x) {
  Correlation<T> g;
  g.batch = s.batch;
  g.groups = s.groups;
  g.channels = s.out_channels;
  g.w = w.data;
  g.w_group = s.out_channels * w.batch;
  g.w_channel = w.batch;
  g.y_group = s.in_channels * x.channel;
  const std::vector<Phase> phases[3] = {transposed_phases(s, 0), transposed_phases(s, 1), transposed_phases(s, 2)};
  for (const Phase& depth : phases[0])
    for (const Phase& height : phases[1])
      for (const Phase& width : phases[2]) {
        const Phase* const phase[3] = {&depth, &height, &width};
        std::vector<int64_t> taps[3];
        for (int i = 0; i < 3; ++i) {
          g.axis[i] = phase[i]->axis;
          taps[i] = phase[i]->taps;
        }
        g.w_tap = tap_offsets(w, taps);
        g.w_row.clear();
        g.y_row.clear();
        g.bias.clear();
        for (int64_t group = 0; bias && group < s.groups; ++group)
          for (size_t i = 0; i < depth.first.size() * height.first.size() * width.first.size(); ++i)
            g.bias.insert(g.bias.end(), bias + group * s.in_channels, bias + (group + 1) * s.in_channels);
        for (size_t i = 0; i < depth.first.size(); ++i)
          for (size_t j = 0; j < height.first.size(); ++j)
            for (size_t k = 0; k < width.first.size(); ++k)
              for (int64_t c = 0; c < s.in_channels; ++c) {
                g.w_row.push_back(c * w.channel + depth.first_tap[i] * w.step[0] + height.first_tap[j] * w.step[1] +
                                  width.first_tap[k] * w.step[2]);
                g.y_row.push_back(c * x.channel + depth.first[i] * x.step[0] + height.first[j] * x.step[1] +
                                  width.first[k] * x.step[2]);
              }
        correlate(g, y, x);
      }
}

// y = the sum of `shares` arrays that lie one after the other, added in the order that sums over a first axis have.
void add_shares(void* parts, int64_t shares, const View& y) {
  View all = row_of(parts, y.element, shares * y.count);
  all.rank = 2;
  all.size[0] = shares;
  all.stride[0] = all.size[1] = y.count;
  all.stride[1] = 1;
  run_reduce(ReduceOp::Sum, all, ReducedAxes(Dims{0}), y, {});
}

template <class T>
void correlate_weight(const ConvSizes& s, const View& x, const View& y, const View& weight) {
  Axis axis[3];
  conv_axes(s, axis);
  const int64_t taps = s.kernel[0] * s.kernel[1] * s.kernel[2], panel = NDL_KERNEL(gemm_tile<T>)().cols;
  const int64_t columns = piece(s.out[2], kTileWidth);
  const int64_t lines = piece(s.out[1], std::max<int64_t>(1, kTilePositions / columns));
  const int64_t channels = piece(s.in_channels, std::max<int64_t>(1, kWeightRows / taps));
  const int64_t block = std::min(s.out_channels, round_up(piece(s.out_channels, kBlockRows), panel));
  const int64_t across = ceil_div(s.out_channels, block), down = ceil_div(s.in_channels, channels);
  const Tiling tiling(axis, lines, columns);
  const int64_t tiles = s.batch * tiling.tiles(), tasks = s.groups * across * down;
  const int64_t shares = std::clamp<int64_t>(kWeightShares / tasks, 1, std::max<int64_t>(1, tiles));
  const int64_t depth = s.in_channels * taps;
  Scratch<T> parts(shares == 1 ? 0 : shares * weight.count);
  T* const sums = shares == 1 ? data<T>(weight) : parts.data();
  const std::vector<int64_t> offsets = tiling.offsets(channels);
  std::vector<int64_t> numbers(static_cast<size_t>(channels * taps));
  std::iota(numbers.begin(), numbers.end(), int64_t{0});
  const Image<T> from(x), dy(y);
  const int64_t lines_at_once = std::max<int64_t>(1, kDepth / columns);
  parallel_tasks(shares * tasks, [&](int64_t task) {
    const int64_t channel = task % down * channels, row = task / down % across * block;
    const int64_t group = task / down / across % s.groups, share = task / tasks;
    const int64_t count = std::min(channels, s.in_channels - channel), rows = std::min(block, s.out_channels - row);
    Scratch<T> packed(channels * tiling.channel + kConvSlack);
    Scratch<T> panels(round_up(rows, panel) * lines * columns);
    Scratch<T> c(count * taps * rows);
    std::fill_n(c.data(), count * taps * rows, T{});
    for (int64_t i = tiles * share / shares; i < tiles * (share + 1) / shares; ++i) {
      const int64_t n = i / tiling.tiles();
      const Tiling::Tile tile = tiling.tile(i % tiling.tiles());
      tiling.pack_lines(from, from.data + n * from.batch + (group * s.in_channels + channel) * from.channel, count,
                        tile, packed.data());
      const int64_t positions = tile.size[1] * tile.size[2];
      const T* source = dy.data + n * dy.batch + (group * s.out_channels + row) * dy.channel;
      for (int k = 0; k < 3; ++k) source += tile.first[k] * dy.step[k];
      for (int64_t j = 0; j < rows; j += panel)
        for (int64_t h = 0; h < tile.size[1]; ++h) {
          GemmArgs<T> line = {};
          line.n = std::min(panel, rows - j);
          line.k = tile.size[2];
          line.b = source + j * dy.channel + h * dy.step[1];
          line.b_row = dy.step[2];
          line.b_col = dy.channel;
          NDL_KERNEL(gemm_pack_b<T>)(line, 0, 1, panels.data() + j * positions + h * tile.size[2] * panel);
        }
      for (int64_t h = 0; h < tile.size[1]; h += lines_at_once)
        for (int64_t j = 0; j < rows; j += panel) NDL_KERNEL(conv_weight_grad)
      (ConvWeightGradArgs{kElement<T>, count * taps, std::min(lines_at_once, tile.size[1] - h), tile.size[2],
                          tiling.width, std::min(panel, rows - j), packed.data() + h * tiling.width, offsets.data(),
                          panels.data() + j * positions + h * tile.size[2] * panel, panel, c.data() + j, rows});
    }
    T* to = sums + share * weight.count + (group * s.out_channels + row) * depth;
    NDL_KERNEL(conv_unpack)
    (ConvUnpackArgs{kElement<T>, count * taps, 1, rows, 0, c.data(), rows, nullptr, to + channel * taps, numbers.data(),
                    0, depth});
  });
  if (shares > 1) add_shares(parts.data(), shares, weight);
}

// What no tap reaches holds the bias.
template <class T>
void fill_gaps(const ConvSizes& s, const T* bias, const View& x) {
  bool gaps = false;
  for (int i = 0; i < 3; ++i)
    gaps = gaps || static_cast<int64_t>(transposed_starts(s, i).size()) < std::min(s.stride[i], s.in[i]);
  if (!gaps) return;
  constexpr int64_t kGrain = 1 << 15;  // elements that a thread must have to write
  const int64_t channels = x.size[1], plane = x.count / (x.size[0] * channels);
  parallel_for(x.size[0] * channels, std::max<int64_t>(1, kGrain / plane), [&](int64_t begin, int64_t end) {
    T* const to = data<T>(x) + begin * plane;
    if (bias == nullptr)
      memset(to, 0, static_cast<size_t>((end - begin) * plane) * sizeof(T));
    else
      for (int64_t i = begin; i < end; ++i) std::fill_n(to + (i - begin) * plane, plane, bias[i % channels]);
  });
}

}  // namespace

void run_conv(const ConvSizes& sizes, const View& x, const View& weight, const View& bias, const View& y) {
  NDL_ISA::with_float(y.element, [&](auto zero) {
    using T = decltype(zero);
    convolve(sizes, Image<T>(x), Image<T>(weight), bias.as<const T>(), Image<T>(y));
  });
}

void run_conv_transpose(const ConvSizes& sizes, const View& y, const View& weight, const View& bias, const View& x) {
  if (x.count == 0) return;
  NDL_ISA::with_float(x.element, [&](auto zero) {
    using T = decltype(zero);
    fill_gaps(sizes, bias.as<const T>(), x);
    convolve_transposed(sizes, Image<T>(y), Image<T>(weight), bias.as<const T>(), Image<T>(x));
  });
}

void run_conv_weight(const ConvSizes& sizes, const View& x, const View& y, const View& weight) {
  if (weight.count == 0) return;
  if (x.count == 0 || y.count == 0) {
    memset(weight.data, 0, static_cast<size_t>(weight.count * element_bytes(weight.element)));
    return;
  }
  NDL_ISA::with_float(weight.element, [&](auto zero) { correlate_weight<decltype(zero)>(sizes, x, y, weight); });
}

}  // namespace needlecpp::cpu
