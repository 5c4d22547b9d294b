// LU, Cholesky and triangular solves by recursion (Toledo 1997; Gustavson 1997): a matrix is halved until its half fits
// the unblocked kernel, and all else is matrix products, whose blocks are the largest there can be at every level.
#include <algorithm>

#include "ops/matmul/factor_cpu.h"
#include "ops/matmul/factor_kernels.h"
#include "ops/matmul/gemm_cpu.h"
#include "ops/plumbing/scratch.h"

namespace needlecpp::cpu {
namespace {

// Where a matrix wider than the block is cut: the first part a multiple of the block.
int64_t half(int64_t n) { return std::max(kFactorBlock, n / 2 / kFactorBlock * kFactorBlock); }

// c -= a b.
template <class T>
void subtract_product(int64_t m, int64_t n, int64_t k, const T* a, int64_t a_row, int64_t a_col, const T* b,
                      int64_t b_row, T* c, int64_t c_row) {
  const Scratch<T> negated(m * k);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < k; ++j) negated.data()[i * k + j] = -a[i * a_row + j * a_col];
  gemm(m, n, k, negated.data(), k, 1, b, b_row, 1, c, c_row, true);
}

}  // namespace

template <class T>
void exchange_rows(int64_t count, const int64_t* pivots, T* a, int64_t row, int64_t columns) {
  for (int64_t k = 0; k < count; ++k)
    if (pivots[k] != k) std::swap_ranges(a + k * row, a + k * row + columns, a + pivots[k] * row);
}

template <class T>
void solve_triangle(bool upper, bool unit, int64_t n, const T* triangle, int64_t t_row, int64_t t_col, int64_t columns,
                    T* b, int64_t b_row) {
  if (n == 0 || columns == 0) return;
  if (upper)  // read from its last row and column on, an upper triangle is a lower one
    return solve_triangle(false, unit, n, triangle + (n - 1) * (t_row + t_col), -t_row, -t_col, columns,
                          b + (n - 1) * b_row, -b_row);
  if (n <= kFactorBlock) return NDL_KERNEL(solve_lower<T>)({n, columns, triangle, t_row, t_col, unit, b, b_row});
  const int64_t h = half(n);
  T* below = b + h * b_row;
  solve_triangle(false, unit, h, triangle, t_row, t_col, columns, b, b_row);
  subtract_product(n - h, columns, h, triangle + h * t_row, t_row, t_col, b, b_row, below, b_row);
  solve_triangle(false, unit, n - h, triangle + h * (t_row + t_col), t_row, t_col, columns, below, b_row);
}

template <class T>
void lu(int64_t m, int64_t n, T* a, int64_t row, int64_t* pivots) {
  if (n <= kFactorBlock) return NDL_KERNEL(lu_panel<T>)({m, n, a, row, pivots});
  const int64_t h = half(n), left_pivots = std::min(m, h), all_pivots = std::min(m, n);
  lu(m, h, a, row, pivots);
  exchange_rows(left_pivots, pivots, a + h, row, n - h);
  solve_triangle(false, true, left_pivots, a, row, 1, n - h, a + h, row);
  if (m <= h) return;
  T* rest = a + h * (row + 1);
  subtract_product(m - h, n - h, h, a + h * row, row, 1, a + h, row, rest, row);
  lu(m - h, n - h, rest, row, pivots + h);
  exchange_rows(all_pivots - h, pivots + h, a + h * row, row, h);
  for (int64_t k = h; k < all_pivots; ++k) pivots[k] += h;
}

template <class T>
int64_t cholesky(int64_t n, T* a, int64_t row) {
  constexpr int64_t kStrip = 256;
  if (n <= kFactorBlock) return NDL_KERNEL(cholesky<T>)(n, a, row);
  const int64_t h = half(n);
  if (const int64_t bad = cholesky(h, a, row); bad >= 0) return bad;
  T* right = a + h;
  T* rest = a + h * (row + 1);
  solve_triangle(false, false, h, a, 1, row, n - h, right, row);
  // Strips of columns down to the diagonal: half of the square is not wanted.
  for (int64_t j = 0; j < n - h; j += kStrip) {
    const int64_t columns = std::min(kStrip, n - h - j);
    subtract_product(j + columns, columns, h, right, 1, row, right + j, row, rest + j, row);
  }
  const int64_t bad = cholesky(n - h, rest, row);
  return bad < 0 ? bad : h + bad;
}

template void exchange_rows(int64_t, const int64_t*, float*, int64_t, int64_t);
template void exchange_rows(int64_t, const int64_t*, double*, int64_t, int64_t);
template void solve_triangle(bool, bool, int64_t, const float*, int64_t, int64_t, int64_t, float*, int64_t);
template void solve_triangle(bool, bool, int64_t, const double*, int64_t, int64_t, int64_t, double*, int64_t);
template void lu(int64_t, int64_t, float*, int64_t, int64_t*);
template void lu(int64_t, int64_t, double*, int64_t, int64_t*);
template int64_t cholesky(int64_t, float*, int64_t);
template int64_t cholesky(int64_t, double*, int64_t);

}  // namespace needlecpp::cpu
