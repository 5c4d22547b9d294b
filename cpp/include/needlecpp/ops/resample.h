// Resizing images and volumes, and moving pixels between space and channels. All differentiable, of any order.
#pragma once

#include <vector>

#include "needlecpp/core/tensor.h"

namespace needlecpp {

// Nearest takes pixel floor(i * in / out), NearestExact the one whose centre is nearest; Linear and Cubic (Keys, a =
// -0.75) interpolate along every axis; Area averages all pixels that an output pixel touches.
enum class Interpolation { Nearest, NearestExact, Linear, Cubic, Area };

struct InterpolateOptions {
  // One of the two, with one number for every spatial axis, or one for all.
  std::vector<int64_t> size;
  std::vector<double> scale_factor;  // the size is floor(in * scale)
  // The corner pixels' centres are mapped to each other, not the corners of the corner pixels (Linear and Cubic only).
  bool align_corners = false;
  // Positions follow from the sizes alone, not from scale_factor, which may be a little different.
  bool recompute_scale_factor = false;
};

// The spatial axes (all after the first two) of x resized, as torch.nn.functional.interpolate does it. Nearest keeps
// integers; the other modes turn them into float32.
Tensor interpolate(const Tensor& x,  // [n, c, spatial...], 1 to 3 spatial axes
                   Interpolation mode, const InterpolateOptions& options);

// y[n, c, h r + i, w r + j] = x[n, c r^2 + i r + j, h, w] (Shi et al. 2016), and its inverse. Any leading axes.
Tensor pixel_shuffle(const Tensor& x, int64_t upscale_factor);      // [..., c r^2, h, w] -> [..., c, h r, w r]
Tensor pixel_unshuffle(const Tensor& x, int64_t downscale_factor);  // [..., c, h r, w r] -> [..., c r^2, h, w]

}  // namespace needlecpp
