// The fused multilayer perceptron with products of bfloat16 numbers and sums in float32; fused_mlp_cpu.cpp tells how
// the whole works.
//
// What differs. Activations and the gradients behind them are rounded to bfloat16 whenever they leave the registers, so
// they take half the memory, and every product walks k two at a time: a word holds two neighbours in k, and one
// instruction (vdpbf16ps) multiplies 16 pairs with one broadcast pair and adds both products to 16 sums. For the two
// products along a row, x W and dy W^T, a row of activations is such words as it lies in memory and the weights are
// packed in pairs of rows. The weight gradient sums over points: pair_points() weaves the rows of two points into
// words. Where the processor has no such instruction, the pairs are taken apart into floats: the same numbers, only
// slower than the float32 path. Weight gradients, dx and the network's outputs leave as float32.
#include "render/fused_mlp_cpu.h"
#include "simd/bf16_dot.h"

namespace needlecpp::NDL_ISA {
namespace {

using Native = NativeDot;
using Emulated = EmulatedDot;
using Word = BrainPair;

template <class Dot, class ResultType>
struct BrainUnit {
  using Word = NDL_ISA::Word;
  using Result = ResultType;
  template <int R, int C>
  static void block(const Product<BrainUnit>& p, const Word* a, const Word* b, int64_t b_step, Result* c,
                    const Result* mask);
};

template <class Dot, class ResultType>
template <int R, int C>
__attribute__((noinline)) void BrainUnit<Dot, ResultType>::block(const Product<BrainUnit>& p, const Word* a,
                                                                 const Word* b, int64_t b_step, Result* c,
                                                                 const Result* mask) {
  FloatV sum[R][C];
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < C; ++j) sum[i][j] = FloatV{};
  const int64_t a_row = p.a_row, a_step = p.a_step;
  for (int64_t k = p.depth; k > 0; --k) {
    typename Dot::Pairs bv[C];
#pragma GCC unroll 4
    for (int j = 0; j < C; ++j) bv[j] = Dot::pairs(b + j * kFloats);
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i) {
      const typename Dot::Pair x = Dot::pair(a + i * a_row);
#pragma GCC unroll 4
      for (int j = 0; j < C; ++j) Dot::add_dot(sum[i][j], bv[j], x);
    }
    a += a_step;
    b += b_step;
  }
  const Finish finish = p.finish;
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < C; ++j) {
      Result* to = c + i * p.c_row + j * kFloats;
      if constexpr (sizeof(Result) == 4) {
        store(to, finish == Finish::kAdd ? load<FloatV>(to) + sum[i][j] : sum[i][j]);
      } else {
        FloatV y = sum[i][j];
        if (finish == Finish::kRelu) y = mlp_relu(y);
        if (finish == Finish::kMask)
          y = bits<FloatV>(widen(load<BrainV>(mask + i * p.mask_row + j * kFloats)) << 16) <= 0.0f ? FloatV{} : y;
        store(to, Dot::narrow(y));
      }
    }
}

struct BrainRows {
  const uint16_t* at;
  int64_t row;  // in bfloat16 numbers, even
  const Word* words() const { return reinterpret_cast<const Word*>(at); }
};

constexpr int64_t pairs_of(int64_t count) { return (count + 1) / 2; }

// Rows of floats with any strides, rounded and padded with zeros to whole vectors.
template <class Dot>
void narrow_rows(const float* from, int64_t from_row, int64_t from_column, int64_t count, int64_t width, uint16_t* to,
                 int64_t to_row) {
  const int64_t padded = mlp_padded(width);
  for (int64_t i = 0; i < count; ++i) {
    int64_t j = 0;
    if (from_column == 1)
      for (; j + kFloats <= width; j += kFloats)
        store(to + i * to_row + j, Dot::narrow(load<FloatV>(from + i * from_row + j)));
    for (; j < width; ++j) to[i * to_row + j] = float_to_brain(from[i * from_row + j * from_column]);
    for (; j < padded; ++j) to[i * to_row + j] = 0;
  }
}

