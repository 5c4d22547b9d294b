// Formulas of camera.h: OpenCV's distortion and its inverse, and the slab test of one ray against a box.
#pragma once

#include "simd/hd.h"
#include "simd/isa.h"
#include "simd/math.h"

namespace needlecpp {

struct RayArgs {
  const float* poses;       // [cameras, 3, 4]
  const float* intrinsics;  // [cameras, 8]: fx fy cx cy k1 k2 p1 p2
  const int32_t* camera;    // [n], or null: all rays belong to `only_camera`
  const float* pixels;      // [n, 2], or null: ray i goes through the centre of pixel `first_pixel` + i, row by row
  int64_t only_camera;
  int64_t first_pixel;
  int64_t width;
  float* origins;     // [n, 3]
  float* directions;  // [n, 3]
};
NDL_DECLARE_KERNEL(void, make_rays, (const RayArgs& args, int64_t begin, int64_t end))

struct BoxArgs {
  const float* origins;     // [n, 3]
  const float* directions;  // [n, 3]
  float low[3];
  float high[3];
  float* near;  // [n]
  float* far;   // [n]
};
NDL_DECLARE_KERNEL(void, box_intervals, (const BoxArgs& args, int64_t begin, int64_t end))

namespace NDL_ISA {

// Where OpenCV's lens puts the ideal point (x, y), in units of the focal length.
template <class V>
NDL_HD void distort(V x, V y, V k1, V k2, V p1, V p2, V& distorted_x, V& distorted_y) {
  const V r2 = x * x + y * y;
  const V radial = 1.0f + r2 * (k1 + r2 * k2);
  distorted_x = x * radial + 2.0f * p1 * x * y + p2 * (r2 + 2.0f * x * x);
  distorted_y = y * radial + 2.0f * p2 * x * y + p1 * (r2 + 2.0f * y * y);
}

// The inverse by Newton's method from the distorted point: five steps reach float precision for real lenses, the
// others are for strong ones. A lane whose Jacobian is nearly singular (beyond the radius where the model folds over)
// stays where it is.
template <class V>
NDL_HD void undistort(V distorted_x, V distorted_y, V k1, V k2, V p1, V p2, V& x, V& y) {
  x = distorted_x;
  y = distorted_y;
  for (int iteration = 0; iteration < 8; ++iteration) {
    V at_x, at_y;
    distort(x, y, k1, k2, p1, p2, at_x, at_y);
    const V error_x = at_x - distorted_x;
    const V error_y = at_y - distorted_y;
    const V r2 = x * x + y * y;
    const V radial = 1.0f + r2 * (k1 + r2 * k2);
    const V slope = 2.0f * (k1 + 2.0f * r2 * k2);  // d(radial)/dx = slope x
    const V xx = radial + slope * x * x + 2.0f * p1 * y + 6.0f * p2 * x;
    const V xy = slope * x * y + 2.0f * p1 * x + 2.0f * p2 * y;  // = d(at_x)/dy = d(at_y)/dx
    const V yy = radial + slope * y * y + 2.0f * p2 * x + 6.0f * p1 * y;
    const V determinant = xx * yy - xy * xy;
    const auto solvable = m_abs(determinant) > 1e-4f;
    const V scale = m_select(solvable, 1.0f / determinant, V{} + 0.0f);
    x = x - (error_x * yy - error_y * xy) * scale;
    y = y - (error_y * xx - error_x * xy) * scale;
  }
}

// Where a ray is inside the box, near clipped to >= 0. An axis along which the ray does not move bounds nothing when
// the origin lies within (faces included) and excludes everything otherwise; it is kept out of the divisions, where
// 0 * inf would be NaN.
NDL_HD void box_interval(const float* origin, const float* direction, const float* low, const float* high, float& near,
                         float& far) {
  near = 0.0f;
  far = INFINITY;
  for (int axis = 0; axis < 3; ++axis) {
    const float o = origin[axis];
    const float d = direction[axis];
    if (d == 0.0f) {
      if (o >= low[axis] && o <= high[axis]) continue;
      near = INFINITY;
      far = -INFINITY;
      return;
    }
    const float to_low = (low[axis] - o) / d;
    const float to_high = (high[axis] - o) / d;
    const float enter = to_low < to_high ? to_low : to_high;
    const float leave = to_low < to_high ? to_high : to_low;
    near = enter > near || enter != enter ? enter : near;  // a NaN stays: near < far is false then
    far = leave < far || leave != leave ? leave : far;
  }
}

}  // namespace NDL_ISA
}  // namespace needlecpp
