// A whole network on a tile of points at a time.
//
// A tile (kMlpTile points, points-major rows padded to whole vectors) passes every layer while it stays in the first
// and second cache; only the inputs, the outputs and, for training, the hidden activations touch memory. Read
// forward_tile() first, then backward_tile(), then block().
//
// All three products of a layer are one loop, c(i, j) = sum over k of a(i, k) b(k, j), with a broadcast from any
// strides and b read in vectors of columns:
//   forward         y  = x W       a = x,    b = W packed in panels
//   input gradient  dx = dy W^T    a = dy,   b = W^T packed in panels
//   weight gradient dW = x^T dy    a = x^T,  b = dy as it lies in the tile, k runs over the points
// block() keeps R rows by C vectors of c in registers: 6 x 4 of the 32 AVX-512 registers, 6 x 2 of the 16 of AVX2 and
// SSE; narrower right sides take more rows, so that the sums in flight always hide the latency of a multiply-add. What
// follows a product (ReLU, its mask, adding to a sum) happens before the registers are stored. The relu mask needs no
// memory of its own: an activation is positive exactly where its input was.
//
// Panels hold kPanel columns, row after row, so that the inner loop walks memory in order whatever the width.
// Columns of padding are computed from zeros and never read as an operand's k, so a NaN in them goes nowhere. Outputs
// of up to four columns (a density, a colour) would waste three quarters of each vector: multiply_quad() gives the
// spare lanes other inputs to sum, and such a layer's weight gradient is computed as its transpose.
//
// Weight gradients are summed in one buffer a chunk of points; the chunks depend on n alone and are added in order, so
// the result does not depend on the number of threads.
//
// The idea is that of Mueller et al., "Real-time Neural Radiance Caching for Path Tracing" (2021), section 4, moved
// from shared memory to caches. What lost, measured on two Zen 5 cores (peak 556 GFLOP/s) with 32-64-64-4 and 2^17
// points:
//   recomputing the hidden activations in the backward pass: 102 ns a point for both passes instead of 85. It needs no
//     memory for them, but even without a cache miss the repeated work alone brings 99;
//   leaving memory to the hardware's prefetcher: 104 ns. Ahead fetches the next tile's rows evenly along this one's
//     blocks; fetching in bursts (32 lines with a block until all are under way) gives 91;
//   tiles of 48, 96 or 120 points: no better than 72, by up to 5 %; 192 loses 8 %, its rows leave the first cache.
// Two threads reach 82 % of the AVX-512 peak over both passes and 89 % of the AVX2 peak; memory is what is left.
#include "render/ops/fused_mlp_simd.h"

namespace needlecpp::NDL_ISA {
namespace {

template <int R, int C, class Value>
NDL_HD void store_block(const FloatV (&sum)[R][C], float* c, int64_t c_row, Value value) {
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < C; ++j) store(c + i * c_row + j * kFloats, value(sum[i][j], i, j));
}

struct Float32Unit {
  using Word = float;
  using Result = float;
  template <int R, int C>
  static void block(const Product<Float32Unit>& p, const float* a, const float* b, int64_t b_step, float* c,
                    const float* mask);
};
using FloatProduct = Product<Float32Unit>;

template <int R, int C>
__attribute__((noinline)) void Float32Unit::block(const FloatProduct& p, const float* a, const float* b, int64_t b_step,
                                                  float* c, const float* mask) {
  FloatV sum[R][C];
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < C; ++j) sum[i][j] = FloatV{};
  const int64_t a_row = p.a_row, a_step = p.a_step;
  for (int64_t k = p.depth; k > 0; --k) {
    FloatV bv[C];
#pragma GCC unroll 4
    for (int j = 0; j < C; ++j) bv[j] = load<FloatV>(b + j * kFloats);
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i) {
      const float x = a[i * a_row];
#pragma GCC unroll 4
      for (int j = 0; j < C; ++j) sum[i][j] += bv[j] * x;
    }
    a += a_step;
    b += b_step;
  }
  const int64_t c_row = p.c_row, mask_row = p.mask_row;
  switch (p.finish) {
    case Finish::kStore:
      store_block(sum, c, c_row, [](FloatV x, int, int) { return x; });
      break;
    case Finish::kRelu:
      store_block(sum, c, c_row, [](FloatV x, int, int) { return mlp_relu(x); });
      break;
    case Finish::kMask:
      store_block(sum, c, c_row, [=](FloatV x, int i, int j) {
        return load<FloatV>(mask + i * mask_row + j * kFloats) <= 0.0f ? FloatV{} : x;
      });
      break;
    case Finish::kAdd:
      store_block(sum, c, c_row, [=](FloatV x, int i, int j) { return load<FloatV>(c + i * c_row + j * kFloats) + x; });
      break;
  }
}

