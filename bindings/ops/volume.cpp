// Volume rendering of packed samples.
#include "needlecpp/render/volume.h"

#include "binder.h"

namespace needlecpp::python {

void bind_volume(Binder b) {
  const auto pack = [](const VolumeOutput& out) { return std::make_tuple(out.color, out.opacity, out.depth); };
  b.def(
      "render_volume",
      [pack](const Tensor& sigma, const Tensor& rgb, const Tensor& t, const Tensor& dt, const Tensor& offsets,
             double early_stop) { return pack(render_volume(sigma, rgb, t, dt, offsets, early_stop)); },
      "sigma"_a, "rgb"_a, "t"_a, "dt"_a, "offsets"_a, "early_stop"_a = 1e-4, Release(),
      "Colour [r, 3], opacity [r] and depth [r] of packed samples.");
  b.core.def("volume_weights", &volume_weights, "sigma"_a, "dt"_a, "offsets"_a, "early_stop"_a = 1e-4, Release(),
             "The weight of every sample in its ray's colour [n], off the tape.");
  b.core.def(
      "render_volume_composed",
      [pack](const Tensor& sigma, const Tensor& rgb, const Tensor& t, const Tensor& dt, const Tensor& offsets,
             double early_stop) { return pack(render_volume_composed(sigma, rgb, t, dt, offsets, early_stop)); },
      "sigma"_a, "rgb"_a, "t"_a, "dt"_a, "offsets"_a, "early_stop"_a = 1e-4, Release(),
      "render_volume() from plain ops.");
}

}  // namespace needlecpp::python
