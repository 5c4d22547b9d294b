// Reductions.
#include "needlecpp/ops/reduce.h"

#include "binder.h"
#include "needlecpp/ops/shape.h"

namespace needlecpp::python {

void bind_reduce(Binder& b) {
  b.reduction("sum", &sum, "Sum over the axes (all by default).");
  b.reduction("mean", &mean, "Mean over the axes (all by default).");
  b.reduction("max", &max, "Maximum over the axes; ties share the gradient.");
  b.reduction("min", &min, "Minimum over the axes; ties share the gradient.");
  for (const bool is_max : {true, false}) {
    const char* name = is_max ? "argmax" : "argmin";
    b.both(
        name,
        [is_max](const Tensor& x, std::optional<int64_t> axis, bool keepdims) {
          const auto fn = is_max ? &argmax : &argmin;
          if (axis) return fn(x, *axis, keepdims);
          const Tensor flat = fn(reshape(x, {-1}), 0, false);
          return keepdims ? reshape(flat, Dims::filled(x.rank(), 1)) : flat;
        },
        "a"_a, "axis"_a = nb::none(), "keepdims"_a = false, Release(), "Index of the first extreme value, int64.");
  }
}

}  // namespace needlecpp::python
