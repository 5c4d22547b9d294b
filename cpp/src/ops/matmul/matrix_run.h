// Batches of matrices on a device: factorizations, and solving by them.
//
// Matrices lie along the last two axes, vectors along the last; all are contiguous, but for the triangles to be solved,
// and float32 or float64. A matrix with a number that is not finite makes the results NaN. What fails comes back as a
// number, the first of the batch, and -1 where nothing does: the other matrices are done all the same.
#pragma once

#include "core/run.h"

namespace needlecpp {

// p a = l u by partial pivoting: a [..., n, n] becomes u on and above the diagonal, l without its ones below. Row k was
// exchanged with row pivots[k] in turn, int64 [..., n].
NDL_DECLARE_RUN(void, run_lu, (const View& a, const View& pivots));
// Of the factors of run_lu: the determinant y [...], or its sign and the logarithm of its size.
NDL_DECLARE_RUN(void, run_det, (const View& lu, const View& pivots, const View& y));
NDL_DECLARE_RUN(void, run_slogdet, (const View& lu, const View& pivots, const View& signs, const View& logs));
// x [..., n, k] becomes the solution of a y = x, a as run_lu left it. Its batch broadcasts to that of x.
NDL_DECLARE_RUN(void, run_solve_lu, (const View& lu, const View& pivots, const View& x));
// The same for a triangle of a, of any strides; its other side is not read, with `unit` nor is its diagonal of ones.
NDL_DECLARE_RUN(void, run_solve_triangle, (bool upper, bool unit, const View& a, const View& x));
// The place of the first zero in x, all elements in C order.
NDL_DECLARE_RUN(int64_t, run_find_zero, (const View& x));
// The upper triangle of a [..., n, n] becomes u with u' u = a; what stands below is not read, and may be written. Fails
// for a matrix that is not positive definite: matrix * n + the row where that is seen.
NDL_DECLARE_RUN(int64_t, run_cholesky, (const View& a));

// a = q r: a [..., m, n] becomes r, q is [..., m, k] of min(m, n) to m columns.
NDL_DECLARE_RUN(void, run_qr, (const View& a, const View& q));
// a = v diag(values) v' of a symmetric a, which is overwritten; values [..., n] ascend. v [..., n, n], eigenvectors as
// columns, may be missing. Fails for a matrix for which the iteration does not end; none is known.
NDL_DECLARE_RUN(int64_t, run_eigh, (const View& a, const View& values, const View& v));
// a = u diag(s) vh of a [..., m, n], which is overwritten; s [..., min(m, n)] descend. u [..., m, min(m, n) to m] and
// vh [..., min(m, n) to n, n], or both missing. Fails as run_eigh does.
NDL_DECLARE_RUN(int64_t, run_svd, (const View& a, const View& s, const View& u, const View& vh));

}  // namespace needlecpp
