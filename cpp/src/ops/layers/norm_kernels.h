// What norm_cpu.cpp hands to the kernels of norm_simd.cpp.
#pragma once

#include <stdint.h>

#include "simd/element.h"
#include "simd/isa.h"

namespace needlecpp {

// A row is a set of elements with one mean and variance: `chunks` chunks of `chunk` adjacent elements.
//   layer, rms  one chunk, the row; weights run along it
//   group       chunks are the channels of the group, one weight each
//   batch       chunks are one channel's samples, all with the channel's weight
struct NormRows {
  int64_t count = 1;  // of rows
  int64_t chunk = 1, chunks = 1;
  int64_t row_stride = 1, chunk_stride = 0;
  int64_t channels = 1;      // weights of a row r that has one for each chunk start at r * row_weights % channels
  int64_t row_weights = 0;   //
  int64_t chunk_weight = 0;  // step from one chunk's weight to the next's: 1 or 0
  bool along = false;        // weights run along the row
  bool centered = true;      // false: the mean is taken as 0 (rms)
  double eps = 0;
};

struct NormArgs {
  Element element;  // of all arrays: F32 or F64
  NormRows rows;
  const void* x;
  const void* weight;  // null: 1
  const void* bias;    // null: 0
  void* y;
  const void* dy;
  void* dx;  // null: not wanted
  // Of each row: written by the forward, read by the backward.
  void* mean;
  void* variance;
  void* rstd;  // 1 / sqrt(variance + eps)
  // The backward's sums of dy * (x - mean) * rstd and of dy: for each chunk [rows, chunks], or, where weights run along
  // the row, added up over the rows into one row [chunk]. Null: not wanted.
  void* dweight;
  void* dbias;
};

// Batch normalization of x [rows, columns], each column by itself.
enum class ColumnsOp : uint8_t { Sum, Squares, Products, Forward, Backward };
struct NormColumns {
  Element element;  // of all arrays but the sums: F32 or F64
  const void* x;
  const void* dy;
  const void* mean;  // of each column, as all below
  const void* rstd;
  const void* weight;   // null: 1
  const void* bias;     // null: 0
  const void* mean_g;   // Backward: the mean of dy
  const void* mean_gn;  // Backward: the mean of dy * (x - mean) * rstd
  void* y;              // Forward: the result; Backward: dx
  double* sums;         // Sum: x; Squares: (x - mean)^2; Products: [2, columns], dy * (x - mean) * rstd and dy
  int64_t columns;
};

NDL_DECLARE_KERNEL(void, norm_columns, (ColumnsOp op, const NormColumns& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(void, norm, (const NormArgs& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(void, norm_backward, (const NormArgs& args, int64_t begin, int64_t end));

}  // namespace needlecpp
