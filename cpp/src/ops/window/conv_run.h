// What the ops of conv.cpp ask of a device.
#pragma once

#include "core/run.h"

namespace needlecpp {

// The sizes of one convolution: y[n, o, i] = sum over c, t of x[n, c, i * stride + t * dilation - padding] w[o, c, t]
// for every group. There are always three axes; those that x lacks come first and have size 1.
struct ConvSizes {
  int axes;  // that the tensors have
  int64_t batch, groups;
  int64_t in_channels, out_channels;  // of one group
  int64_t in[3], out[3], kernel[3], stride[3], padding[3], dilation[3];
};

// Each of the three tensors from the two others: all of one type, float32 or float64. What is read may have any
// strides, the result is contiguous, and every element of it is written. The bias, one number a channel of the result
// and contiguous, may be missing.
NDL_DECLARE_RUN(void, run_conv,
                (const ConvSizes& sizes, const View& x, const View& weight, const View& bias, const View& y));
NDL_DECLARE_RUN(void, run_conv_transpose,
                (const ConvSizes& sizes, const View& y, const View& weight, const View& bias, const View& x));
NDL_DECLARE_RUN(void, run_conv_weight, (const ConvSizes& sizes, const View& x, const View& y, const View& weight));

}  // namespace needlecpp
