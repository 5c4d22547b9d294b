// Matrix products.
#include "needlecpp/ops/matmul.h"

#include "binder.h"

namespace needlecpp::python {

void bind_matmul(Binder& b) {
  b.both("matmul", &matmul, "a"_a, "b"_a, Release(), "Matrix product; leading axes broadcast.");
}

}  // namespace needlecpp::python
