// Kernels of camera.h: kFloats rays at a time through Newton's method, box tests ray by ray.
#include "render/camera_kernels.h"
#include "simd/vec.h"

namespace needlecpp::NDL_ISA {

namespace {

// kFloats points of the image plane, one array per coordinate and lens term.
struct Tile {
  float x[kFloats], y[kFloats], k1[kFloats], k2[kFloats], p1[kFloats], p2[kFloats];
};

void undistort_tile(Tile& tile) {
  FloatV x, y;
  undistort(load<FloatV>(tile.x), load<FloatV>(tile.y), load<FloatV>(tile.k1), load<FloatV>(tile.k2),
            load<FloatV>(tile.p1), load<FloatV>(tile.p2), x, y);
  store(tile.x, x);
  store(tile.y, y);
}

// World origin and unit direction of the ray through (x, y, 1) in camera axes.
void to_world(const float* pose, float x, float y, float* origin, float* direction) {
  float length2 = 0;
  for (int axis = 0; axis < 3; ++axis) {
    const float* row = pose + 4 * axis;
    origin[axis] = row[3];
    direction[axis] = row[0] * x + row[1] * y + row[2];
    length2 += direction[axis] * direction[axis];
  }
  const float scale = 1.0f / m_sqrt(length2);
  for (int axis = 0; axis < 3; ++axis) direction[axis] *= scale;
}

}  // namespace

void make_rays(const RayArgs& args, int64_t begin, int64_t end) {
  for (int64_t start = begin; start < end; start += kFloats) {
    const int count = static_cast<int>(end - start < kFloats ? end - start : kFloats);
    Tile tile = {};
    bool distorted = false;
    for (int i = 0; i < count; ++i) {
      const int64_t ray = start + i;
      const float* lens = args.intrinsics + 8 * (args.camera ? args.camera[ray] : args.only_camera);
      const int64_t pixel = args.first_pixel + ray;
      const float px = args.pixels ? args.pixels[2 * ray] : static_cast<float>(pixel % args.width) + 0.5f;
      const float py = args.pixels ? args.pixels[2 * ray + 1] : static_cast<float>(pixel / args.width) + 0.5f;
      tile.x[i] = (px - lens[2]) / lens[0];
      tile.y[i] = (py - lens[3]) / lens[1];
      tile.k1[i] = lens[4];
      tile.k2[i] = lens[5];
      tile.p1[i] = lens[6];
      tile.p2[i] = lens[7];
      distorted = distorted || lens[4] != 0 || lens[5] != 0 || lens[6] != 0 || lens[7] != 0;
    }
    if (distorted) undistort_tile(tile);
    for (int i = 0; i < count; ++i) {
      const int64_t ray = start + i;
      to_world(args.poses + 12 * (args.camera ? args.camera[ray] : args.only_camera), tile.x[i], tile.y[i],
               args.origins + 3 * ray, args.directions + 3 * ray);
    }
  }
}

void box_intervals(const BoxArgs& args, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i)
    box_interval(args.origins + 3 * i, args.directions + 3 * i, args.low, args.high, args.near[i], args.far[i]);
}

}  // namespace needlecpp::NDL_ISA
