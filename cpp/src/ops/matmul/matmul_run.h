// The matrix product on a device.
#pragma once

#include "core/run.h"

namespace needlecpp {

// c = a b: a [..., m, k], b [..., k, n] of any strides, whose leading axes broadcast to those of c [..., m, n], which
// is contiguous. One dtype: float32, float64, bfloat16 (sums in float32), int32 or int64 (which wrap around).
NDL_DECLARE_RUN(void, run_matmul, (const View& a, const View& b, const View& c));

}  // namespace needlecpp
