// Settings that suit a scene.
#include "needlecpp/train/presets.h"

#include <nanobind/stl/array.h>

#include "convert.h"

namespace needlecpp::python {

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

}  // namespace needlecpp::python
