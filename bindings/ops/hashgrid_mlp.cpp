// A hash grid and a small network as one op.
#include "needlecpp/render/hashgrid_mlp.h"

#include "activation_of.h"
#include "binder.h"

namespace needlecpp::python {
namespace {

using HashGridMlp = Tensor (*)(const Tensor&, const Tensor&, const Tensors&, const HashGridConfig&, const Box&,
                               Activation, Activation, Precision);

void bind(nb::module_& m, const char* name, HashGridMlp fn, const char* doc) {
  m.def(
      name,
      [fn](const Tensor& positions, const Tensor& table, const Tensors& weights, const HashGridConfig& config,
           Triple low, Triple high, const std::string& hidden, const std::string& output,
           const std::string& precision) {
        Box box;
        assign(box.low, low);
        assign(box.high, high);
        return fn(positions, table, weights, config, box, activation_of(hidden), activation_of(output),
                  precision_from_name(precision));
      },
      "positions"_a, "table"_a, "weights"_a, "config"_a, "low"_a = Triple{0.0f, 0.0f, 0.0f},
      "high"_a = Triple{1.0f, 1.0f, 1.0f}, "hidden"_a = "relu", "output"_a = "none", "precision"_a = "float32",
      Release(), doc);
}

}  // namespace

void bind_hashgrid_mlp(Binder b) {
  bind(b.ops, "hashgrid_mlp", &hashgrid_mlp,
       "fused_mlp(hashgrid(positions), weights) as one op, for positions [n, 3] in the box from low to high: [n, out]. "
       "The encoding never becomes a tensor. A bfloat16 table is read as such.");
  bind(b.core, "hashgrid_mlp_composed", &hashgrid_mlp_composed, "hashgrid_mlp() from plain ops.");
}

}  // namespace needlecpp::python
