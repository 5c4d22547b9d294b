// The matrix product of bfloat16 numbers with sums in float32; matmul_cpu.cpp tells how blocks and panels are cut.
//
// What differs. An instruction (vdpbf16ps) multiplies pairs that are neighbours in k, so both operands are packed in
// words of two: a in blocks of kRows rows, b in panels of two vectors of columns, a step of k being kGemmPairs words
// (32 KB of b). Sums of a task's block of c are kept in float32 until its last step of k, and rounded once. Where the
// processor has no such instruction, pairs are taken apart into floats; matmul() does not call this there.
#include "ops/matmul_kernels.h"
#include "simd/bf16_dot.h"

namespace needlecpp::NDL_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int kRows = 14;
#else
constexpr int kRows = 4;
#endif
constexpr int kVecs = 2;
constexpr int64_t kCols = kVecs * kFloats;

int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }

// to[p][i] = the pair (2 p, 2 p + 1) of line i, zeros beyond k and beyond `count` lines.
void pack_pairs(const uint16_t* from, int64_t line, int64_t step, int64_t count, int64_t k, int64_t width,
                uint32_t* to) {
  const int64_t pairs = (k + 1) / 2;
  int64_t done = 0;
  if (line == 1 && count == width)
    for (; done < k / 2; ++done) {
      const uint16_t* low = from + 2 * done * step;
      for (int64_t i = 0; i < width; i += kFloats)
        store(to + done * width + i, widen(load<BrainV>(low + i)) | widen(load<BrainV>(low + step + i)) << 16);
    }
  for (int64_t i = 0; i < width; ++i)
    for (int64_t p = done; p < pairs; ++p) {
      const uint16_t* at = from + i * line + 2 * p * step;
      const uint32_t low = i < count ? at[0] : 0, high = i < count && 2 * p + 1 < k ? at[step] : 0;
      to[p * width + i] = low | high << 16;
    }
}

// sums[0:Rows, 0:kCols] (+)= a b for one step of k.
template <class Dot, int Rows>
__attribute__((noinline)) void block(int64_t pairs, const uint32_t* a, const uint32_t* b, float* sums, int64_t sums_row,
                                     bool accumulate) {
  FloatV sum[Rows][kVecs];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < kVecs; ++v) sum[i][v] = accumulate ? load<FloatV>(sums + i * sums_row + v * kFloats) : FloatV{};
  for (int64_t p = 0; p < pairs; ++p, a += kRows, b += kCols) {
    const typename Dot::Pairs first = Dot::pairs(b), second = Dot::pairs(b + kFloats);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      const typename Dot::Pair x = Dot::pair(a + i);
      Dot::add_dot(sum[i][0], first, x);
      Dot::add_dot(sum[i][1], second, x);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < kVecs; ++v) store(sums + i * sums_row + v * kFloats, sum[i][v]);
}

template <class Dot>
void task(const GemmBf16Args& args, const GemmBf16Task& t) {
  const int64_t panels = (t.cols + kCols - 1) / kCols, sums_row = panels * kCols;
  const int64_t row_blocks = (t.rows + kRows - 1) / kRows;
  for (int64_t k = 0; k < args.k; k += 2 * kGemmPairs) {
    const int64_t depth = min_of(args.k - k, 2 * kGemmPairs), pairs = (depth + 1) / 2;
    const uint16_t* a = args.a + t.row * args.a_row + k * args.a_col;
    for (int64_t r = 0; r < row_blocks; ++r)
      pack_pairs(a + r * kRows * args.a_row, args.a_row, args.a_col, min_of(kRows, t.rows - r * kRows), depth, kRows,
                 t.packed_a + r * kRows * kGemmPairs);
    for (int64_t j = 0; j < panels; ++j) {
      const uint32_t* b = args.packed_b + (t.col / kCols + j) * kCols * ((args.k + 1) / 2) + k / 2 * kCols;
      for (int64_t r = 0; r < row_blocks; ++r)
        block<Dot, kRows>(pairs, t.packed_a + r * kRows * kGemmPairs, b, t.sums + r * kRows * sums_row + j * kCols,
                          sums_row, k > 0);
    }
  }
  for (int64_t i = 0; i < t.rows; ++i) {
    uint16_t* c = args.c + (t.row + i) * args.c_row + t.col;
    const float* from = t.sums + i * sums_row;
    int64_t j = 0;
    for (; args.k > 0 && j + kFloats <= t.cols; j += kFloats) store(c + j, Dot::narrow(load<FloatV>(from + j)));
    for (; j < t.cols; ++j) c[j] = args.k > 0 ? float_to_brain(from[j]) : 0;
  }
}

}  // namespace

GemmTile gemm_tile_bf16() { return {kRows, kCols, 2 * kGemmPairs}; }
void gemm_pack_b_bf16(const GemmBf16Args& args, int64_t first, int64_t last) {
  for (int64_t j = first; j < last; ++j)
    pack_pairs(args.b + j * kCols * args.b_col, args.b_col, args.b_row, min_of(kCols, args.n - j * kCols), args.k,
               kCols, args.packed_b + j * kCols * ((args.k + 1) / 2));
}
void gemm_block_bf16(const GemmBf16Args& args, const GemmBf16Task& t) {
  if (args.bf16_dot)
    task<NativeDot>(args, t);
  else
    task<EmulatedDot>(args, t);
}

}  // namespace needlecpp::NDL_ISA
