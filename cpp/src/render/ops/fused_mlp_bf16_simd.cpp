// The fused multilayer perceptron with products of bfloat16 numbers and sums in float32; fused_mlp_simd.cpp tells how
// the whole works.
//
// What differs. Activations and the gradients behind them are rounded to bfloat16 whenever they leave the registers,
// and what is saved for the backward pass takes half the memory. Products are made of the words of a Dot
// (simd/bf16_dot.h):
//   PairDot   rows of a tile are bfloat16, every product walks k two at a time. For the two products along a row, x W
//             and dy W^T, a row of activations is pairs as it lies in memory and the weights are packed in pairs of
//             rows. The weight gradient sums over points: pair_points() weaves the rows of two points into words.
//   FloatDot  rows of a tile are floats that bfloat16 holds: the float32 network with roundings between its layers,
//             which are saved narrow and read back wide.
// Both give the same numbers. Weight gradients, dx and the network's outputs leave as float32.
#include "render/ops/fused_mlp_simd.h"
#include "simd/bf16_dot.h"

namespace needlecpp::NDL_ISA {
namespace {

template <class Dot, class ResultType, bool kKeep>
struct BrainUnit {
  using Word = typename Dot::Word;
  using Result = ResultType;
  template <int R, int C>
  static void block(const Product<BrainUnit>& p, const Word* a, const Word* b, int64_t b_step, Result* c,
                    const Result* mask);
};

// Results are kept as bfloat16 numbers, or leave as float32.
template <class Dot>
using KeepUnit = BrainUnit<Dot, typename Dot::Kept, true>;
template <class Dot>
using LeaveUnit = BrainUnit<Dot, float, false>;

template <class Dot, class ResultType, bool kKeep>
template <int R, int C>
__attribute__((noinline)) void BrainUnit<Dot, ResultType, kKeep>::block(const Product<BrainUnit>& p, const Word* a,
                                                                        const Word* b, int64_t b_step, Result* c,
                                                                        const Result* mask) {
  FloatV sum[R][C];
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < C; ++j) sum[i][j] = FloatV{};
  const int64_t a_row = p.a_row;
  for_words<Dot>(
      p.depth, a, p.a_step, b, b_step, [&](const Word* a_now, const Word* b_now) __attribute__((always_inline)) {
        typename Dot::Words bv[C];
#pragma GCC unroll 4
        for (int j = 0; j < C; ++j) bv[j] = Dot::load_words(b_now + j * kFloats);
#pragma GCC unroll 16
        for (int i = 0; i < R; ++i) {
          const typename Dot::Spread x = Dot::spread(a_now + i * a_row);
#pragma GCC unroll 4
          for (int j = 0; j < C; ++j) Dot::add(sum[i][j], bv[j], x);
        }
      });
  const auto finish = [&](auto value) __attribute__((always_inline)) {
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i)
#pragma GCC unroll 4
      for (int j = 0; j < C; ++j) {
        Result* to = c + i * p.c_row + j * kFloats;
        if constexpr (kKeep)
          Dot::keep(to, value(sum[i][j], mask + i * p.mask_row + j * kFloats));
        else
          store(to, value(sum[i][j], to));
      }
  };
  switch (p.finish) {
    case Finish::kStore:
      return finish([](FloatV y, const Result*) { return y; });
    case Finish::kRelu:
      return finish([](FloatV y, const Result*) { return mlp_relu(y); });
    case Finish::kMask:
      if constexpr (kKeep)
        return finish([](FloatV y, const Result* at) { return Dot::kept(at) <= 0.0f ? FloatV{} : y; });
      break;
    case Finish::kAdd:
      if constexpr (!kKeep) return finish([](FloatV y, const Result* at) { return load<FloatV>(at) + y; });
      break;
  }
}

template <class Dot>
struct BrainRows {
  const typename Dot::Kept* at;
  int64_t row;  // in numbers, even
  const typename Dot::Word* words() const { return Dot::words(at); }
  int64_t row_words() const { return row / Dot::kNumbers; }
};

template <class Dot>
constexpr int64_t words_of(int64_t count) {
  return (count + Dot::kNumbers - 1) / Dot::kNumbers;
}

// Rows of floats with any strides, rounded and padded with zeros to whole vectors.
template <class Dot>
void keep_rows(const float* from, int64_t from_row, int64_t from_column, int64_t count, int64_t width,
               typename Dot::Kept* to, int64_t to_row) {
  const int64_t padded = mlp_padded(width);
  for (int64_t i = 0; i < count; ++i) {
    typename Dot::Kept* row = to + i * to_row;
    int64_t j = 0;
    if (from_column == 1)
      for (; j + kFloats <= width; j += kFloats) Dot::keep(row + j, load<FloatV>(from + i * from_row + j));
    for (; j < padded; j += kFloats) {
      float some[kFloats] = {};
      for (int64_t lane = 0; lane < kFloats && j + lane < width; ++lane)
        some[lane] = from[i * from_row + (j + lane) * from_column];
      Dot::keep(row + j, load<FloatV>(some));
    }
  }
}

