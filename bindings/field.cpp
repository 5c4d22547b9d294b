// Fields, training and checkpoints.
#include <nanobind/stl/variant.h>

#include "convert.h"
#include "needlecpp/io/checkpoint.h"
#include "needlecpp/io/safetensors.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/render/trainer.h"

namespace needlecpp::python {
namespace {

using Release = nb::call_guard<nb::gil_scoped_release>;

// Enumerations travel as their lower-case names.
template <class Enum>
Enum parse(const char* what, const std::string& text, std::initializer_list<std::pair<const char*, Enum>> names) {
  std::string expected;
  for (const auto& [known, value] : names) {
    if (text == known) return value;
    expected += std::string(expected.empty() ? "" : ", ") + "\"" + known + "\"";
  }
  detail::fail<ValueError>("config", "unknown ", what, ": got \"", text, "\", expected one of ", expected, ".");
}

void bind_configs(nb::module_& m) {
  nb::class_<FieldConfig>(m, "FieldConfig", "Sizes of a radiance field.")
      .def(nb::init<>())
      .def_prop_rw(
          "box_low", [](const FieldConfig& c) { return triple(c.box.low); },
          [](FieldConfig& c, Triple v) { assign(c.box.low, v); })
      .def_prop_rw(
          "box_high", [](const FieldConfig& c) { return triple(c.box.high); },
          [](FieldConfig& c, Triple v) { assign(c.box.high, v); })
      .def_rw("grid", &FieldConfig::grid)
      .def_rw("density_hidden", &FieldConfig::density_hidden)
      .def_rw("features", &FieldConfig::features)
      .def_rw("color_hidden", &FieldConfig::color_hidden)
      .def_rw("color_layers", &FieldConfig::color_layers)
      .def_rw("sh_degree", &FieldConfig::sh_degree)
      .def_prop_rw(
          "precision", [](const FieldConfig& c) { return name(c.precision); },
          [](FieldConfig& c, const std::string& text) { c.precision = precision_from_name(text); });
  nb::class_<TrainerConfig>(m, "TrainerConfig", "Everything a training run depends on besides its data.")
      .def(nb::init<>())
      .def_rw("field", &TrainerConfig::field)
      .def_rw("march", &TrainerConfig::march)
      .def_rw("occupancy_resolution", &TrainerConfig::occupancy_resolution)
      .def_rw("coarse_fraction", &TrainerConfig::coarse_fraction)
      .def_rw("samples_per_step", &TrainerConfig::samples_per_step)
      .def_rw("max_rays", &TrainerConfig::max_rays)
      .def_prop_rw(
          "background",
          [](const TrainerConfig& c) -> std::variant<std::string, Triple> {
            if (c.background.random) return "random";
            if (c.background == Background::White) return "white";
            if (c.background == Background::Black) return "black";
            return triple(c.background.color);
          },
          [](TrainerConfig& c, const std::variant<std::string, Triple>& value) {
            if (const Triple* color = std::get_if<Triple>(&value)) {
              c.background.random = false;
              assign(c.background.color, *color);
              return;
            }
            c.background = parse<Background>(
                "background", std::get<std::string>(value),
                {{"white", Background::White}, {"black", Background::Black}, {"random", Background::Random}});
          },
          "\"white\", \"black\", \"random\" (another colour for every ray) or an sRGB triple in [0, 1].")
      .def_prop_rw(
          "loss", [](const TrainerConfig& c) { return c.loss == Loss::MSE ? "mse" : "huber"; },
          [](TrainerConfig& c, const std::string& text) {
            c.loss = parse<Loss>("loss", text, {{"mse", Loss::MSE}, {"huber", Loss::Huber}});
          })
      .def_rw("huber_delta", &TrainerConfig::huber_delta)
      .def_rw("lr", &TrainerConfig::lr)
      .def_rw("final_lr_fraction", &TrainerConfig::final_lr_fraction)
      .def_rw("early_stop", &TrainerConfig::early_stop)
      .def_rw("min_weight", &TrainerConfig::min_weight)
      .def_rw("occupancy_interval", &TrainerConfig::occupancy_interval)
      .def_rw("occupancy_warmup", &TrainerConfig::occupancy_warmup)
      .def_rw("occupancy_warmup_fraction", &TrainerConfig::occupancy_warmup_fraction)
      .def_rw("occupancy_fraction", &TrainerConfig::occupancy_fraction)
      .def_rw("occupancy_decay", &TrainerConfig::occupancy_decay)
      .def_rw("seed", &TrainerConfig::seed);
}

void bind_fields(nb::module_& m) {
  nb::class_<RadianceField>(m, "RadianceField", "Hash grid, density network and colour network.")
      .def(nb::init<const FieldConfig&, uint64_t>(), "config"_a, "seed"_a = 0)
      .def(
          "density",
          [](const RadianceField& field, const Tensor& positions) {
            const RadianceField::Density density = field.density(positions);
            return std::make_pair(density.sigma, density.features);
          },
          "positions"_a, Release(), "Density [n] and features [n, features] at world positions [n, 3].")
      .def("color", &RadianceField::color, "features"_a, "directions"_a, Release(),
           "Colour [n, 3] for features [n, features] seen along unit directions [n, 3].")
      .def("named_parameters", &RadianceField::named_parameters);
}

// Colour, opacity and depth; the arrays share the image's memory.
nb::tuple arrays_of(const RenderedImage& image) {
  return nb::make_tuple(to_numpy("render", image.color), to_numpy("render", image.opacity),
                        to_numpy("render", image.depth));
}

void bind_training(nb::module_& m) {
  nb::class_<Checkpoint>(m, "Checkpoint", "A trained field with what rendering it needs.")
      .def(
          "save", [](const Checkpoint& c, const std::string& path) { save_checkpoint(path, c); }, "path"_a, Release())
      .def("finite", &is_finite, Release(), "Whether every parameter is a finite number.")
      .def_ro("step", &Checkpoint::step)
      .def_ro("march", &Checkpoint::march)
      .def_prop_ro(
          "occupancy", [](const Checkpoint& c) { return c.occupancy; }, nb::rv_policy::reference_internal)
      .def_prop_ro(
          "field", [](const Checkpoint& c) { return c.field; }, nb::rv_policy::reference_internal)
      .def_prop_ro("background", [](const Checkpoint& c) { return triple(c.background); });
  m.def("load_checkpoint", &load_checkpoint, "path"_a, Release(),
        "Reads model.safetensors; raises ValueError naming the file and what is wrong with it.");
  m.def(
      "render_image",
      [](const Checkpoint& scene, const Cameras& cameras, int64_t index, Triple background) {
        RenderedImage image;
        {
          nb::gil_scoped_release release;
          const float color[3] = {std::get<0>(background), std::get<1>(background), std::get<2>(background)};
          image = render_image(scene, cameras, index, color);
        }
        return arrays_of(image);
      },
      "scene"_a, "cameras"_a, "index"_a, "background"_a = Triple{1.0f, 1.0f, 1.0f},
      "Colour [h, w, 3] in sRGB, opacity [h, w] and depth [h, w] of one camera, as float32 arrays.");
  m.def(
      "render_progressive",
      [](const Checkpoint& scene, const Cameras& cameras, int64_t index, const nb::object& show, int64_t coarsest,
         Triple background) {
        const float color[3] = {std::get<0>(background), std::get<1>(background), std::get<2>(background)};
        RenderedImage image;
        {
          nb::gil_scoped_release release;
          image = render_progressive(
              scene, cameras, index, color, coarsest, [&](const RenderedImage& so_far, int64_t block) {
                nb::gil_scoped_acquire acquire;
                const nb::tuple a = arrays_of(
                    {needlecpp::clone(so_far.color), needlecpp::clone(so_far.opacity), needlecpp::clone(so_far.depth)});
                const nb::object answer = show(a[0], a[1], a[2], block);
                return !answer.is(nb::bool_(false));
              });
        }
        return arrays_of(image);
      },
      "scene"_a, "cameras"_a, "index"_a, "show"_a, "coarsest"_a = 8, "background"_a = Triple{1.0f, 1.0f, 1.0f},
      "render_image() coarse to fine: show(color, opacity, depth, block) is called after each pass, from blocks of "
      "coarsest^2 pixels (a power of two) to single ones; when it returns False the rendering ends there.");
  nb::class_<Trainer::Step>(m, "TrainerStep", "What one step did.")
      .def_ro("step", &Trainer::Step::step)
      .def_ro("loss", &Trainer::Step::loss)
      .def_ro("mse", &Trainer::Step::mse)
      .def_ro("rays", &Trainer::Step::rays)
      .def_ro("samples", &Trainer::Step::samples)
      .def_ro("live", &Trainer::Step::live);
  nb::class_<Snapshot>(m, "Snapshot", "A moment of a training, copied.")
      .def_prop_ro("step", &Snapshot::step)
      .def("save_model", &Snapshot::save_model, "path"_a, Release(), "Writes the field, in one move.")
      .def("save_state", &Snapshot::save_state, "path"_a, "notes"_a = std::map<std::string, std::string>{}, Release(),
           "Writes all that the next step depends on besides pictures, cameras and settings, in one move.");
  nb::class_<Trainer>(m, "Trainer",
                      "Trains a radiance field on images [n, h, w, 3 or 4] uint8; or, of pictures of several sizes, on "
                      "their pixels [pixels, 3 or 4], one picture behind the other. mask: bool, one a pixel; pixels "
                      "where it is False are not learnt from.")
      .def(
          "__init__",
          [](Trainer* self, nb::object images, const Cameras& cameras, const TrainerConfig& config, nb::object mask) {
            new (self) Trainer(tensor_of(images, nb::none(), true), cameras, config,
                               mask.is_none() ? Tensor() : tensor_of(mask, nb::none(), true));
          },
          "images"_a, "cameras"_a, "config"_a, "mask"_a = nb::none())
      .def("step", &Trainer::step, "progress"_a, Release(),
           "One optimizer step; progress in [0, 1] sets the learning rate.")
      .def_prop_ro("steps", &Trainer::steps)
      .def("checkpoint", &Trainer::checkpoint, "A view of the current state.")
      .def("snapshot", &Trainer::snapshot, Release(), "A copy of the current state, to be saved while steps go on.")
      .def("load_state", &Trainer::load_state, "path"_a, Release(),
           "Goes on from what Snapshot.save_state wrote, bit by bit as the trainer that it is of would have, and "
           "returns "
           "the notes that were saved with it.")
      .def(
          "save", [](const Trainer& t, const std::string& path) { save_checkpoint(path, t.checkpoint()); }, "path"_a,
          Release());
}

void bind_files(nb::module_& m) {
  m.def(
      "load_safetensors",
      [](const std::string& path) {
        const SafetensorsFile file = load_safetensors(path);
        nb::dict tensors;
        for (const auto& [key, tensor] : file.tensors) tensors[key.c_str()] = tensor;
        return nb::make_tuple(tensors, file.metadata);
      },
      "path"_a, "The tensors by name, and the metadata.");
  m.def(
      "save_safetensors",
      [](const std::string& path, const nb::dict& tensors, const std::map<std::string, std::string>& metadata) {
        NamedTensors named;
        for (auto [key, value] : tensors) named.emplace_back(nb::cast<std::string>(key), nb::cast<Tensor>(value));
        unlocked([&] {
          save_safetensors(path, named, metadata);
          return 0;
        });
      },
      "path"_a, "tensors"_a, "metadata"_a = std::map<std::string, std::string>{}, "Writes tensors and metadata.");
}

}  // namespace

void bind_field(nb::module_& m) {
  bind_configs(m);
  bind_fields(m);
  bind_training(m);
  bind_files(m);
}

}  // namespace needlecpp::python
