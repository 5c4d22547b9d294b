// Scenes and their files.
#include "needlecpp/render/scene.h"

#include "field.h"

namespace needlecpp::python {
namespace {

using Release = nb::call_guard<nb::gil_scoped_release>;

const VolumeModel& volume(const Scene& scene) {
  const auto* model = dynamic_cast<const VolumeModel*>(scene.model.get());
  NDL_CHECK(model, TypeError, "scene", "the scene is not made of a field: got another model.");
  return *model;
}

std::string path_of(nb::handle path) {
  const nb::object text = nb::steal(PyOS_FSPath(path.ptr()));
  if (!text.is_valid()) throw nb::python_error();
  return nb::cast<std::string>(text);
}

}  // namespace

void bind_scene(nb::module_& m) {
  nb::class_<Scene>(
      m, "Scene",
      "A field with what showing it needs: the occupancy grid, the march, and what stands behind. Cameras look at it "
      "in "
      "its world units, with OpenCV's axes.\n\n"
      "Args:\n"
      "    field: one of needlecpp.render.fields, or a needlecpp.render.Field.\n"
      "    occupancy: an OccupancyGrid over the field's box.\n"
      "    march: MarchOptions.\n"
      "    background: sRGB in [0, 1].\n"
      "    step: how many steps it was trained for.\n\n"
      ">>> import os, tempfile\n"
      ">>> r = ndl.render\n"
      ">>> field = r.fields.NGP(grid=dict(log2_table_size=8))\n"
      ">>> scene = r.Scene(field, r.OccupancyGrid(field.box, 16), r.MarchOptions(step=0.1), background=(0, 0, 0))\n"
      ">>> with tempfile.TemporaryDirectory() as folder:\n"
      "...     scene.save(os.path.join(folder, 'model.safetensors'))\n"
      "...     again = r.Scene.load(os.path.join(folder, 'model.safetensors'))\n"
      ">>> again.background\n"
      "(0.0, 0.0, 0.0)\n"
      ">>> (dict(again.field.named_parameters())['table'] == dict(field.named_parameters())['table']).all().item()\n"
      "True")
      .def(
          "__init__",
          [](Scene* self, nb::object field, std::shared_ptr<OccupancyGrid> occupancy, const MarchOptions& march,
             const Triple& background, int64_t step) {
            Scene scene;
            scene.model = std::make_shared<VolumeModel>(field_of(field), std::move(occupancy), march);
            assign(scene.background, background);
            scene.step = step;
            new (self) Scene(std::move(scene));
          },
          "field"_a, "occupancy"_a, "march"_a, "background"_a = Triple{1.0f, 1.0f, 1.0f}, "step"_a = 0)
      .def_static(
          "load",
          [](nb::object path, nb::object field) {
            const std::string file = path_of(path);
            const std::shared_ptr<Field> into = field.is_none() ? nullptr : field_of(field);
            return unlocked([&] { return Scene::load(file, into); });
          },
          "path"_a, "field"_a = nb::none(),
          "Reads what save() has written. `field` takes the file's parameters, by name: for a field written in Python, "
          "which a file alone cannot make.\n\n"
          "Raises ValueError naming the file and what is wrong with it, OSError where it cannot be read.")
      .def(
          "save",
          [](const Scene& scene, nb::object path) {
            const std::string file = path_of(path);
            unlocked([&] {
              scene.save(file);
              return 0;
            });
          },
          "path"_a,
          "Writes one safetensors file, in one move. Raises ValueError for what could not be loaded again, OSError "
          "where "
          "it cannot be written.")
      .def("finite", &Scene::finite, Release(), "Whether every parameter is a finite number.")
      .def(
          "named_parameters",
          [](const Scene& scene) {
            std::vector<std::pair<std::string, Tensor>> named;
            for (const Parameter& p : scene.model->parameters()) named.emplace_back(p.name, p.tensor);
            return named;
          },
          "Names and tensors of its field's parameters, in the order of files.")
      .def_ro("step", &Scene::step, "Steps of its training.")
      .def_prop_ro("field", [](const Scene& s) { return object_of(volume(s).field()); })
      .def_prop_ro("occupancy", [](const Scene& s) { return volume(s).occupancy(); })
      .def_prop_ro(
          "march", [](const Scene& s) { return volume(s).march(); }, "A copy of its MarchOptions.")
      .def_prop_ro(
          "background", [](const Scene& s) { return triple(s.background); }, "sRGB in [0, 1].")
      .def(
          "bytes", [](const Scene& s, int64_t samples, bool training) { return s.model->bytes(samples, training); },
          "samples"_a, "training"_a = false, Release(),
          "At most so many bytes of tensors a batch of this many samples holds at a time, besides the parameters.");
}

}  // namespace needlecpp::python
