// What softmax.cpp hands to the kernels of softmax_cpu.cpp.
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
};

NDL_DECLARE_KERNEL(void, softmax_f32, (const SoftmaxArgs<float>& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(void, softmax_f64, (const SoftmaxArgs<double>& args, int64_t begin, int64_t end));

}  // namespace needlecpp
