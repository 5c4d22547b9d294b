// Formulas of camera.h: OpenCV's lenses and their inverses, and the slab test of one ray against a box.
//
// A lens that bends the image plane is a struct of its terms with two functions: distort(), where it puts the ideal
// point (x, y) in units of the focal length, and slopes(), the Jacobian of that. Newton's method on them is the inverse
// of any. BrownLens is all that most cameras need; PlaneLens has every term of OpenCV's, BrownLens among them.
#pragma once

#include "simd/hd.h"
#include "simd/isa.h"
#include "simd/math.h"

namespace needlecpp {

inline constexpr int kPlaneTerms = 12;    // k1 k2 p1 p2 k3 k4 k5 k6 s1 s2 s3 s4
inline constexpr int kBrownTerms = 4;     // the first four
inline constexpr int kFisheyeTerms = 4;   // k1 k2 k3 k4
inline constexpr int kFirstLensTerm = 4;  // behind fx fy cx cy

struct RayArgs {
  const float* poses;       // [cameras, 3, 4]
  const float* intrinsics;  // [cameras, columns]: fx fy cx cy and the lens terms, see above
  int64_t columns;
  const int32_t* fisheye;  // [cameras], or null: none is
  const int32_t* camera;   // [n], or null: all rays belong to `only_camera`
  const float* pixels;     // [n, 2], or null: ray i goes through the centre of pixel `first_pixel` + i, row by row
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

template <class V>
struct BrownLens {
  V k1, k2, p1, p2;

  NDL_HD void distort(V x, V y, V& distorted_x, V& distorted_y) const {
    const V r2 = x * x + y * y;
    const V radial = 1.0f + r2 * (k1 + r2 * k2);
    distorted_x = x * radial + 2.0f * p1 * x * y + p2 * (r2 + 2.0f * x * x);
    distorted_y = y * radial + 2.0f * p2 * x * y + p1 * (r2 + 2.0f * y * y);
  }
  NDL_HD void slopes(V x, V y, V& xx, V& xy, V& yx, V& yy) const {
    const V r2 = x * x + y * y;
    const V radial = 1.0f + r2 * (k1 + r2 * k2);
    const V slope = 2.0f * (k1 + 2.0f * r2 * k2);  // d(radial)/dx = slope x
    xx = radial + slope * x * x + 2.0f * p1 * y + 6.0f * p2 * x;
    xy = slope * x * y + 2.0f * p1 * x + 2.0f * p2 * y;
    yx = xy;
    yy = radial + slope * y * y + 2.0f * p2 * x + 6.0f * p1 * y;
  }
};

template <class V>
struct PlaneLens {
  V k1, k2, p1, p2, k3, k4, k5, k6, s1, s2, s3, s4;

