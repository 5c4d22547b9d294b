// The register blocks that every product of the fused multilayer perceptron is cut into, whatever its numbers are made
// of. The essay is in fused_mlp_cpu.cpp.
#pragma once

#include "render/fused_mlp_kernels.h"

namespace needlecpp::NDL_ISA {
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
  void add(const float* from, int64_t floats) {
    if (n_spans_ < kMaxSpans) spans_[n_spans_++] = {reinterpret_cast<const char*>(from), (floats * 4 + 63) / 64};
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
  static constexpr int kMaxSpans = 8;
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

int64_t widest_row(const MlpArgs& args) {
  int64_t widest = mlp_row(args.layers[0].in);
  for (int l = 0; l < args.n_layers; ++l)
    if (mlp_row(args.layers[l].out) > widest) widest = mlp_row(args.layers[l].out);
  return widest;
}

}  // namespace
}  // namespace needlecpp::NDL_ISA
