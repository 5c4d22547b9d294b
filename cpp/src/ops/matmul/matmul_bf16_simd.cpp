// The matrix product of bfloat16 numbers with sums in float32; matmul_simd.cpp tells how blocks and panels are cut.
//
// What differs. Operands are packed as the words of a Dot (simd/bf16_dot.h): a in rows, b in panels of two vectors of
// columns, a step of k being kGemmWords words (32 KB of b). So numbers are widened once, while they are packed, or not
// at all, where an instruction multiplies pairs. Sums of a task's block of c are kept in float32 until its last step of
// k, and rounded once; each is one chain along k, so every unit and instruction set gives the same.
//
// Measured on one core, 1024^3: Zen 5 about 435 GFLOP/s by pairs; Emerald Rapids 75 by pairs, 135 by floats. Packing a
// in rows is a copy where it lies so; in blocks of kRows columns it cost a tenth of 1024^3 and a third of 64^3.
#include "ops/matmul/matmul_kernels.h"
#include "simd/bf16_dot.h"

namespace needlecpp::NDL_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int kRows = 14;
#elif defined(__AVX2__)
constexpr int kRows = 6;
#else
constexpr int kRows = 4;
#endif
constexpr int kVecs = 2;
constexpr int64_t kCols = kVecs * kFloats;

int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }

// kFloats numbers that lie in the order of k.
void copy_numbers(const uint16_t* from, FloatDot::Word* to) { store(to, brain_floats(load<BrainV>(from))); }
[[maybe_unused]] void copy_numbers(const uint16_t* from, BrainPair* to) { store(to, load<BrainV>(from)); }

// Two lines of numbers, neighbours in k, as one line of pairs or two of floats.
void pack_two(const uint16_t* even, const uint16_t* odd, FloatDot::Word* to, int64_t width) {
  store(to, brain_floats(load<BrainV>(even)));
  store(to + width, brain_floats(load<BrainV>(odd)));
}
[[maybe_unused]] void pack_two(const uint16_t* even, const uint16_t* odd, BrainPair* to, int64_t) {
  store(to, widen(load<BrainV>(even)) | widen(load<BrainV>(odd)) << 16);
}

// Columns [0, count) of b as one panel: to[p][i] = word p of column i, zeros beyond k and beyond `count`.
template <class Dot>
void pack_panel(const uint16_t* b, int64_t b_row, int64_t b_col, int64_t count, int64_t k, uint32_t* words) {
  auto* to = reinterpret_cast<typename Dot::Word*>(words);
  int64_t p = 0;  // of k
  if (b_col == 1 && count == kCols)
    for (; p + 2 <= k; p += 2)
      for (int64_t i = 0; i < kCols; i += kFloats)
        pack_two(b + p * b_row + i, b + (p + 1) * b_row + i, to + p / Dot::kNumbers * kCols + i, kCols);
  for (; p < k; p += Dot::kNumbers) {
    const bool whole = p + 1 < k;
    for (int64_t i = 0; i < kCols; ++i) {
      const uint16_t* at = b + i * b_col + p * b_row;
      to[p / Dot::kNumbers * kCols + i] =
          i < count ? Dot::word(at[0], whole ? at[b_row] : uint16_t{0}) : typename Dot::Word{};
    }
  }
}

// Rows [0, count) of a: to[i][p] = word p of row i; rows up to the next multiple of kRows become zeros.
template <class Dot>
void pack_rows(const uint16_t* a, int64_t a_row, int64_t a_col, int64_t count, int64_t k, uint32_t* words) {
  const int64_t padded = (count + kRows - 1) / kRows * kRows;
  for (int64_t i = 0; i < padded; ++i) {
    auto* to = reinterpret_cast<typename Dot::Word*>(words + i * kGemmRowWords);
    const uint16_t* from = a + i * a_row;
    int64_t p = 0;
    if (i >= count) {
      for (; p < k; p += Dot::kNumbers) to[p / Dot::kNumbers] = {};
    } else if (a_col == 1) {
      for (; p + kFloats <= k; p += kFloats) copy_numbers(from + p, to + p / Dot::kNumbers);
    }
    for (; p < k; p += Dot::kNumbers)
      to[p / Dot::kNumbers] = Dot::word(from[p * a_col], p + 1 < k ? from[(p + 1) * a_col] : uint16_t{0});
  }
}

