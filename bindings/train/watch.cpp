// Whether the steps of a training teach anything.
#include "needlecpp/train/watch.h"

#include "convert.h"
#include "needlecpp/core/config.h"
#include "needlecpp/train/trainer.h"

namespace needlecpp::python {

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

}  // namespace needlecpp::python
