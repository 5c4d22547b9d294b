// The hash grid: its configuration and the encoding.
#include "needlecpp/render/hashgrid.h"

#include "binder.h"

namespace needlecpp::python {

void bind_hashgrid(Binder b) {
  nb::class_<HashGridConfig>(b.core, "HashGridConfig",
                             "Levels, features a level, table size and resolutions of a hash grid.")
      .def(
          "__init__",
          [](HashGridConfig* self, int levels, int features, int log2_table_size, int base_resolution, double growth) {
            new (self) HashGridConfig{levels, features, log2_table_size, base_resolution, growth};
          },
          "levels"_a = 16, "features"_a = 2, "log2_table_size"_a = 17, "base_resolution"_a = 16,
          "growth"_a = HashGridConfig().growth)
      .def_rw("levels", &HashGridConfig::levels)
      .def_rw("features", &HashGridConfig::features)
      .def_rw("log2_table_size", &HashGridConfig::log2_table_size)
      .def_rw("base_resolution", &HashGridConfig::base_resolution)
      .def_rw("growth", &HashGridConfig::growth);
  b.core.def("hashgrid_entries", &hashgrid_entries, "config"_a, "Rows of the table.");
  b.core.def("hashgrid_init", &hashgrid_init, "config"_a, "seed"_a = 0, "A table uniform in [-1e-4, 1e-4).");
  b.def("hashgrid", &hashgrid, "positions"_a, "table"_a, "config"_a, Release(),
        "Multiresolution hash encoding of positions [n, 3] in [0, 1]: [n, levels * features].");
  b.core.def("hashgrid_composed", &hashgrid_composed, "positions"_a, "table"_a, "config"_a, Release(),
             "hashgrid() from plain ops.");
}

}  // namespace needlecpp::python
