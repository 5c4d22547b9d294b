// The matrix product's kernels. Read micro_kernel() first, then gemm_block().
//
// A register block of c, kRows x (kVecs vectors), is held in registers while k passes by: each step loads kVecs vectors
// of b, broadcasts kRows numbers of a, and issues kRows * kVecs fused multiply-adds, so that arithmetic and not loads
// is the limit. The block's height is chosen to fill the register file: 14 x 2 of the 32 registers of AVX-512 (28 sums,
// 2 of b, 1 broadcast), 6 x 2 of the 16 of AVX2, 4 x 2 where products need a register of their own (no FMA).
//
// Around it stand the loops of Goto and van de Geijn, "Anatomy of high-performance matrix multiplication" (ACM TOMS 34,
// 2008): k in steps of `depth`, so that one panel of b ([depth, cols]: 32 KB) stays in the L1 cache while all rows of
// a's block ([m, depth], kept in L2 by the caller's choice of m) pass it. c is read and written once per step of k.
//
// Operands are packed only where that pays:
//  - b lies in panels packed beforehand and shared by all threads (large products), or is read where it lies if its
//    columns are adjacent, or is packed panel by panel (transposed b, and the last, narrow panel).
//  - a is read where it lies, whatever its strides, unless its rows compete for the same sets of the cache (row
//    strides of a multiple of 1 KB) or its columns are not adjacent, and enough panels of b pass it to repay packing.
// Rows left over after full register blocks run through kernels of 8, 4, 2 and 1 rows; columns left over through a
// kernel one vector wide and a masked store. Nothing is read or written outside the operands.
//
// The order of the sum over k within one element of c depends on `depth` alone: results do not depend on how the caller
// cuts m and n into blocks, nor on the threads.
//
// Products of one row are bound by memory: gemm_row streams rows of b, gemm_dot runs along k.
//
// Measured on Zen 5 (one core, peak about 250 GFLOP/s): 1000^3 241 unpacked, 232 with a packed; 1024^3 217 unpacked,
// 232 with a packed. AVX2 at 1024^3: 92 with b read where it lies, 125 with b packed.
#include <stdint.h>
#include <string.h>

#include "ops/matmul/matmul_kernels.h"
#include "simd/element.h"
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

template <class T>
struct Tile {
  using V = typename VecOf<T>::Type;
  static constexpr int lanes = VecTraits<V>::lanes;
  static constexpr int cols = kVecs * lanes;
  static constexpr int64_t depth = 256;
  static_assert(cols * depth * sizeof(T) <= kGemmPanelBytes);
};

NDL_HD int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }

// Distance between the numbers of a that a register block reads.
struct AnyStrides {
  int64_t row_step, col_step;
  NDL_HD int64_t row() const { return row_step; }
  NDL_HD int64_t col() const { return col_step; }
};
template <int Rows>
struct PackedStrides {
  NDL_HD int64_t row() const { return 1; }
  NDL_HD int64_t col() const { return Rows; }
};

// c[0:Rows, 0:cols] (+)= a b for one step of k; cols <= Vecs * lanes.
template <class T, int Rows, int Vecs, class AStrides>
NDL_HD void micro_kernel(int64_t k, const T* __restrict a, AStrides as, const T* __restrict b, int64_t b_row,
                         T* __restrict c, int64_t c_row, int64_t cols, bool accumulate) {
  using V = typename VecOf<T>::Type;
  constexpr int lanes = VecTraits<V>::lanes;
  V sums[Rows][Vecs] = {};
  for (int64_t p = 0; p < k; ++p) {
    V b_now[Vecs];
#pragma GCC unroll 4
    for (int v = 0; v < Vecs; ++v) b_now[v] = load<V>(b + v * lanes);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      const V a_now = splat<V>(a[i * as.row()]);
#pragma GCC unroll 4
      for (int v = 0; v < Vecs; ++v) sums[i][v] += a_now * b_now[v];
    }
    a += as.col();
    b += b_row;
  }
  if (cols == Vecs * lanes) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < Vecs; ++v) {
        T* to = c + i * c_row + v * lanes;
        store(to, accumulate ? load<V>(to) + sums[i][v] : sums[i][v]);
      }
    return;
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < Vecs; ++v) {
      const int64_t count = min_of(lanes, cols - v * lanes);
      T* to = c + i * c_row + v * lanes;
      if (count > 0) store(to, accumulate ? load<V>(to, count) + sums[i][v] : sums[i][v], count);
    }
}

