// Hash grid loops: one level over a run of points. Read encode_points() first.
//
// Paper: Mueller, Evans, Schied, Keller, "Instant Neural Graphics Primitives with a Multiresolution Hash Encoding",
// 2022, section 3. Layout of the table as in tiny-cuda-nn.
//
// The work has two halves of different nature. Which entries a point needs, and with which weights, is arithmetic and
// runs in vectors of kFloats points (find_corners). Fetching the entries is memory: eight reads of 8 bytes a point for
// two features. The halves meet in a Block on the stack that never leaves the first-level cache. For two features, the
// usual number, entries come a vector of points at a time, too (encode_two): one corner of all points after the other,
// and everything behind the loads is vectors. Other numbers of features go point by point (encode_block).
//
// Data layout: a level at a time over many points (kEncodePoints of them), because a level's table of 1 MB stays in the
// second-level cache while its points stream by. Results go to a panel [count, features] of the level, which
// hashgrid_mlp() hands to its network as it is; hashgrid() turns panels into rows at the end of the chunk. Writing rows
// at once would fetch every line of the result once for each level on it.
//
// Pairs: the corners x and x + 1 share their y and z weights, so the two sums over four corners that share x are taken
// first and then weighted by x.
//
// Numbers of a table are float32 or, for reading alone, bfloat16: the two features of an entry are then one word, a
// gather instruction fetches those of a vector of points, and a shift and a mask take them apart.
//
// Scatter: the same with read-modify-write, point by point. There are no atomics: one thread owns a level and takes
// points in order, hence the sums never depend on the number of threads; the price is that no more threads than levels
// can help. Samples along a ray sit in the same coarse cell for a while; then each would wait for the previous one's
// stores. Dense levels therefore keep the sums of a run of points in one cell in registers and write them when the cell
// changes. The two corners of a pair are never the same entry: their hashes differ in bit 0, and dense levels have at
// least 8 entries. For two features one 16-byte register holds a pair.
//
// Tried, nanoseconds a random point and hashed level on one thread of a Zen 5, tables of 16 KB / 256 KB / 1 MB / 4 MB:
//   pair by pair and point by point, as scatter does it   5.7 / 6.1 / 7.4 / 13.9
//   gathers of 8 bytes                                    3.7 / 4.0 / 5.1 / 18.5
//   loads inserted into registers (here)                  3.0 / 3.5 / 4.5 / 15.4
//   scalar loads into a buffer, read back as vectors      3.1 / 3.5 / 4.6 / 18.5
//   gathers, the next block's entries prefetched          4.5 / 4.8 / 5.5 / 12.8  (prefetch is kept for large levels)
//   bfloat16, gathers of 4 bytes (here)                   3.3 / 3.7 / 3.9 / 8.5, with prefetch 6.7 on the largest
// Working one or two blocks ahead brought nothing; one load for both corners of a pair on dense levels, 2 % of
// inference. Runs on hashed levels lose in the scatter, by 2 of 31.
//
// Nothing a position holds can lead outside the table: hashed entries are masked, dense ones taken modulo the level's
// size, in find_entries() alone.
#include <string.h>

#include "render/ops/hashgrid_kernels.h"
#include "simd/half.h"
#include "simd/vec.h"

