// What softmax_cpu.cpp hands to the kernels of softmax_simd.cpp.
#pragma once

#include <stdint.h>

#include "simd/element.h"
#include "simd/isa.h"

namespace needlecpp {

enum class SoftmaxOp : uint8_t { Softmax, LogSoftmax, LogSumExp };

struct SoftmaxArgs {
  Element element;  // F32 or F64, as below
  SoftmaxOp op;
  const void* x;   // rows of `length` adjacent numbers, `x_row` apart
  void* y;         // [rows, length], or [rows] for LogSumExp
  int64_t length;  // at least 1
  int64_t x_row;
  void* top;  // [rows], LogSumExp alone, may be null: the largest x, or 0 for an infinity; y is then less by that
};

// The same down the columns of x [outer, length, inner], whose inner axis is adjacent; y is contiguous, [outer, length,
// inner], or [outer, inner] for LogSumExp.
struct SoftmaxColumnsArgs {
  Element element;
  SoftmaxOp op;
  const void* x;
  void* y;
  int64_t length, inner;  // at least 1
  int64_t x_outer, x_step;
};
inline constexpr int64_t kSoftmaxColumns = 64;  // of a block: [outer, blocks of columns] are shared

// Softmax: dx = y (dy - sum(y dy)); LogSoftmax: dx = dy - exp(y) sum(dy). Rows of adjacent numbers, dx contiguous.
struct SoftmaxBackwardArgs {
  Element element;
  SoftmaxOp op;
  const void* y;
  const void* dy;
  void* dx;
  int64_t length, y_row, dy_row;
};

NDL_DECLARE_KERNEL(void, softmax_rows, (const SoftmaxArgs& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(void, softmax_columns, (const SoftmaxColumnsArgs& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(void, softmax_backward, (const SoftmaxBackwardArgs& args, int64_t begin, int64_t end));

}  // namespace needlecpp
