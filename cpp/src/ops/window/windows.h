// Checks that all ops with windows share: convolution, pooling, unfold.
#pragma once

#include "needlecpp/core/shape.h"

namespace needlecpp {

// Larger numbers are refused, so that no sum or product of a few of them overflows.
inline constexpr int64_t kWindowLimit = INT32_MAX;

// One number for each of `axes` axes from a list of one or `axes` numbers, none below `least`.
inline Dims per_axis(const char* op, const char* what, const Dims& given, int axes, int64_t least) {
  NDL_CHECK(given.size() == 1 || given.size() == axes, ValueError, op, "wrong number of values for ", what, ": got ",
            given, ", expected 1 or ", axes, ".");
  Dims all;
  for (int i = 0; i < axes; ++i) {
    all.push_back(given.size() == 1 ? given[0] : given[i]);
    NDL_CHECK(all[i] >= least && all[i] <= kWindowLimit, ValueError, op, "bad ", what, ": got ", given,
              ", expected numbers from ", least, " to ", kWindowLimit, ".");
  }
  return all;
}

// The sizes of the last `axes` axes, none beyond the limit; the tensor has a batch axis or not.
inline void check_image(const char* op, const Shape& shape, int axes) {
  NDL_CHECK(shape.size() == axes + 1 || shape.size() == axes + 2, ValueError, op, "wrong number of axes: got shape ",
            shape, ", expected a batch (may be missing), channels and ", axes, " more.");
  for (int i = shape.size() - axes; i < shape.size(); ++i)
    NDL_CHECK(shape[i] <= kWindowLimit, ValueError, op, "too large: got shape ", shape, ", expected at most ",
              kWindowLimit, " along an axis.");
}

// Elements from the first to the last that a window of `kernel` taps covers.
inline int64_t window_extent(int64_t kernel, int64_t dilation) { return (kernel - 1) * dilation + 1; }

}  // namespace needlecpp
