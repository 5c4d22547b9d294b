// The windows of an image as columns of a matrix (im2col), and back. PyTorch's functional unfold and fold.
#pragma once

#include "needlecpp/core/tensor.h"

namespace needlecpp {

// Lists hold one number for all axes or one an axis.
struct UnfoldOptions {
  Dims kernel;
  Dims dilation = {1};
  Dims padding = {0};
  Dims stride = {1};
};

// y[n, (c, t), l] = x[n, c, l * stride + t * dilation - padding], zero outside x: x [n, c, ...] or [c, ...] with one to
// three axes of windows gives [n, c * taps, windows]. Any dtype; differentiable.
Tensor im2col(const Tensor& x, int axes, const UnfoldOptions& options);
// The transpose: x[n, c, ...] = the sum of all y[n, (c, t), l] that im2col would read there. Numbers; differentiable.
Tensor col2im(const Tensor& y,  // [n, c * taps, windows] or [c * taps, windows]
              int axes, const Dims& output_size, const UnfoldOptions& options);

}  // namespace needlecpp
