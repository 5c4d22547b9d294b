// The shapes around a reduction.
#pragma once

#include "needlecpp/core/shape.h"

namespace needlecpp {

// Which axes a reduction takes away; `axes` as normalize_axes() returns them.
struct ReducedAxes {
  bool taken[kMaxRank] = {};
  explicit ReducedAxes(const Dims& axes) {
    for (int64_t axis : axes) taken[axis] = true;
  }
};

// The shape of the result: size 1 in place of the reduced axes, or without them.
inline Shape reduced_shape(const Shape& shape, const ReducedAxes& axes, bool keepdims) {
  Shape result;
  for (int i = 0; i < shape.size(); ++i) {
    if (!axes.taken[i])
      result.push_back(shape[i]);
    else if (keepdims)
      result.push_back(1);
  }
  return result;
}

}  // namespace needlecpp