// A layer of at most four outputs would leave most lanes of a vector empty. Here lane 4 g + o sums, for output o, the
// inputs i with (i % kFloats) / 4 == g.
constexpr bool is_quad(const MlpLayer& layer) { return kFloats > 4 && layer.out <= 4 && layer.in % kFloats == 0; }

typedef float QuadV __attribute__((vector_size(16)));

#if !defined(__AVX2__)
template <int S>
NDL_HD FloatV spread(FloatV x) {
  return __builtin_shufflevector(x, x, S, S, S, S);
}
NDL_HD QuadV fold(FloatV x) { return x; }
#elif !defined(__AVX512F__)
template <int S>
NDL_HD FloatV spread(FloatV x) {
  return __builtin_shufflevector(x, x, S, S, S, S, S + 4, S + 4, S + 4, S + 4);
}
NDL_HD QuadV fold(FloatV x) {
  return __builtin_shufflevector(x, x, 0, 1, 2, 3) + __builtin_shufflevector(x, x, 4, 5, 6, 7);
}
#else
template <int S>
NDL_HD FloatV spread(FloatV x) {
  return __builtin_shufflevector(x, x, S, S, S, S, S + 4, S + 4, S + 4, S + 4, S + 8, S + 8, S + 8, S + 8, S + 12,
                                 S + 12, S + 12, S + 12);
}
NDL_HD QuadV fold(FloatV x) {
  return (__builtin_shufflevector(x, x, 0, 1, 2, 3) + __builtin_shufflevector(x, x, 4, 5, 6, 7)) +
         (__builtin_shufflevector(x, x, 8, 9, 10, 11) + __builtin_shufflevector(x, x, 12, 13, 14, 15));
}
#endif

