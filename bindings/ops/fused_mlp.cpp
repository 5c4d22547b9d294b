// A small network as one op.
#include "needlecpp/render/fused_mlp.h"

#include "activation_of.h"
#include "binder.h"

namespace needlecpp::python {
namespace {

using FusedMlp = Tensor (*)(const Tensor&, const Tensors&, Activation, Activation, Precision);

void bind(nb::module_& m, const char* name, FusedMlp fn, const char* doc) {
  m.def(
      name,
      [fn](const Tensor& x, const Tensors& weights, const std::string& hidden, const std::string& output,
           const std::string& precision) {
        return fn(x, weights, activation_of(hidden), activation_of(output), precision_from_name(precision));
      },
      "x"_a, "weights"_a, "hidden"_a = "relu", "output"_a = "none", "precision"_a = "float32", Release(), doc);
}

}  // namespace

void bind_fused_mlp(Binder b) {
  bind(b.ops, "fused_mlp", &fused_mlp,
       "A small network without biases as one op: [n, in] -> [n, out]. precision=\"bfloat16\" rounds the factors of "
       "every product; sums, parameters and gradients stay float32.");
  bind(b.core, "fused_mlp_composed", &fused_mlp_composed, "fused_mlp() from plain ops.");
}

}  // namespace needlecpp::python
