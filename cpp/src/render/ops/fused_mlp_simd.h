// The register blocks that every product of the fused multilayer perceptron is cut into, whatever its numbers are made
// of. The essay is in fused_mlp_simd.cpp.
#pragma once

#include "render/ops/fused_mlp_kernels.h"

namespace needlecpp::NDL_ISA {

// The kernels for bfloat16 products, which those of fused_mlp_kernels.h hand on to.
void mlp_pack_bf16(MlpProducts products, const MlpLayer& layer);
int64_t mlp_scratch_bf16(const MlpArgs& args);
void mlp_forward_bf16(const MlpArgs& args, int64_t begin, int64_t end, float* memory);
void mlp_backward_bf16(const MlpArgs& args, int64_t begin, int64_t end, float* memory, float* gradients);

namespace {

// The register block: kMaxVectors vectors of columns, and as many rows as leave registers for the operands.
constexpr int kMaxVectors = kFloats == 16 ? 4 : 2;
constexpr int64_t kPanel = kMaxVectors * kFloats;
constexpr int max_rows(int vectors) {
  return vectors == 4 ? 6 : vectors == 3 ? 8 : vectors == 2 && kFloats < 16 ? 6 : 12;
}

constexpr int64_t vectors_of(int64_t width) { return (width + kFloats - 1) / kFloats; }

enum class Finish { kStore, kRelu, kMask, kAdd };

// Memory that the next tile will use, fetched evenly while this one is computed: a few lines with every register
// block. How many is known from the number of blocks of the tile before.
class Ahead {
 public:
  void start_tile() {
    per_block_ = 0;
    for (int i = 0; i < n_spans_; ++i) per_block_ += spans_[i].lines;
    per_block_ = blocks_ > 0 ? (per_block_ + blocks_ - 1) / blocks_ : 0;
    blocks_ = 0;
    now_ = 0;
  }
  void clear() { n_spans_ = 0; }
  template <class T>
  void add(const T* from, int64_t numbers) {
    const int64_t bytes = numbers * static_cast<int64_t>(sizeof(T));
    if (n_spans_ < kMaxSpans) spans_[n_spans_++] = {reinterpret_cast<const char*>(from), (bytes + 63) / 64};
  }
  void step() {
    ++blocks_;
    if (now_ == n_spans_) return;
    Span& span = spans_[now_];
    const int64_t lines = span.lines < per_block_ ? span.lines : per_block_;
    for (int64_t i = 0; i < lines; ++i) __builtin_prefetch(span.at + i * 64);
    span.at += lines * 64;
    span.lines -= lines;
    if (span.lines == 0) ++now_;
  }