template <int R>
void quad_rows(const float* a, int64_t a_row, const float* w, int64_t depth, float* c, int64_t c_row) {
  FloatV sum[R];
#pragma GCC unroll 8
  for (int i = 0; i < R; ++i) sum[i] = FloatV{};
  for (int64_t k = 0; k < depth; k += kFloats) {
    const FloatV w0 = load<FloatV>(w), w1 = load<FloatV>(w + kFloats), w2 = load<FloatV>(w + 2 * kFloats),
                 w3 = load<FloatV>(w + 3 * kFloats);
    w += 4 * kFloats;
#pragma GCC unroll 8
    for (int i = 0; i < R; ++i) {
      const FloatV x = load<FloatV>(a + i * a_row + k);
      sum[i] += spread<0>(x) * w0;
      sum[i] += spread<1>(x) * w1;
      sum[i] += spread<2>(x) * w2;
      sum[i] += spread<3>(x) * w3;
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < R; ++i) store(c + i * c_row, fold(sum[i]));
}

void multiply_quad(int64_t rows, const float* a, int64_t a_row, const float* w, int64_t depth, float* c,
                   int64_t c_row) {
  int64_t i = 0;
  for (; i + 8 <= rows; i += 8) quad_rows<8>(a + i * a_row, a_row, w, depth, c + i * c_row, c_row);
  for (; i < rows; ++i) quad_rows<1>(a + i * a_row, a_row, w, depth, c + i * c_row, c_row);
}

// rows [count][width] packed tightly at `to`, from rows `from_row` apart with whole vectors readable.
void compact_rows(const float* from, int64_t from_row, int64_t count, int64_t width, float* to) {
  // A row's vectors may spill over the rows behind it, which are written later; near the end they may not.
  const int64_t span = vectors_of(width) * kFloats;
  int64_t i = 0;
  for (; i < count && i * width + span <= count * width; ++i)
    for (int64_t j = 0; j < span; j += kFloats) store(to + i * width + j, load<FloatV>(from + i * from_row + j));
  for (; i < count; ++i)
    for (int64_t j = 0; j < width; ++j) to[i * width + j] = from[i * from_row + j];
}

// The same from any strides to rows padded with zeros.
void pad_rows(const float* from, int64_t from_row, int64_t from_column, int64_t count, int64_t width, float* to,
              int64_t to_row) {
  const int64_t padded = vectors_of(width) * kFloats;
  for (int64_t i = 0; i < count; ++i) {
    int64_t j = 0;
    if (from_column == 1)
      for (; j + kFloats <= width; j += kFloats) store(to + i * to_row + j, load<FloatV>(from + i * from_row + j));
    for (; j < width; ++j) to[i * to_row + j] = from[i * from_row + j * from_column];
    for (; j < padded; ++j) to[i * to_row + j] = 0.0f;
  }
}

struct Rows {
  const float* at;
  int64_t row;
};

// The tile's inputs: where they lie if whole vectors can be read there, a padded copy otherwise.
Rows input_rows(const MlpArgs& args, int64_t first, int64_t count, float* scratch) {
  const int64_t in = args.layers[0].in;
  if (in_panels(args.x, in)) {
    rows_from_panels(args.x, first, count, in, scratch, mlp_row(in));
  } else {
    const float* x = args.x.at + first * args.x.row;
    if (args.x.column == 1 && in % kFloats == 0) return {x, args.x.row};
    pad_rows(x, args.x.row, args.x.column, count, in, scratch, mlp_row(in));
  }
  return {scratch, mlp_row(in)};
}

void forward_tile(const MlpArgs& args, int64_t first, int64_t count, float* scratch, Ahead* ahead) {
  const int64_t size = kMlpTile * widest_row(args);
  Rows x = input_rows(args, first, count, scratch);
  for (int l = 0; l + 1 < args.n_layers; ++l) {
    const MlpLayer& layer = args.layers[l];
    float* to =
        layer.saved ? static_cast<float*>(layer.saved) + first * mlp_row(layer.out) : scratch + (1 + l % 2) * size;
    const int64_t row = mlp_row(layer.out);
    multiply(FloatProduct{.rows = count,
                          .vectors = vectors_of(layer.out),
                          .depth = layer.in,
                          .a = x.at,
                          .a_row = x.row,
                          .a_step = 1,
                          .b = layer.packed,
                          .c = to,
                          .c_row = row,
                          .finish = args.hidden == MlpActivation::kRelu ? Finish::kRelu : Finish::kStore,
                          .ahead = ahead});
    if (args.hidden == MlpActivation::kSigmoid)
      for (int64_t i = 0; i < count; ++i) sigmoid_in_place(to + i * row, vectors_of(layer.out) * kFloats);
    x = {to, row};
  }
  const MlpLayer& last = args.layers[args.n_layers - 1];
  float* y = args.y + first * last.out;
  const bool direct = last.out % kFloats == 0;
  float* to = direct ? y : scratch + 3 * size;
  const int64_t row = direct ? last.out : mlp_padded(last.out);
  if (is_quad(last))
    multiply_quad(count, x.at, x.row, last.packed, last.in, to, row);
  else
    multiply(FloatProduct{.rows = count,
                          .vectors = vectors_of(last.out),
                          .depth = last.in,
                          .a = x.at,
                          .a_row = x.row,
                          .a_step = 1,
                          .b = last.packed,
                          .c = to,
                          .c_row = row,
                          .ahead = ahead});
  if (!direct) compact_rows(to, row, count, last.out, y);
  activate_output(args.output, y, count * last.out);
}

void backward_tile(const MlpArgs& args, int64_t first, int64_t count, float* scratch, float* gradients, Ahead* ahead) {
  const int64_t size = kMlpTile * widest_row(args);
  const Rows x0 = input_rows(args, first, count, scratch);
  const int64_t out = args.layers[args.n_layers - 1].out;
  Rows g = {args.dy + first * out, out};
  if (args.output != MlpActivation::kNone) {
    output_backward(args.output, args.y + first * out, g.at, count * out, scratch + 3 * size);
    g.at = scratch + 3 * size;
  }
  for (int l = args.n_layers - 1; l >= 0; --l) {
    const MlpLayer& layer = args.layers[l];
    const MlpLayer* before = l > 0 ? &args.layers[l - 1] : nullptr;
    const Rows x =
        before ? Rows{static_cast<float*>(before->saved) + first * mlp_row(layer.in), mlp_row(layer.in)} : x0;
    float* to = scratch + (1 + l % 2) * size;
    const int64_t row = mlp_row(layer.in);
    if (before) {
      multiply(FloatProduct{.rows = count,
                            .vectors = vectors_of(layer.in),
                            .depth = layer.out,
                            .a = g.at,
                            .a_row = g.row,
                            .a_step = 1,
                            .b = layer.packed_t,
                            .c = to,
                            .c_row = row,
                            .finish = args.hidden == MlpActivation::kRelu ? Finish::kMask : Finish::kStore,
                            .mask = x.at,
                            .mask_row = x.row,
                            .ahead = ahead});
      if (args.hidden == MlpActivation::kSigmoid)
        for (int64_t i = 0; i < count; ++i)
          sigmoid_backward(x.at + i * x.row, to + i * row, vectors_of(layer.in) * kFloats, to + i * row);
    } else if (args.dx.at) {
      const bool panels = in_panels(args.dx, layer.in);
      float* dx = args.dx.at + first * args.dx.row;
      const bool direct = !panels && layer.in % kFloats == 0;
      multiply(FloatProduct{.rows = count,
                            .vectors = vectors_of(layer.in),
                            .depth = layer.out,
                            .a = g.at,
                            .a_row = g.row,
                            .a_step = 1,
                            .b = layer.packed_t,
                            .c = direct ? dx : to,
                            .c_row = direct ? layer.in : row,
                            .ahead = ahead});
      if (panels)
        panels_from_rows(to, row, first, count, layer.in, args.dx);
      else if (!direct)
        compact_rows(to, row, count, layer.in, dx);
    }
    if (layer.gradient_at >= 0) {
      float* gradient = gradients + layer.gradient_at;
      if (gradient_transposed(layer)) {
        multiply(FloatProduct{.rows = layer.out,
                              .vectors = vectors_of(layer.in),
                              .depth = count,
                              .a = g.at,
                              .a_row = 1,
                              .a_step = g.row,
                              .b = x.at,
                              .b_step = x.row,
                              .c = gradient,
                              .c_row = mlp_padded(layer.in),
                              .finish = Finish::kAdd,
                              .ahead = ahead});
      } else {
        Rows right = g;
        if (l == args.n_layers - 1 && layer.out % kFloats != 0) {
          float* padded = scratch + (2 - l % 2) * size;
          pad_rows(g.at, g.row, 1, count, layer.out, padded, mlp_row(layer.out));
          right = {padded, mlp_row(layer.out)};
        }
        multiply(FloatProduct{.rows = layer.in,
                              .vectors = vectors_of(layer.out),
                              .depth = count,
                              .a = x.at,
                              .a_row = 1,
                              .a_step = x.row,
                              .b = right.at,
                              .b_step = right.row,
                              .c = gradient,
                              .c_row = mlp_padded(layer.out),
                              .finish = Finish::kAdd,
                              .ahead = ahead});
      }
    }
    g = {to, row};
  }
}

// [rows, columns] with any strides into panels of kPanel columns, the last one narrower, padded with zeros.
void pack_panels(const float* from, int64_t row_stride, int64_t column_stride, int64_t rows, int64_t columns,
                 float* to) {
  const int64_t padded = vectors_of(columns) * kFloats;
  for (int64_t at = 0; at < padded; at += kPanel) {
    const int64_t width = padded - at < kPanel ? padded - at : kPanel;
    const int64_t real = columns - at < width ? columns - at : width;
    pad_rows(from + at * column_stride, row_stride, column_stride, rows, real, to, width);
    to += rows * width;
  }
}

}  // namespace

