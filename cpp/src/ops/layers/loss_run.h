// What the losses of classes ask of a device.
#pragma once

#include "core/run.h"

namespace needlecpp {

// All views are contiguous.
//
// given [rows] (int64) as classes that can be read: target (int64) is `given`, and 0 where that is ignore_index; keeps
// (bool) says where it is not. Returns the first row whose class is neither in [0, classes) nor ignored, -1 for none;
// what target and keeps hold is then undefined.
NDL_DECLARE_RUN(int64_t, run_class_targets,
                (int64_t classes, int64_t ignore_index, View given, View target, View keeps));

// The gradient of the cross entropy by the scores x [rows, classes], float32 or float64 as all but the targets:
//   dx[i, c] = probability[i, c] (scale[i] + spread[i] total) - spread[i] weight[c],   and - scale[i] more at target[i]
// with probability = exp((x - top) - log_sum). top, log_sum, scale, spread [rows], spread may be missing (0); weight
// [classes] and its sum `total` may be missing together (1 each).
NDL_DECLARE_RUN(void, run_cross_entropy_dx,
                (View x, View top, View log_sum, View scale, View spread, View weight, View total, View target,
                 View dx));

}  // namespace needlecpp
