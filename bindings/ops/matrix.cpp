// Linear algebra on batches of matrices, for needlecpp.linalg. Functions alone, no methods of Tensor.
#include "needlecpp/ops/matrix.h"

#include <limits>

#include "binder.h"

namespace needlecpp::python {
namespace {

using linalg::MatrixNorm;

// A tolerance: nothing, a number, or one for each matrix.
Tensor tolerance(nb::handle rtol, const Tensor& x) {
  return rtol.is_none() ? Tensor() : value_of(rtol, DType::Float64, x.device());
}

MatrixNorm norm_of(nb::handle ord) {
  if (nb::isinstance<nb::str>(ord)) {
    const std::string word = nb::cast<std::string>(ord);
    if (word == "fro") return MatrixNorm::Frobenius;
    if (word == "nuc") return MatrixNorm::Nuclear;
  } else if (PyFloat_Check(ord.ptr()) || is_integer(ord)) {
    const double number = double_of(ord);
    constexpr double inf = std::numeric_limits<double>::infinity();
    for (const auto& [value, norm] :
         {std::pair{1.0, MatrixNorm::Columns}, std::pair{-1.0, MatrixNorm::MinColumns}, std::pair{2.0, MatrixNorm::Two},
          std::pair{-2.0, MatrixNorm::MinTwo}, std::pair{inf, MatrixNorm::Rows}, std::pair{-inf, MatrixNorm::MinRows}})
      if (number == value) return norm;
  }
  detail::fail<ValueError>("linalg.matrix_norm", "bad ord: got ", text_of(ord),
                           ", expected 'fro', 'nuc', 1, -1, 2, -2, inf or -inf.");
}

}  // namespace

void bind_matrix(Binder b) {
  nb::exception<LinAlgError>(b.core, "LinAlgError", PyExc_ValueError);
  b.core.def("solve", &linalg::solve, "a"_a, "b"_a, Release(), R"(The x of a @ x = b, by LU with partial pivoting.

a [..., n, n]; b [n] is one right side, any other b [..., n, k] holds k of them as columns. Batches broadcast.
float32 and float64; 16-bit floats are computed in float32, integers are a TypeError. A singular matrix is a LinAlgError
that names it; one with a NaN or an infinity gives NaN. Differentiable in both, to any order.

>>> ndl.linalg.solve(ndl.tensor([[2.0, 0.0], [0.0, 4.0]]), ndl.tensor([2.0, 2.0]))
tensor([1. , 0.5]))");
  b.core.def("solve_triangular", &linalg::solve_triangular, "a"_a, "b"_a, nb::kw_only(), "upper"_a, "left"_a = true,
             "unitriangular"_a = false, Release(), R"(The x of a @ x = b for a triangular a; of x @ a = b if not left.

a [..., n, n], of which the upper or lower triangle alone is read (with unitriangular not its diagonal either, which
counts as ones); b [..., n, k], or [..., k, n] if not left. Batches broadcast. A zero on the diagonal is a LinAlgError.
Differentiable in both, to any order.

>>> ndl.linalg.solve_triangular(ndl.tensor([[2.0, 0.0], [1.0, 1.0]]), ndl.tensor([[2.0], [3.0]]), upper=False)
tensor([[1.],
        [2.]]))");
  b.core.def("inv", &linalg::inv, "x"_a, Release(), R"(The inverse of each matrix [..., n, n].

A singular matrix is a LinAlgError that names it. Differentiable, to any order: dL/dx = -y.T @ dy @ y.T.

>>> ndl.linalg.inv(ndl.tensor([[2.0, 0.0], [1.0, 1.0]]))
tensor([[ 0.5,  0. ],
        [-0.5,  1. ]]))");
  b.core.def("det", &linalg::det, "x"_a, Release(), R"(The determinant of each matrix [..., n, n]; 1 of an empty one.

Differentiable, to any order: the gradient is the matrix of cofactors, of singular matrices too (there second
derivatives need a rank of n - 1 at least).

>>> ndl.linalg.det(ndl.tensor([[2.0, 0.0], [1.0, 3.0]])).item()
6.0)");
  b.core.def("slogdet", &linalg::slogdet, "x"_a, Release(), "The sign of det(x), and log |det(x)|: a pair.");
  b.core.def(
      "cholesky", &linalg::cholesky, "x"_a, nb::kw_only(), "upper"_a = false, Release(),
      R"(The lower triangular l with l @ l.T = x, or the upper u with u.T @ u = x, of symmetric positive definite x.

x [..., n, n], of which that triangle alone is read. A matrix that is not positive definite is a LinAlgError that names
it. Differentiable, to any order; the gradient is symmetric.

>>> ndl.linalg.cholesky(ndl.tensor([[4.0, 2.0], [2.0, 5.0]]))
tensor([[2., 0.],
        [1., 2.]]))");
  b.core.def("qr", &linalg::qr, "x"_a, "complete"_a = false, Release(), "x = q @ r: a pair.");
  b.core.def("eigh", &linalg::eigh, "x"_a, Release(), "Eigenvalues and eigenvectors of symmetric matrices: a pair.");
  b.core.def("eigvalsh", &linalg::eigvalsh, "x"_a, Release(), "The eigenvalues of symmetric matrices, ascending.");
  b.core.def(
      "svd",
      [](const Tensor& x, bool full_matrices) {
        const linalg::SvdResult y = linalg::svd(x, full_matrices);
        return std::tuple(y.u, y.s, y.vh);
      },
      "x"_a, "full_matrices"_a = true, Release(), "x = u @ diag(s) @ vh: three tensors.");
  b.core.def("svdvals", &linalg::svdvals, "x"_a, Release(),
             R"(The singular values of each matrix [..., m, n], descending.

Faster than svd(). Differentiable, to any order where they are distinct.

>>> ndl.linalg.svdvals(ndl.tensor([[0.0, 3.0], [4.0, 0.0]]))
tensor([4., 3.]))");
  b.core.def(
      "pinv",
      [](const Tensor& x, nb::object rtol) {
        const Tensor limit = tolerance(rtol, x);
        return unlocked([&] { return linalg::pinv(x, limit); });
      },
      "x"_a, "rtol"_a = nb::none(), R"(The pseudo-inverse (Moore-Penrose) [..., n, m] of each matrix [..., m, n].

Singular values up to rtol times the largest count as 0; rtol is a number or a tensor [...] with one for each matrix,
max(m, n) times the machine epsilon by default. Differentiable, to any order, at constant rank.

>>> ndl.linalg.pinv(ndl.tensor([[2.0, 0.0], [0.0, 0.0]]))
tensor([[0.5, 0. ],
        [0. , 0. ]]))");
  b.core.def(
      "matrix_rank",
      [](const Tensor& x, nb::object rtol) {
        const Tensor limit = tolerance(rtol, x);
        return unlocked([&] { return linalg::matrix_rank(x, limit); });
      },
      "x"_a, "rtol"_a = nb::none(), R"(The number of singular values above rtol times the largest, int64.

rtol is a number or a tensor [...] with one for each matrix [..., m, n], max(m, n) times the machine epsilon by default.
Not differentiable.

>>> ndl.linalg.matrix_rank(ndl.tensor([[1.0, 2.0], [2.0, 4.0]])).item()
1)");
  b.core.def(
      "lstsq",
      [](const Tensor& a, const Tensor& x, nb::object rtol) {
        const Tensor limit = tolerance(rtol, a);
        return unlocked([&] { return linalg::lstsq(a, x, limit); });
      },
      "a"_a, "b"_a, "rtol"_a = nb::none(), "The solution of least squares.");
  b.core.def("matrix_power", &linalg::matrix_power, "x"_a, "n"_a, Release(),
             R"(x @ x @ ... @ x, n times, of each square matrix; powers of the inverse for n < 0, the identity for 0.

Differentiable, to any order.

>>> ndl.linalg.matrix_power(ndl.tensor([[1.0, 1.0], [0.0, 1.0]]), -3)
tensor([[ 1., -3.],
        [ 0.,  1.]]))");
  b.core.def(
      "multi_dot",
      [](nb::handle arrays) {
        const Tensors parts = tensors_of(arrays);
        return unlocked([&] { return linalg::multi_dot(parts); });
      },
      "arrays"_a, R"(The product of a list of matrices, in the cheapest order; the first and last may be vectors.

Differentiable, to any order.

>>> ndl.linalg.multi_dot([ndl.ones(2, 3), ndl.ones(3, 4), ndl.ones(4)])
tensor([12., 12.]))");
  b.core.def(
      "matrix_norm",
      [](const Tensor& x, nb::object ord, bool keepdims) {
        const MatrixNorm norm = norm_of(ord);
        return unlocked([&] { return linalg::matrix_norm(x, norm, keepdims); });
      },
      "x"_a, "ord"_a = "fro", "keepdims"_a = false, "A norm of each matrix.");
}

}  // namespace needlecpp::python