namespace needlecpp::NDL_ISA {
namespace {

constexpr int64_t kPrefetchBytes = 1 << 20;  // levels from this size on do not stay in the second-level cache

// What a vector of points needs: entries of the corners in floats from the level's start, weights of the four pairs,
// and the fractions.
struct Block {
  uint32_t entry[kCorners][kFloats];
  float face[4][kFloats];
  float fx[kFloats], fy[kFloats], fz[kFloats];
};

NDL_HD FloatV lattice_position(FloatV x, float scale) { return multiply_add(x, scale, 0.5f); }

struct Cell {
  UIntV x, y, z;
  FloatV fx, fy, fz;
};

NDL_HD Cell find_cell(const HashGridLevelArgs& level, const HashGridPoints& points, int64_t first) {
  const int64_t left = points.count - first;
  FloatV x, y, z;
  if (left >= kFloats) {
    x = load<FloatV>(points.x + first);
    y = load<FloatV>(points.y + first);
    z = load<FloatV>(points.z + first);
  } else {
    x = load<FloatV>(points.x + first, left);
    y = load<FloatV>(points.y + first, left);
    z = load<FloatV>(points.z + first, left);
  }
  x = lattice_position(x, level.scale);
  y = lattice_position(y, level.scale);
  z = lattice_position(z, level.scale);
  const FloatV cx = floor(x), cy = floor(y), cz = floor(z);
  return {bits<UIntV>(to_int(cx)), bits<UIntV>(to_int(cy)), bits<UIntV>(to_int(cz)), x - cx, y - cy, z - cz};
}

// Entries of the eight corners.
NDL_HD void find_entries(const HashGridLevelArgs& level, const Cell& cell, UIntV entry[kCorners]) {
  if (level.hashed) {
    const uint32_t mask = level.size - 1;
    for (int k = 0; k < 4; ++k) {
      const UIntV y = cell.y + (k & 1), z = cell.z + (k >> 1);
      entry[2 * k] = hashed_entry(cell.x, y, z) & mask;
      entry[2 * k + 1] = hashed_entry(cell.x + 1, y, z) & mask;
    }
    return;
  }
  const uint32_t resolution = level.resolution;
  const UIntV base = dense_entry(cell.x, cell.y, cell.z, resolution);
  UIntV beyond = UIntV{};
  for (int c = 0; c < kCorners; ++c) {
    const UIntV raw = base + dense_entry<uint32_t>(c & 1, c >> 1 & 1, c >> 2, resolution);
    const UIntV once = raw - level.size;  // huge unless the corner is past the end, by less than a level for [0,1]
    entry[c] = raw < level.size ? raw : once;
    beyond |= bits<UIntV>(entry[c] >= level.size);
  }
  if (any(beyond)) [[unlikely]] {
    for (int c = 0; c < kCorners; ++c) {
      const UIntV raw = base + dense_entry<uint32_t>(c & 1, c >> 1 & 1, c >> 2, resolution);
      for (int lane = 0; lane < kFloats; ++lane) entry[c][lane] = raw[lane] % level.size;
    }
  }
}

NDL_HD void find_corners(const HashGridLevelArgs& level, const HashGridPoints& points, int64_t first, Block& block) {
  const Cell cell = find_cell(level, points, first);
  UIntV entry[kCorners];
  find_entries(level, cell, entry);
  for (int c = 0; c < kCorners; ++c) store(block.entry[c], entry[c] * static_cast<uint32_t>(level.features));
  FloatV face[4];
  face_weights(axis_weights(cell.fy), axis_weights(cell.fz), face);
  for (int k = 0; k < 4; ++k) store(block.face[k], face[k]);
  store(block.fx, cell.fx);
  store(block.fy, cell.fy);
  store(block.fz, cell.fz);
}

// The features of one entry.
template <int F>
struct EntryOf {
  typedef float Type __attribute__((vector_size(F * 4)));
};
template <>
struct EntryOf<1> {
  typedef float Type;
};
template <int F>
NDL_HD typename EntryOf<F>::Type load_entry(const float* from) {
  typename EntryOf<F>::Type entry;
  memcpy(&entry, from, sizeof entry);
  return entry;
}
template <int F>
NDL_HD typename EntryOf<F>::Type load_entry(const uint16_t* from) {
  float entry[F];
  for (int f = 0; f < F; ++f) entry[f] = bits_float(static_cast<uint32_t>(from[f]) << 16);
  return load_entry<F>(entry);
}

// A pair of entries, x and x + 1, of F features each.
template <int F>
struct Pair {
  typedef typename EntryOf<F>::Type Entry;
  Entry low, high;

  template <class Number>
  static NDL_HD Pair load(const Number* low, const Number* high) {
    return {load_entry<F>(low), load_entry<F>(high)};
  }
  // (gradient, gradient) weighted by the fraction.
  static NDL_HD Pair spread(const float* gradient, float fx) {
    Pair pair = load(gradient, gradient);
    const AxisWeights<float> x = axis_weights(fx);
    pair.low *= x.low;
    pair.high *= x.high;
    return pair;
  }
  static NDL_HD Pair zero() { return {Entry{}, Entry{}}; }
  NDL_HD void add_scaled(const Pair& other, float weight) {
    low += other.low * weight;
    high += other.high * weight;
  }
  NDL_HD void add(const Pair& other) {
    low += other.low;
    high += other.high;
  }
  NDL_HD void store(float* to_low, float* to_high) const {
    memcpy(to_low, &low, sizeof low);
    memcpy(to_high, &high, sizeof high);
  }
  NDL_HD void interpolate(float fx, float* out) const {
    const AxisWeights<float> x = axis_weights(fx);
    const Entry y = low * x.low + high * x.high;
    memcpy(out, &y, sizeof y);
  }
};

#if defined(__x86_64__)
// Two features: both entries in one register.
template <>
struct Pair<2> {
  typedef float Both __attribute__((vector_size(16)));
  Both both;

