// Transposes a block at a time through a buffer that stays in cache, so that memory is read and written in long pieces
// however the matrix lies (strides that are powers of two would otherwise fight for the same few cache lines). Within a
// block, square tiles as wide as a 16-byte vector are transposed in registers: of N rows, row i is interleaved with row
// i + N/2, log2 N times.
#include "ops/plumbing/copy_kernels.h"
#include "simd/copy.h"

namespace needlecpp::NDL_ISA {
namespace {

template <class T>
struct Tile;
template <>
struct Tile<uint8_t> {
  typedef uint8_t V __attribute__((vector_size(16)));
  static NDL_HD V low(V a, V b) {
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  }
  static NDL_HD V high(V a, V b) {
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  }
};
template <>
struct Tile<uint16_t> {
  typedef uint16_t V __attribute__((vector_size(16)));
  static NDL_HD V low(V a, V b) { return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11); }
  static NDL_HD V high(V a, V b) { return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15); }
};
template <>
struct Tile<uint32_t> {
  typedef uint32_t V __attribute__((vector_size(16)));
  static NDL_HD V low(V a, V b) { return __builtin_shufflevector(a, b, 0, 4, 1, 5); }
  static NDL_HD V high(V a, V b) { return __builtin_shufflevector(a, b, 2, 6, 3, 7); }
};
template <>
struct Tile<uint64_t> {
  typedef uint64_t V __attribute__((vector_size(16)));
  static NDL_HD V low(V a, V b) { return __builtin_shufflevector(a, b, 0, 2); }
  static NDL_HD V high(V a, V b) { return __builtin_shufflevector(a, b, 1, 3); }
};

// to[r * pitch + c] = from[c * from_column + r] for a tile of N by N.
template <class T, int N>
NDL_HD void transpose_tile(T* to, int64_t pitch, const char* from, int64_t from_column) {
  using V = typename Tile<T>::V;
  V rows[N];
#pragma GCC unroll 16
  for (int i = 0; i < N; ++i) memcpy(&rows[i], from + i * from_column, 16);
#pragma GCC unroll 4
  for (int stage = 1; stage < N; stage *= 2) {
    V next[N];
#pragma GCC unroll 8
    for (int i = 0; i < N / 2; ++i) {
      next[2 * i] = Tile<T>::low(rows[i], rows[i + N / 2]);
      next[2 * i + 1] = Tile<T>::high(rows[i], rows[i + N / 2]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < N; ++i) rows[i] = next[i];
  }
#pragma GCC unroll 16
  for (int i = 0; i < N; ++i) memcpy(to + i * pitch, &rows[i], 16);
}

template <class T>
void transpose_plainly(T* to, int64_t to_row, const char* from, int64_t from_column, int64_t rows, int64_t columns) {
  if (columns < rows) {
    for (int64_t c = 0; c < columns; ++c)
      for (int64_t r = 0; r < rows; ++r) to[r * to_row + c] = reinterpret_cast<const T*>(from + c * from_column)[r];
  } else {
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < columns; ++c) to[r * to_row + c] = reinterpret_cast<const T*>(from + c * from_column)[r];
  }
}

template <class T>
void transpose_of(const TransposeArgs& args, int64_t begin, int64_t end) {
  constexpr int64_t kItem = sizeof(T);
  constexpr int kLanes = 16 / static_cast<int>(kItem);
  constexpr int64_t kSide = kTransposeSide;
  alignas(64) T buffer[kSide * kSide];
  const int64_t across = transpose_blocks(args.columns);
  for (int64_t block = begin; block < end; ++block) {
    const int64_t row = block / across * kSide;
    const int64_t column = block % across * kSide;
    const int64_t rows = args.rows - row < kSide ? args.rows - row : kSide;
    const int64_t columns = args.columns - column < kSide ? args.columns - column : kSide;
    char* to = args.to + row * args.to_row + column * kItem;
    const char* from = args.from + column * args.from_column + row * kItem;
    if (rows < kLanes || columns < kLanes) {
      transpose_plainly(reinterpret_cast<T*>(to), args.to_row / kItem, from, args.from_column, rows, columns);
      continue;
    }
    // The last tile of a block overlaps the one before it where the block is no multiple of a tile.
    for (int64_t c = 0; c < columns; c += kLanes) {
      const int64_t at_c = c + kLanes <= columns ? c : columns - kLanes;
      for (int64_t r = 0; r < rows; r += kLanes) {
        const int64_t at_r = r + kLanes <= rows ? r : rows - kLanes;
        transpose_tile<T, kLanes>(buffer + at_r * kSide + at_c, kSide, from + at_c * args.from_column + at_r * kItem,
                                  args.from_column);
      }
    }
    for (int64_t r = 0; r < rows; ++r) {
      const char* line = reinterpret_cast<const char*>(buffer + r * kSide);
      if (args.stream)
        stream_row(to + r * args.to_row, line, columns * kItem);
      else
        copy_row(to + r * args.to_row, line, columns * kItem);
    }
  }
  if (args.stream) stream_end();
}

}  // namespace

void transpose_copy(const TransposeArgs& args, int64_t begin, int64_t end) {
  switch (args.item) {
    case 1:
      return transpose_of<uint8_t>(args, begin, end);
    case 2:
      return transpose_of<uint16_t>(args, begin, end);
    case 4:
      return transpose_of<uint32_t>(args, begin, end);
    default:
      return transpose_of<uint64_t>(args, begin, end);
  }
}

void copy_rows(const CopyRowsArgs& args, int64_t begin, int64_t end) {
  for (int64_t r = begin; r < end; ++r)
    copy_row(args.to + r * args.to_stride, args.from + r * args.from_stride, args.bytes);
}

}  // namespace needlecpp::NDL_ISA
