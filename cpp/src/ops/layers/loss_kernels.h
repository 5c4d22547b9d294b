// What loss_cpu.cpp hands to the kernel of loss_simd.cpp.
#pragma once

#include <stdint.h>

#include "simd/element.h"
#include "simd/isa.h"

namespace needlecpp {

// dx[i, c] = (probability[i, c] (scale[i] + spread[i] total) - spread[i] weight[c]), and - scale[i] more at the target;
// probability = exp((x - top) - log_sum).
struct CrossEntropyArgs {
  Element element;  // of all arrays but the targets: F32 or F64
  const void* x;    // [rows, classes]
  void* dx;
  const void* top;        // [rows]
  const void* log_sum;    // [rows], log(sum(exp(x - top)))
  const void* scale;      // [rows], of the loss at the target
  const void* spread;     // [rows], of the loss at every class; null: 0
  const void* weight;     // [classes]; null: 1; only beside spread
  const void* total;      // the sum of the weights; null: of ones
  const int64_t* target;  // [rows]
  int64_t classes;
};

NDL_DECLARE_KERNEL(void, cross_entropy_dx, (const CrossEntropyArgs& args, int64_t begin, int64_t end));

}  // namespace needlecpp
