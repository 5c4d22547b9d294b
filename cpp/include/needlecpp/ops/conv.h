// Convolutions over one, two or three axes, and needle's dilate. Differentiable in input, weight and bias, to any
// order: a convolution, its transpose and its weight's gradient are the partial derivatives of one another.
#pragma once

#include "needlecpp/core/axis_set.h"
#include "needlecpp/core/tensor.h"

namespace needlecpp {

// Lists hold one number for all axes or one an axis.
struct ConvOptions {
  Dims stride = {1};
  Dims padding = {0};  // zeros on both sides
  Dims dilation = {1};
  int64_t groups = 1;
  bool same = false;          // as many zeros as give y the size of x, the odd one behind; padding is not used
  Dims output_padding = {0};  // conv_transpose only: elements that y has at the end of an axis beyond the least
};

// y[n, o, i] = bias[o] + sum over c, t of x[n, c, i * stride + t * dilation - padding] w[o, c, t], the
// cross-correlation that deep learning calls convolution. The weight's rank says how many axes there are. With groups,
// output channel o sees the o-th group of input channels only. bias may be undefined.
Tensor conv_nd(const Tensor& x,       // [n, c, ...] or [c, ...]
               const Tensor& weight,  // [o, c / groups, ...]
               const Tensor& bias,    // [o]
               const ConvOptions& options = {});
// The transpose of conv_nd as a map of images: every x[n, c, i] adds x * w[c, o, t] to y[n, o, i * stride + t *
// dilation - padding].
Tensor conv_transpose_nd(const Tensor& x,       // [n, c, ...] or [c, ...]
                         const Tensor& weight,  // [c, o / groups, ...]
                         const Tensor& bias,    // [o]
                         const ConvOptions& options = {});
// needle's: a [n, h, w, c], b [k, k, c, o] gives [n, h', w', o].
Tensor conv(const Tensor& a, const Tensor& b, int64_t stride = 1, int64_t padding = 0, int64_t dilation = 1);

// needle's: `dilation` zeros after every element along the axes, and back.
Tensor dilate(const Tensor& x, const AxisSet& axes, int64_t dilation);
Tensor undilate(const Tensor& x, const AxisSet& axes, int64_t dilation);

}  // namespace needlecpp