// A factor of a weight gradient, whose products run over points.
template <class Dot>
struct PointWords {
  const typename Dot::Word* at;
  int64_t step;  // words from one k to the next
};

// Floats are words as they lie. Pairs are woven: to[p][j] = (row 2p, row 2p + 1) of column j; a missing last row counts
// as zeros.
template <class Dot>
PointWords<Dot> point_words(const BrainRows<Dot>& from, int64_t count, int64_t width, uint32_t* to) {
  if constexpr (Dot::kNumbers == 1) {
    return {from.at, from.row};
  } else {
    const int64_t padded = mlp_padded(width);
    for (int64_t p = 0; p < words_of<Dot>(count); ++p) {
      const uint16_t* low = from.at + 2 * p * from.row;
      const uint16_t* high = low + from.row;
      const bool both = 2 * p + 1 < count;
      for (int64_t j = 0; j < width; j += kFloats) {
        const UIntV above = both ? widen(load<BrainV>(high + j)) << 16 : UIntV{};
        store(to + p * padded + j, widen(load<BrainV>(low + j)) | above);
      }
    }
    return {to, padded};
  }
}

// [rows, columns] with any strides into panels of kPanel columns, as words.
template <class Dot>
void pack_panels(const float* from, int64_t row_stride, int64_t column_stride, int64_t rows, int64_t columns,
                 float* panels) {
  auto* to = reinterpret_cast<typename Dot::Word*>(panels);
  const int64_t padded = vectors_of(columns) * kFloats;
  for (int64_t at = 0; at < padded; at += kPanel) {
    const int64_t width = padded - at < kPanel ? padded - at : kPanel;
    for (int64_t k = 0; k < rows; k += Dot::kNumbers)
      for (int64_t j = at; j < at + width; ++j, ++to) {
        const auto number = [&](int64_t row) {
          if (row >= rows || j >= columns) return uint16_t{0};
          return float_to_brain(from[row * row_stride + j * column_stride]);
        };
        *to = Dot::word(number(k), number(k + 1));
      }
  }
}

// A tile's memory, in the order in which it is cut from the scratch buffer.
template <class Dot>
struct Scratch {
  float* wide;  // rows of float32
  uint32_t *point_x, *point_g;
  typename Dot::Kept *x, *first, *second, *saved;
  Scratch(const MlpArgs& args, float* memory) {
    const int64_t size = kMlpTile * widest_row(args);
    const int64_t woven = Dot::kNumbers == 1 ? 0 : size / 2;
    wide = memory;
    point_x = reinterpret_cast<uint32_t*>(memory + size);
    point_g = point_x + woven;
    x = reinterpret_cast<typename Dot::Kept*>(point_g + woven);
    first = x + size;
    second = first + size;
    saved = second + size;
  }
  static int64_t floats(const MlpArgs& args) { return 5 * kMlpTile * widest_row(args); }
};

template <class Dot>
const typename Dot::Word* words(const float* packed) {
  return reinterpret_cast<const typename Dot::Word*>(packed);
}

// Activations in place between the register block and the next layer.
template <class Dot, class Fn>
void for_vectors(typename Dot::Kept* rows, int64_t row, int64_t count, int64_t width, Fn fn) {
  for (int64_t i = 0; i < count; ++i)
    for (int64_t j = 0; j < width; j += kFloats) {
      typename Dot::Kept* at = rows + i * row + j;
      Dot::keep(at, fn(Dot::kept(at), i, j));
    }
}

// Rows saved for the backward pass are bfloat16: those of PairDot in their own memory, of FloatDot copied from and to
// the tile.
template <class Dot>
typename Dot::Kept* saved_rows(const MlpLayer& layer, int64_t at, typename Dot::Kept* otherwise) {
  if constexpr (Dot::kNumbers == 1)
    return otherwise;
  else
    return layer.saved ? static_cast<uint16_t*>(layer.saved) + at : otherwise;
}
template <class Dot>
void save_rows(const BrainRows<Dot>& rows, int64_t count, const MlpLayer& layer, int64_t at) {
  if constexpr (Dot::kNumbers == 1) {
    if (!layer.saved) return;
    uint16_t* to = static_cast<uint16_t*>(layer.saved) + at;
    for (int64_t i = 0; i < count * rows.row; i += kFloats)
      store(to + i, __builtin_convertvector(bits<UIntV>(load<FloatV>(rows.at + i)) >> 16, BrainV));
  }
}
template <class Dot>
BrainRows<Dot> restore_rows(const MlpLayer& layer, int64_t first, int64_t count, typename Dot::Kept* to) {
  const int64_t row = mlp_row(layer.out);
  const uint16_t* from = static_cast<uint16_t*>(layer.saved) + first * row;
  if constexpr (Dot::kNumbers == 1) {
    for (int64_t i = 0; i < count * row; i += kFloats) store(to + i, brain_floats(load<BrainV>(from + i)));
    return {to, row};
  } else {
    return {from, row};
  }
}

