// Training: the trainer, its settings, budgets, presets, and the eye on whether steps teach anything.
#include "needlecpp/train/trainer.h"

#include <nanobind/stl/array.h>
#include <nanobind/stl/variant.h>

#include "config.h"
#include "field.h"
#include "needlecpp/render/fields/ngp.h"
#include "needlecpp/train/presets.h"
#include "needlecpp/train/watch.h"

namespace needlecpp::python {

// "white", "black", "random" (another colour for every ray) or an sRGB triple in [0, 1].
template <>
struct Shown<Background> {
  static nb::object get(Background& value, nb::handle) {
    if (value.random) return nb::str("random");
    if (value == Background::White) return nb::str("white");
    if (value == Background::Black) return nb::str("black");
    return nb::cast(triple(value.color));
  }
  static void set(const char* config, Background& value, nb::handle given) {
    if (!nb::isinstance<nb::str>(given)) {
      set_config(config, value, "color", given);
      value.random = false;
      return;
    }
    const std::string text = nb::cast<std::string>(given);
    for (const auto& [name, named] :
         {std::pair{"white", Background::White}, {"black", Background::Black}, {"random", Background::Random}})
      if (text == name) {
        value = named;
        return;
      }
    detail::fail<ValueError>(config, "unknown background: got \"", text,
                             "\", expected \"white\", \"black\", \"random\" or three numbers.");
  }
  static std::string type() { return "str | tuple[float, float, float]"; }
};

namespace {

using Release = nb::call_guard<nb::gil_scoped_release>;

void bind_budget(nb::module_& m) {
  nb::class_<Budget>(m, "Budget",
                     "How long a training goes on: so many steps, or so many seconds.\n\n"
                     ">>> budget = ndl.render.Budget(steps=2)\n"
                     ">>> budget.begin(0), budget.begin(1), budget.begin(2)\n"
                     "(0.0, 0.5, None)")
      .def(
          "__init__",
          [](Budget* self, std::optional<double> seconds, std::optional<int64_t> steps) {
            NDL_CHECK(seconds.has_value() != steps.has_value(), ValueError, "budget", "got ",
                      seconds ? "both seconds and steps" : "neither seconds nor steps", ", expected one of them.");
            new (self) Budget(seconds ? Budget::of_seconds(*seconds) : Budget::of_steps(*steps));
          },
          nb::kw_only(), "seconds"_a = nb::none(), "steps"_a = nb::none())
      .def(
          "begin", &Budget::begin, "steps"_a,
          "Before a step, of a training that has done `steps`: its progress in [0, 1], or None where the budget is "
          "spent. A step that would end later than it is now early is not begun. The clock starts with the first call.")
      .def("end", &Budget::end, "After that step.")
      .def_prop_rw("seconds", &Budget::seconds, &Budget::set_seconds,
                   "Seconds of training so far; to be set for a training that goes on after it was saved.");
}

void bind_watch(nb::module_& m) {
  nb::class_<Watch>(m, "Watch",
                    "Whether the steps of a training teach anything.\n\n"
                    "Args:\n"
                    "    fresh: the training starts with the steps that are seen, and its loss has to fall.")
      .def(nb::init<bool>(), "fresh"_a = true)
      .def(
          "see", [](Watch& watch, const TrainerStep& step) { return name_of(watch.see(step)); }, "step"_a,
          "After every step: \"learning\"; \"idle\", the step had no sample that teaches; or why there is no point in "
          "going on: \"diverged\", \"sees nothing\", \"learns nothing\", \"stands still\".")
      .def(
          "end", [](const Watch& watch) { return name_of(watch.end()); },
          "After the last step, the same: a short training may have been all in vain.")
      .def_prop_ro("first_loss", &Watch::first_loss, "Mean over the first steps.")
      .def_prop_ro("recent_loss", &Watch::recent_loss, "Mean over the latest steps.")
      .def_prop_ro("steps", &Watch::steps);
}

void bind_presets(nb::module_& m) {
  nb::class_<SceneBounds>(m, "SceneBounds",
                          "What is known of a scene before a training, in world units.\n\n"
                          "Args:\n"
                          "    low, high: corners of the box around all that is to be learnt.\n"
                          "    background_scale: how many times larger the box is than the subject in its middle.\n"
                          "    near: no camera sees anything closer.")
      .def(
          "__init__",
          [](SceneBounds* self, const std::array<double, 3>& low, const std::array<double, 3>& high,
             double background_scale, double near) {
            new (self) SceneBounds{low, high, background_scale, near};
          },
          "low"_a, "high"_a, "background_scale"_a = SceneBounds().background_scale, "near"_a = SceneBounds().near)
      .def_ro("low", &SceneBounds::low)
      .def_ro("high", &SceneBounds::high)
      .def_ro("background_scale", &SceneBounds::background_scale)
      .def_ro("near", &SceneBounds::near);
  m.def("trainer_preset", &trainer_preset, "bounds"_a, "A trainer's settings for a scene of these bounds.");
  m.def("ngp_preset", &ngp_preset, "bounds"_a, "An NGP field's settings for a scene of these bounds.");
}

void bind_trainer_class(nb::module_& m) {
  nb::class_<TrainerStep>(m, "TrainerStep", "What one step did.")
      .def_ro("step", &TrainerStep::step, "Steps done, this one included.")
      .def_ro("loss", &TrainerStep::loss)
      .def_ro("mse", &TrainerStep::mse, "Mean squared colour error of the batch.")
      .def_ro("rays", &TrainerStep::rays)
      .def_ro("samples", &TrainerStep::samples, "At which the density was evaluated.")
      .def_ro("live", &TrainerStep::live, "Those that took part in the gradient.");
  nb::class_<Snapshot>(m, "Snapshot", "A moment of a training, copied: it can be written while the training goes on.")
      .def_prop_ro("step", &Snapshot::step)
      .def("save_model", &Snapshot::save_model, "path"_a, Release(), "Writes the scene, in one move.")
      .def("save_state", &Snapshot::save_state, "path"_a, "notes"_a = std::map<std::string, std::string>{}, Release(),
           "Writes all that the next step depends on besides pictures, cameras and settings, in one move.");
  nb::class_<Trainer>(
      m, "Trainer",
      "Trains a field on photographs: random pixels of all of them -> rays -> march through the occupancy grid -> "
      "field "
      "-> volume rendering -> loss -> Adam. A seed fixes the run, bit by bit, on any number of threads.\n\n"
      "Args:\n"
      "    field: one of needlecpp.render.fields, or a needlecpp.render.Field.\n"
      "    images: [n, height, width, 3 or 4] uint8, sRGB, straight alpha; or, of pictures of several sizes, their "
      "pixels "
      "[pixels, 3 or 4], one picture behind the other. Memory is shared where possible.\n"
      "    cameras: a Cameras of n.\n"
      "    config: a TrainerConfig; needlecpp.render.presets has one for each scene.\n"
      "    mask: bool, one a pixel; pixels where it is False are not learnt from.\n\n"
      "Raises ValueError where these do not fit together.\n\n"
      ">>> import numpy as np\n"
      ">>> r = ndl.render\n"
      ">>> camera = r.Cameras([[[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, -3]]], [[20, 20, 8, 6, 0, 0, 0, 0]], 16, 12)\n"
      ">>> grey = np.full((1, 12, 16, 3), 90, np.uint8)\n"
      ">>> field = r.fields.NGP(grid=dict(log2_table_size=10))\n"
      ">>> config = r.TrainerConfig(march=dict(step=0.05), occupancy_resolution=32, samples_per_step=4096)\n"
      ">>> trainer = r.Trainer(field, grey, camera, config)\n"
      ">>> first = trainer.step(0.0)\n"
      ">>> last = trainer.run(r.Budget(steps=30))\n"
      ">>> last.step, last.mse < first.mse\n"
      "(30, True)\n"
      ">>> picture = r.Renderer(trainer.scene()).render(camera, 0)")
      .def(
          "__init__",
          [](Trainer* self, nb::object field, nb::object images, const Cameras& cameras, nb::object config,
             nb::object mask) {
            TrainerConfig settings;
            if (!config.is_none()) {
              NDL_CHECK(nb::isinstance<TrainerConfig>(config), TypeError, "trainer", "config is something else: got ",
                        nb::cast<std::string>(nb::object(config.type().attr("__name__"))),
                        ", expected a TrainerConfig.");
              settings = nb::cast<TrainerConfig>(config);
            }
            new (self) Trainer(field_of(field), tensor_of(images, nb::none(), true), cameras, settings,
                               mask.is_none() ? Tensor() : tensor_of(mask, nb::none(), true));
          },
          "field"_a, "images"_a, "cameras"_a, "config"_a = nb::none(), "mask"_a = nb::none())
      .def("step", &Trainer::step, "progress"_a, Release(),
           "One optimizer step; progress in [0, 1] sets the learning rate. Other Python threads run meanwhile. What a "
           "field written in Python raises comes out of here; the parameters are as they were then.")
      .def(
          "run",
          [](Trainer& trainer, Budget& budget, const nb::object& each) {
            nb::gil_scoped_release release;
            return trainer.run(budget, [&](const TrainerStep& step) {
              nb::gil_scoped_acquire acquire;
              if (PyErr_CheckSignals() != 0) throw nb::python_error();
              return each.is_none() || !nb::object(each(step)).is(nb::bool_(false));
            });
          },
          "budget"_a, "each"_a = nb::none(),
          "Steps until the budget is spent, or each(step), called after every step, returns False. Returns the last "
          "step. Ctrl-C ends it between two steps.")
      .def_prop_ro("steps", &Trainer::steps, "Steps done.")
      .def_prop_ro(
          "config", [](const Trainer& trainer) { return trainer.config(); }, "A copy of its settings.")
      .def("scene", &Trainer::scene, "A view of the current state, to render or save; it changes with further steps.")
      .def("snapshot", &Trainer::snapshot, Release(), "A copy of the current state, to be saved while steps go on.")
      .def("load_state", &Trainer::load_state, "path"_a, Release(),
           "Goes on from what Snapshot.save_state wrote, bit by bit as the trainer that it is of would have, and "
           "returns "
           "the notes that were saved with it.")
      .def(
          "save", [](const Trainer& trainer, const std::string& path) { trainer.scene().save(path); }, "path"_a,
          Release(), "Writes the scene, as Scene.save does.");
}

}  // namespace

void bind_train(nb::module_& m) {
  bind_config<TrainerConfig>(m, "TrainerConfig", "Everything a training depends on besides its data and its field.");
  bind_budget(m);
  bind_watch(m);
  bind_presets(m);
  bind_trainer_class(m);
}

}  // namespace needlecpp::python
