// What matmul_cpu.cpp hands to the kernels of matmul_simd.cpp and matmul_bf16_simd.cpp. Where T is not fixed, a kernel
// is a template, there for float and double: NDL_KERNEL(gemm_block<T>)(args, scratch).
#pragma once

#include <stdint.h>

#include "simd/isa.h"

namespace needlecpp {

// c = a b or, with `accumulate`, c += a b. Strides are in elements and may be anything; columns of c are adjacent, but
// for gemm_dot.
template <class T>
struct GemmArgs {
  int64_t m, n, k;
  const T* a;  // [m, k]
  int64_t a_row, a_col;
  const T* b;  // [k, n]
  int64_t b_row, b_col;
  T* c;  // [m, n]
  int64_t c_row;
  bool accumulate;
  int64_t c_col = 1;
};

// The blocking of one instruction set: matmul_cpu.cpp cuts work and sizes scratch memory by it.
struct GemmTile {
  int64_t rows;   // of the register block
  int64_t cols;   // of the register block = width of a packed panel of b
  int64_t depth;  // k is walked in steps of this
};

// A packed panel of b for one step of k is at most this large.
inline constexpr int64_t kGemmPanelBytes = 32 << 10;

// Where a block may pack its operands; null means: read the operand where it lies.
template <class T>
struct GemmScratch {
  const T* packed_b;  // all of b packed by gemm_pack_b
  T* a;               // round_up(m, tile.rows) * tile.depth
  T* b;               // tile.cols * tile.depth, never null; unused with packed_b
};

NDL_DECLARE_KERNEL(template <class T> GemmTile, gemm_tile, ());
// Copies columns [first_panel * cols, last_panel * cols) of b to panels of [k, cols], zeros after column n.
NDL_DECLARE_KERNEL(template <class T> void, gemm_pack_b,
                   (const GemmArgs<T>& args, int64_t first, int64_t last, T* packed));
// The whole product, serially, by register blocks.
NDL_DECLARE_KERNEL(template <class T> void, gemm_block, (const GemmArgs<T>& args, const GemmScratch<T>& scratch));
// For few rows: dot products along k; needs a_col == b_row == 1.
NDL_DECLARE_KERNEL(template <class T> void, gemm_dot, (const GemmArgs<T>& args));
// For one row: c += a[p] * b[p, :], row after row of b; needs m == b_col == 1.
NDL_DECLARE_KERNEL(template <class T> void, gemm_row, (const GemmArgs<T>& args));
// bfloat16: the packed operands consist of words of 32 bits, pairs of numbers that are neighbours in k or floats.
inline constexpr int64_t kGemmWords = 256;                 // in one step of k
inline constexpr int64_t kGemmRowWords = kGemmWords + 16;  // from one packed row of a to the next, in other cache sets
constexpr int64_t gemm_bf16_words(int64_t k, bool pairs) { return pairs ? (k + 1) / 2 : k; }
struct GemmBf16Args {
  int64_t m, n, k;
  const uint16_t* a;
  int64_t a_row, a_col;
  const uint16_t* b;
  int64_t b_row, b_col;
  uint16_t* c;  // columns adjacent
  int64_t c_row;
  uint32_t* packed_b;  // round_up(n, tile.cols) * words of k
  bool pairs;          // by vdpbf16ps, which needs kHasBf16Dot
};
// Rows [row, row + rows) and columns [col, col + cols) of c; col is a multiple of tile.cols.
struct GemmBf16Task {
  int64_t row, rows, col, cols;
  uint32_t* packed_a;  // round_up(rows, tile.rows) * kGemmRowWords
  float* sums;         // round_up(rows, tile.rows) * round_up(cols, tile.cols)
};
NDL_DECLARE_KERNEL(GemmTile, gemm_tile_bf16, ());
NDL_DECLARE_KERNEL(void, gemm_pack_b_bf16, (const GemmBf16Args& args, int64_t first, int64_t last));
NDL_DECLARE_KERNEL(void, gemm_block_bf16, (const GemmBf16Args& args, const GemmBf16Task& task));
// Integers, int32_t and int64_t: plain loops that wrap around.
NDL_DECLARE_KERNEL(template <class T> void, gemm_plain, (const GemmArgs<T>& args));

}  // namespace needlecpp
