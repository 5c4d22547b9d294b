// Encodings without parameters.
#include "needlecpp/render/encoding.h"

#include "binder.h"

namespace needlecpp::python {

void bind_encoding(Binder b) {
  b.def("spherical_harmonics", &spherical_harmonics, "directions"_a, "degree"_a = 4, Release(),
        "Real spherical harmonics of unit directions [n, 3]: [n, degree^2].");
  b.core.def("spherical_harmonics_composed", &spherical_harmonics_composed, "directions"_a, "degree"_a = 4, Release());
  b.def("frequency_encoding", &frequency_encoding, "x"_a, "frequencies"_a, Release(),
        "sin and cos of 2^k pi x: [n, d * frequencies * 2].");
  b.core.def("frequency_encoding_composed", &frequency_encoding_composed, "x"_a, "frequencies"_a, Release());
}

}  // namespace needlecpp::python
