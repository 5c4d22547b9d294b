// How long a training goes on.
#include "needlecpp/train/budget.h"

#include "convert.h"

namespace needlecpp::python {

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

}  // namespace needlecpp::python
