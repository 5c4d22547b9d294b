// Matrix products.
#include "needlecpp/ops/matmul.h"

#include "binder.h"

namespace needlecpp::python {

void bind_matmul(Binder b) {
  b.both("matmul", &matmul, "a"_a, "b"_a, Release(),
         "Matrix product, also ``a @ b``: [..., m, k] and [..., k, n] give [..., m, n]. Leading axes broadcast; a "
         "vector is\n"
         "a row (left) or a column (right) whose axis is dropped. Integers wrap around. Differentiable.\n\n"
         ">>> ndl.matmul(ndl.tensor([[1.0, 2.0], [3.0, 4.0]]), ndl.tensor([1.0, 1.0]))\n"
         "tensor([3., 7.])");
}

}  // namespace needlecpp::python
