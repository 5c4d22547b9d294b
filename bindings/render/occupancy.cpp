// The occupancy grid and the march.
#include "needlecpp/render/occupancy.h"

#include "config.h"

namespace needlecpp::python {
namespace {

using Release = nb::call_guard<nb::gil_scoped_release>;

}  // namespace

void bind_occupancy(nb::module_& m) {
  bind_config<MarchOptions>(m, "MarchOptions", "How rays step through a scene.");
  nb::class_<Samples>(m, "Samples", "Samples of many rays, packed: those of ray r stand at offsets[r]..offsets[r+1]-1.")
      .def_ro("offsets", &Samples::offsets)
      .def_ro("ray_index", &Samples::ray_index)
      .def_ro("positions", &Samples::positions)
      .def_ro("t", &Samples::t)
      .def_ro("dt", &Samples::dt)
      .def("__len__", &Samples::count);
  nb::class_<OccupancyGrid>(m, "OccupancyGrid", "Which cells of the scene box may hold matter.")
      .def(nb::init<const Box&, int>(), "box"_a, "resolution"_a = 128)
      .def_prop_ro("resolution", &OccupancyGrid::resolution)
      .def_prop_ro("density", &OccupancyGrid::density)
      .def_prop_ro("bits", &OccupancyGrid::bits)
      .def("occupied_fraction", &OccupancyGrid::occupied_fraction)
      .def(
          "update",
          [](OccupancyGrid& grid, const nb::callable& sigma_of, float step, double fraction, double decay,
             double threshold) {
            const auto checked = [&](const Tensor& positions) {
              const nb::object sigma = sigma_of(positions);
              NDL_CHECK(nb::isinstance<Tensor>(sigma), TypeError, "occupancy_update", "sigma_of gave no tensor: got ",
                        text_of(sigma.type()), ", expected a Tensor of densities.");
              return nb::cast<Tensor>(sigma);
            };
            grid.update(checked, default_generator(), step, fraction, decay, threshold);
          },
          "sigma_of"_a, "step"_a, "fraction"_a = 1.0, "decay"_a = 0.95, "threshold"_a = 0.01,
          "Probes a fraction of the cells with sigma_of ([n, 3] world positions to [n] densities) and marks the "
          "occupied.")
      .def("set_density", &OccupancyGrid::set_density, "density"_a, "step"_a, "threshold"_a = 0.01)
      .def(
          "march",
          [](const OccupancyGrid& grid, const Tensor& origins, const Tensor& directions, const MarchOptions& options) {
            return grid.march({origins, directions}, options);
          },
          "origins"_a, "directions"_a, "options"_a, Release());
}

}  // namespace needlecpp::python
