// What the ops of pool.cpp ask of a device.
#pragma once

#include <vector>

#include "core/run.h"

namespace needlecpp {

// The windows along the last axes of an image, clipped to it: window o of axis i holds the elements begin[i][o],
// begin[i][o] + step[i], ... before end[i][o], and its mean divides by the product of count[i][o] over the axes. There
// are always three axes; those that the image lacks come first and have one window of one element.
struct PoolWindows {
  int axes = 0;
  int64_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1}, step[3] = {1, 1, 1};
  std::vector<int64_t> begin[3] = {{0}, {0}, {0}}, end[3] = {{1}, {1}, {1}}, count[3] = {{1}, {1}, {1}};

  int64_t in_size() const { return in[0] * in[1] * in[2]; }
  int64_t out_size() const { return out[0] * out[1] * out[2]; }
};

// All views are contiguous; x and y have one type, and the last axes of x are in[], those of y out[].
// y = the maximum of each window, index (int64, shape of y) = where it stands in its plane of x. Any type but halves
// and bool. NaN wins.
NDL_DECLARE_RUN(void, run_pool_max, (const PoolWindows& windows, const View& x, const View& y, const View& index));
// y = the mean of each window. Float32 or float64, as in all that follow.
NDL_DECLARE_RUN(void, run_pool_mean, (const PoolWindows& windows, const View& x, const View& y));
// The transpose of the mean: x = the sum of y / count over the windows that hold the element.
NDL_DECLARE_RUN(void, run_pool_spread, (const PoolWindows& windows, const View& y, const View& x));
// The transpose of taking maxima: x = the sum of the y whose index is the element. Indices outside the plane, which
// only their owner can have written through an alias, are passed over.
NDL_DECLARE_RUN(void, run_pool_scatter, (const PoolWindows& windows, const View& y, const View& index, const View& x));

}  // namespace needlecpp