  NDL_HD void distort(V x, V y, V& distorted_x, V& distorted_y) const {
    const V r2 = x * x + y * y;
    const V radial = (1.0f + r2 * (k1 + r2 * (k2 + r2 * k3))) / (1.0f + r2 * (k4 + r2 * (k5 + r2 * k6)));
    distorted_x = x * radial + 2.0f * p1 * x * y + p2 * (r2 + 2.0f * x * x) + r2 * (s1 + r2 * s2);
    distorted_y = y * radial + 2.0f * p2 * x * y + p1 * (r2 + 2.0f * y * y) + r2 * (s3 + r2 * s4);
  }
  NDL_HD void slopes(V x, V y, V& xx, V& xy, V& yx, V& yy) const {
    const V r2 = x * x + y * y;
    const V over = 1.0f / (1.0f + r2 * (k4 + r2 * (k5 + r2 * k6)));
    const V radial = (1.0f + r2 * (k1 + r2 * (k2 + r2 * k3))) * over;
    const V rise = k1 + r2 * (2.0f * k2 + r2 * (3.0f * k3));  // d(numerator)/d(r2)
    const V fall = k4 + r2 * (2.0f * k5 + r2 * (3.0f * k6));  // d(denominator)/d(r2)
    const V slope = 2.0f * over * (rise - radial * fall);     // d(radial)/dx = slope x
    const V prism_x = 2.0f * (s1 + 2.0f * r2 * s2);
    const V prism_y = 2.0f * (s3 + 2.0f * r2 * s4);
    const V mixed = slope * x * y + 2.0f * p1 * x + 2.0f * p2 * y;
    xx = radial + slope * x * x + 2.0f * p1 * y + 6.0f * p2 * x + prism_x * x;
    xy = mixed + prism_x * y;
    yx = mixed + prism_y * x;
    yy = radial + slope * y * y + 2.0f * p2 * x + 6.0f * p1 * y + prism_y * y;
  }
};

// Newton steps from (x, y) towards the point that the lens puts at (to_x, to_y). A lane whose Jacobian is nearly
// singular (beyond the radius where the model folds over) stays where it is.
template <class L, class V>
NDL_HD void newton(const L& lens, V to_x, V to_y, int iterations, V& x, V& y) {
  for (int iteration = 0; iteration < iterations; ++iteration) {
    V at_x, at_y, xx, xy, yx, yy;
    lens.distort(x, y, at_x, at_y);
    lens.slopes(x, y, xx, xy, yx, yy);
    const V error_x = at_x - to_x;
    const V error_y = at_y - to_y;
    const V determinant = xx * yy - xy * yx;
    const auto solvable = m_abs(determinant) > 1e-4f;
    const V scale = m_select(solvable, 1.0f / determinant, V{} + 0.0f);
    x = x - (error_x * yy - error_y * xy) * scale;
    y = y - (error_y * xx - error_x * yx) * scale;
  }
}

// The inverse from the distorted point itself: five steps reach float precision for real lenses, the others are for
// strong ones.
template <class L, class V>
NDL_HD void undistort(const L& lens, V distorted_x, V distorted_y, V& x, V& y) {
  x = distorted_x;
  y = distorted_y;
  newton(lens, distorted_x, distorted_y, 8, x, y);
}

// How far (x, y) is from being that inverse; infinite where the lens has folded over there.
template <class L, class V>
NDL_HD V undistort_error(const L& lens, V distorted_x, V distorted_y, V x, V y) {
  V at_x, at_y, xx, xy, yx, yy;
  lens.distort(x, y, at_x, at_y);
  lens.slopes(x, y, xx, xy, yx, yy);
  const V error = m_abs(at_x - distorted_x) + m_abs(at_y - distorted_y);
  const auto upright = (xx * yy - xy * yx > 0.0f) & (xx + yy > 0.0f);
  return m_select(upright, error, V{} + INFINITY);
}

// The same inverse for lenses so strong that the distorted point is no good start: along the straight line from the
// middle of the picture, each stop the start of the next. It cannot leave the branch that the middle lies on.
template <class L, class V>
NDL_HD void undistort_in_stages(const L& lens, V distorted_x, V distorted_y, V& x, V& y) {
  constexpr int kStages = 32;
  x = V{} + 0.0f;
  y = V{} + 0.0f;
  for (int stage = 1; stage <= kStages; ++stage) {
    const float way = static_cast<float>(stage) / kStages;
    newton(lens, distorted_x * way, distorted_y * way, stage == kStages ? 8 : 2, x, y);
  }
}

// The ray that OpenCV's fisheye puts at the point (x, y), in units of the focal length: its angle from the axis by
// Newton's method, kept between bounds that each step tightens. Up to 180 degrees from the axis.
template <class V>
NDL_HD void fisheye_ray(V k1, V k2, V k3, V k4, V x, V y, V& ray_x, V& ray_y, V& ray_z) {
  constexpr float kPi = 3.14159265358979323846f;
  const V radius = m_sqrt(x * x + y * y);
  V low = V{} + 0.0f, high = V{} + kPi;
  V angle = m_select(radius < high, radius, high);
  for (int iteration = 0; iteration < 16; ++iteration) {
    const V a2 = angle * angle;
    const V error = angle * (1.0f + a2 * (k1 + a2 * (k2 + a2 * (k3 + a2 * k4)))) - radius;
    const V slope = 1.0f + a2 * (3.0f * k1 + a2 * (5.0f * k2 + a2 * (7.0f * k3 + a2 * (9.0f * k4))));
    const auto beyond = (error > 0.0f) | (slope <= 0.0f);  // the angle wanted is smaller
    low = m_select(beyond, low, angle);
    high = m_select(beyond, angle, high);
    const V next = angle - error / slope;
    const auto inside = (next >= low) & (next <= high) & (slope > 0.0f);
    angle = m_select(inside, next, 0.5f * (low + high));
  }
  const V scale = m_select(radius > 0.0f, m_sin(angle) / radius, V{} + 1.0f);
  ray_x = x * scale;
  ray_y = y * scale;
  ray_z = m_cos(angle);
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