template <class Dot>
BrainRows<Dot> input_rows(const MlpArgs& args, int64_t first, int64_t count, const Scratch<Dot>& scratch) {
  const int64_t in = args.layers[0].in, row = mlp_row(in);
  if (in_panels(args.x, in)) {
    rows_from_panels(args.x, first, count, in, scratch.wide, row);
    keep_rows<Dot>(scratch.wide, row, 1, count, in, scratch.x, row);
  } else {
    keep_rows<Dot>(args.x.at + first * args.x.row, args.x.row, args.x.column, count, in, scratch.x, row);
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
void forward_tile(const MlpArgs& args, int64_t first, int64_t count, const Scratch<Dot>& scratch, Ahead* ahead) {
  BrainRows<Dot> x = input_rows<Dot>(args, first, count, scratch);
  for (int l = 0; l + 1 < args.n_layers; ++l) {
    const MlpLayer& layer = args.layers[l];
    const int64_t row = mlp_row(layer.out);
    typename Dot::Kept* to = saved_rows<Dot>(layer, first * row, l % 2 ? scratch.second : scratch.first);
    multiply(Product<KeepUnit<Dot>>{.rows = count,
                                    .vectors = vectors_of(layer.out),
                                    .depth = words_of<Dot>(layer.in),
                                    .a = x.words(),
                                    .a_row = x.row_words(),
                                    .a_step = 1,
                                    .b = words<Dot>(layer.packed),
                                    .c = to,
                                    .c_row = row,
                                    .finish = args.hidden == MlpActivation::kRelu ? Finish::kRelu : Finish::kStore,
                                    .ahead = ahead});
    if (args.hidden == MlpActivation::kSigmoid)
      for_vectors<Dot>(to, row, count, layer.out, [](FloatV v, int64_t, int64_t) { return mlp_sigmoid(v); });
    x = {to, row};
    save_rows<Dot>(x, count, layer, first * row);
  }
  const MlpLayer& last = args.layers[args.n_layers - 1];
  float* y = args.y + first * last.out;
  const bool direct = last.out % kFloats == 0;
  const int64_t row = direct ? last.out : mlp_padded(last.out);
  multiply(Product<LeaveUnit<Dot>>{.rows = count,
                                   .vectors = vectors_of(last.out),
                                   .depth = words_of<Dot>(last.in),
                                   .a = x.words(),
                                   .a_row = x.row_words(),
                                   .a_step = 1,
                                   .b = words<Dot>(last.packed),
                                   .c = direct ? y : scratch.wide,
                                   .c_row = row,
                                   .ahead = ahead});
  if (!direct) tight_rows(scratch.wide, row, count, last.out, y);
  activate_output(args.output, y, count * last.out);
}

template <class Dot>
void backward_tile(const MlpArgs& args, int64_t first, int64_t count, const Scratch<Dot>& scratch, float* gradients,
                   Ahead* ahead) {
  const BrainRows<Dot> x0 = input_rows<Dot>(args, first, count, scratch);
  const int64_t out = args.layers[args.n_layers - 1].out;
  const float* dy = args.dy + first * out;
  if (args.output != MlpActivation::kNone) {
    output_backward(args.output, args.y + first * out, dy, count * out, scratch.wide);
    dy = scratch.wide;
  }
  typename Dot::Kept* g_rows = args.n_layers % 2 ? scratch.second : scratch.first;
  keep_rows<Dot>(dy, out, 1, count, out, g_rows, mlp_row(out));
  BrainRows<Dot> g = {g_rows, mlp_row(out)};
  for (int l = args.n_layers - 1; l >= 0; --l) {
    const MlpLayer& layer = args.layers[l];
    const MlpLayer* before = l > 0 ? &args.layers[l - 1] : nullptr;
    const int64_t row = mlp_row(layer.in);
    const BrainRows<Dot> x = before ? restore_rows<Dot>(*before, first, count, scratch.saved) : x0;
    if (layer.gradient_at >= 0) {
      const PointWords<Dot> xs = point_words<Dot>(x, count, layer.in, scratch.point_x);
      const PointWords<Dot> gs = point_words<Dot>(g, count, layer.out, scratch.point_g);
      const bool transposed = gradient_transposed(layer);
      const PointWords<Dot>& left = transposed ? gs : xs;
      const PointWords<Dot>& right = transposed ? xs : gs;
      const int64_t rows = transposed ? layer.out : layer.in, columns = transposed ? layer.in : layer.out;
      multiply(Product<LeaveUnit<Dot>>{.rows = rows,
                                       .vectors = vectors_of(columns),
                                       .depth = words_of<Dot>(count),
                                       .a = left.at,
                                       .a_row = 1,
                                       .a_step = left.step,
                                       .b = right.at,
                                       .b_step = right.step,
                                       .c = gradients + layer.gradient_at,
                                       .c_row = mlp_padded(columns),
                                       .finish = Finish::kAdd,
                                       .ahead = ahead});
    }
    if (before) {
      typename Dot::Kept* to = l % 2 ? scratch.second : scratch.first;
      multiply(Product<KeepUnit<Dot>>{.rows = count,
                                      .vectors = vectors_of(layer.in),
                                      .depth = words_of<Dot>(layer.out),
                                      .a = g.words(),
                                      .a_row = g.row_words(),
                                      .a_step = 1,
                                      .b = words<Dot>(layer.packed_t),
                                      .c = to,
                                      .c_row = row,
                                      .finish = args.hidden == MlpActivation::kRelu ? Finish::kMask : Finish::kStore,
                                      .mask = x.at,
                                      .mask_row = x.row,
                                      .ahead = ahead});
      if (args.hidden == MlpActivation::kSigmoid)
        for_vectors<Dot>(to, row, count, layer.in, [&](FloatV v, int64_t i, int64_t j) {
          return mlp_sigmoid_backward(Dot::kept(x.at + i * x.row + j), v);
        });
      g = {to, row};
    } else if (args.dx.at) {
      const bool panels = in_panels(args.dx, layer.in);
      float* dx = args.dx.at + first * args.dx.row;
      const bool direct = !panels && layer.in % kFloats == 0;
      const int64_t dx_row = direct ? layer.in : mlp_padded(layer.in);
      multiply(Product<LeaveUnit<Dot>>{.rows = count,
                                       .vectors = vectors_of(layer.in),
                                       .depth = words_of<Dot>(layer.out),
                                       .a = g.words(),
                                       .a_row = g.row_words(),
                                       .a_step = 1,
                                       .b = words<Dot>(layer.packed_t),
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

template <class Dot>
void forward(const MlpArgs& args, int64_t begin, int64_t end, float* memory) {
  const Scratch<Dot> scratch(args, memory);
  for_tiles<uint16_t>(args, begin, end, false, [&](int64_t first, int64_t count, Ahead* ahead) {
    forward_tile<Dot>(args, first, count, scratch, ahead);
  });
}

template <class Dot>
void backward(const MlpArgs& args, int64_t begin, int64_t end, float* memory, float* gradients) {
  const Scratch<Dot> scratch(args, memory);
  for_tiles<uint16_t>(args, begin, end, true, [&](int64_t first, int64_t count, Ahead* ahead) {
    backward_tile<Dot>(args, first, count, scratch, gradients, ahead);
  });
}

}  // namespace

void mlp_pack_bf16(MlpProducts products, const MlpLayer& layer) {
  const auto pack = products == MlpProducts::kBrainPairs ? pack_panels<PairDot> : pack_panels<FloatDot>;
  pack(layer.weight, layer.weight_in_stride, layer.weight_out_stride, layer.in, layer.out, layer.packed);
  if (layer.packed_t)
    pack(layer.weight, layer.weight_out_stride, layer.weight_in_stride, layer.out, layer.in, layer.packed_t);
}

int64_t mlp_scratch_bf16(const MlpArgs& args) { return Scratch<FloatDot>::floats(args); }

void mlp_forward_bf16(const MlpArgs& args, int64_t begin, int64_t end, float* memory) {
  return args.products == MlpProducts::kBrainPairs ? forward<PairDot>(args, begin, end, memory)
                                                   : forward<FloatDot>(args, begin, end, memory);
}

void mlp_backward_bf16(const MlpArgs& args, int64_t begin, int64_t end, float* memory, float* gradients) {
  return args.products == MlpProducts::kBrainPairs ? backward<PairDot>(args, begin, end, memory, gradients)
                                                   : backward<FloatDot>(args, begin, end, memory, gradients);
}

}  // namespace needlecpp::NDL_ISA