  static NDL_HD Pair load(const float* low, const float* high) {
    const __m128d v = _mm_load_sd(reinterpret_cast<const double*>(low));
    return {(Both)_mm_loadh_pd(v, reinterpret_cast<const double*>(high))};
  }
  static NDL_HD Pair spread(const float* gradient, float fx) {
    const AxisWeights<float> x = axis_weights(fx);
    const Both weights = {x.low, x.low, x.high, x.high};
    const Both twice = load(gradient, gradient).both;
    return {twice * weights};
  }
  static NDL_HD Pair zero() { return {Both{}}; }
  NDL_HD void add_scaled(const Pair& other, float weight) { both += other.both * weight; }
  NDL_HD void add(const Pair& other) { both += other.both; }
  NDL_HD void store(float* to_low, float* to_high) const {
    _mm_storel_pd(reinterpret_cast<double*>(to_low), (__m128d)both);
    _mm_storeh_pd(reinterpret_cast<double*>(to_high), (__m128d)both);
  }
};
#endif

template <int F, class Number>
NDL_HD void encode_block(const Block& block, const Number* table, int64_t count, float* out) {
  for (int64_t p = 0; p < count; ++p) {
    Pair<F> sum = Pair<F>::zero();
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k)
      sum.add_scaled(Pair<F>::load(table + block.entry[2 * k][p], table + block.entry[2 * k + 1][p]), block.face[k][p]);
    sum.interpolate(block.fx[p], out + p * F);
  }
}

// Two features of a vector of points, in two registers. Of floats they come interleaved, as the panel has them: first
// the lower half of the points, then the upper. Of bfloat16 numbers they come feature by feature.
struct Two {
  FloatV a, b;
  NDL_HD void add_scaled(const Two& other, const Two& weight) {
    a += other.a * weight.a;
    b += other.b * weight.b;
  }
};
template <class Number>
struct TwoFeatures;
template <>
struct TwoFeatures<float> {
  static NDL_HD Two fetch(const float* table, const uint32_t* entry) {
    return {gather_pairs(table, entry), gather_pairs(table, entry + kFloats / 2)};
  }
  static NDL_HD Two weights(FloatV w) {
    Two two;
    interleave(w, w, two.a, two.b);
    return two;
  }
  static NDL_HD Two as_panel(const Two& y) { return y; }
};
template <>
struct TwoFeatures<uint16_t> {
  static NDL_HD Two fetch(const uint16_t* table, const uint32_t* entry) {
    const UIntV words = gather_words(table, entry);
    return {bits<FloatV>(words << 16), bits<FloatV>(words & 0xffff0000u)};
  }
  static NDL_HD Two weights(FloatV w) { return {w, w}; }
  static NDL_HD Two as_panel(const Two& y) {
    Two two;
    interleave(y.a, y.b, two.a, two.b);
    return two;
  }
};

template <class Number>
NDL_HD void encode_two(const Block& block, const Number* table, int64_t count, float* out) {
  using Features = TwoFeatures<Number>;
  Two low = {}, high = {};
#pragma GCC unroll 4
  for (int k = 0; k < 4; ++k) {
    const Two face = Features::weights(load<FloatV>(block.face[k]));
    low.add_scaled(Features::fetch(table, block.entry[2 * k]), face);
    high.add_scaled(Features::fetch(table, block.entry[2 * k + 1]), face);
  }
  const Two fx = Features::weights(load<FloatV>(block.fx));
  const Two y = Features::as_panel({low.a * (1.0f - fx.a) + high.a * fx.a, low.b * (1.0f - fx.b) + high.b * fx.b});
  const int64_t numbers = 2 * count;
  if (numbers == 2 * kFloats) {
    store(out, y.a);
    store(out + kFloats, y.b);
  } else {
    store(out, y.a, numbers < kFloats ? numbers : kFloats);
    if (numbers > kFloats) store(out + kFloats, y.b, numbers - kFloats);
  }
}

// One of each pair: the other is on the same line seven times in eight.
template <class Number>
NDL_HD void prefetch(const Block& block, const Number* table) {
  for (int k = 0; k < 4; ++k)
    for (int p = 0; p < kFloats; ++p) __builtin_prefetch(table + block.entry[2 * k][p], 0, 3);
}
template <class Number>
NDL_HD int64_t level_bytes(const HashGridLevelArgs& level) {
  return static_cast<int64_t>(level.size) * level.features * static_cast<int64_t>(sizeof(Number));
}

NDL_HD int64_t lanes_at(const HashGridPoints& points, int64_t first) {
  return points.count - first < kFloats ? points.count - first : kFloats;
}

// Calls body(block, first, count) for every vector of points; `ahead` prefetches the next block's entries.
template <class Number, class Body>
NDL_HD void for_blocks(const HashGridLevelArgs& level, const HashGridPoints& points, const Number* table, bool ahead,
                       Body body) {
  Block blocks[2];
  if (!ahead) {
    for (int64_t i = 0; i < points.count; i += kFloats) {
      find_corners(level, points, i, blocks[0]);
      body(blocks[0], i, lanes_at(points, i));
    }
    return;
  }
  if (points.count > 0) find_corners(level, points, 0, blocks[0]);
  int current = 0;
  for (int64_t i = 0; i < points.count; i += kFloats) {
    if (i + kFloats < points.count) {
      find_corners(level, points, i + kFloats, blocks[current ^ 1]);
      prefetch(blocks[current ^ 1], table);
    }
    body(blocks[current], i, lanes_at(points, i));
    current ^= 1;
  }
}

template <int F, class Number>
void encode_numbers(const HashGridEncodeArgs& args) {
  const Number* table = static_cast<const Number*>(args.table) + args.level.offset * F;
  for_blocks(args.level, args.points, table, level_bytes<Number>(args.level) >= kPrefetchBytes,
             [&](const Block& block, int64_t first, int64_t count) {
               if constexpr (F == 2)
                 encode_two(block, table, count, args.out + first * F);
               else
                 encode_block<F>(block, table, count, args.out + first * F);
             });
}
template <int F>
void encode(const HashGridEncodeArgs& args) {
  if (args.element == Element::BF16)
    encode_numbers<F, uint16_t>(args);
  else
    encode_numbers<F, float>(args);
}

template <int F>
NDL_HD void scatter_points(const Block& block, float* table, int64_t count, const float* dy) {
  for (int64_t p = 0; p < count; ++p) {
    const Pair<F> gradient = Pair<F>::spread(dy + p * F, block.fx[p]);
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) {
      float* low = table + block.entry[2 * k][p];
      float* high = table + block.entry[2 * k + 1][p];
      Pair<F> sum = Pair<F>::load(low, high);
      sum.add_scaled(gradient, block.face[k][p]);
      sum.store(low, high);
    }
  }
}

