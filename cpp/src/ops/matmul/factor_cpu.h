// Factorizations of one matrix in raw memory, for the batches of matrix_cpu.cpp. All matrices are row-major, `row`
// apart; T is float or double. Work is shared among the threads unless called from a parallel region; no result depends
// on their number.
#pragma once

#include <cstdint>

namespace needlecpp::cpu {

// p a = l u by partial pivoting: u on and above the diagonal of a, l without its ones below. Row k was exchanged with
// row pivots[k] (counted from 0) in turn. A zero on u's diagonal means that a is singular.
template <class T>
void lu(int64_t m, int64_t n, T* a, int64_t row, int64_t* pivots);
// The exchanges of a factorization, on `columns` columns.
template <class T>
void exchange_rows(int64_t count, const int64_t* pivots, T* a, int64_t row, int64_t columns);
// The upper triangle of a becomes u with u' u = a; what is below is not read, and not touched. Returns the first row
// where a is seen not to be positive definite, or -1.
template <class T>
int64_t cholesky(int64_t n, T* a, int64_t row);
// b becomes the solution of l x = b, or of u x = b; the triangle has any strides, its other side is not read.
template <class T>
void solve_triangle(bool upper, bool unit, int64_t n, const T* triangle, int64_t t_row, int64_t t_col, int64_t columns,
                    T* b, int64_t b_row);

// a = q r: a becomes r (zeros below the diagonal). q [m, q_columns], at least min(m, n) and at most m columns, or null.
template <class T>
void qr(int64_t m, int64_t n, T* a, int64_t row, T* q, int64_t q_columns);
// a = v diag(values) v' of a symmetric a, which is overwritten; values ascend. v [n, n], eigenvectors as columns, or
// null. False when the iteration does not end, which no finite matrix is known to do.
template <class T>
bool eigh(int64_t n, T* a, T* values, T* v);
// a = u diag(values) vt of a [m, n], which is overwritten; values [min(m, n)] descend. u [m, u_columns] and
// vt [v_rows, n], of min(m, n) to m and n, or both null.
template <class T>
bool svd(int64_t m, int64_t n, T* a, T* values, T* u, int64_t u_columns, T* vt, int64_t v_rows);

}  // namespace needlecpp::cpu