// Calls the kernel for all rows of one panel of b: full register blocks, then 8, 4, 2 and 1 rows.
template <class T, int Rows, int Vecs>
NDL_HD void remaining_rows(int64_t m, int64_t k, const T* a, int64_t a_row, int64_t a_col, bool packed, const T* b,
                           int64_t b_row, T* c, int64_t c_row, int64_t cols, bool accumulate) {
  if (m >= Rows) {
    const AnyStrides strides = packed ? AnyStrides{1, Rows} : AnyStrides{a_row, a_col};
    micro_kernel<T, Rows, Vecs>(k, a, strides, b, b_row, c, c_row, cols, accumulate);
    m -= Rows;
    a += packed ? Rows * k : Rows * a_row;
    c += Rows * c_row;
  }
  if constexpr (Rows > 1) {
    if (m > 0) remaining_rows<T, Rows / 2, Vecs>(m, k, a, a_row, a_col, packed, b, b_row, c, c_row, cols, accumulate);
  }
}

constexpr int kLargestTail = kRows > 8 ? 8 : (kRows > 4 ? 4 : 2);

template <class T, int Vecs>
__attribute__((noinline)) void panel(int64_t m, int64_t k, const T* a, int64_t a_row, int64_t a_col, bool packed,
                                     const T* b, int64_t b_row, T* c, int64_t c_row, int64_t cols, bool accumulate) {
  if (packed) {
    for (; m >= kRows; m -= kRows, a += kRows * k, c += kRows * c_row)
      micro_kernel<T, kRows, Vecs>(k, a, PackedStrides<kRows>{}, b, b_row, c, c_row, cols, accumulate);
  } else {
    for (; m >= kRows; m -= kRows, a += kRows * a_row, c += kRows * c_row)
      micro_kernel<T, kRows, Vecs>(k, a, AnyStrides{a_row, a_col}, b, b_row, c, c_row, cols, accumulate);
  }
  if (m > 0) remaining_rows<T, kLargestTail, Vecs>(m, k, a, a_row, a_col, packed, b, b_row, c, c_row, cols, accumulate);
}

// Four lanes of float or two of double turned on their side.
typedef float Quad __attribute__((vector_size(16)));
typedef double Pair __attribute__((vector_size(16)));
NDL_HD void transpose_square(const float* from, int64_t line, float* to, int64_t width) {
  const Quad a = load<Quad>(from), b = load<Quad>(from + line);
  const Quad c = load<Quad>(from + 2 * line), d = load<Quad>(from + 3 * line);
  const Quad ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Quad cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  store(to, __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5));
  store(to + width, __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7));
  store(to + 2 * width, __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5));
  store(to + 3 * width, __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7));
}
NDL_HD void transpose_square(const double* from, int64_t line, double* to, int64_t width) {
  const Pair a = load<Pair>(from), b = load<Pair>(from + line);
  store(to, __builtin_shufflevector(a, b, 0, 2));
  store(to + width, __builtin_shufflevector(a, b, 1, 3));
}

// to[p][i] = from[i * line + p * step] for i < count <= width, p < k; zeros for count <= i < width.
template <class T>
NDL_HD void pack_lines(const T* from, int64_t line, int64_t step, int64_t count, int64_t k, T* to, int64_t width) {
  if (count < width)
    for (int64_t p = 0; p < k; ++p)
      for (int64_t i = count; i < width; ++i) to[p * width + i] = 0;
  if (line == 1) {
    for (int64_t p = 0; p < k; ++p)
      for (int64_t i = 0; i < count; ++i) to[p * width + i] = from[p * step + i];
    return;
  }
  constexpr int64_t side = 16 / sizeof(T);
  int64_t i = 0;
  if (step == 1) {
    for (; i + side <= count; i += side) {
      int64_t p = 0;
      for (; p + side <= k; p += side) transpose_square(from + i * line + p, line, to + p * width + i, width);
      for (; p < k; ++p)
        for (int64_t j = i; j < i + side; ++j) to[p * width + j] = from[j * line + p];
    }
  }
  for (; i < count; ++i)
    for (int64_t p = 0; p < k; ++p) to[p * width + i] = from[i * line + p * step];
}