// sums[0:kRows, 0:kCols] (+)= a b for one step of k.
template <class Dot>
__attribute__((noinline)) void block(int64_t words, const typename Dot::Word* a, const typename Dot::Word* b,
                                     float* sums, int64_t sums_row, bool accumulate) {
  FloatV sum[kRows][kVecs];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < kVecs; ++v) sum[i][v] = accumulate ? load<FloatV>(sums + i * sums_row + v * kFloats) : FloatV{};
  for_words<Dot>(
      words, a, 1, b,
      kCols, [&](const typename Dot::Word* a_now, const typename Dot::Word* b_now) __attribute__((always_inline)) {
        const typename Dot::Words first = Dot::load_words(b_now), second = Dot::load_words(b_now + kFloats);
#pragma GCC unroll 16
        for (int i = 0; i < kRows; ++i) {
          const typename Dot::Spread x = Dot::spread(a_now + i * kGemmRowWords);
          Dot::add(sum[i][0], first, x);
          Dot::add(sum[i][1], second, x);
        }
      });
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < kVecs; ++v) store(sums + i * sums_row + v * kFloats, sum[i][v]);
}

template <class Dot>
void task(const GemmBf16Args& args, const GemmBf16Task& t) {
  using Word = typename Dot::Word;
  constexpr int64_t step = Dot::kNumbers * kGemmWords;
  const int64_t panels = (t.cols + kCols - 1) / kCols, sums_row = panels * kCols;
  const int64_t row_blocks = (t.rows + kRows - 1) / kRows;
  for (int64_t k = 0; k < args.k; k += step) {
    const int64_t depth = min_of(args.k - k, step), words = gemm_bf16_words(depth, args.pairs);
    const uint16_t* a = args.a + t.row * args.a_row + k * args.a_col;
    pack_rows<Dot>(a, args.a_row, args.a_col, t.rows, depth, t.packed_a);
    for (int64_t j = 0; j < panels; ++j) {
      const uint32_t* b =
          args.packed_b + ((t.col / kCols + j) * gemm_bf16_words(args.k, args.pairs) + k / Dot::kNumbers) * kCols;
      for (int64_t r = 0; r < row_blocks; ++r)
        block<Dot>(words, reinterpret_cast<const Word*>(t.packed_a + r * kRows * kGemmRowWords),
                   reinterpret_cast<const Word*>(b), t.sums + r * kRows * sums_row + j * kCols, sums_row, k > 0);
    }
  }
  for (int64_t i = 0; i < t.rows; ++i) {
    uint16_t* c = args.c + (t.row + i) * args.c_row + t.col;
    const float* from = t.sums + i * sums_row;
    int64_t j = 0;
    for (; args.k > 0 && j + kFloats <= t.cols; j += kFloats) store(c + j, narrow(load<FloatV>(from + j)));
    for (; j < t.cols; ++j) c[j] = args.k > 0 ? float_to_brain(from[j]) : 0;
  }
}

template <class Dot>
void pack_panels(const GemmBf16Args& args, int64_t first, int64_t last) {
  for (int64_t j = first; j < last; ++j)
    pack_panel<Dot>(args.b + j * kCols * args.b_col, args.b_row, args.b_col, min_of(kCols, args.n - j * kCols), args.k,
                    args.packed_b + j * kCols * gemm_bf16_words(args.k, args.pairs));
}

}  // namespace

GemmTile gemm_tile_bf16() { return {kRows, kCols, kGemmWords}; }
void gemm_pack_b_bf16(const GemmBf16Args& args, int64_t first, int64_t last) {
  return args.pairs ? pack_panels<PairDot>(args, first, last) : pack_panels<FloatDot>(args, first, last);
}
void gemm_block_bf16(const GemmBf16Args& args, const GemmBf16Task& t) {
  return args.pairs ? task<PairDot>(args, t) : task<FloatDot>(args, t);
}

}  // namespace needlecpp::NDL_ISA