 private:
  static constexpr int kMaxSpans = 64;
  struct Span {
    const char* at;
    int64_t lines;
  };
  Span spans_[kMaxSpans];
  int n_spans_ = 0, now_ = 0;
  int64_t per_block_ = 0, blocks_ = 0;
};

// c[i][j] (+)= sum over k of a(i, k) b(k, j). What a word holds and what c is stored as is the Unit's affair: a float,
// or two bfloat16 neighbours in k. Steps of a and b count words, those of c and mask its elements.
template <class Unit>
struct Product {
  using Word = typename Unit::Word;
  int64_t rows, vectors, depth;
  const Word* a;
  int64_t a_row, a_step;
  const Word* b;
  int64_t b_step = 0;  // words from one k to the next; 0: b is packed in panels
  typename Unit::Result* c;
  int64_t c_row;
  Finish finish = Finish::kStore;
  const typename Unit::Result* mask = nullptr;  // kMask: c is zero where this is 0 or less
  int64_t mask_row = 0;
  Ahead* ahead;
};

template <int C, class Unit>
void column_of_blocks(const Product<Unit>& p, const typename Unit::Word* b, int64_t b_step, typename Unit::Result* c,
                      const typename Unit::Result* mask) {
  constexpr int kRows = max_rows(C);
  const typename Unit::Word* a = p.a;
  int64_t left = p.rows;
  while (left > 0) {
    const int64_t rows = left >= 2 * kRows ? kRows : left > kRows ? (left + 1) / 2 : left;
    // clang-format off
    switch (rows) {
#define NDL_CASE(R)                                                            \
      case R:                                                                  \
        if constexpr (R <= kRows) Unit::template block<R, C>(p, a, b, b_step, c, mask); \
        break;
      NDL_CASE(1) NDL_CASE(2) NDL_CASE(3) NDL_CASE(4) NDL_CASE(5) NDL_CASE(6)
      NDL_CASE(7) NDL_CASE(8) NDL_CASE(9) NDL_CASE(10) NDL_CASE(11) NDL_CASE(12)
#undef NDL_CASE
    }
    // clang-format on
    p.ahead->step();
    left -= rows;
    a += rows * p.a_row;
    c += rows * p.c_row;
    if (mask) mask += rows * p.mask_row;
  }
}

template <class Unit>
void multiply(const Product<Unit>& p) {
  for (int64_t done = 0; done < p.vectors; done += kMaxVectors) {
    const int64_t vectors = p.vectors - done < kMaxVectors ? p.vectors - done : kMaxVectors;
    const int64_t at = done * kFloats;
    const typename Unit::Word* b = p.b + (p.b_step ? at : at * p.depth);
    const int64_t b_step = p.b_step ? p.b_step : vectors * kFloats;
    const typename Unit::Result* mask = p.mask ? p.mask + at : nullptr;
    switch (vectors) {
      case 1:
        column_of_blocks<1>(p, b, b_step, p.c + at, mask);
        break;
      case 2:
        column_of_blocks<2>(p, b, b_step, p.c + at, mask);
        break;
      case 3:
        if constexpr (kMaxVectors > 2) column_of_blocks<3>(p, b, b_step, p.c + at, mask);
        break;
      case 4:
        if constexpr (kMaxVectors > 2) column_of_blocks<4>(p, b, b_step, p.c + at, mask);
        break;
    }
  }
}

// The gradient [in, out] of a weight, or its transpose [out, in], whichever leaves fewer lanes empty (on a tie the
// wider rows).
bool gradient_transposed(const MlpLayer& layer) {
  const int64_t plain = layer.in * vectors_of(layer.out), transposed = layer.out * vectors_of(layer.in);
  return transposed < plain || (transposed == plain && vectors_of(layer.in) > vectors_of(layer.out));
}

void sigmoid_in_place(float* values, int64_t count) {
  int64_t i = 0;
  for (; i + kFloats <= count; i += kFloats) store(values + i, mlp_sigmoid(load<FloatV>(values + i)));
  if (i < count) store(values + i, mlp_sigmoid(load<FloatV>(values + i, count - i)), count - i);
}

void sigmoid_backward(const float* y, const float* dy, int64_t count, float* dx) {
  int64_t i = 0;
  for (; i + kFloats <= count; i += kFloats)
    store(dx + i, mlp_sigmoid_backward(load<FloatV>(y + i), load<FloatV>(dy + i)));
  if (i < count)
    store(dx + i, mlp_sigmoid_backward(load<FloatV>(y + i, count - i), load<FloatV>(dy + i, count - i)), count - i);
}

// The gradient in front of the last activation, from the network's outputs and the gradient behind it.
void output_backward(MlpActivation output, const float* y, const float* dy, int64_t count, float* dx) {
  if (output == MlpActivation::kSigmoid)
    sigmoid_backward(y, dy, count, dx);
  else
    for (int64_t i = 0; i < count; ++i) dx[i] = y[i] <= 0.0f ? 0.0f : dy[i];
}
void activate_output(MlpActivation output, float* y, int64_t count) {
  if (output == MlpActivation::kSigmoid) sigmoid_in_place(y, count);
  if (output == MlpActivation::kRelu)
    for (int64_t i = 0; i < count; ++i) y[i] = mlp_relu(y[i]);
}

bool in_panels(const MlpColumns& columns, int64_t in) { return columns.group < in; }

// Between panels (one group of columns each) and rows. Groups of two floats move as doubles, squares of them transposed
// in registers: copied one by one they took as long as a sixth of the products.
template <int G>
void copy_groups(const float* from, int64_t from_point, int64_t from_group, int64_t points, int64_t groups, float* to,
                 int64_t to_point, int64_t to_group) {
  const auto one_by_one = [=](int64_t point, int64_t last_point, int64_t first_group) {
    for (; point < last_point; ++point)
      for (int64_t g = first_group; g < groups; ++g)
        memcpy(to + point * to_point + g * to_group, from + point * from_point + g * from_group, G * sizeof(float));
  };
  if constexpr (G != 2) return one_by_one(0, points, 0);
  // On each side neighbours, 2 floats apart, are points in panels and groups in rows; they fill a vector.
  const int64_t from_row = from_group == 2 ? from_point : from_group;
  const int64_t to_row = to_group == 2 ? to_point : to_group;
  const int64_t whole_points = points / kDoubles * kDoubles, whole_groups = groups / kDoubles * kDoubles;
  for (int64_t point = 0; point < whole_points; point += kDoubles)
    for (int64_t g = 0; g < whole_groups; g += kDoubles) {
      DoubleV square[kDoubles];
#pragma GCC unroll 8
      for (int k = 0; k < kDoubles; ++k)
        square[k] = load<DoubleV>(from + point * from_point + g * from_group + k * from_row);
      transpose(square);
#pragma GCC unroll 8
      for (int k = 0; k < kDoubles; ++k) store(to + point * to_point + g * to_group + k * to_row, square[k]);
    }
  one_by_one(0, whole_points, whole_groups);
  one_by_one(whole_points, points, 0);
}
#define NDL_BY_GROUP(group, call) \
  switch (group) {                \
    case 1: {                     \
      constexpr int G = 1;        \
      call;                       \
    } break;                      \
    case 2: {                     \
      constexpr int G = 2;        \
      call;                       \
    } break;                      \
    case 4: {                     \
      constexpr int G = 4;        \
      call;                       \
    } break;                      \
    default: {                    \
      constexpr int G = 8;        \
      call;                       \
    } break;                      \
  }
void rows_from_panels(const MlpColumns& x, int64_t first, int64_t count, int64_t in, float* to, int64_t to_row) {
  const float* from = x.at + first * x.row;
  NDL_BY_GROUP(x.group, copy_groups<G>(from, x.row, x.group_stride, count, in / G, to, to_row, G))
  for (int64_t i = 0; i < count; ++i)
    for (int64_t k = in; k < mlp_padded(in); ++k) to[i * to_row + k] = 0.0f;
}
void panels_from_rows(const float* from, int64_t from_row, int64_t first, int64_t count, int64_t in,
                      const MlpColumns& dx) {
  float* to = dx.at + first * dx.row;
  NDL_BY_GROUP(dx.group, copy_groups<G>(from, from_row, G, count, in / G, to, dx.row, dx.group_stride))
}
#undef NDL_BY_GROUP

// The memory of the next tile's columns. Rows far apart are left to the processor.
void add_columns(const MlpColumns& columns, int64_t in, int64_t first, int64_t count, Ahead* ahead) {
  if (columns.row <= 0 || columns.row > 2 * columns.group) return;
  for (int64_t k = 0; k < in; k += columns.group)
    ahead->add(columns.at + first * columns.row + k / columns.group * columns.group_stride,
               (count - 1) * columns.row + columns.group);
}

// tile(first, count, ahead) for tiles of the points [begin, end), with the next tile's memory in `ahead`. Activations
// are saved as numbers of type Saved.
template <class Saved, class Tile>
void for_tiles(const MlpArgs& args, int64_t begin, int64_t end, bool backward, Tile tile) {
  const int64_t in = args.layers[0].in, out = args.layers[args.n_layers - 1].out;
  const auto points = [end](int64_t first) { return end - first < kMlpTile ? end - first : kMlpTile; };
  Ahead ahead;
  for (int64_t first = begin; first < end; first += kMlpTile) {
    const int64_t next = first + kMlpTile, count = points(next);
    ahead.clear();
    if (count > 0 && backward) {
      ahead.add(args.dy + next * out, count * out);
      for (int l = args.n_layers - 2; l >= 0; --l) {
        const int64_t row = mlp_row(args.layers[l].out);
        ahead.add(static_cast<const Saved*>(args.layers[l].saved) + next * row, count * row);
      }
    }
    if (count > 0) add_columns(args.x, in, next, count, &ahead);
    if (count > 0 && backward && args.dx.at) add_columns(args.dx, in, next, count, &ahead);
    ahead.start_tile();
    tile(first, points(first), &ahead);
  }
}

int64_t widest_row(const MlpArgs& args) {
  int64_t widest = mlp_row(args.layers[0].in);
  for (int l = 0; l < args.n_layers; ++l)
    if (mlp_row(args.layers[l].out) > widest) widest = mlp_row(args.layers[l].out);
  return widest;
}

}  // namespace
}  // namespace needlecpp::NDL_ISA