// One panel of b, [k, cols] with zeros after its last column.
template <class T>
NDL_HD void pack_panel(const T* b, int64_t b_row, int64_t b_col, int64_t width, int64_t k, T* to) {
  using V = typename Tile<T>::V;
  if (b_col == 1 && width == Tile<T>::cols) {
    for (int64_t p = 0; p < k; ++p)
      for (int v = 0; v < kVecs; ++v)
        store(to + p * Tile<T>::cols + v * Tile<T>::lanes, load<V>(b + p * b_row + v * Tile<T>::lanes));
    return;
  }
  pack_lines(b, b_col, b_row, width, k, to, int64_t{Tile<T>::cols});
}

// Rows [0, m) of a: register blocks [k, kRows], then blocks of 8, 4, 2, 1 as remaining_rows() takes them.
template <class T>
void pack_a(const T* a, int64_t a_row, int64_t a_col, int64_t m, int64_t k, T* to) {
  for (; m >= kRows; m -= kRows, a += kRows * a_row, to += kRows * k) pack_lines(a, a_row, a_col, kRows, k, to, kRows);
  for (int64_t rows = kLargestTail; rows > 0; rows /= 2) {
    if (m < rows) continue;
    pack_lines(a, a_row, a_col, rows, k, to, rows);
    m -= rows;
    a += rows * a_row;
    to += rows * k;
  }
}

// Dot products of one row of a with Cols columns of b, 1 or 4.
template <class T, int Cols>
NDL_HD void dot_columns(const T* a, const T* b, int64_t b_col, int64_t k, T* c, int64_t c_col, bool accumulate) {
  using V = typename VecOf<T>::Type;
  constexpr int lanes = VecTraits<V>::lanes;
  constexpr int chains = Cols == 1 ? 4 : 1;
  V sums[Cols][chains] = {};
  int64_t p = 0;
  for (; p + chains * lanes <= k; p += chains * lanes)
#pragma GCC unroll 4
    for (int s = 0; s < chains; ++s) {
      const V a_now = load<V>(a + p + s * lanes);
#pragma GCC unroll 4
      for (int j = 0; j < Cols; ++j) sums[j][s] += a_now * load<V>(b + j * b_col + p + s * lanes);
    }
  for (; p < k; p += lanes) {
    const int64_t count = min_of(lanes, k - p);
    const V a_now = load<V>(a + p, count);
#pragma GCC unroll 4
    for (int j = 0; j < Cols; ++j) sums[j][0] += a_now * load<V>(b + j * b_col + p, count);
  }
  T totals[Cols];
  if constexpr (Cols == 4 && sizeof(T) == 4) {
    const V four = four_sums(sums[0][0], sums[1][0], sums[2][0], sums[3][0]);
    memcpy(totals, &four, sizeof totals);
  } else if constexpr (Cols == 4) {
    for (int j = 0; j < 4; ++j) totals[j] = horizontal_sum(sums[j][0]);
  } else {
    for (int s = 1; s < chains; ++s) sums[0][0] += sums[0][s];
    totals[0] = horizontal_sum(sums[0][0]);
  }
  for (int j = 0; j < Cols; ++j) c[j * c_col] = accumulate ? c[j * c_col] + totals[j] : totals[j];
}

}  // namespace

template <class T>
GemmTile gemm_tile() {
  return {kRows, Tile<T>::cols, Tile<T>::depth};
}

template <class T>
void gemm_pack_b(const GemmArgs<T>& args, int64_t first, int64_t last, T* packed) {
  constexpr int64_t cols = Tile<T>::cols;
  for (int64_t j = first; j < last; ++j)
    pack_panel(args.b + j * cols * args.b_col, args.b_row, args.b_col, min_of(cols, args.n - j * cols), args.k,
               packed + j * cols * args.k);
}

