// What softmax.cpp hands to the kernels of softmax_simd.cpp.
#pragma once

#include <stdint.h>

#include "simd/isa.h"

namespace needlecpp {

enum class SoftmaxOp : uint8_t { Softmax, LogSoftmax, LogSumExp };

template <class T>
struct SoftmaxArgs {
  SoftmaxOp op;
  const T* x;      // rows of `length` adjacent numbers, `x_row` apart
  T* y;            // [rows, length], or [rows] for LogSumExp
  int64_t length;  // at least 1
  int64_t x_row;
  T* top;  // [rows], LogSumExp alone, may be null: the largest x, or 0 for an infinity; y is then less by that
};

// The same down the columns of x [outer, length, inner], whose inner axis is adjacent; y is contiguous, [outer, length,
// inner], or [outer, inner] for LogSumExp.
template <class T>
struct SoftmaxColumnsArgs {
  SoftmaxOp op;
  const T* x;
  T* y;
  int64_t length, inner;  // at least 1
  int64_t x_outer, x_step;
};
inline constexpr int64_t kSoftmaxColumns = 64;  // of a block: [outer, blocks of columns] are shared

// Softmax: dx = y (dy - sum(y dy)); LogSoftmax: dx = dy - exp(y) sum(dy). Rows of adjacent numbers, dx contiguous.
template <class T>
struct SoftmaxBackwardArgs {
  SoftmaxOp op;
  const T* y;
  const T* dy;
  T* dx;
  int64_t length, y_row, dy_row;
};

NDL_DECLARE_KERNEL(void, softmax_f32, (const SoftmaxArgs<float>& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(void, softmax_f64, (const SoftmaxArgs<double>& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(void, softmax_columns_f32, (const SoftmaxColumnsArgs<float>& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(void, softmax_columns_f64, (const SoftmaxColumnsArgs<double>& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(void, softmax_backward_f32, (const SoftmaxBackwardArgs<float>& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(void, softmax_backward_f64, (const SoftmaxBackwardArgs<double>& args, int64_t begin, int64_t end));

}  // namespace needlecpp