// to[p][j] = (row 2p, row 2p + 1) of column j, in words; a missing last row counts as zeros.
void pair_points(const BrainRows& from, int64_t count, int64_t width, Word* to) {
  const int64_t padded = mlp_padded(width);
  for (int64_t p = 0; p < pairs_of(count); ++p) {
    const uint16_t* low = from.at + 2 * p * from.row;
    const uint16_t* high = low + from.row;
    const bool both = 2 * p + 1 < count;
    for (int64_t j = 0; j < width; j += kFloats) {
      const UIntV above = both ? widen(load<BrainV>(high + j)) << 16 : UIntV{};
      store(to + p * padded + j, widen(load<BrainV>(low + j)) | above);
    }
  }
}

// [rows, columns] with any strides into panels of kPanel columns, two rows to a word.
void pack_pairs(const float* from, int64_t row_stride, int64_t column_stride, int64_t rows, int64_t columns, Word* to) {
  const int64_t padded = vectors_of(columns) * kFloats;
  for (int64_t at = 0; at < padded; at += kPanel) {
    const int64_t width = padded - at < kPanel ? padded - at : kPanel;
    for (int64_t k = 0; k < rows; k += 2)
      for (int64_t j = at; j < at + width; ++j, ++to) {
        const auto number = [&](int64_t row) {
          if (row >= rows || j >= columns) return uint32_t{0};
          return uint32_t{float_to_brain(from[row * row_stride + j * column_stride])};
        };
        *to = number(k) | number(k + 1) << 16;
      }
  }
}

// A tile's memory, in the order in which it is cut from the scratch buffer.
struct Scratch {
  uint16_t *x, *first, *second;  // rows of bfloat16
  Word *paired_x, *paired_g;
  float* wide;  // rows of float32
  Scratch(const MlpArgs& args, float* memory) {
    const int64_t size = kMlpTile * widest_row(args);
    wide = memory;
    paired_x = reinterpret_cast<Word*>(memory + size);
    paired_g = paired_x + size / 2;
    x = reinterpret_cast<uint16_t*>(paired_g + size / 2);
    first = x + size;
    second = first + size;
  }
};

const Word* words(const float* packed) { return reinterpret_cast<const Word*>(packed); }

// Activations in place between the register block and the next layer.
template <class Dot, class Fn>
void for_vectors(uint16_t* rows, int64_t row, int64_t count, int64_t width, Fn fn) {
  for (int64_t i = 0; i < count; ++i)
    for (int64_t j = 0; j < width; j += kFloats) {
      uint16_t* at = rows + i * row + j;
      store(at, Dot::narrow(fn(bits<FloatV>(widen(load<BrainV>(at)) << 16), i, j)));
    }
}

template <class Dot>
BrainRows narrow_input(const MlpArgs& args, int64_t first, int64_t count, const Scratch& scratch) {
  const int64_t in = args.layers[0].in, row = mlp_row(in);
  if (in_panels(args.x, in)) {
    rows_from_panels(args.x, first, count, in, scratch.wide, row);
    narrow_rows<Dot>(scratch.wide, row, 1, count, in, scratch.x, row);
  } else {
    narrow_rows<Dot>(args.x.at + first * args.x.row, args.x.row, args.x.column, count, in, scratch.x, row);
  }
  return {scratch.x, row};
}

// Rows of float32, padded, to rows packed tightly.
void tight_rows(const float* from, int64_t from_row, int64_t count, int64_t width, float* to) {
  for (int64_t i = 0; i < count; ++i) {
    int64_t j = 0;
    for (; j + kFloats <= width; j += kFloats) store(to + i * width + j, load<FloatV>(from + i * from_row + j));
    if (j < width) store(to + i * width + j, load<FloatV>(from + i * from_row + j), width - j);
  }
}

