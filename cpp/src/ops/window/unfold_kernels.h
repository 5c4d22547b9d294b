// What unfold.cpp hands to the kernels of unfold_simd.cpp.
#pragma once

#include <stdint.h>

#include "simd/isa.h"

namespace needlecpp {

enum class FoldType : uint8_t { F32, F64, I32, I64, U8 };

// x [planes, in], y [planes, kernel, out], contiguous; element o of tap t stands at o * stride + t * dilation -
// padding.
struct UnfoldArgs {
  void* x;
  void* y;
  int64_t in[3], out[3], kernel[3], stride[3], padding[3], dilation[3];
  int item;       // bytes of an element: unfold_planes
  FoldType type;  // fold_planes
};

// Planes [begin, end): y from x, and x as the sum of its places in y.
NDL_DECLARE_KERNEL(void, unfold_planes, (const UnfoldArgs& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(void, fold_planes, (const UnfoldArgs& args, int64_t begin, int64_t end));

}  // namespace needlecpp
