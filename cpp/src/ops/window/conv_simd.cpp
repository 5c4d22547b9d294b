// Convolution's kernels. The register block is that of matmul_simd.cpp: kRows x (kVecs vectors) of the result stay in
// registers while the sum passes by. Two things differ: b of a convolution is not packed but read from the lines where
// it lies, each step of the sum at an offset of its own (conv_product), and in the weight's gradient each row of a is
// such an offset (conv_weight_grad).
#include <stdint.h>
#include <string.h>

#include "ops/window/conv_kernels.h"
#include "simd/copy.h"
#include "simd/hd.h"
#include "simd/vec.h"

namespace needlecpp::NDL_ISA {
namespace {

constexpr int kVecs = 2;
#if defined(__AVX512F__)
constexpr int kRows = 14;
#elif defined(__AVX2__)
constexpr int kRows = 6;
#else
constexpr int kRows = 4;
#endif
static_assert(kVecs * kFloats <= kConvSlack);

NDL_HD int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }

// Rows that one register block takes of `left`: kRows, then the powers of two below it.
NDL_HD int64_t block_rows(int64_t left) {
  return left >= kRows ? kRows : left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

// How a register block walks its operands: at(i) and row() read, next() steps, next_line() skips to the next run.
template <class T, int Rows>
struct PackedRows {
  const T* a;
  NDL_HD T at(int i) const { return a[i]; }
  NDL_HD void next() { a += Rows; }
  NDL_HD void next_line() {}
};
template <class T, int Rows>
struct OffsetRows {
  const T* a[Rows];
  int64_t p, skip;
  NDL_HD T at(int i) const { return a[i][p]; }
  NDL_HD void next() { ++p; }
  NDL_HD void next_line() { p += skip; }
};
template <class T>
struct OffsetColumns {
  const T* b;
  const int64_t* offset;
  NDL_HD const T* row() const { return b + *offset; }
  NDL_HD void next() { ++offset; }
};
template <class T>
struct PackedColumns {
  const T* b;
  int64_t step;
  NDL_HD const T* row() const { return b; }
  NDL_HD void next() { b += step; }
};

template <class T, int Rows, int Vecs, class A, class B>
NDL_HD void multiply_block(int64_t lines, int64_t width, A a, B b, T* __restrict c, int64_t c_row, int64_t columns,
                           bool accumulate) {
  using V = typename VecOf<T>::Type;
  constexpr int lanes = VecTraits<V>::lanes;
  V sums[Rows][Vecs] = {};
  for (int64_t line = 0; line < lines; ++line) {
    for (int64_t p = 0; p < width; ++p) {
      V b_now[Vecs];
      const T* b_row = b.row();
#pragma GCC unroll 4
      for (int v = 0; v < Vecs; ++v) b_now[v] = load<V>(b_row + v * lanes);
#pragma GCC unroll 16
      for (int i = 0; i < Rows; ++i) {
        const V a_now = splat<V>(a.at(i));
#pragma GCC unroll 4
        for (int v = 0; v < Vecs; ++v) sums[i][v] += a_now * b_now[v];
      }
      a.next();
      b.next();
    }
    a.next_line();
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < Vecs; ++v) {
      T* to = c + i * c_row + v * lanes;
      const int64_t count = min_of(lanes, columns - v * lanes);
      if (count == lanes)
        store(to, accumulate ? load<V>(to) + sums[i][v] : sums[i][v]);
      else if (count > 0)
        store(to, accumulate ? load<V>(to, count) + sums[i][v] : sums[i][v], count);
    }
}

// Calls run.template operator()<Rows>(row) for each register block of `rows`.
template <int Rows, class Run>
NDL_HD void remaining_blocks(int64_t row, int64_t rows, const Run& run) {
  if constexpr (Rows < kRows) {
    if (rows - row >= Rows) {
      run.template operator()<Rows>(row);
      row += Rows;
    }
  }
  if constexpr (Rows > 1) remaining_blocks<Rows / 2>(row, rows, run);
}
template <class Run>
NDL_HD void for_each_block(int64_t rows, const Run& run) {
  int64_t row = 0;
  for (; rows - row >= kRows; row += kRows) run.template operator()<kRows>(row);
  remaining_blocks<8>(row, rows, run);
}

template <class T, int Vecs>
__attribute__((noinline)) void product_panel(const ConvProductArgs& args, int64_t column) {
  const T* const a = static_cast<const T*>(args.a);
  const T* const b = static_cast<const T*>(args.b) + column;
  T* const c = static_cast<T*>(args.c) + column;
  for_each_block(
      args.rows, [&]<int Rows>(int64_t row) __attribute__((always_inline)) {
        multiply_block<T, Rows, Vecs>(1, args.depth, PackedRows<T, Rows>{a + row * args.depth},
                                      OffsetColumns<T>{b, args.offset}, c + row * args.c_row, args.c_row,
                                      Vecs * VecTraits<typename VecOf<T>::Type>::lanes, args.accumulate);
      });
}

template <class T>
void product(const ConvProductArgs& args) {
  constexpr int64_t lanes = VecTraits<typename VecOf<T>::Type>::lanes;
  for (int64_t column = 0; column < args.columns; column += kVecs * lanes) {
    if (args.columns - column > lanes)
      product_panel<T, kVecs>(args, column);
    else
      product_panel<T, 1>(args, column);
  }
}

template <class T, int Vecs>
__attribute__((noinline)) void weight_grad_panel(const ConvWeightGradArgs& args, int64_t column) {
  const T* const b = static_cast<const T*>(args.b) + column;
  T* const c = static_cast<T*>(args.c) + column;
  for_each_block(
      args.rows, [&]<int Rows>(int64_t row) __attribute__((always_inline)) {
        OffsetRows<T, Rows> a;
        for (int i = 0; i < Rows; ++i) a.a[i] = static_cast<const T*>(args.a) + args.offset[row + i];
        a.p = 0;
        a.skip = args.line - args.width;
        multiply_block<T, Rows, Vecs>(args.lines, args.width, a, PackedColumns<T>{b, args.b_row}, c + row * args.c_row,
                                      args.c_row, args.columns - column, true);
      });
}

template <class T>
void weight_grad(const ConvWeightGradArgs& args) {
  constexpr int64_t lanes = VecTraits<typename VecOf<T>::Type>::lanes;
  for (int64_t column = 0; column < args.columns; column += kVecs * lanes) {
    if (args.columns - column > lanes)
      weight_grad_panel<T, kVecs>(args, column);
    else
      weight_grad_panel<T, 1>(args, column);
  }
}

template <class T>
void pack(const ConvPackArgs& args) {
  const int64_t step = args.scale * args.step[2];
  for (int64_t group = 0; group < args.count[2]; ++group) {
    const int64_t first = args.at[2][group] + args.origin[2];
    const Inside in = inside(first, args.scale, args.size[2], args.width);
    for (int64_t channel = 0; channel < args.channels; ++channel) {
      const T* image = static_cast<const T*>(args.x) + channel * args.channel + first * args.step[2];
      for (int64_t d = 0; d < args.count[0]; ++d) {
        const int64_t depth = args.at[0][d] + args.origin[0];
        T* to = static_cast<T*>(args.to) + channel * args.to_channel +
                (d * args.count[2] + group) * args.count[1] * args.width;
        for (int64_t h = 0; h < args.count[1]; ++h, to += args.width) {
          const int64_t height = args.at[1][h] + args.origin[1];
          if (depth < 0 || depth >= args.size[0] || height < 0 || height >= args.size[1] || in.begin == in.end) {
            memset(to, 0, static_cast<size_t>(args.width) * sizeof(T));
            continue;
          }
          const T* from = image + depth * args.step[0] + height * args.step[1];
          for (int64_t o = 0; o < in.begin; ++o) to[o] = 0;
          if (step == 1)
            copy_row(reinterpret_cast<char*>(to + in.begin), reinterpret_cast<const char*>(from + in.begin),
                     (in.end - in.begin) * static_cast<int64_t>(sizeof(T)));
          else
            for (int64_t o = in.begin; o < in.end; ++o) to[o] = from[o * step];
          for (int64_t o = in.end; o < args.width; ++o) to[o] = 0;
        }
      }
    }
  }
}

template <class T>
void pack_weights(const ConvWeightArgs& args) {
  T* to = static_cast<T*>(args.to);
  for (int64_t row = 0; row < args.rows;) {
    const int64_t rows = block_rows(args.rows - row);
    for (int64_t c = 0; c < args.channels; ++c)
      for (int64_t t = 0; t < args.taps; ++t) {
        const T* from = static_cast<const T*>(args.w) + c * args.channel + args.tap[t];
        for (int64_t i = 0; i < rows; ++i) *to++ = from[args.row[row + i]];
      }
    row += rows;
  }
}

// Apart, where the loop has all it needs in registers.
template <class T>
__attribute__((noinline)) void unpack_line(const T* __restrict from, int64_t width, T bias, T* __restrict to,
                                           int64_t step) {
  for (int64_t j = 0; j < width; ++j) to[j * step] = from[j] + bias;
}

template <class T>
void unpack(const ConvUnpackArgs& args) {
  for (int64_t row = 0; row < args.rows; ++row) {
    const T bias = args.bias ? static_cast<const T*>(args.bias)[row] : T(0);
    for (int64_t i = 0; i < args.lines; ++i) {
      const T* __restrict from = static_cast<const T*>(args.c) + row * args.c_row + i * args.line;
      T* __restrict to = static_cast<T*>(args.y) + args.row[row] + i * args.y_line;
      if (args.y_step == 1)
        for (int64_t j = 0; j < args.width; ++j) to[j] = from[j] + bias;
      else
        unpack_line(from, args.width, bias, to, args.y_step);
    }
  }
}

}  // namespace

void conv_pack(const ConvPackArgs& args) {
  with_float(args.element, [&](auto zero) { pack<decltype(zero)>(args); });
}
void conv_pack_weights(const ConvWeightArgs& args) {
  with_float(args.element, [&](auto zero) { pack_weights<decltype(zero)>(args); });
}
void conv_product(const ConvProductArgs& args) {
  with_float(args.element, [&](auto zero) { product<decltype(zero)>(args); });
}
void conv_weight_grad(const ConvWeightGradArgs& args) {
  with_float(args.element, [&](auto zero) { weight_grad<decltype(zero)>(args); });
}
void conv_unpack(const ConvUnpackArgs& args) {
  with_float(args.element, [&](auto zero) { unpack<decltype(zero)>(args); });
}

}  // namespace needlecpp::NDL_ISA
