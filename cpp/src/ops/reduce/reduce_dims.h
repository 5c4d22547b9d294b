// The shapes around a reduction.
#pragma once

#include "needlecpp/core/axis_set.h"

namespace needlecpp {

// Which axes a reduction takes away.
struct ReducedAxes {
  bool taken[kMaxRank] = {};
  // `axes` as normalize_axes() returns them.
  explicit ReducedAxes(const Dims& axes) {
    for (int64_t axis : axes) taken[axis] = true;
  }
  // Any axes of a tensor; one without axes is taken as a row of one element, as NumPy and PyTorch do.
  ReducedAxes(const char* op, const AxisSet& axes, int rank) : ReducedAxes(axes.of(op, rank == 0 ? 1 : rank)) {}

  Dims list(int rank) const {
    Dims axes;
    for (int i = 0; i < rank; ++i)
      if (taken[i]) axes.push_back(i);
    return axes;
  }
  int64_t count(const Shape& shape) const {
    int64_t product = 1;
    for (int i = 0; i < shape.size(); ++i)
      if (taken[i]) product *= shape[i];
    return product;
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
