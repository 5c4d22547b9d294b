// Rays through pixels and their intervals inside a box: checks and shapes.
#include "needlecpp/render/camera.h"

#include <cmath>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/shape.h"
#include "render/ops/camera_kernels.h"
#include "render/ops/camera_run.h"

namespace needlecpp {

namespace {

void check_tensor(const char* op, const char* what, const Tensor& x, DType dtype, int64_t columns) {
  NDL_CHECK(x.defined(), ValueError, op, what, " is undefined: expected a tensor. Fill the field.");
  NDL_CHECK(x.dtype() == dtype, TypeError, op, what, " has the wrong dtype: got ", name(x.dtype()), ", expected ",
            name(dtype), ". Cast it.");
  const bool fits = columns == 0 ? x.rank() == 1 : x.rank() == 2 && x.size(1) == columns;
  NDL_CHECK(fits, ValueError, op, what, " has the wrong shape: got ", x.shape(), ", expected [n",
            columns ? detail::concat(", ", columns) : "", "]. Reshape it.");
}

Tensor dense(const Tensor& x) { return x.defined() ? contiguous(x.detach()) : x; }

Rays make_rays(const Op& op, const Cameras& cameras, const Tensor& camera, const Tensor& pixels, const PixelRun& run,
               int64_t count) {
  Rays rays{op.empty({count, 3}), op.empty({count, 3})};
  NDL_ON(op.device(), run_make_rays)
  (dense(cameras.poses), dense(cameras.intrinsics), dense(cameras.lenses), camera, pixels, run, rays.origins,
   rays.directions);
  return rays;
}

}  // namespace

Cameras::Cameras(Tensor poses, Tensor intrinsics, int64_t width, int64_t height, Tensor lenses)
    : poses(std::move(poses)), intrinsics(std::move(intrinsics)), lenses(std::move(lenses)) {
  const int64_t n = this->poses.defined() && this->poses.rank() > 0 ? this->poses.size(0) : 0;
  sizes = contiguous(broadcast_to(Tensor::from_vector<int64_t>({width, height}, {1, 2}), {n, 2}));
}

Cameras::Cameras(Tensor poses, Tensor intrinsics, Tensor sizes, Tensor lenses)
    : poses(std::move(poses)), intrinsics(std::move(intrinsics)), sizes(std::move(sizes)), lenses(std::move(lenses)) {}

void Cameras::check(const char* op) const {
  NDL_CHECK(poses.defined() && intrinsics.defined() && sizes.defined(), ValueError, op,
            "cameras are incomplete: poses, intrinsics or sizes are undefined, expected all. Fill the fields.");
  NDL_CHECK(poses.dtype() == DType::Float32 && intrinsics.dtype() == DType::Float32, TypeError, op,
            "cameras have the wrong dtype: got poses ", name(poses.dtype()), " and intrinsics ",
            name(intrinsics.dtype()), ", expected float32. Cast them.");
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
  if (lenses.defined())
    NDL_CHECK(lenses.dtype() == DType::Int32 && lenses.rank() == 1 && lenses.size(0) == n, ValueError, op,
              "lenses have the wrong form: got ", name(lenses.dtype()), lenses.shape(), ", expected int32(", n,
              ",). One of Lens a camera.");
  const CameraFault fault = NDL_ON(poses.device(), run_check_cameras)(dense(poses), dense(intrinsics), dense(lenses));
  NDL_CHECK(fault.kind != CameraFault::NotFinite, ValueError, op,
            "cameras hold NaN or infinite numbers: expected finite ones. Drop the broken views.");
  NDL_CHECK(fault.kind != CameraFault::NoFocalLength, ValueError, op, "focal length of camera ", fault.camera,
            " is wrong: got 0, expected pixels. Set fx and fy.");
  NDL_CHECK(fault.kind != CameraFault::UnknownLens, ValueError, op, "unknown lens: got ", fault.lens,
            ", expected 0 (perspective) or 1 (fisheye).");
  for (int64_t i = 0; i < n; ++i)
    NDL_CHECK(width(i) > 0 && height(i) > 0, ValueError, op, "picture size of camera ", i, " is empty: got ", width(i),
              " x ", height(i), ", expected positive pixels. Set width and height.");
}

Rays generate_rays(const Cameras& cameras, const Tensor& camera_index, const Tensor& pixels) {
  Op op("generate_rays", cameras.poses, cameras.intrinsics, cameras.lenses, camera_index, pixels);
  cameras.check(op);
  check_tensor(op, "camera_index", camera_index, DType::Int32, 0);
  check_tensor(op, "pixels", pixels, DType::Float32, 2);
  const int64_t n = camera_index.size(0);
  NDL_CHECK(pixels.size(0) == n, ValueError, op, "lengths differ: got ", pixels.size(0), " pixels and ", n,
            " camera indices, expected as many. Give each pixel its camera.");
  const Tensor camera = dense(camera_index);
  const int64_t unknown = NDL_ON(op.device(), run_find_unknown_camera)(camera, cameras.count());
  NDL_CHECK(unknown < 0, IndexError, op, "camera index ", unknown, " is outside: got ",
            select(camera, 0, unknown).item_int(), ", expected 0 .. ", cameras.count() - 1, ". Check the data set.");
  return make_rays(op, cameras, camera, dense(pixels), {}, n);
}

Rays camera_rays(const Cameras& cameras, int64_t camera, int64_t row_begin, int64_t row_end) {
  Op op("camera_rays", cameras.poses, cameras.intrinsics, cameras.lenses);
  cameras.check(op);
  NDL_CHECK(camera >= 0 && camera < cameras.count(), IndexError, op, "camera is outside: got ", camera,
            ", expected 0 .. ", cameras.count() - 1, ". Choose an existing one.");
  NDL_CHECK(0 <= row_begin && row_begin <= row_end && row_end <= cameras.height(camera), ValueError, op,
            "rows are outside: got ", row_begin, " .. ", row_end, ", expected a range within 0 .. ",
            cameras.height(camera), ". Clip them to the picture.");
  const int64_t width = cameras.width(camera);
  return make_rays(op, cameras, {}, {}, {camera, row_begin * width, width}, (row_end - row_begin) * width);
}

void Box::check(const char* op) const { check_config(op, *this); }

Interval intersect_box(const Rays& rays, const Box& box) {
  Op op("intersect_box", rays.origins, rays.directions);
  check_tensor(op, "origins", rays.origins, DType::Float32, 3);
  check_tensor(op, "directions", rays.directions, DType::Float32, 3);
  const int64_t n = rays.origins.size(0);
  NDL_CHECK(rays.directions.size(0) == n, ValueError, op, "lengths differ: got ", n, " origins and ",
            rays.directions.size(0), " directions, expected as many. Pair them.");
  for (int axis = 0; axis < 3; ++axis)
    NDL_CHECK(box.low[axis] < box.high[axis], ValueError, op, "box is empty along axis ", axis, ": got ", box.low[axis],
              " .. ", box.high[axis], ", expected low < high. Swap the corners.");
  Interval interval{op.empty({n}), op.empty({n})};
  NDL_ON(op.device(), run_box_intervals)
  (box, dense(rays.origins), dense(rays.directions), interval.near, interval.far);
  return interval;
}

}  // namespace needlecpp