template <class Dot>
void forward_tile(const MlpArgs& args, int64_t first, int64_t count, const Scratch& scratch, Ahead* ahead) {
  BrainRows x = narrow_input<Dot>(args, first, count, scratch);
  for (int l = 0; l + 1 < args.n_layers; ++l) {
    const MlpLayer& layer = args.layers[l];
    const int64_t row = mlp_row(layer.out);
    uint16_t* to = l % 2 ? scratch.second : scratch.first;
    if (layer.saved) to = static_cast<uint16_t*>(layer.saved) + first * row;
    multiply(Product<BrainUnit<Dot, uint16_t>>{
        .rows = count,
        .vectors = vectors_of(layer.out),
        .depth = pairs_of(layer.in),
        .a = x.words(),
        .a_row = x.row / 2,
        .a_step = 1,
        .b = words(layer.packed),
        .c = to,
        .c_row = row,
        .finish = args.hidden == MlpActivation::kRelu ? Finish::kRelu : Finish::kStore,
        .ahead = ahead});
    if (args.hidden == MlpActivation::kSigmoid)
      for_vectors<Dot>(to, row, count, layer.out, [](FloatV v, int64_t, int64_t) { return mlp_sigmoid(v); });
    x = {to, row};
  }
  const MlpLayer& last = args.layers[args.n_layers - 1];
  float* y = args.y + first * last.out;
  const bool direct = last.out % kFloats == 0;
  const int64_t row = direct ? last.out : mlp_padded(last.out);
  multiply(Product<BrainUnit<Dot, float>>{.rows = count,
                                          .vectors = vectors_of(last.out),
                                          .depth = pairs_of(last.in),
                                          .a = x.words(),
                                          .a_row = x.row / 2,
                                          .a_step = 1,
                                          .b = words(last.packed),
                                          .c = direct ? y : scratch.wide,
                                          .c_row = row,
                                          .ahead = ahead});
  if (!direct) tight_rows(scratch.wide, row, count, last.out, y);
  activate_output(args.output, y, count * last.out);
}

template <class Dot>
void backward_tile(const MlpArgs& args, int64_t first, int64_t count, const Scratch& scratch, float* gradients,
                   Ahead* ahead) {
  const BrainRows x0 = narrow_input<Dot>(args, first, count, scratch);
  const int64_t out = args.layers[args.n_layers - 1].out;
  const float* dy = args.dy + first * out;
  if (args.output != MlpActivation::kNone) {
    output_backward(args.output, args.y + first * out, dy, count * out, scratch.wide);
    dy = scratch.wide;
  }
  uint16_t* g_rows = args.n_layers % 2 ? scratch.second : scratch.first;
  narrow_rows<Dot>(dy, out, 1, count, out, g_rows, mlp_row(out));
  BrainRows g = {g_rows, mlp_row(out)};
  for (int l = args.n_layers - 1; l >= 0; --l) {
    const MlpLayer& layer = args.layers[l];
    const MlpLayer* before = l > 0 ? &args.layers[l - 1] : nullptr;
    const int64_t row = mlp_row(layer.in);
    const BrainRows x = before ? BrainRows{static_cast<uint16_t*>(before->saved) + first * row, row} : x0;
    if (layer.gradient_at >= 0) {
      pair_points(x, count, layer.in, scratch.paired_x);
      pair_points(g, count, layer.out, scratch.paired_g);
      const bool transposed = gradient_transposed(layer);
      const Word* left = transposed ? scratch.paired_g : scratch.paired_x;
      const Word* right = transposed ? scratch.paired_x : scratch.paired_g;
      const int64_t rows = transposed ? layer.out : layer.in, columns = transposed ? layer.in : layer.out;
      multiply(Product<BrainUnit<Dot, float>>{.rows = rows,
                                              .vectors = vectors_of(columns),
                                              .depth = pairs_of(count),
                                              .a = left,
                                              .a_row = 1,
                                              .a_step = mlp_padded(rows),
                                              .b = right,
                                              .b_step = mlp_padded(columns),
                                              .c = gradients + layer.gradient_at,
                                              .c_row = mlp_padded(columns),
                                              .finish = Finish::kAdd,
                                              .ahead = ahead});
    }
    if (before) {
      uint16_t* to = l % 2 ? scratch.second : scratch.first;
      multiply(Product<BrainUnit<Dot, uint16_t>>{
          .rows = count,
          .vectors = vectors_of(layer.in),
          .depth = pairs_of(layer.out),
          .a = g.words(),
          .a_row = g.row / 2,
          .a_step = 1,
          .b = words(layer.packed_t),
          .c = to,
          .c_row = row,
          .finish = args.hidden == MlpActivation::kRelu ? Finish::kMask : Finish::kStore,
          .mask = x.at,
          .mask_row = x.row,
          .ahead = ahead});
      if (args.hidden == MlpActivation::kSigmoid)
        for_vectors<Dot>(to, row, count, layer.in, [&](FloatV v, int64_t i, int64_t j) {
          return mlp_sigmoid_backward(bits<FloatV>(widen(load<BrainV>(x.at + i * x.row + j)) << 16), v);
        });
      g = {to, row};
    } else if (args.dx.at) {
      const bool panels = in_panels(args.dx, layer.in);
      float* dx = args.dx.at + first * args.dx.row;
      const bool direct = !panels && layer.in % kFloats == 0;
      const int64_t dx_row = direct ? layer.in : mlp_padded(layer.in);
      multiply(Product<BrainUnit<Dot, float>>{.rows = count,
                                              .vectors = vectors_of(layer.in),
                                              .depth = pairs_of(layer.out),
                                              .a = g.words(),
                                              .a_row = g.row / 2,
                                              .a_step = 1,
                                              .b = words(layer.packed_t),
                                              .c = direct ? dx : scratch.wide,
                                              .c_row = dx_row,
                                              .ahead = ahead});
      if (panels)
        panels_from_rows(scratch.wide, dx_row, first, count, layer.in, args.dx);
      else if (!direct)
        tight_rows(scratch.wide, dx_row, count, layer.in, dx);
    }
  }
}

