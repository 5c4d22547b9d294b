// Rendering ops: encodings, the fused network and volume rendering.
#include "config.h"
#include "needlecpp/render/encoding.h"
#include "needlecpp/render/fused_mlp.h"
#include "needlecpp/render/hashgrid.h"
#include "needlecpp/render/hashgrid_mlp.h"
#include "needlecpp/render/volume.h"

namespace needlecpp::python {
namespace {

using Release = nb::call_guard<nb::gil_scoped_release>;

Activation activation_of(const std::string& activation_name) {
  if (activation_name == "none") return Activation::None;
  if (activation_name == "relu") return Activation::ReLU;
  NDL_CHECK(activation_name == "sigmoid", ValueError, "fused_mlp", "unknown activation: got \"", activation_name,
            "\", expected \"none\", \"relu\" or \"sigmoid\".");
  return Activation::Sigmoid;
}

void bind_encodings(nb::module_& m) {
  bind_config<HashGridConfig>(m, "HashGridConfig",
                              "Levels, features a level, table size and resolutions of a hash grid.");
  m.def("hashgrid_entries", &hashgrid_entries, "config"_a, "Rows of the table.");
  m.def("hashgrid_init", &hashgrid_init, "config"_a, "seed"_a = 0, "A table uniform in [-1e-4, 1e-4).");
  m.def("hashgrid", &hashgrid, "positions"_a, "table"_a, "config"_a, Release(),
        "Multiresolution hash encoding of positions [n, 3] in [0, 1]: [n, levels * features].");
  m.def("hashgrid_composed", &hashgrid_composed, "positions"_a, "table"_a, "config"_a, Release(),
        "hashgrid() from plain ops.");
  m.def("spherical_harmonics", &spherical_harmonics, "directions"_a, "degree"_a = 4, Release(),
        "Real spherical harmonics of unit directions [n, 3]: [n, degree^2].");
  m.def("spherical_harmonics_composed", &spherical_harmonics_composed, "directions"_a, "degree"_a = 4, Release());
  m.def("frequency_encoding", &frequency_encoding, "x"_a, "frequencies"_a, Release(),
        "sin and cos of 2^k pi x: [n, d * frequencies * 2].");
  m.def("frequency_encoding_composed", &frequency_encoding_composed, "x"_a, "frequencies"_a, Release());
  m.def(
      "fused_mlp",
      [](const Tensor& x, const Tensors& weights, const std::string& hidden, const std::string& output,
         const std::string& precision) {
        return fused_mlp(x, weights, activation_of(hidden), activation_of(output), precision_from_name(precision));
      },
      "x"_a, "weights"_a, "hidden"_a = "relu", "output"_a = "none", "precision"_a = "float32", Release(),
      "A small network without biases as one op: [n, in] -> [n, out]. precision=\"bfloat16\" rounds the factors of "
      "every "
      "product; sums, parameters and gradients stay float32.");
  const auto bind_hashgrid_mlp = [&m](const char* op, auto function, const char* text) {
    m.def(
        op,
        [function](const Tensor& positions, const Tensor& table, const Tensors& weights, const HashGridConfig& config,
                   Triple low, Triple high, const std::string& hidden, const std::string& output,
                   const std::string& precision) {
          Box box;
          assign(box.low, low);
          assign(box.high, high);
          return function(positions, table, weights, config, box, activation_of(hidden), activation_of(output),
                          precision_from_name(precision));
        },
        "positions"_a, "table"_a, "weights"_a, "config"_a, "low"_a = Triple{0.0f, 0.0f, 0.0f},
        "high"_a = Triple{1.0f, 1.0f, 1.0f}, "hidden"_a = "relu", "output"_a = "none", "precision"_a = "float32",
        Release(), text);
  };
  bind_hashgrid_mlp("hashgrid_mlp", &hashgrid_mlp,
                    "fused_mlp(hashgrid(positions), weights) as one op, for positions [n, 3] in the box from low to "
                    "high: [n, out]. The encoding never becomes a tensor. A bfloat16 table is read as such.");
  bind_hashgrid_mlp("hashgrid_mlp_composed", &hashgrid_mlp_composed, "hashgrid_mlp() from plain ops.");
  m.def(
      "fused_mlp_composed",
      [](const Tensor& x, const Tensors& weights, const std::string& hidden, const std::string& output,
         const std::string& precision) {
        return fused_mlp_composed(x, weights, activation_of(hidden), activation_of(output),
                                  precision_from_name(precision));
      },
      "x"_a, "weights"_a, "hidden"_a = "relu", "output"_a = "none", "precision"_a = "float32", Release(),
      "fused_mlp() from plain ops.");
}

}  // namespace

void bind_render(nb::module_& m) {
  bind_encodings(m);
  const auto pack = [](const VolumeOutput& out) { return std::make_tuple(out.color, out.opacity, out.depth); };
  m.def(
      "render_volume",
      [pack](const Tensor& sigma, const Tensor& rgb, const Tensor& t, const Tensor& dt, const Tensor& offsets,
             double early_stop) { return pack(render_volume(sigma, rgb, t, dt, offsets, early_stop)); },
      "sigma"_a, "rgb"_a, "t"_a, "dt"_a, "offsets"_a, "early_stop"_a = 1e-4, Release(),
      "Colour [r, 3], opacity [r] and depth [r] of packed samples.");
  m.def("volume_weights", &volume_weights, "sigma"_a, "dt"_a, "offsets"_a, "early_stop"_a = 1e-4, Release(),
        "The weight of every sample in its ray's colour [n], off the tape.");
  m.def(
      "render_volume_composed",
      [pack](const Tensor& sigma, const Tensor& rgb, const Tensor& t, const Tensor& dt, const Tensor& offsets,
             double early_stop) { return pack(render_volume_composed(sigma, rgb, t, dt, offsets, early_stop)); },
      "sigma"_a, "rgb"_a, "t"_a, "dt"_a, "offsets"_a, "early_stop"_a = 1e-4, Release(),
      "render_volume() from plain ops.");
}

}  // namespace needlecpp::python
