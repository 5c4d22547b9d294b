// What sparse_cpu.cpp hands to the kernels of sparse_simd.cpp.
#pragma once

#include <stdint.h>

#include "simd/element.h"
#include "simd/isa.h"

namespace needlecpp {

// A matrix in compressed rows and the dense matrices beside it; rows of the dense ones are contiguous.
struct SparseArgs {
  Element element;            // F32, F64 or I64
  int64_t rows, cols, width;  // width: columns of the dense matrices
  const int64_t* offsets;     // [rows + 1]
  const int64_t* columns;     // [n]
  void* values;               // [n]
  void* left;                 // [rows, width], rows left_row apart
  int64_t left_row;
  const void* right;  // [cols, width], rows right_row apart
  int64_t right_row;
};

// The first entry in [begin, end) whose column is outside, or -1.
NDL_DECLARE_KERNEL(int64_t, sparse_bad_column, (const SparseArgs& args, int64_t begin, int64_t end));
// left = A right for the entries [begin, end) and the rows that start among them (the last entries' share: all rows
// left). What belongs to a row that started before goes to `carry` [width] instead.
NDL_DECLARE_KERNEL(void, sparse_product, (const SparseArgs& args, int64_t begin, int64_t end, bool last, void* carry));
// Adds the carry of the share that begins at entry `begin` to its row, if the share began inside one.
NDL_DECLARE_KERNEL(void, sparse_add_carry, (const SparseArgs& args, int64_t begin, const void* carry));
// values[p] = left[row of p] . right[column of p] for the entries [begin, end).
NDL_DECLARE_KERNEL(void, sparse_dots, (const SparseArgs& args, int64_t begin, int64_t end));

}  // namespace needlecpp