// The sums of a run of points in one cell.
template <int F>
struct Run {
  Pair<F> sum[4];
  uint32_t entry[kCorners];

  NDL_HD void flush(float* table) {
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) {
      float* low = table + entry[2 * k];
      float* high = table + entry[2 * k + 1];
      Pair<F> total = Pair<F>::load(low, high);
      total.add(sum[k]);
      total.store(low, high);
    }
  }
};

template <int F>
void scatter(const HashGridScatterArgs& args) {
  const HashGridPoints& points = args.points;
  float* table = args.table_grad + args.level.offset * F;
  // Cleared here and not earlier, because the lines are wanted in this core's cache now.
  if (args.zero) memset(table, 0, static_cast<size_t>(args.level.size) * F * sizeof(float));
  if (args.level.hashed) {
    // A cleared level is near already.
    const bool ahead = !args.zero && level_bytes<float>(args.level) > kPrefetchBytes;
    for_blocks(args.level, points, table, ahead, [&](const Block& block, int64_t first, int64_t count) {
      scatter_points<F>(block, table, count, args.dy + first * F);
    });
    return;
  }
  if (points.count == 0) return;
  Block block;
  Run<F> run = {};
  bool open = false;
  for (int64_t i = 0; i < points.count; i += kFloats) {
    find_corners(args.level, points, i, block);
    const int64_t count = lanes_at(points, i);
    for (int64_t p = 0; p < count; ++p) {
      const Pair<F> gradient = Pair<F>::spread(args.dy + (i + p) * F, block.fx[p]);
      // Equal first and last corners mean equal entries in between, even where indices wrapped around.
      if (!open | (block.entry[0][p] != run.entry[0]) | (block.entry[7][p] != run.entry[7])) {
        if (open) run.flush(table);
        open = true;
        for (int c = 0; c < kCorners; ++c) run.entry[c] = block.entry[c][p];
        for (int k = 0; k < 4; ++k) run.sum[k] = Pair<F>::zero();
      }
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) run.sum[k].add_scaled(gradient, block.face[k][p]);
    }
  }
  run.flush(table);
}