void mlp_pack(MlpProducts products, const MlpLayer& layer) {
  if (products != MlpProducts::kFloat32) return mlp_pack_bf16(products, layer);
  if (is_quad(layer)) {
    float* to = layer.packed;
    for (int64_t k = 0; k < layer.in; k += kFloats)
      for (int64_t s = 0; s < 4; ++s)
        for (int64_t lane = 0; lane < kFloats; ++lane, ++to) {
          const int64_t i = k + lane / 4 * 4 + s, o = lane % 4;
          *to = o < layer.out ? layer.weight[i * layer.weight_in_stride + o * layer.weight_out_stride] : 0.0f;
        }
  } else {
    pack_panels(layer.weight, layer.weight_in_stride, layer.weight_out_stride, layer.in, layer.out, layer.packed);
  }
  if (layer.packed_t)
    pack_panels(layer.weight, layer.weight_out_stride, layer.weight_in_stride, layer.out, layer.in, layer.packed_t);
}

int64_t mlp_scratch(const MlpArgs& args) {
  return args.products == MlpProducts::kFloat32 ? 4 * kMlpTile * widest_row(args) : mlp_scratch_bf16(args);
}

void mlp_forward(const MlpArgs& args, int64_t begin, int64_t end, float* scratch) {
  if (args.products != MlpProducts::kFloat32) return mlp_forward_bf16(args, begin, end, scratch);
  for_tiles<float>(args, begin, end, false, [&](int64_t first, int64_t count, Ahead* ahead) {
    forward_tile(args, first, count, scratch, ahead);
  });
}

