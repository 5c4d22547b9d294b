// What factor_triangular.cpp and factor_orthogonal.cpp hand to the kernels of factor_simd.cpp. Matrices are row-major:
// the columns of a row are adjacent, `row` is the distance of two rows in elements.
#pragma once

#include <stdint.h>

#include "simd/isa.h"

namespace needlecpp {

// Columns of an unblocked factorization, at most: what stands beside them is left to matrix products.
inline constexpr int64_t kFactorBlock = 32;

template <class T>
struct LuPanelArgs {
  int64_t m, n;  // n <= kFactorBlock
  T* a;          // becomes U on and above the diagonal, L without its ones below
  int64_t row;
  int64_t* pivots;  // [min(m, n)]: row k was exchanged with row pivots[k]
};

// l x = b for a lower triangular l of any strides, in place of b.
template <class T>
struct SolveLowerArgs {
  int64_t n, columns;
  const T* l;
  int64_t l_row, l_col;
  bool unit;  // ones on the diagonal, which is not read
  T* b;       // [n, columns]
  int64_t b_row;
};

// Householder reflections I - tau v v' that take a panel to upper triangular form. v has a 1 in front, which is not
// stored; the rest stands below the diagonal.
template <class T>
struct ReflectPanelArgs {
  int64_t m, n;  // n <= kFactorBlock
  T* a;
  int64_t row;
  T* tau;  // [min(m, n)]
};

// Of rows [begin, end) of the symmetric a: a -= v w' + w v', then p = a next.
template <class T>
struct TridiagonalArgs {
  int64_t n;
  T* a;
  int64_t row;
  const T *v, *w, *next;  // [n]
  T* p;                   // [n]
};

// Of columns [begin, end): a -= u y' + x v', then p = a' next.
template <class T>
struct BidiagonalArgs {
  int64_t m;
  T* a;
  int64_t row;
  const T *u, *x, *next;  // [m]
  const T *y, *v;         // [columns]
  T* p;                   // [columns]
};

// Rows i and j of a matrix become c i - s j and s i + c j.
template <class T>
struct Rotation {
  int64_t i, j;
  T c, s;
};
template <class T>
struct RotateArgs {
  const Rotation<T>* rotations;
  int64_t count;
  T* z;
  int64_t row;
};

NDL_DECLARE_KERNEL(void, lu_panel_f32, (const LuPanelArgs<float>& args));
NDL_DECLARE_KERNEL(void, lu_panel_f64, (const LuPanelArgs<double>& args));
NDL_DECLARE_KERNEL(void, solve_lower_f32, (const SolveLowerArgs<float>& args));
NDL_DECLARE_KERNEL(void, solve_lower_f64, (const SolveLowerArgs<double>& args));
// The upper triangle of a becomes u with u' u = a. Returns the first row whose pivot is not positive, or -1.
NDL_DECLARE_KERNEL(int64_t, cholesky_f32, (int64_t n, float* a, int64_t row));
NDL_DECLARE_KERNEL(int64_t, cholesky_f64, (int64_t n, double* a, int64_t row));
// One reflection of x to a multiple of the first axis: x becomes v, 1 in front. Returns tau and that multiple.
NDL_DECLARE_KERNEL(void, reflect_f32, (int64_t n, float* x, float* tau, float* length));
NDL_DECLARE_KERNEL(void, reflect_f64, (int64_t n, double* x, double* tau, double* length));
NDL_DECLARE_KERNEL(void, reflect_panel_f32, (const ReflectPanelArgs<float>& args));
NDL_DECLARE_KERNEL(void, reflect_panel_f64, (const ReflectPanelArgs<double>& args));
NDL_DECLARE_KERNEL(void, tridiagonal_f32, (const TridiagonalArgs<float>& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(void, tridiagonal_f64, (const TridiagonalArgs<double>& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(void, bidiagonal_f32, (const BidiagonalArgs<float>& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(void, bidiagonal_f64, (const BidiagonalArgs<double>& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(void, rotate_rows_f32, (const RotateArgs<float>& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(void, rotate_rows_f64, (const RotateArgs<double>& args, int64_t begin, int64_t end));
// The sum of a * b.
NDL_DECLARE_KERNEL(float, dot_product_f32, (int64_t n, const float* a, const float* b));
NDL_DECLARE_KERNEL(double, dot_product_f64, (int64_t n, const double* a, const double* b));

}  // namespace needlecpp
