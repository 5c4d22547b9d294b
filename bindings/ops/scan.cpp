// Scans.
#include "needlecpp/ops/scan.h"

#include "binder.h"

namespace needlecpp::python {

void bind_scan(Binder& b) {
  b.both("cumsum", &cumsum, "a"_a, "axis"_a, "exclusive"_a = false, "reverse"_a = false, Release(),
         "Prefix sums along an axis.");
}

}  // namespace needlecpp::python
