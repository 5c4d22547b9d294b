// Cameras, rays and boxes.
#include "needlecpp/render/camera.h"

#include "config.h"
#include "needlecpp/ops/shape.h"

namespace needlecpp::python {
namespace {

using Release = nb::call_guard<nb::gil_scoped_release>;

}  // namespace

void bind_cameras(nb::module_& m) {
  nb::class_<Cameras>(m, "Cameras",
                      "Camera-to-world poses [n, 3, 4] (OpenCV axes), intrinsics [n, 8, 9, 12 or 16] (fx fy cx cy in "
                      "pixels, then OpenCV's k1 k2 p1 p2 k3 k4 k5 k6 s1 s2 s3 s4, or a fisheye's k1 k2 k3 k4), sizes "
                      "of the pictures (one number for all or one a camera) and lenses (0 perspective, 1 fisheye; "
                      "None: all perspective).")
      .def(
          "__init__",
          [](Cameras* self, nb::object poses, nb::object intrinsics, nb::object width, nb::object height,
             nb::object lenses) {
            const Tensor all_poses = tensor_of(poses, nb::str("float32"), false);
            const int64_t n = all_poses.rank() > 0 ? all_poses.size(0) : 0;
            const auto sides = [n](nb::object side) {
              return unsqueeze(broadcast_to(tensor_of(side, nb::str("int64"), false), {n}), 1);
            };
            Cameras cameras(all_poses, tensor_of(intrinsics, nb::str("float32"), false),
                            concat({sides(width), sides(height)}, 1),
                            lenses.is_none() ? Tensor() : tensor_of(lenses, nb::str("int32"), false));
            cameras.check("cameras");
            new (self) Cameras(cameras);
          },
          "poses"_a, "intrinsics"_a, "width"_a, "height"_a, "lenses"_a = nb::none())
      .def_ro("poses", &Cameras::poses)
      .def_ro("intrinsics", &Cameras::intrinsics)
      .def_ro("sizes", &Cameras::sizes, "[n, 2]: width and height, pixels.")
      .def("__len__", &Cameras::count);
  bind_config<Box>(m, "Box",
                   "An axis-aligned box in world units.\n\n"
                   ">>> ndl.render.Box((-1, -1, -1), (1, 1, 2))\n"
                   "Box(low=(-1.0, -1.0, -1.0), high=(1.0, 1.0, 2.0))");
  m.def(
      "generate_rays",
      [](const Cameras& cameras, const Tensor& camera_index, const Tensor& pixels) {
        const Rays rays = generate_rays(cameras, camera_index, pixels);
        return std::make_pair(rays.origins, rays.directions);
      },
      "cameras"_a, "camera_index"_a, "pixels"_a, Release(), "Origins and unit directions of the rays through pixels.");
  m.def(
      "camera_rays",
      [](const Cameras& cameras, int64_t camera) {
        const bool known = 0 <= camera && camera < cameras.count();  // camera_rays() says so where it is not
        const Rays rays = camera_rays(cameras, camera, 0, known ? cameras.height(camera) : 0);
        return std::make_pair(rays.origins, rays.directions);
      },
      "cameras"_a, "camera"_a, Release(), "Origins and unit directions, one a pixel, row by row.");
  m.def(
      "intersect_box",
      [](const Tensor& origins, const Tensor& directions, const Box& box) {
        const Interval interval = intersect_box({origins, directions}, box);
        return std::make_pair(interval.near, interval.far);
      },
      "origins"_a, "directions"_a, "box"_a, Release(),
      "Distances at which rays enter and leave; near > far for a miss.");
}

}  // namespace needlecpp::python
