// The copy behind concat, pad and the gradient of slice.
#pragma once

#include <stdint.h>

#include "simd/hd.h"
#include "simd/isa.h"

namespace needlecpp {

// Row r of `bytes` bytes goes from from + r * from_stride to to + r * to_stride (strides in bytes, any sign).
struct CopyRowsArgs {
  char* to;
  int64_t to_stride;
  const char* from;
  int64_t from_stride;
  int64_t bytes;
};

NDL_DECLARE_KERNEL(void, copy_rows, (const CopyRowsArgs& args, int64_t begin, int64_t end))

}  // namespace needlecpp