template <int F>
NDL_HD float sum_lanes(typename EntryOf<F>::Type v) {
  if constexpr (F == 1) {
    return v;
  } else {
    float sum = v[0];
    for (int f = 1; f < F; ++f) sum += v[f];
    return sum;
  }
}

template <int F, class Number>
void position_grad_numbers(const HashGridPositionArgs& args) {
  typedef typename EntryOf<F>::Type Entry;
  const Number* table = static_cast<const Number*>(args.table) + args.level.offset * F;
  for_blocks(args.level, args.points, table, level_bytes<Number>(args.level) >= kPrefetchBytes,
             [&](const Block& block, int64_t first, int64_t count) {
               for (int64_t p = 0; p < count; ++p) {
                 Entry value[kCorners], slope[3];
                 for (int c = 0; c < kCorners; ++c) value[c] = load_entry<F>(table + block.entry[c][p]);
                 const Entry gradient = load_entry<F>(args.dy + (first + p) * F);
                 trilinear_slope(axis_weights(block.fx[p]), axis_weights(block.fy[p]), axis_weights(block.fz[p]), value,
                                 slope);
                 float* row = args.grad + (first + p) * 3;
                 for (int axis = 0; axis < 3; ++axis)
                   row[axis] += sum_lanes<F>(slope[axis] * gradient) * args.level.scale;
               }
             });
}
template <int F>
void position_grad(const HashGridPositionArgs& args) {
  if (args.element == Element::BF16)
    position_grad_numbers<F, uint16_t>(args);
  else
    position_grad_numbers<F, float>(args);
}

}  // namespace

#define NDL_BY_FEATURES(features, function, args) \
  switch (features) {                             \
    case 1:                                       \
      return function<1>(args);                   \
    case 2:                                       \
      return function<2>(args);                   \
    case 4:                                       \
      return function<4>(args);                   \
    default:                                      \
      return function<8>(args);                   \
  }

void hashgrid_encode(const HashGridEncodeArgs& args) { NDL_BY_FEATURES(args.level.features, encode, args) }
void hashgrid_scatter(const HashGridScatterArgs& args) { NDL_BY_FEATURES(args.level.features, scatter, args) }
void hashgrid_position_grad(const HashGridPositionArgs& args) {
  NDL_BY_FEATURES(args.level.features, position_grad, args)
}

#undef NDL_BY_FEATURES

void hashgrid_split_positions(const HashGridSplitPositionsArgs& args) {
  for (int64_t i = 0; i < args.count; ++i) {
    const float* from = args.positions + i * args.stride_point;
    args.x[i] = from[0];
    args.y[i] = from[args.stride_axis];
    args.z[i] = from[2 * args.stride_axis];
  }
  float* axes[3] = {args.x, args.y, args.z};
  for (int axis = 0; axis < 3; ++axis) {
    if (args.scale[axis] == 1.0f && args.shift[axis] == 0.0f) continue;
    for (int64_t i = 0; i < args.count; i += kFloats) {
      const int64_t lanes = args.count - i < kFloats ? args.count - i : kFloats;
      const FloatV x = lanes == kFloats ? load<FloatV>(axes[axis] + i) : load<FloatV>(axes[axis] + i, lanes);
      const FloatV y = multiply_add(x, args.scale[axis], args.shift[axis]);
      if (lanes == kFloats)
        store(axes[axis] + i, y);
      else
        store(axes[axis] + i, y, lanes);
    }
  }
}

}  // namespace needlecpp::NDL_ISA
