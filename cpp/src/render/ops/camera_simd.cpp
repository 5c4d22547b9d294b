// Kernels of camera.h: kFloats rays at a time through Newton's method, box tests ray by ray.
#include "render/ops/camera_kernels.h"
#include "simd/vec.h"

namespace needlecpp::NDL_ISA {

namespace {

constexpr float kUndistorted = 1e-5f;  // relative error of a good inverse: a hundredth of a pixel

// kFloats points of the image plane and the lens terms of their cameras, and the rays that come of them.
struct Tile {
  float x[kFloats], y[kFloats], z[kFloats];
  float terms[kPlaneTerms][kFloats];
  bool fisheye[kFloats];
  bool any_fisheye;
  int bent;  // how many terms the perspective lenses use: those behind are 0
};

FloatV term(const Tile& tile, int k) { return load<FloatV>(tile.terms[k]); }

template <class L>
void undistort_tile(const L& lens, Tile& tile) {
  const FloatV from_x = load<FloatV>(tile.x), from_y = load<FloatV>(tile.y);
  FloatV x, y;
  undistort(lens, from_x, from_y, x, y);
  const IntV good =
      undistort_error(lens, from_x, from_y, x, y) <= kUndistorted * (1.0f + m_abs(from_x) + m_abs(from_y));
  if (any(~good)) {
    FloatV staged_x, staged_y;
    undistort_in_stages(lens, from_x, from_y, staged_x, staged_y);
    x = m_select(good, x, staged_x);
    y = m_select(good, y, staged_y);
  }
  for (int i = 0; i < kFloats; ++i)
    if (!tile.fisheye[i]) tile.x[i] = x[i], tile.y[i] = y[i];
}

void fisheye_tile(Tile& tile) {
  FloatV x, y, z;
  fisheye_ray(term(tile, 0), term(tile, 1), term(tile, 2), term(tile, 3), load<FloatV>(tile.x), load<FloatV>(tile.y), x,
              y, z);
  for (int i = 0; i < kFloats; ++i)
    if (tile.fisheye[i]) tile.x[i] = x[i], tile.y[i] = y[i], tile.z[i] = z[i];
}

// World origin and unit direction of the ray (x, y, z) in camera axes.
void to_world(const float* pose, float x, float y, float z, float* origin, float* direction) {
  float length2 = 0;
  for (int axis = 0; axis < 3; ++axis) {
    const float* row = pose + 4 * axis;
    origin[axis] = row[3];
    direction[axis] = row[0] * x + row[1] * y + row[2] * z;
    length2 += direction[axis] * direction[axis];
  }
  const float scale = 1.0f / m_sqrt(length2);
  for (int axis = 0; axis < 3; ++axis) direction[axis] *= scale;
}

// Lane i of the tile: the point (px, py) of a camera's picture.
void place(Tile& tile, int i, const float* intrinsics, int64_t columns, bool fisheye, float px, float py) {
  tile.x[i] = (px - intrinsics[2]) / intrinsics[0];
  tile.y[i] = (py - intrinsics[3]) / intrinsics[1];
  tile.z[i] = 1;
  tile.fisheye[i] = fisheye;
  tile.any_fisheye = tile.any_fisheye || fisheye;
  const int terms = fisheye ? kFisheyeTerms : static_cast<int>(columns) - kFirstLensTerm;
  for (int k = 0; k < terms; ++k) {
    const float value = intrinsics[kFirstLensTerm + k];
    tile.terms[k][i] = value;
    if (value != 0 && !fisheye && tile.bent <= k) tile.bent = k + 1;
  }
}

}  // namespace

void make_rays(const RayArgs& args, int64_t begin, int64_t end) {
  for (int64_t start = begin; start < end; start += kFloats) {
    const int count = static_cast<int>(end - start < kFloats ? end - start : kFloats);
    Tile tile = {};
    for (int i = 0; i < count; ++i) {
      const int64_t ray = start + i;
      const int64_t camera = args.camera ? args.camera[ray] : args.only_camera;
      const int64_t pixel = args.first_pixel + ray;
      const float px = args.pixels ? args.pixels[2 * ray] : static_cast<float>(pixel % args.width) + 0.5f;
      const float py = args.pixels ? args.pixels[2 * ray + 1] : static_cast<float>(pixel / args.width) + 0.5f;
      place(tile, i, args.intrinsics + args.columns * camera, args.columns, args.fisheye && args.fisheye[camera] != 0,
            px, py);
    }
    if (tile.any_fisheye) fisheye_tile(tile);
    if (tile.bent > kBrownTerms)
      undistort_tile(
          PlaneLens<FloatV>{term(tile, 0), term(tile, 1), term(tile, 2), term(tile, 3), term(tile, 4), term(tile, 5),
                            term(tile, 6), term(tile, 7), term(tile, 8), term(tile, 9), term(tile, 10), term(tile, 11)},
          tile);
    else if (tile.bent > 0)
      undistort_tile(BrownLens<FloatV>{term(tile, 0), term(tile, 1), term(tile, 2), term(tile, 3)}, tile);
    for (int i = 0; i < count; ++i) {
      const int64_t ray = start + i;
      to_world(args.poses + 12 * (args.camera ? args.camera[ray] : args.only_camera), tile.x[i], tile.y[i], tile.z[i],
               args.origins + 3 * ray, args.directions + 3 * ray);
    }
  }
}

void box_intervals(const BoxArgs& args, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i)
    box_interval(args.origins + 3 * i, args.directions + 3 * i, args.low, args.high, args.near[i], args.far[i]);
}

}  // namespace needlecpp::NDL_ISA
