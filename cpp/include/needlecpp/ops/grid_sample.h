// Reading images and volumes at given places: what tri-planes and factored radiance fields do all day.
#pragma once

#include "needlecpp/core/tensor.h"

namespace needlecpp {

enum class GridMode { Bilinear, Nearest, Bicubic };  // Bilinear is trilinear in volumes; Bicubic is for images only
enum class GridPadding { Zeros, Border, Reflection };

// y[n, c, p] = x[n, c] at the place grid[n, p], coordinates (x, y[, z]) in [-1, 1] from edge to edge of the image
// (align_corners: from the first pixel's centre to the last one's). Outside, pixels are zero, those of the border, or
// the image mirrored. Differentiable in both, twice; only the result is materialised.
Tensor grid_sample(const Tensor& x,     // [n, c, h, w] or [n, c, d, h, w]
                   const Tensor& grid,  // [n, ho, wo, 2] or [n, do, ho, wo, 3]
                   GridMode mode = GridMode::Bilinear, GridPadding padding = GridPadding::Zeros,
                   bool align_corners = false);
// The same by plain ops, once the pixels to read are known.
Tensor grid_sample_composed(const Tensor& x, const Tensor& grid, GridMode mode, GridPadding padding,
                            bool align_corners);

// The places of an affine map, for grid_sample: grid[n, ..., :] = theta[n] (place, 1). `size` is (n, c, h, w) or
// (n, c, d, h, w). Differentiable in theta.
Tensor affine_grid(const Tensor& theta,  // [n, 2, 3] or [n, 3, 4]
                   const Shape& size, bool align_corners = false);

}  // namespace needlecpp