void mlp_backward(const MlpArgs& args, int64_t begin, int64_t end, float* scratch, float* gradients) {
  if (args.products != MlpProducts::kFloat32) return mlp_backward_bf16(args, begin, end, scratch, gradients);
  for_tiles<float>(args, begin, end, true, [&](int64_t first, int64_t count, Ahead* ahead) {
    backward_tile(args, first, count, scratch, gradients, ahead);
  });
}

int64_t mlp_gradient_size(const MlpLayer& layer) {
  return gradient_transposed(layer) ? layer.out * mlp_padded(layer.in) : layer.in * mlp_padded(layer.out);
}

void mlp_sum_chunks(float* buffers, int64_t stride, int64_t count, int64_t begin, int64_t end) {
  int64_t i = begin;
  for (; i + kFloats <= end; i += kFloats) {
    FloatV sum = load<FloatV>(buffers + i);
    for (int64_t chunk = 1; chunk < count; ++chunk) sum += load<FloatV>(buffers + chunk * stride + i);
    store(buffers + i, sum);
  }
  for (; i < end; ++i)
    for (int64_t chunk = 1; chunk < count; ++chunk) buffers[i] += buffers[chunk * stride + i];
}

void mlp_unpack_gradient(const MlpLayer& layer, const float* buffer, float* gradient) {
  const bool transposed = gradient_transposed(layer);
  const int64_t in_stride = transposed ? 1 : mlp_padded(layer.out), out_stride = transposed ? mlp_padded(layer.in) : 1;
  for (int64_t i = 0; i < layer.in; ++i)
    for (int64_t o = 0; o < layer.out; ++o)
      gradient[i * layer.out + o] = buffer[layer.gradient_at + i * in_stride + o * out_stride];
}

}  // namespace needlecpp::NDL_ISA
