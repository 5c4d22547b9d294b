// What the ops of unfold.cpp ask of a device.
#pragma once

#include "core/run.h"
#include "ops/window/unfold_kernels.h"

namespace needlecpp {

// x [..., in], y [..., kernel, out], contiguous and of one type; neither is empty.
// y from x, 0 outside it. Any type.
NDL_DECLARE_RUN(void, run_unfold, (const UnfoldSizes& sizes, const View& x, const View& y));
// x = the sum of its places in y. Any type but halves and bool.
NDL_DECLARE_RUN(void, run_fold, (const UnfoldSizes& sizes, const View& y, const View& x));

}  // namespace needlecpp