// Where the next tile's memory begins, for the prefetches.
void add_next(const MlpArgs& args, int64_t next, int64_t end, bool backward, Ahead* ahead) {
  const int64_t count = end - next < kMlpTile ? end - next : kMlpTile;
  ahead->clear();
  if (count <= 0) return;
  add_columns(args.x, args.layers[0].in, next, count, ahead);
  if (!backward) return;
  const int64_t out = args.layers[args.n_layers - 1].out;
  ahead->add(args.dy + next * out, count * out);
  for (int l = args.n_layers - 2; l >= 0; --l) {
    const int64_t row = mlp_row(args.layers[l].out);
    ahead->add(reinterpret_cast<const float*>(static_cast<uint16_t*>(args.layers[l].saved) + next * row),
               count * row / 2);
  }
  if (args.dx.at) add_columns(args.dx, args.layers[0].in, next, count, ahead);
}

template <class Tile>
void for_tiles(const MlpArgs& args, int64_t begin, int64_t end, bool backward, Tile tile) {
  Ahead ahead;
  for (int64_t first = begin; first < end; first += kMlpTile) {
    add_next(args, first + kMlpTile, end, backward, &ahead);
    ahead.start_tile();
    tile(first, end - first < kMlpTile ? end - first : kMlpTile, &ahead);
  }
}

}  // namespace

void mlp_pack_bf16(const MlpLayer& layer) {
  pack_pairs(layer.weight, layer.weight_in_stride, layer.weight_out_stride, layer.in, layer.out,
             reinterpret_cast<Word*>(layer.packed));
  if (layer.packed_t)
    pack_pairs(layer.weight, layer.weight_out_stride, layer.weight_in_stride, layer.out, layer.in,
               reinterpret_cast<Word*>(layer.packed_t));
}

int64_t mlp_scratch_bf16(const MlpArgs& args) { return kMlpTile * widest_row(args) * 4; }

void mlp_forward_bf16(const MlpArgs& args, int64_t begin, int64_t end, float* memory) {
  const Scratch scratch(args, memory);
  for_tiles(args, begin, end, false, [&](int64_t first, int64_t count, Ahead* ahead) {
    if (args.bf16_dot)
      forward_tile<Native>(args, first, count, scratch, ahead);
    else
      forward_tile<Emulated>(args, first, count, scratch, ahead);
  });
}

void mlp_backward_bf16(const MlpArgs& args, int64_t begin, int64_t end, float* memory, float* gradients) {
  const Scratch scratch(args, memory);
  for_tiles(args, begin, end, true, [&](int64_t first, int64_t count, Ahead* ahead) {
    if (args.bf16_dot)
      backward_tile<Native>(args, first, count, scratch, gradients, ahead);
    else
      backward_tile<Emulated>(args, first, count, scratch, gradients, ahead);
  });
}

}  // namespace needlecpp::NDL_ISA
