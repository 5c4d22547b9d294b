// The unblocked parts of matrix factorizations: narrow panels, and passes over a matrix that a product cannot replace.
// Inner loops run along rows, whose elements are adjacent.
#include "ops/matmul/factor_kernels.h"
#include "simd/vec.h"

namespace needlecpp::NDL_ISA {
namespace {

template <class T>
NDL_HD T magnitude(T x) {
  return x < 0 ? -x : x;
}
NDL_HD float root(float x) { return __builtin_sqrtf(x); }
NDL_HD double root(double x) { return __builtin_sqrt(x); }

// y -= factor x.
template <class T>
NDL_HD void subtract_multiple(int64_t n, T factor, const T* __restrict x, T* __restrict y) {
  for (int64_t j = 0; j < n; ++j) y[j] -= factor * x[j];
}

}  // namespace

template <class T>
T dot_product(int64_t n, const T* a, const T* b) {
  using V = typename VecOf<T>::Type;
  constexpr int64_t kLanes = VecTraits<V>::lanes;
  V first = {}, second = {};
  int64_t j = 0;
  for (; j + 2 * kLanes <= n; j += 2 * kLanes) {
    first += load<V>(a + j) * load<V>(b + j);
    second += load<V>(a + j + kLanes) * load<V>(b + j + kLanes);
  }
  for (; j < n; j += kLanes) {
    const int64_t count = n - j < kLanes ? n - j : kLanes;
    first += load_lanes<V>(a + j, count) * load_lanes<V>(b + j, count);
  }
  return horizontal_sum(first + second);
}

template <class T>
void lu_panel(const LuPanelArgs<T>& args) {
  const int64_t m = args.m, n = args.n, row = args.row;
  for (int64_t k = 0; k < (m < n ? m : n); ++k) {
    T* top = args.a + k * row;
    int64_t best = k;
    T largest = magnitude(top[k]);
    for (int64_t i = k + 1; i < m; ++i)
      if (const T size = magnitude(args.a[i * row + k]); size > largest) {
        largest = size;
        best = i;
      }
    args.pivots[k] = best;
    if (largest == 0) continue;
    if (best != k) {
      T* other = args.a + best * row;
      for (int64_t j = 0; j < n; ++j) {
        const T kept = top[j];
        top[j] = other[j];
        other[j] = kept;
      }
    }
    for (int64_t i = k + 1; i < m; ++i) {
      T* under = args.a + i * row;
      under[k] /= top[k];
      subtract_multiple(n - k - 1, under[k], top + k + 1, under + k + 1);
    }
  }
}

template <class T>
void solve_lower(const SolveLowerArgs<T>& args) {
  for (int64_t i = 0; i < args.n; ++i) {
    const T* l = args.l + i * args.l_row;
    T* b = args.b + i * args.b_row;
    for (int64_t k = 0; k < i; ++k) subtract_multiple(args.columns, l[k * args.l_col], args.b + k * args.b_row, b);
    if (args.unit) continue;
    const T pivot = l[i * args.l_col];
    for (int64_t j = 0; j < args.columns; ++j) b[j] /= pivot;
  }
}

template <class T>
int64_t cholesky(int64_t n, T* a, int64_t row) {
  for (int64_t k = 0; k < n; ++k) {
    T* top = a + k * row;
    if (!(top[k] > 0)) return k;
    const T pivot = root(top[k]);
    top[k] = pivot;
    for (int64_t j = k + 1; j < n; ++j) top[j] /= pivot;
    for (int64_t i = k + 1; i < n; ++i) subtract_multiple(n - i, top[i], top + i, a + i * row + i);
  }
  return -1;
}

namespace {

// The reflection that takes (x0, rest), |rest|^2 = squares, to (length, 0): v = (1, rest * factor). Matrices come
// scaled (factor_orthogonal_cpu.cpp): a rest whose reciprocal could overflow is far below their rounding errors, and is
// dropped.
template <class T>
struct Reflection {
  T tau, length, factor;
};
template <class T>
NDL_HD Reflection<T> reflection(T x0, double squares) {
  constexpr double kNegligible = sizeof(T) == 4 ? 1e-60 : 1e-300;
  if (squares < kNegligible) return {0, x0, 0};
  const double head = static_cast<double>(x0);
  const double norm = root(head * head + squares);
  const double length = head < 0 ? norm : -norm;
  return {static_cast<T>((length - head) / length), static_cast<T>(length), static_cast<T>(1 / (head - length))};
}

}  // namespace

template <class T>
void reflect(int64_t n, T* x, T* tau, T* length) {
  double squares = 0;
  for (int64_t i = 1; i < n; ++i) squares += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  const Reflection<T> r = reflection(x[0], squares);
  for (int64_t i = 1; i < n; ++i) x[i] *= r.factor;
  x[0] = 1;
  *tau = r.tau;
  *length = r.length;
}

template <class T>
void reflect_panel(const ReflectPanelArgs<T>& args) {
  const int64_t m = args.m, n = args.n, row = args.row;
  for (int64_t k = 0; k < (m < n ? m : n); ++k) {
    T* top = args.a + k * row;
    double squares = 0;
    for (int64_t i = k + 1; i < m; ++i) {
      const double x = static_cast<double>(args.a[i * row + k]);
      squares += x * x;
    }
    const Reflection<T> r = reflection(top[k], squares);
    args.tau[k] = r.tau;
    top[k] = r.length;
    const int64_t rest = n - k - 1;
    T sums[kFactorBlock];  // v' a of the columns to the right
    for (int64_t j = 0; j < rest; ++j) sums[j] = top[k + 1 + j];
    for (int64_t i = k + 1; i < m; ++i) {
      T* under = args.a + i * row + k;
      under[0] *= r.factor;
      for (int64_t j = 0; j < rest; ++j) sums[j] += under[0] * under[1 + j];
    }
    for (int64_t j = 0; j < rest; ++j) sums[j] *= r.tau;
    for (int64_t j = 0; j < rest; ++j) top[k + 1 + j] -= sums[j];
    for (int64_t i = k + 1; i < m; ++i) {
      T* under = args.a + i * row + k;
      subtract_multiple(rest, under[0], sums, under + 1);
    }
  }
}

template <class T>
void tridiagonal(const TridiagonalArgs<T>& args, int64_t begin, int64_t end) {
  using V = typename VecOf<T>::Type;
  constexpr int64_t kLanes = VecTraits<V>::lanes;
  for (int64_t i = begin; i < end; ++i) {
    T* a = args.a + i * args.row;
    const T v = args.v[i], w = args.w[i];
    V sum = {};
    for (int64_t j = 0; j < args.n; j += kLanes) {
      const int64_t count = args.n - j < kLanes ? args.n - j : kLanes;
      const V x =
          load_lanes<V>(a + j, count) - v * load_lanes<V>(args.w + j, count) - w * load_lanes<V>(args.v + j, count);
      store_lanes(a + j, x, count);
      sum += x * load_lanes<V>(args.next + j, count);
    }
    args.p[i] = horizontal_sum(sum);
  }
}

// Few columns at a time, whose sums stay in registers: each sum runs down the rows in order, however columns are cut.
template <class T>
void bidiagonal(const BidiagonalArgs<T>& args, int64_t begin, int64_t end) {
  using V = typename VecOf<T>::Type;
  constexpr int64_t kLanes = VecTraits<V>::lanes, kVectors = 4;
  for (int64_t j = begin; j < end; j += kVectors * kLanes) {
    V y[kVectors], v[kVectors], sum[kVectors] = {};
    int64_t counts[kVectors];
    for (int64_t k = 0; k < kVectors; ++k) {
      const int64_t left = end - j - k * kLanes;
      counts[k] = left < 0 ? 0 : left < kLanes ? left : kLanes;
      const int64_t at = counts[k] > 0 ? j + k * kLanes : begin;
      y[k] = load_lanes<V>(args.y + at, counts[k]);
      v[k] = load_lanes<V>(args.v + at, counts[k]);
    }
    const bool whole = counts[kVectors - 1] == kLanes;
    for (int64_t i = 0; i < args.m; ++i) {
      T* a = args.a + i * args.row + j;
      const T u = args.u[i], x = args.x[i], next = args.next[i];
#pragma GCC unroll 4
      for (int64_t k = 0; k < kVectors; ++k) {
        if (!whole && counts[k] == 0) continue;
        T* at = a + k * kLanes;
        const V value = (whole ? load<V>(at) : load_lanes<V>(at, counts[k])) - u * y[k] - x * v[k];
        if (whole)
          store(at, value);
        else
          store_lanes(at, value, counts[k]);
        sum[k] += next * value;
      }
    }
    for (int64_t k = 0; k < kVectors; ++k)
      if (counts[k] > 0) store_lanes(args.p + j + k * kLanes, sum[k], counts[k]);
  }
}

namespace {

// Rotations come in chains, (3, 4), (2, 3), (1, 2), ...: the row that two of them share stays in registers.
template <class T, int kVectors>
NDL_HD void rotate_strip(const RotateArgs<T>& args, T* z, int64_t count) {
  using V = typename VecOf<T>::Type;
  constexpr int64_t kLanes = VecTraits<V>::lanes;
  V held[kVectors];
  int64_t held_row = -1;
  const auto fetch = [&](int64_t row, V* to) {
#pragma GCC unroll 4
    for (int k = 0; k < kVectors; ++k)
      to[k] = row == held_row ? held[k]
              : kVectors > 1  ? load<V>(z + row * args.row + k * kLanes)
                              : load_lanes<V>(z + row * args.row, count);
  };
  const auto keep = [&](int64_t row, const V* from) {
#pragma GCC unroll 4
    for (int k = 0; k < kVectors; ++k)
      if constexpr (kVectors > 1)
        store(z + row * args.row + k * kLanes, from[k]);
      else
        store_lanes(z + row * args.row, from[k], count);
  };
  for (int64_t r = 0; r < args.count; ++r) {
    const Rotation<T> one = args.rotations[r];
    V a[kVectors], b[kVectors];
    if (held_row >= 0 && held_row != one.i && held_row != one.j) {
      keep(held_row, held);
      held_row = -1;
    }
    fetch(one.i, a);
    fetch(one.j, b);
    // The one that the next rotation takes is held.
    const bool hold_i = r + 1 < args.count && (args.rotations[r + 1].i == one.i || args.rotations[r + 1].j == one.i);
    held_row = hold_i ? one.i : one.j;
#pragma GCC unroll 4
    for (int k = 0; k < kVectors; ++k) {
      const V x = one.c * a[k] - one.s * b[k];
      const V y = one.s * a[k] + one.c * b[k];
      held[k] = hold_i ? x : y;
      a[k] = hold_i ? y : x;
    }
    keep(hold_i ? one.j : one.i, a);
  }
  if (held_row >= 0) keep(held_row, held);
}

}  // namespace

template <class T>
void rotate_rows(const RotateArgs<T>& args, int64_t begin, int64_t end) {
  constexpr int64_t kLanes = VecTraits<typename VecOf<T>::Type>::lanes;
  int64_t j = begin;
  for (; j + 4 * kLanes <= end; j += 4 * kLanes) rotate_strip<T, 4>(args, args.z + j, 4 * kLanes);
  for (; j < end; j += kLanes) rotate_strip<T, 1>(args, args.z + j, end - j < kLanes ? end - j : kLanes);
}

template void lu_panel(const LuPanelArgs<float>&);
template void lu_panel(const LuPanelArgs<double>&);
template void solve_lower(const SolveLowerArgs<float>&);
template void solve_lower(const SolveLowerArgs<double>&);
template int64_t cholesky(int64_t, float*, int64_t);
template int64_t cholesky(int64_t, double*, int64_t);
template void reflect(int64_t, float*, float*, float*);
template void reflect(int64_t, double*, double*, double*);
template void reflect_panel(const ReflectPanelArgs<float>&);
template void reflect_panel(const ReflectPanelArgs<double>&);
template void tridiagonal(const TridiagonalArgs<float>&, int64_t, int64_t);
template void tridiagonal(const TridiagonalArgs<double>&, int64_t, int64_t);
template void bidiagonal(const BidiagonalArgs<float>&, int64_t, int64_t);
template void bidiagonal(const BidiagonalArgs<double>&, int64_t, int64_t);
template void rotate_rows(const RotateArgs<float>&, int64_t, int64_t);
template void rotate_rows(const RotateArgs<double>&, int64_t, int64_t);
template float dot_product(int64_t, const float*, const float*);
template double dot_product(int64_t, const double*, const double*);

}  // namespace needlecpp::NDL_ISA
