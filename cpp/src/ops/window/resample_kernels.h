// What resample_cpu.cpp hands to the kernels of resample_simd.cpp.
#pragma once

#include <stdint.h>

#include "simd/element.h"
#include "simd/isa.h"

namespace needlecpp {

// Output i of one axis is the sum of weight[t] * input[index[t]] over t in [start[i], start[i + 1]).
struct ResampleAxis {
  int64_t in, out;
  const int64_t* start;
  const int64_t* index;
  const void* weight;
};

struct ResampleArgs {
  Element element;  // of x, y and the weights: F32 or F64
  const void* x;    // [planes, in, in, in]
  void* y;          // [planes, out, out, out]
  ResampleAxis axes[3];
};

// For rows begin to end of [planes, out, out]; `scratch` holds one row of x.
NDL_DECLARE_KERNEL(void, resample, (const ResampleArgs& args, void* scratch, int64_t begin, int64_t end));

}  // namespace needlecpp
