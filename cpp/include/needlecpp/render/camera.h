// Cameras with OpenCV's lenses, and the rays through their pixels. Camera axes are OpenCV's: +X right, +Y down, +Z
// forward; pixel (i, j) has its centre at (i + 0.5, j + 0.5).
#pragma once

#include "needlecpp/core/config.h"
#include "needlecpp/core/tensor.h"

namespace needlecpp {

// How a ray (x, y, z) in camera axes meets the picture; both in OpenCV's formulas.
enum class Lens : int32_t {
  Perspective,  // (x / z, y / z), distorted by k1 k2 p1 p2 [k3 [k4 k5 k6 [s1 s2 s3 s4]]]
  Fisheye,      // the angle from the axis, distorted by k1 k2 k3 k4; sees beyond 180 degrees
};

struct Cameras {
  Tensor poses;       // [n, 3, 4] float32 camera-to-world
  Tensor intrinsics;  // [n, 8, 9, 12 or 16] float32: fx fy cx cy (pixels) and the terms of the lens in OpenCV's order
  Tensor sizes;       // [n, 2] int64: width and height of the picture, pixels
  Tensor lenses;      // [n] int32, see Lens; or undefined: all are Lens::Perspective

  Cameras() = default;
  // Pictures of one size.
  Cameras(Tensor poses, Tensor intrinsics, int64_t width, int64_t height, Tensor lenses = {});
  Cameras(Tensor poses, Tensor intrinsics, Tensor sizes, Tensor lenses = {});

  int64_t count() const { return poses.size(0); }
  int64_t width(int64_t camera) const { return side(camera, 0); }
  int64_t height(int64_t camera) const { return side(camera, 1); }
  void check(const char* op) const;  // throws ValueError for wrong shapes, dtypes or non-finite numbers

 private:
  int64_t side(int64_t camera, int64_t axis) const {
    return sizes.data<int64_t>()[camera * sizes.strides()[0] + axis * sizes.strides()[1]];
  }
};

struct Rays {
  Tensor origins;     // [n, 3] float32 world units
  Tensor directions;  // [n, 3] float32, unit length
};

// Rays through points of the image plane. The distortion is undone on the ray (Newton's method on OpenCV's model), the
// picture stays as it is.
Rays generate_rays(const Cameras& cameras,
                   const Tensor& camera_index,  // [n] int32
                   const Tensor& pixels);       // [n, 2] float32, (x, y), pixel centres at +0.5
// One ray a pixel, row by row, for rows [row_begin, row_end) of one camera.
Rays camera_rays(const Cameras& cameras, int64_t camera, int64_t row_begin, int64_t row_end);

// An axis-aligned box in world units.
struct Box {
  float low[3] = {-1, -1, -1};
  float high[3] = {1, 1, 1};
  void check(const char* op) const;  // throws ValueError unless low < high, both finite
};
inline constexpr double kMaxWorld = 1e30;  // world units: far from where float32 overflows when squared and added
template <class Visitor, MaybeConst<Box> Config>
void describe(Visitor& v, Config& c) {
  v("low", c.low, -kMaxWorld, kMaxWorld, "corner of the smallest coordinates, world units");
  v("high", c.high, -kMaxWorld, kMaxWorld, "corner of the largest coordinates, world units");
  for (int axis = 0; axis < 3; ++axis)
    v.must(c.low[axis] < c.high[axis], "low", "is not below high: the box is empty on axis ", axis, ": got ",
           c.low[axis], " to ", c.high[axis], ", expected low < high.");
}
inline constexpr Box kUnitBox = {{0, 0, 0}, {1, 1, 1}};
// Where rays enter and leave the box (slab method; Kay and Kajiya 1986): near is clipped to >= 0; a miss gives
// near > far.
struct Interval {
  Tensor near;  // [n] float32
  Tensor far;   // [n] float32
};
Interval intersect_box(const Rays& rays, const Box& box);

}  // namespace needlecpp
