// What factor_triangular_cpu.cpp and factor_orthogonal_cpu.cpp hand to the kernels of factor_simd.cpp. Matrices are
// row-major: the columns of a row are adjacent, `row` is the distance of two rows in elements.
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

// All of them are there for float and double: NDL_KERNEL(lu_panel<T>)(args).
NDL_DECLARE_KERNEL(template <class T> void, lu_panel, (const LuPanelArgs<T>& args));
NDL_DECLARE_KERNEL(template <class T> void, solve_lower, (const SolveLowerArgs<T>& args));
// The upper triangle of a becomes u with u' u = a. Returns the first row whose pivot is not positive, or -1.
NDL_DECLARE_KERNEL(template <class T> int64_t, cholesky, (int64_t n, T* a, int64_t row));
// One reflection of x to a multiple of the first axis: x becomes v, 1 in front. Returns tau and that multiple.
NDL_DECLARE_KERNEL(template <class T> void, reflect, (int64_t n, T* x, T* tau, T* length));
NDL_DECLARE_KERNEL(template <class T> void, reflect_panel, (const ReflectPanelArgs<T>& args));
NDL_DECLARE_KERNEL(template <class T> void, tridiagonal, (const TridiagonalArgs<T>& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(template <class T> void, bidiagonal, (const BidiagonalArgs<T>& args, int64_t begin, int64_t end));
NDL_DECLARE_KERNEL(template <class T> void, rotate_rows, (const RotateArgs<T>& args, int64_t begin, int64_t end));
// The sum of a * b.
NDL_DECLARE_KERNEL(template <class T> T, dot_product, (int64_t n, const T* a, const T* b));

}  // namespace needlecpp
