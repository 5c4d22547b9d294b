// Cameras, pictures and occupancy.
#include "convert.h"
#include "needlecpp/ops/shape.h"
#include "needlecpp/render/camera.h"
#include "needlecpp/render/occupancy.h"
#include "needlecpp/render/picture.h"

namespace needlecpp::python {
namespace {

using Release = nb::call_guard<nb::gil_scoped_release>;
using Writable = nb::ndarray<uint8_t, nb::ndim<3>, nb::c_contig, nb::device::cpu>;

// Arrow's C data interface (arrow.apache.org/docs/format/CDataInterface.html), as far as pixels need it.
struct ArrowArray {
  int64_t length, null_count, offset, n_buffers, n_children;
  const void** buffers;
  ArrowArray** children;
  ArrowArray* dictionary;
  void (*release)(ArrowArray*);
  void* private_data;
};

Tensor arrow_pixels(const nb::capsule& capsule, int64_t width, int64_t height) {
  const char* label = capsule.name();
  NDL_CHECK(label && std::string(label) == "arrow_array", TypeError, "arrow_pixels", "no array: got a capsule of ",
            label ? label : "nothing", ", expected arrow_array.");
  // A list of four bytes for each pixel: the bytes stand in its only child, behind a buffer for nulls.
  const auto* pixels = static_cast<const ArrowArray*>(capsule.data());
  const ArrowArray* bytes = pixels->n_children == 1 ? pixels->children[0] : nullptr;
  NDL_CHECK(width > 0 && height > 0 && bytes && bytes->n_buffers == 2 && pixels->offset == 0 && bytes->offset == 0 &&
                pixels->length / width == height && pixels->length % width == 0 && bytes->length / 4 == pixels->length,
            ValueError, "arrow_pixels", "array does not fit: got ", pixels->length, " entries, expected ", width, " x ",
            height, " pixels of four bytes.");
  auto* owner = new nb::capsule(capsule);
  const auto release = [owner] {
    if (!nb::is_alive()) return;
    nb::gil_scoped_acquire acquire;
    delete owner;
  };
  return Tensor::wrap(const_cast<void*>(bytes->buffers[1]), {height, width, 4}, {width * 4, 4, 1}, DType::UInt8,
                      release, true);
}

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
  nb::class_<Box>(m, "Box", "An axis-aligned box in world units.")
      .def(
          "__init__",
          [](Box* self, const Triple& low, const Triple& high) {
            new (self) Box;
            assign(self->low, low);
            assign(self->high, high);
          },
          "low"_a, "high"_a)
      .def_prop_rw(
          "low", [](const Box& box) { return triple(box.low); }, [](Box& box, const Triple& v) { assign(box.low, v); })
      .def_prop_rw(
          "high", [](const Box& box) { return triple(box.high); },
          [](Box& box, const Triple& v) { assign(box.high, v); });
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
  m.def(
      "area_average",
      [](nb::object image, const Writable& out) {
        const Tensor from = tensor_of(image, nb::none(), true);
        const int64_t h = static_cast<int64_t>(out.shape(0)), w = static_cast<int64_t>(out.shape(1)),
                      c = static_cast<int64_t>(out.shape(2));
        const Tensor to = Tensor::wrap(out.data(), {h, w, c}, {w * c, c, 1}, DType::UInt8, [] {});
        nb::gil_scoped_release release;
        area_average(from, to);
      },
      "image"_a, "out"_a,
      "A picture [h, w, 3 or 4] uint8 with straight alpha, shrunk by exact area averaging into another. A picture of "
      "four channels goes into three without its fourth, which is no alpha then.\n\n"
      ">>> import numpy as np\n"
      ">>> out = np.empty((1, 1, 4), 'uint8')\n"
      ">>> ndl._core.area_average(np.array([[[200, 0, 0, 255], [9, 9, 9, 0]]], 'uint8'), out)\n"
      ">>> out.tolist()\n"
      "[[[200, 0, 0, 128]]]");
  m.def("arrow_pixels", &arrow_pixels, "capsule"_a, "width"_a, "height"_a,
        "[height, width, 4] uint8 of the memory that Pillow's __arrow_c_array__ hands out for pictures of four bytes a "
        "pixel, shared.");
}

void bind_occupancy(nb::module_& m) {
  nb::class_<MarchOptions>(m, "MarchOptions", "Step lengths of the march.")
      .def(nb::init<>())
      .def_rw("step", &MarchOptions::step)
      .def_rw("cone_angle", &MarchOptions::cone_angle)
      .def_rw("max_step", &MarchOptions::max_step)
      .def_rw("near", &MarchOptions::near)
      .def_rw("max_samples", &MarchOptions::max_samples);
  nb::class_<Samples>(m, "Samples", "Samples of many rays, packed: those of ray r stand at offsets[r]..offsets[r+1]-1.")
      .def_ro("offsets", &Samples::offsets)
      .def_ro("ray_index", &Samples::ray_index)
      .def_ro("positions", &Samples::positions)
      .def_ro("t", &Samples::t)
      .def_ro("dt", &Samples::dt)
      .def("__len__", &Samples::count);
  nb::class_<OccupancyGrid>(m, "OccupancyGrid", "Which cells of the scene box may hold matter.")
      .def(nb::init<const Box&, int>(), "box"_a, "resolution"_a = 128)
      .def_prop_ro("resolution", &OccupancyGrid::resolution)
      .def_prop_ro("density", &OccupancyGrid::density)
      .def_prop_ro("bits", &OccupancyGrid::bits)
      .def("occupied_fraction", &OccupancyGrid::occupied_fraction)
      .def(
          "update",
          [](OccupancyGrid& grid, const nb::callable& sigma_of, float step, double fraction, double decay,
             double threshold) {
            const auto checked = [&](const Tensor& positions) {
              const nb::object sigma = sigma_of(positions);
              NDL_CHECK(nb::isinstance<Tensor>(sigma), TypeError, "occupancy_update", "sigma_of gave no tensor: got ",
                        text_of(sigma.type()), ", expected a Tensor of densities.");
              return nb::cast<Tensor>(sigma);
            };
            grid.update(checked, default_generator(), step, fraction, decay, threshold);
          },
          "sigma_of"_a, "step"_a, "fraction"_a = 1.0, "decay"_a = 0.95, "threshold"_a = 0.01,
          "Probes a fraction of the cells with sigma_of ([n, 3] world positions to [n] densities) and marks the "
          "occupied.")
      .def("set_density", &OccupancyGrid::set_density, "density"_a, "step"_a, "threshold"_a = 0.01)
      .def(
          "march",
          [](const OccupancyGrid& grid, const Tensor& origins, const Tensor& directions, const MarchOptions& options) {
            return grid.march({origins, directions}, options);
          },
          "origins"_a, "directions"_a, "options"_a, Release());
}

}  // namespace

void bind_render(nb::module_& m) {
  bind_cameras(m);
  bind_occupancy(m);
}

}  // namespace needlecpp::python
