// Optimizer updates.
#include "needlecpp/ops/optim_step.h"

#include "binder.h"

namespace needlecpp::python {

void bind_optim_step(Binder b) {
  b.core.def(
      "adam_step_",
      [](const Tensor& p, const Tensor& g, const Tensor& m1, const Tensor& m2, double lr, double beta1, double beta2,
         double eps, double weight_decay, int64_t step, bool touched_only) {
        adam_step_(p, g, m1, m2, {lr, beta1, beta2, eps, weight_decay, step, touched_only, false});
      },
      "parameter"_a, "gradient"_a, "m"_a, "v"_a, "lr"_a, "beta1"_a, "beta2"_a, "eps"_a, "weight_decay"_a, "step"_a,
      "touched_only"_a = false, Release(), "One fused Adam update in place.");
  b.core.def(
      "sgd_step_",
      [](const Tensor& p, const Tensor& g, std::optional<Tensor> buffer, double lr, double momentum,
         double weight_decay) { sgd_step_(p, g, buffer ? *buffer : Tensor(), lr, momentum, weight_decay); },
      "parameter"_a, "gradient"_a, "momentum_buffer"_a.none(), "lr"_a, "momentum"_a, "weight_decay"_a, Release(),
      "One fused SGD update in place.");
}

}  // namespace needlecpp::python