template <class T>
void gemm_block(const GemmArgs<T>& args, const GemmScratch<T>& scratch) {
  constexpr int64_t cols = Tile<T>::cols, depth = Tile<T>::depth;
  for (int64_t p = 0; p < args.k || p == 0; p += depth) {
    const int64_t k = min_of(depth, args.k - p);
    const bool accumulate = args.accumulate || p > 0;
    const T* a = args.a + p * args.a_col;
    const bool packed = scratch.a != nullptr;
    if (packed) {
      pack_a(a, args.a_row, args.a_col, args.m, k, scratch.a);
      a = scratch.a;
    }
    for (int64_t j = 0; j < args.n; j += cols) {
      const int64_t width = min_of(cols, args.n - j);
      const T* b = args.b + p * args.b_row + j * args.b_col;
      int64_t b_row = cols;
      if (scratch.packed_b) {
        b = scratch.packed_b + j * args.k + p * cols;
      } else if (args.b_col == 1 && width == cols) {
        b_row = args.b_row;
      } else {
        pack_panel(b, args.b_row, args.b_col, width, k, scratch.b);
        b = scratch.b;
      }
      if (width > Tile<T>::lanes)
        panel<T, kVecs>(args.m, k, a, args.a_row, args.a_col, packed, b, b_row, args.c + j, args.c_row, width,
                        accumulate);
      else
        panel<T, 1>(args.m, k, a, args.a_row, args.a_col, packed, b, b_row, args.c + j, args.c_row, width, accumulate);
    }
  }
}

template <class T>
void gemm_dot(const GemmArgs<T>& args) {
  int64_t j = 0;
  for (; j + 4 <= args.n; j += 4)
    for (int64_t i = 0; i < args.m; ++i)
      dot_columns<T, 4>(args.a + i * args.a_row, args.b + j * args.b_col, args.b_col, args.k,
                        args.c + i * args.c_row + j * args.c_col, args.c_col, args.accumulate);
  for (; j < args.n; ++j)
    for (int64_t i = 0; i < args.m; ++i)
      dot_columns<T, 1>(args.a + i * args.a_row, args.b + j * args.b_col, args.b_col, args.k,
                        args.c + i * args.c_row + j * args.c_col, args.c_col, args.accumulate);
}

template <class T>
void gemm_row(const GemmArgs<T>& args) {
  T* __restrict c = args.c;
  if (!args.accumulate) memset(c, 0, static_cast<size_t>(args.n) * sizeof(T));
  const T* a = args.a;
  const T* b = args.b;
  const int64_t step = args.b_row;
  int64_t p = 0;
  for (; p + 4 <= args.k; p += 4, a += 4 * args.a_col, b += 4 * step) {
    const T a0 = a[0], a1 = a[args.a_col], a2 = a[2 * args.a_col], a3 = a[3 * args.a_col];
    const T *b0 = b, *b1 = b + step, *b2 = b + 2 * step, *b3 = b + 3 * step;
    for (int64_t j = 0; j < args.n; ++j) c[j] = c[j] + a0 * b0[j] + a1 * b1[j] + a2 * b2[j] + a3 * b3[j];
  }
  for (; p < args.k; ++p, a += args.a_col, b += step)
    for (int64_t j = 0; j < args.n; ++j) c[j] += a[0] * b[j];
}

template <class T>
void gemm_plain(const GemmArgs<T>& args) {
  using U = typename Wrapping<T>::Type;
  for (int64_t i = 0; i < args.m; ++i) {
    T* __restrict c = args.c + i * args.c_row;
    if (!args.accumulate) memset(c, 0, static_cast<size_t>(args.n) * sizeof(T));
    for (int64_t p = 0; p < args.k; ++p) {
      const U a = static_cast<U>(args.a[i * args.a_row + p * args.a_col]);
      const T* b = args.b + p * args.b_row;
      for (int64_t j = 0; j < args.n; ++j)
        c[j] = static_cast<T>(static_cast<U>(c[j]) + a * static_cast<U>(b[j * args.b_col]));
    }
  }
}

template GemmTile gemm_tile<float>();
template GemmTile gemm_tile<double>();
template void gemm_pack_b(const GemmArgs<float>&, int64_t, int64_t, float*);
template void gemm_pack_b(const GemmArgs<double>&, int64_t, int64_t, double*);
template void gemm_block(const GemmArgs<float>&, const GemmScratch<float>&);
template void gemm_block(const GemmArgs<double>&, const GemmScratch<double>&);
template void gemm_dot(const GemmArgs<float>&);
template void gemm_dot(const GemmArgs<double>&);
template void gemm_row(const GemmArgs<float>&);
template void gemm_row(const GemmArgs<double>&);
template void gemm_plain(const GemmArgs<int32_t>&);
template void gemm_plain(const GemmArgs<int64_t>&);

}  // namespace needlecpp::NDL_ISA
