// Products with sparse matrices.
#include "needlecpp/ops/sparse.h"

#include "binder.h"

namespace needlecpp::python {

void bind_sparse(Binder b) {
  b.def("spmv", &spmv, "offsets"_a, "columns"_a, "values"_a, "x"_a, Release(),
        "A @ x for a sparse A in compressed rows (CSR): row r has the entries offsets[r] to offsets[r + 1], whose "
        "columns\n"
        "and values are listed; x [cols] gives [rows]. Differentiable in values and x.\n\n"
        ">>> offsets, columns = ndl.tensor([0, 2, 3]), ndl.tensor([0, 2, 1])\n"
        ">>> ndl.spmv(offsets, columns, ndl.tensor([1.0, 2.0, 3.0]), ndl.tensor([1.0, 10.0, 100.0]))\n"
        "tensor([201.,  30.])");
  b.def(
      "spmm", &spmm, "offsets"_a, "columns"_a, "values"_a, "dense"_a, Release(),
      "A @ dense for a sparse A in compressed rows, see ``spmv``: dense [cols, k] gives [rows, k]. Differentiable in\n"
      "values and dense.\n\n"
      ">>> ndl.spmm(ndl.tensor([0, 1, 1]), ndl.tensor([2]), ndl.tensor([5.0]), ndl.ones(3, 2))\n"
      "tensor([[5., 5.],\n"
      "        [0., 0.]])");
}

}  // namespace needlecpp::python
