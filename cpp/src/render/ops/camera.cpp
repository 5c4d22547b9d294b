// Rays through pixels and their intervals inside a box: checks and allocation for the kernels of camera_kernels.h.
#include "needlecpp/render/camera.h"

#include <cmath>

#include "needlecpp/autograd/op.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "render/ops/camera_kernels.h"

namespace needlecpp {

namespace {

constexpr int64_t kGrain = 1024;  // rays a thread takes at least

void check_tensor(const char* op, const char* what, const Tensor& x, DType dtype, int64_t columns) {
  NDL_CHECK(x.defined(), ValueError, op, what, " is undefined: expected a tensor. Fill the field.");
  NDL_CHECK(x.device().type == DeviceType::CPU, TypeError, op, what, " has the wrong device: got ",
            to_string(x.device()), ", expected cpu. Move it.");
  NDL_CHECK(x.dtype() == dtype, TypeError, op, what, " has the wrong dtype: got ", name(x.dtype()), ", expected ",
            name(dtype), ". Cast it.");
  const bool fits = columns == 0 ? x.rank() == 1 : x.rank() == 2 && x.size(1) == columns;
  NDL_CHECK(fits, ValueError, op, what, " has the wrong shape: got ", x.shape(), ", expected [n",
            columns ? detail::concat(", ", columns) : "", "]. Reshape it.");
}

bool all_finite(const Tensor& x) {
  const Tensor dense = contiguous(x.detach());
  const float* values = dense.data<float>();
  for (int64_t i = 0; i < dense.numel(); ++i)
    if (!std::isfinite(values[i])) return false;
  return true;
}

Rays run_rays(const Cameras& cameras, RayArgs args, int64_t count) {
  const Tensor poses = contiguous(cameras.poses.detach());
  const Tensor intrinsics = contiguous(cameras.intrinsics.detach());
  const Tensor lenses = cameras.lenses.defined() ? contiguous(cameras.lenses) : Tensor();
  Rays rays{Tensor::empty({count, 3}), Tensor::empty({count, 3})};
  args.poses = poses.data<float>();
  args.intrinsics = intrinsics.data<float>();
  args.columns = intrinsics.size(1);
  args.fisheye = lenses.defined() ? lenses.data<int32_t>() : nullptr;  // Lens::Fisheye is 1, the other 0
  args.origins = rays.origins.data<float>();
  args.directions = rays.directions.data<float>();
  parallel_for(count, kGrain, [&](int64_t begin, int64_t end) { NDL_KERNEL(make_rays)(args, begin, end); });
  return rays;
}

}  // namespace

Cameras::Cameras(Tensor poses, Tensor intrinsics, int64_t width, int64_t height, Tensor lenses)
    : poses(std::move(poses)), intrinsics(std::move(intrinsics)), lenses(std::move(lenses)) {
  const int64_t n = this->poses.defined() && this->poses.rank() > 0 ? this->poses.size(0) : 0;
  sizes = Tensor::empty({n, 2}, DType::Int64);
  int64_t* to = sizes.data<int64_t>();
  for (int64_t i = 0; i < n; ++i) to[2 * i] = width, to[2 * i + 1] = height;
}

Cameras::Cameras(Tensor poses, Tensor intrinsics, Tensor sizes, Tensor lenses)
    : poses(std::move(poses)), intrinsics(std::move(intrinsics)), sizes(std::move(sizes)), lenses(std::move(lenses)) {}

void Cameras::check(const char* op) const {
  NDL_CHECK(poses.defined() && intrinsics.defined() && sizes.defined(), ValueError, op,
            "cameras are incomplete: poses, intrinsics or sizes are undefined, expected all. Fill the fields.");
  NDL_CHECK(poses.dtype() == DType::Float32 && intrinsics.dtype() == DType::Float32, TypeError, op,
            "cameras have the wrong dtype: got poses ", name(poses.dtype()), " and intrinsics ",
            name(intrinsics.dtype()), ", expected float32. Cast them.");
  NDL_CHECK(poses.device().type == DeviceType::CPU && intrinsics.device().type == DeviceType::CPU, TypeError, op,
            "cameras are on the wrong device: expected cpu. Move them.");
  NDL_CHECK(poses.rank() == 3 && poses.size(1) == 3 && poses.size(2) == 4, ValueError, op,
            "poses have the wrong shape: got ", poses.shape(), ", expected [n, 3, 4]. Drop the last row of 4x4 poses.");
  const int64_t n = count();
  const int64_t terms = intrinsics.rank() == 2 ? intrinsics.size(1) - kFirstLensTerm : 0;
  NDL_CHECK((terms == 4 || terms == 5 || terms == 8 || terms == 12) && intrinsics.size(0) == n, ValueError, op,
            "intrinsics have the wrong shape: got ", intrinsics.shape(), ", expected [", n,
            ", 8] (or 9, 12, 16). One row fx fy cx cy k1 k2 p1 p2 a camera.");
  NDL_CHECK(sizes.dtype() == DType::Int64 && sizes.rank() == 2 && sizes.size(0) == n && sizes.size(1) == 2, ValueError,
            op, "sizes have the wrong form: got ", name(sizes.dtype()), sizes.shape(), ", expected int64(", n,
            ", 2). One row width, height a camera.");
  NDL_CHECK(all_finite(poses) && all_finite(intrinsics), ValueError, op,
            "cameras hold NaN or infinite numbers: expected finite ones. Drop the broken views.");
  const Tensor dense = contiguous(intrinsics.detach());
  const float* values = dense.data<float>();
  for (int64_t i = 0; i < n; ++i) {
    NDL_CHECK(values[intrinsics.size(1) * i] != 0 && values[intrinsics.size(1) * i + 1] != 0, ValueError, op,
              "focal length of camera ", i, " is wrong: got 0, expected pixels. Set fx and fy.");
    NDL_CHECK(width(i) > 0 && height(i) > 0, ValueError, op, "picture size of camera ", i, " is empty: got ", width(i),
              " x ", height(i), ", expected positive pixels. Set width and height.");
  }
  if (!lenses.defined()) return;
  NDL_CHECK(lenses.dtype() == DType::Int32 && lenses.rank() == 1 && lenses.size(0) == n, ValueError, op,
            "lenses have the wrong form: got ", name(lenses.dtype()), lenses.shape(), ", expected int32(", n,
            ",). One of Lens a camera.");
  for (const int32_t lens : lenses.to_vector<int32_t>())
    NDL_CHECK(lens == static_cast<int32_t>(Lens::Perspective) || lens == static_cast<int32_t>(Lens::Fisheye),
              ValueError, op, "unknown lens: got ", lens, ", expected 0 (perspective) or 1 (fisheye).");
}

Rays generate_rays(const Cameras& cameras, const Tensor& camera_index, const Tensor& pixels) {
  Op op("generate_rays", camera_index, pixels);
  cameras.check("generate_rays");
  check_tensor("generate_rays", "camera_index", camera_index, DType::Int32, 0);
  check_tensor("generate_rays", "pixels", pixels, DType::Float32, 2);
  const int64_t n = camera_index.size(0);
  NDL_CHECK(pixels.size(0) == n, ValueError, "generate_rays", "lengths differ: got ", pixels.size(0), " pixels and ", n,
            " camera indices, expected as many. Give each pixel its camera.");
  const Tensor index = contiguous(camera_index.detach());
  const Tensor points = contiguous(pixels.detach());
  const int32_t* camera = index.data<int32_t>();
  for (int64_t i = 0; i < n; ++i)
    NDL_CHECK(camera[i] >= 0 && camera[i] < cameras.count(), IndexError, "generate_rays", "camera index ", i,
              " is outside: got ", camera[i], ", expected 0 .. ", cameras.count() - 1, ". Check the data set.");
  RayArgs args = {};
  args.camera = camera;
  args.pixels = points.data<float>();
  return run_rays(cameras, args, n);
}

Rays camera_rays(const Cameras& cameras, int64_t camera, int64_t row_begin, int64_t row_end) {
  Op op("camera_rays");
  cameras.check("camera_rays");
  NDL_CHECK(camera >= 0 && camera < cameras.count(), IndexError, "camera_rays", "camera is outside: got ", camera,
            ", expected 0 .. ", cameras.count() - 1, ". Choose an existing one.");
  NDL_CHECK(0 <= row_begin && row_begin <= row_end && row_end <= cameras.height(camera), ValueError, "camera_rays",
            "rows are outside: got ", row_begin, " .. ", row_end, ", expected a range within 0 .. ",
            cameras.height(camera), ". Clip them to the picture.");
  RayArgs args = {};
  args.only_camera = camera;
  args.width = cameras.width(camera);
  args.first_pixel = row_begin * args.width;
  return run_rays(cameras, args, (row_end - row_begin) * args.width);
}

void Box::check(const char* op) const { check_config(op, *this); }

Interval intersect_box(const Rays& rays, const Box& box) {
  Op op("intersect_box");
  check_tensor("intersect_box", "origins", rays.origins, DType::Float32, 3);
  check_tensor("intersect_box", "directions", rays.directions, DType::Float32, 3);
  const int64_t n = rays.origins.size(0);
  NDL_CHECK(rays.directions.size(0) == n, ValueError, "intersect_box", "lengths differ: got ", n, " origins and ",
            rays.directions.size(0), " directions, expected as many. Pair them.");
  const Tensor origins = contiguous(rays.origins.detach());
  const Tensor directions = contiguous(rays.directions.detach());
  Interval interval{Tensor::empty({n}), Tensor::empty({n})};
  BoxArgs args = {};
  args.origins = origins.data<float>();
  args.directions = directions.data<float>();
  for (int axis = 0; axis < 3; ++axis) {
    NDL_CHECK(box.low[axis] < box.high[axis], ValueError, "intersect_box", "box is empty along axis ", axis, ": got ",
              box.low[axis], " .. ", box.high[axis], ", expected low < high. Swap the corners.");
    args.low[axis] = box.low[axis];
    args.high[axis] = box.high[axis];
  }
  args.near = interval.near.data<float>();
  args.far = interval.far.data<float>();
  parallel_for(n, kGrain, [&](int64_t begin, int64_t end) { NDL_KERNEL(box_intervals)(args, begin, end); });
  return interval;
}

}  // namespace needlecpp
