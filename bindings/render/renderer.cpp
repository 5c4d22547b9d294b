// The renderer.
#include "needlecpp/render/renderer.h"

#include "convert.h"
#include "needlecpp/ops/elementwise.h"

namespace needlecpp::python {
namespace {

using Release = nb::call_guard<nb::gil_scoped_release>;
using Memory = nb::ndarray<float, nb::c_contig, nb::device::cpu>;

Tensor tensor_in(const Memory& memory) {
  Shape shape;
  for (size_t axis = 0; axis < memory.ndim(); ++axis) shape.push_back(static_cast<int64_t>(memory.shape(axis)));
  Strides strides;
  for (size_t axis = 0; axis < memory.ndim(); ++axis) strides.push_back(memory.stride(axis));
  return Tensor::wrap(memory.data(), shape, strides, DType::Float32, [] {});
}

}  // namespace

void bind_renderer(nb::module_& m) {
  nb::class_<RenderedImage>(m, "RenderedImage", "One picture, as tensors.")
      .def_ro("color", &RenderedImage::color, "[height, width, 3] float32 sRGB, background filled in.")
      .def_ro("opacity", &RenderedImage::opacity, "[height, width] float32.")
      .def_ro("depth", &RenderedImage::depth,
              "[height, width] float32, world units: expected distance along the ray, 0 where opacity is 0.");
  nb::class_<Renderer>(
      m, "Renderer",
      "Renders pictures of a scene, off the tape:\n\n"
      "    color = sum w_i c_i + (1 - sum w_i) background,  w_i = exp(-sum_{j<i} sigma_j dt_j) (1 - exp(-sigma_i "
      "dt_i))\n\n"
      "over the samples i of a pixel's ray (Max 1995). The scene may be one that is being trained: what the field is "
      "turned into for rendering is kept until a parameter changes.\n\n"
      "Args:\n"
      "    scene: a Scene.\n"
      "    background: sRGB in [0, 1]; None: the scene's.\n"
      "    early_stop: a ray ends where less light than this would pass.\n"
      "    min_weight: samples of less weight get no colour.\n\n"
      ">>> r = ndl.render\n"
      ">>> field = r.fields.NGP(grid=dict(log2_table_size=8))\n"
      ">>> scene = r.Scene(field, r.OccupancyGrid(field.box, 16), r.MarchOptions(step=0.1))\n"
      ">>> camera = r.Cameras([[[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, -3]]], [[20, 20, 8, 6, 0, 0, 0, 0]], 16, 12)\n"
      ">>> picture = r.Renderer(scene).render(camera, 0)\n"
      ">>> picture.color.shape, picture.depth.shape\n"
      "((12, 16, 3), (12, 16))")
      .def(
          "__init__",
          [](Renderer* self, const Scene& scene, const std::optional<Triple>& background, double early_stop,
             double min_weight) {
            std::optional<Color> color;
            if (background) color = Color{std::get<0>(*background), std::get<1>(*background), std::get<2>(*background)};
            new (self) Renderer(scene, {early_stop, min_weight}, color);
          },
          "scene"_a, "background"_a = nb::none(), "early_stop"_a = RenderOptions().early_stop,
          "min_weight"_a = RenderOptions().min_weight)
      .def_prop_ro("scene", &Renderer::scene)
      .def("render", nb::overload_cast<const Cameras&, int64_t>(&Renderer::render), "cameras"_a, "camera"_a = 0,
           Release(), "The picture that one of the cameras sees. Raises IndexError where there is no such camera.")
      .def(
          "render_into",
          [](Renderer& renderer, const Cameras& cameras, int64_t camera, const Memory& color,
             const std::optional<Memory>& opacity, const std::optional<Memory>& depth) {
            const RenderedImage image = {tensor_in(color), opacity ? tensor_in(*opacity) : Tensor(),
                                         depth ? tensor_in(*depth) : Tensor()};
            nb::gil_scoped_release release;
            renderer.render_into(cameras, camera, image);
          },
          "cameras"_a, "camera"_a, nb::arg("color").noconvert(), nb::arg("opacity").noconvert() = nb::none(),
          nb::arg("depth").noconvert() = nb::none(),
          "The same into memory of the caller's: writable arrays or tensors, contiguous float32, of the shapes of a "
          "RenderedImage. Raises ValueError for other shapes.")
      .def(
          "render_progressive",
          [](Renderer& renderer, const Cameras& cameras, int64_t camera, const nb::object& show, int64_t coarsest) {
            nb::gil_scoped_release release;
            return renderer.render_progressive(
                cameras, camera, coarsest, [&](const RenderedImage& so_far, int64_t block) {
                  const RenderedImage copy = {needlecpp::clone(so_far.color), needlecpp::clone(so_far.opacity),
                                              needlecpp::clone(so_far.depth)};
                  nb::gil_scoped_acquire acquire;
                  return !nb::object(show(copy, block)).is(nb::bool_(false));
                });
          },
          "cameras"_a, "camera"_a, "show"_a, "coarsest"_a = 8,
          "render() coarse to fine: show(picture, block) is called after each pass, from blocks of coarsest^2 pixels "
          "(a "
          "power of two) to single ones; when it returns False the rendering ends there. No ray is rendered twice.");
}

}  // namespace needlecpp::python
