// What loss.cpp hands to the kernel of loss_simd.cpp.
#pragma once

#include <stdint.h>

#include "simd/isa.h"

namespace needlecpp {

// dx[i, c] = (probability[i, c] (scale[i] + spread[i] total) - spread[i] weight[c]), and - scale[i] more at the target;
// probability = exp((x - top) - log_sum).
template <class T>
struct CrossEntropyArgs {
  const T* x;  // [rows, classes]
  T* dx;
  const T* top;           // [rows]
  const T* log_sum;       // [rows], log(sum(exp(x - top)))
  const T* scale;         // [rows], of the loss at the target
  const T* spread;        // [rows], of the loss at every class; null: 0
  const T* weight;        // [classes]; null: 1; only beside spread
  double total;           // sum of the weights
  const int64_t* target;  // [rows]
  int64_t classes;
};

NDL_DECLARE_KERNEL(void, cross_entropy_dx_f32, (const CrossEntropyArgs<float>& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(void, cross_entropy_dx_f64, (const CrossEntropyArgs<double>& args, int64_t begin, int64_t end));

}  // namespace needlecpp
