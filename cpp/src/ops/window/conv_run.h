// The convolution on memory, off the tape: what the ops of conv.cpp run.
#pragma once

#include "needlecpp/core/tensor.h"

namespace needlecpp {

// The sizes of one convolution: y[n, o, i] = sum over c, t of x[n, c, i * stride + t * dilation - padding] w[o, c, t]
// for every group. There are always three axes; those that x lacks come first and have size 1.
struct ConvSizes {
  int axes;  // that the tensors have
  int64_t batch, groups;
  int64_t in_channels, out_channels;  // of one group
  int64_t in[3], out[3], kernel[3], stride[3], padding[3], dilation[3];
};

// Each of the three tensors from the two others, float32 or float64, of any strides. The bias, one number a channel of
// the result, may be undefined.
Tensor run_conv(const ConvSizes& sizes, const Tensor& x, const Tensor& weight, const Tensor& bias);
Tensor run_conv_transpose(const ConvSizes& sizes, const Tensor& y, const Tensor& weight, const Tensor& bias);
Tensor run_conv_weight(const ConvSizes& sizes, const Tensor& x, const Tensor& y);

}  // namespace needlecpp
