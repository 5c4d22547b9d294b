// What unfold_cpu.cpp hands to the kernels of unfold_simd.cpp.
#pragma once

#include <stdint.h>

#include "simd/element.h"
#include "simd/isa.h"

namespace needlecpp {

// Windows over an image: element o of tap t stands at o * stride + t * dilation - padding. There are always three axes;
// those that the image lacks come first and have size 1.
struct UnfoldSizes {
  int64_t in[3], out[3], kernel[3], stride[3], padding[3], dilation[3];
};

// x [planes, in], y [planes, kernel, out], contiguous.
struct UnfoldArgs {
  Element element;
  void* x;
  void* y;
  UnfoldSizes sizes;
};

// Planes [begin, end): y from x, and x as the sum of its places in y.
NDL_DECLARE_KERNEL(void, unfold_planes, (const UnfoldArgs& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(void, fold_planes, (const UnfoldArgs& args, int64_t begin, int64_t end));

}  // namespace needlecpp
