// What attention_cpu.cpp hands to the kernels of attention_simd.cpp: what happens to a tile of scores between two
// products.
#pragma once

#include <stdint.h>

#include "simd/isa.h"

namespace needlecpp {

template <class T>
struct AttentionTile {
  int64_t rows, cols;
  T* scores;  // [rows, cols], adjacent: query key^T; becomes the weights, up to a factor of each row in the forward
  double scale;
  const T* mask;  // null: none
  int64_t mask_row, mask_col;
  // Row i looks at columns up to i + diagonal.
  bool causal;
  int64_t diagonal;
  // Forward: the running maximum and sum of each row, and the result so far, which is rescaled. The backward reads what
  // the forward leaves there: in sum, its logarithm.
  T* top;
  T* sum;
  T* y;  // [rows, width]
  int64_t width;
  // Backward: <dy, y> of each row, and dy value^T, which becomes the scores' gradient.
  const T* delta;
  T* gradient;  // [rows, cols]
};

// Kernels are there for float and double: NDL_KERNEL(attention_tile<T>)(tile).
NDL_DECLARE_KERNEL(template <class T> void, attention_tile, (const AttentionTile<T>& tile));
// After the last tile: y /= sum, and its logarithm in place of the sum. top + log(sum) would have lost the latter's
// digits where scores are large.
NDL_DECLARE_KERNEL(template <class T> void, attention_finish, (const AttentionTile<T>& tile));
NDL_DECLARE_KERNEL(template <class T> void, attention_backward, (const AttentionTile<T>& tile));

}  // namespace needlecpp
