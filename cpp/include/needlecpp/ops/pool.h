// Pooling: one number for each window, over the last one, two or three axes; [n, c, ...] or [c, ...] in and out. All
// differentiable to any order.
#pragma once

#include <optional>

#include "needlecpp/core/tensor.h"

namespace needlecpp {

// Lists hold one number for all axes or one an axis.
struct PoolOptions {
  Dims kernel;
  Dims stride = {};    // empty: the kernel
  Dims padding = {0};  // on both sides, at most half a window
  Dims dilation = {1};
  bool ceil_mode = false;  // a last window that begins inside may end outside
};

struct MaxPooled {
  Tensor values;
  Tensor indices;  // int64: where in its channel, counted in C order, each maximum stands
};

// Floats and integers. NaN wins; the gradient goes to the place of the maximum, the first of several.
MaxPooled max_pool(const Tensor& x, int axes, const PoolOptions& options);
// Zeros with x where max_pool with these options took it from; of several values for one place the last stays. Sizes
// that max_pool's rounding lost may be given, one for each of the last axes.
Tensor max_unpool(const Tensor& x, const Tensor& indices, int axes, const PoolOptions& options,
                  const Dims& output_size = {});
// The mean of a window; padding counts as zeros or, without count_include_pad, not at all. A divisor, if given, takes
// the place of the number of elements.
Tensor avg_pool(const Tensor& x, int axes, const PoolOptions& options, bool count_include_pad = true,
                std::optional<int64_t> divisor = {});
// (sum over a window of x^norm)^(1 / norm); NaN where the sum has no such root.
Tensor lp_pool(const Tensor& x, int axes, double norm, const PoolOptions& options);

// Windows that divide an axis into `output` parts: [floor(i * size / output), ceil((i + 1) * size / output)). An output
// of -1 keeps the size of the axis.
MaxPooled adaptive_max_pool(const Tensor& x, int axes, const Dims& output);
Tensor adaptive_avg_pool(const Tensor& x, int axes, const Dims& output);

}  // namespace needlecpp
