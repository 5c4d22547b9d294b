// The cross product on a device.
#pragma once

#include "core/run.h"

namespace needlecpp {

// y = a x b of the vectors along an axis, which has size 3. All of one shape and dtype, float32, float64, int32 or
// int64 (which wrap around), and of any strides.
NDL_DECLARE_RUN(void, run_cross, (int axis, const View& a, const View& b, const View& y));

}  // namespace needlecpp
