// Matrices as maps: solving, factorizing, norms; the linear algebra of the array API (2024.12), NumPy and PyTorch.
// Names live in namespace linalg, since some mean the last two axes here and others elsewhere (the trace).
//
// The last two axes are the matrix, all before them a batch. Any strides; any size, none included. float32 and float64
// are computed as such, 16-bit floats in float32; integers are a TypeError. A matrix that cannot be inverted or is not
// positive definite is a LinAlgError that names it. A matrix with a NaN or an infinity gives NaN throughout.
// Differentiable to any order unless said otherwise.
#pragma once

#include <optional>
#include <utility>

#include "needlecpp/core/tensor.h"

namespace needlecpp {

// A matrix that has not the property an operation needs.
class LinAlgError : public ValueError {
 public:
  using ValueError::ValueError;
};

namespace linalg {

// The x of a x = b by LU with partial pivoting; b is one vector if it has one axis, else [..., n, k]. Batches
// broadcast.
Tensor solve(const Tensor& a,   // [..., n, n]
             const Tensor& b);  // [n] or [..., n, k]
// The same for a triangle, whose other side is not read; not `left`: of x a = b. `unit`: ones on the diagonal, unread.
Tensor solve_triangular(const Tensor& a,  // [..., n, n]
                        const Tensor& b,  // [..., n, k], or [..., k, n] if not `left`
                        bool upper, bool left = true, bool unit = false);
Tensor inv(const Tensor& x);  // dL/dx = -y' dy y'
// dL/dx is dy times the matrix of cofactors, of singular matrices too.
Tensor det(const Tensor& x);
// The sign of the determinant and the logarithm of its size: 0 and -inf of a singular matrix. dL/dx = dlog inv(x)'.
std::pair<Tensor, Tensor> slogdet(const Tensor& x);
// The lower triangle l with l l' = x, or the upper with u' u = x. That triangle alone of the symmetric x is read; its
// gradient is symmetric.
Tensor cholesky(const Tensor& x, bool upper = false);

// x = q r of x [..., m, n]: q [..., m, k] with orthonormal columns, r [..., k, n] upper triangular; k = min(m, n), or m
// if `complete`, whose last columns of q have no derivative then. The first min(m, n) columns of x have to be
// independent for derivatives.
std::pair<Tensor, Tensor> qr(const Tensor& x, bool complete = false);
// Eigenvalues in ascending order and eigenvectors, the columns, of a symmetric matrix, whose lower triangle alone is
// read; its gradient is symmetric. An eigenvector is determined up to its sign, and those of equal eigenvalues up to a
// rotation: the derivative means something where the result does not depend on that choice. Exactly equal eigenvalues
// are taken not to mix.
std::pair<Tensor, Tensor> eigh(const Tensor& x);
Tensor eigvalsh(const Tensor& x);  // the eigenvalues alone, faster
// x = u diag(s) vh of x [..., m, n], s descending: u [..., m, k], s [..., k], vh [..., k, n] with k = min(m, n), or u
// [..., m, m] and vh [..., n, n] if `full_matrices`, whose vectors beyond k have no derivative. For the
// derivatives of u and vh the same holds as for eigenvectors; where m != n they also need s > 0.
struct SvdResult {
  Tensor u, s, vh;
};
SvdResult svd(const Tensor& x, bool full_matrices = true);
Tensor svdvals(const Tensor& x);  // s alone, faster

// The pseudo-inverse (Moore-Penrose); singular values up to rtol times the largest count as 0, by default max(m, n)
// eps. rtol [...] may differ for each matrix. The derivative is that at constant rank.
Tensor pinv(const Tensor& x, const Tensor& rtol = {});
// The number of singular values above rtol times the largest, int64; not differentiable.
Tensor matrix_rank(const Tensor& x, const Tensor& rtol = {});
// The x of least |x| among those of least |a x - b|; b as in solve(). Differentiable in a and b.
Tensor lstsq(const Tensor& a,  // [..., m, n]
             const Tensor& b,  // [m] or [..., m, k]
             const Tensor& rtol = {});
Tensor matrix_power(const Tensor& x, int64_t exponent);  // of the inverse if negative; the identity for 0
// The product of several matrices, in the order of multiplications that is cheapest; the first and last may be vectors.
Tensor multi_dot(const Tensors& parts);

// Frobenius: root of the sum of squares. Nuclear: sum of singular values. Rows, columns: largest (smallest) sum of
// absolute values in a row, a column. Two: largest (smallest) singular value.
enum class MatrixNorm { Frobenius, Nuclear, Rows, MinRows, Columns, MinColumns, Two, MinTwo };
Tensor matrix_norm(const Tensor& x, MatrixNorm norm = MatrixNorm::Frobenius, bool keepdims = false);

}  // namespace linalg
}  // namespace needlecpp
