// What resample.cpp hands to the kernels of resample_simd.cpp.
#pragma once

#include <stdint.h>

#include "simd/isa.h"

namespace needlecpp {

// Output i of one axis is the sum of weight[t] * input[index[t]] over t in [start[i], start[i + 1]).
template <class T>
struct ResampleAxis {
  int64_t in, out;
  const int64_t* start;
  const int64_t* index;
  const T* weight;
};

template <class T>
struct ResampleArgs {
  const T* x;  // [planes, in, in, in]
  T* y;        // [planes, out, out, out]
  ResampleAxis<T> axes[3];
};

// For rows begin to end of [planes, out, out]; `scratch` holds one row of x.
NDL_DECLARE_KERNEL(void, resample_f32, (const ResampleArgs<float>& args, float* scratch, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(void, resample_f64, (const ResampleArgs<double>& args, double* scratch, int64_t begin, int64_t end));

}  // namespace needlecpp
