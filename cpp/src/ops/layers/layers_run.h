// What the ops of layers.cpp ask of a device.
#pragma once

#include "core/run.h"

namespace needlecpp {

// The place of the first of `indices` (int64, contiguous) that is not in [0, size), -1 if all are.
NDL_DECLARE_RUN(int64_t, run_find_outside, (View indices, int64_t size));

}  // namespace needlecpp
