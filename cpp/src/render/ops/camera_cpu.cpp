// Rays and intervals cut for threads, and the search for what is wrong with cameras.
#include <algorithm>
#include <cmath>

#include "needlecpp/core/parallel.h"
#include "render/ops/camera_kernels.h"
#include "render/ops/camera_run.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kGrain = 1024;  // rays a thread takes at least

bool all_finite(View x) {
  const float* values = data<float>(x);
  return std::all_of(values, values + x.count, [](float value) { return std::isfinite(value); });
}

}  // namespace

CameraFault run_check_cameras(View poses, View intrinsics, View lenses) {
  if (!all_finite(poses) || !all_finite(intrinsics)) return {CameraFault::NotFinite};
  const int64_t n = intrinsics.size[0], columns = intrinsics.size[1];
  const float* terms = data<float>(intrinsics);
  for (int64_t i = 0; i < n; ++i)
    if (terms[columns * i] == 0 || terms[columns * i + 1] == 0) return {CameraFault::NoFocalLength, i};
  if (!lenses.given()) return {};
  const int32_t* lens = data<int32_t>(lenses);
  for (int64_t i = 0; i < n; ++i)
    if (lens[i] != static_cast<int32_t>(Lens::Perspective) && lens[i] != static_cast<int32_t>(Lens::Fisheye))
      return {CameraFault::UnknownLens, i, lens[i]};
  return {};
}

int64_t run_find_unknown_camera(View camera, int64_t cameras) {
  const int32_t* index = data<int32_t>(camera);
  for (int64_t i = 0; i < camera.count; ++i)
    if (index[i] < 0 || index[i] >= cameras) return i;
  return -1;
}

void run_make_rays(View poses, View intrinsics, View lenses, View camera, View pixels, const PixelRun& run,
                   View origins, View directions) {
  RayArgs args = {};
  args.poses = data<float>(poses);
  args.intrinsics = data<float>(intrinsics);
  args.columns = intrinsics.size[1];
  args.fisheye = lenses.given() ? data<int32_t>(lenses) : nullptr;  // Lens::Fisheye is 1, the other 0
  args.camera = camera.given() ? data<int32_t>(camera) : nullptr;
  args.pixels = pixels.given() ? data<float>(pixels) : nullptr;
  args.only_camera = run.camera;
  args.first_pixel = run.first;
  args.width = run.width;
  args.origins = data<float>(origins);
  args.directions = data<float>(directions);
  parallel_for(origins.size[0], kGrain, [&](int64_t begin, int64_t end) { NDL_KERNEL(make_rays)(args, begin, end); });
}

void run_box_intervals(const Box& box, View origins, View directions, View near, View far) {
  BoxArgs args = {};
  args.origins = data<float>(origins);
  args.directions = data<float>(directions);
  std::copy_n(box.low, 3, args.low);
  std::copy_n(box.high, 3, args.high);
  args.near = data<float>(near);
  args.far = data<float>(far);
  parallel_for(near.count, kGrain, [&](int64_t begin, int64_t end) { NDL_KERNEL(box_intervals)(args, begin, end); });
}

}  // namespace needlecpp::cpu
