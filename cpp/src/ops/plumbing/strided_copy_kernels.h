// The copy whose source runs along another axis than its target.
#pragma once

#include <stdint.h>

#include "simd/hd.h"
#include "simd/isa.h"

namespace needlecpp {

// to[row * to_row + column * item] = from[column * from_column + row * item], in bytes: a matrix is transposed.
struct TransposeArgs {
  char* to;
  int64_t to_row;
  const char* from;
  int64_t from_column;
  int64_t rows;
  int64_t columns;
  int item;     // bytes of an element: 1, 2, 4 or 8
  bool stream;  // to is too large to stay in cache
};

inline constexpr int64_t kTransposeSide = 64;  // the matrix is cut into blocks of this many rows and columns
inline int64_t transpose_blocks(int64_t size) { return (size + kTransposeSide - 1) / kTransposeSide; }

// Blocks begin to end, numbered along the rows of `to`.
NDL_DECLARE_KERNEL(void, transpose_copy, (const TransposeArgs& args, int64_t begin, int64_t end))

}  // namespace needlecpp
