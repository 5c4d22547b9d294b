// The hash grid: its configuration and the encoding.
#include "needlecpp/render/hashgrid.h"

#include "binder.h"
#include "config.h"

namespace needlecpp::python {

void bind_hashgrid(Binder b) {
  bind_config<HashGridConfig>(b.core, "HashGridConfig",
                              "Levels, features a level, table size and resolutions of a hash grid.");
  b.core.def("hashgrid_entries", &hashgrid_entries, "config"_a, "Rows of the table.");
  b.core.def("hashgrid_init", &hashgrid_init, "config"_a, "seed"_a = 0, "A table uniform in [-1e-4, 1e-4).");
  b.def("hashgrid", &hashgrid, "positions"_a, "table"_a, "config"_a, Release(),
        "Multiresolution hash encoding of positions [n, 3] in [0, 1]: [n, levels * features].");
  b.core.def("hashgrid_composed", &hashgrid_composed, "positions"_a, "table"_a, "config"_a, Release(),
             "hashgrid() from plain ops.");
}

}  // namespace needlecpp::python
