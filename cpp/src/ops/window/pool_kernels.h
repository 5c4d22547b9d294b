// What pool_cpu.cpp hands to the kernels of pool_simd.cpp.
#pragma once

#include <stdint.h>

#include "simd/element.h"
#include "simd/isa.h"

namespace needlecpp {

// Windows over three axes, clipped to x; in each the elements begin, begin + step, ... before end. Planes, one a
// channel of an image, are contiguous.
struct PoolArgs {
  Element element;  // of x and y
  int64_t in[3], out[3];
  const int64_t* begin[3];  // [out]
  const int64_t* end[3];
  const int64_t* count[3];  // means divide by the product
  int64_t step[3];
  void* x;
  void* y;
  int64_t* index;  // of the maximum in its plane
};

// Rows [begin, end) of the results, each the last axis long.
NDL_DECLARE_KERNEL(void, pool_max, (const PoolArgs& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(void, pool_mean, (const PoolArgs& args, int64_t begin, int64_t end));
// Planes [begin, end) of x, floats only: x = 0, then x += y / count over each window, or x[index] += y. Indices outside
// the plane, which only their owner can have written through an alias, are passed over.
NDL_DECLARE_KERNEL(void, pool_spread, (const PoolArgs& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(void, pool_scatter, (const PoolArgs& args, int64_t begin, int64_t end));

}  // namespace needlecpp
