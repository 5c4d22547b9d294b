// The loops of copies: by rows, by blocks where the source runs along another axis than the target, and element by
// element where the type changes.
#pragma once

#include <stdint.h>

#include "simd/element.h"
#include "simd/hd.h"
#include "simd/isa.h"

namespace needlecpp {

// Row r of `bytes` bytes goes from from + r * from_stride to to + r * to_stride (strides in bytes, any sign).
struct CopyRowsArgs {
  char* to;
  int64_t to_stride;
  const char* from;
  int64_t from_stride;
  int64_t bytes;
};

// y[i * y_stride] = convert(x[i * x_stride]); strides in elements.
struct ConvertArgs {
  Element y_type, x_type;
  void* y;
  const void* x;
  int64_t count;
  int64_t y_stride, x_stride;
};

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

NDL_DECLARE_KERNEL(void, copy_rows, (const CopyRowsArgs& args, int64_t begin, int64_t end))
NDL_DECLARE_KERNEL(void, convert_loop, (const ConvertArgs& args))
// Blocks begin to end, numbered along the rows of `to`.
NDL_DECLARE_KERNEL(void, transpose_copy, (const TransposeArgs& args, int64_t begin, int64_t end))

}  // namespace needlecpp
