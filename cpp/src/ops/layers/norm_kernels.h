// What norm.cpp hands to the kernels of norm_simd.cpp.
#pragma once

#include <stdint.h>

#include "simd/isa.h"

namespace needlecpp {

// A row is a set of elements with one mean and variance: `chunks` chunks of `chunk` adjacent elements.
//   layer, rms  one chunk, the row; weights run along it
//   group       chunks are the channels of the group, one weight each
//   batch       chunks are one channel's samples, all with the channel's weight
template <class T>
struct NormArgs {
  const T* x;
  const T* weight;  // null: 1
  const T* bias;    // null: 0
  T* y;
  const T* dy;
  T* dx;  // null: not wanted
  // Of each row: written by the forward, read by the backward.
  T* mean;
  T* variance;
  T* rstd;  // 1 / sqrt(variance + eps)
  // The backward's sums of dy * (x - mean) * rstd and of dy: for each chunk [rows, chunks], or, where weights run along
  // the row, added up over the rows into one row [chunk]. Null: not wanted.
  T* dweight;
  T* dbias;
  int64_t chunk, chunks;
  int64_t row_stride, chunk_stride;
  int64_t channels;      // weights of a row r that has one for each chunk start at r * row_weights % channels
  int64_t row_weights;   //
  int64_t chunk_weight;  // step from one chunk's weight to the next's: 1 or 0
  bool along;            // weights run along the row
  bool centered;         // false: the mean is taken as 0 (rms)
  double eps;
};

// Batch normalization of x [rows, columns], each column by itself.
enum class ColumnsOp : uint8_t { Sum, Squares, Products, Forward, Backward };
template <class T>
struct NormColumns {
  const T* x;
  const T* dy;
  const T* mean;  // of each column, as all below
  const T* rstd;
  const T* weight;   // null: 1
  const T* bias;     // null: 0
  const T* mean_g;   // Backward: the mean of dy
  const T* mean_gn;  // Backward: the mean of dy * (x - mean) * rstd
  T* y;              // Forward: the result; Backward: dx
  double* sums;      // Sum: x; Squares: (x - mean)^2; Products: [2, columns], dy * (x - mean) * rstd and dy
  int64_t columns;
};

NDL_DECLARE_KERNEL(void, norm_columns_f32, (ColumnsOp op, const NormColumns<float>& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(void, norm_columns_f64, (ColumnsOp op, const NormColumns<double>& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(void, norm_f32, (const NormArgs<float>& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(void, norm_f64, (const NormArgs<double>& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(void, norm_backward_f32, (const NormArgs<float>& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(void, norm_backward_f64, (const NormArgs<double>& args, int64_t begin, int64_t end));

}  // namespace needlecpp
