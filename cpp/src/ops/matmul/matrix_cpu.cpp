// Batches of matrices: walking the batch, with the factorizations of one matrix (factor_cpu.h) inside.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "needlecpp/core/parallel.h"
#include "ops/matmul/factor_cpu.h"
#include "ops/matmul/matrix_run.h"
#include "ops/plumbing/strided.h"

namespace needlecpp::cpu {
namespace {

// Calls body(i) for every matrix of a batch, each `work` multiply-adds: large ones one after the other, which share
// their work among the threads, small ones in parallel.
template <class Body>
void for_each_matrix(int64_t count, double work, Body&& body) {
  constexpr double kSerialWork = 1 << 17, kLarge = 1 << 21;
  if (count < 2 * num_threads() && work > kLarge) {
    for (int64_t i = 0; i < count; ++i) body(i);
    return;
  }
  const int64_t grain = std::max<int64_t>(1, static_cast<int64_t>(kSerialWork / (work + 64)));
  parallel_for(count, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(i);
  });
}

template <class T>
bool all_finite(const T* x, int64_t count) {
  T sum = 0;  // of zeros, and NaN where one number is not finite
  for (int64_t i = 0; i < count; ++i) sum += x[i] * T{0};
  return sum == 0;
}
template <class T>
void fill_nan(T* x, int64_t count) {
  std::fill_n(x, count, std::numeric_limits<T>::quiet_NaN());
}

// The size of axis `axis`, counted from the end.
int64_t size_of(const View& x, int axis) { return x.size[x.rank - axis]; }
int64_t stride_of(const View& x, int axis) { return x.stride[x.rank - axis]; }

// How many parts x has, which are its last `axes` axes.
int64_t count_of(const View& x, int axes) {
  int64_t count = 1;
  for (int i = 0; i < x.rank - axes; ++i) count *= x.size[i];
  return count;
}

// Element offsets of the parts of x, whose leading axes broadcast to those of the matrices y.
class Offsets {
 public:
  Offsets(const View& x, int axes, const View& y) {
    Shape batch;
    Strides strides;
    const int lead = y.rank - 2 - (x.rank - axes);
    for (int i = 0; i < y.rank - 2; ++i) {
      batch.push_back(y.size[i]);
      strides.push_back(i < lead || x.size[i - lead] == 1 ? 0 : x.stride[i - lead]);
    }
    loop_ = make_loop<1>(batch, {strides});
  }
  int64_t operator[](int64_t i) const { return loop_.offsets(i)[0]; }

 private:
  StridedLoop<1> loop_;
};

// The smallest of the numbers that threads report, -1 for none.
class First {
 public:
  void report(int64_t number) {
    int64_t now = first_;
    while (number < now && !first_.compare_exchange_weak(now, number)) {
    }
  }
  int64_t number() const { return first_ == kNone ? -1 : first_.load(); }

 private:
  static constexpr int64_t kNone = std::numeric_limits<int64_t>::max();
  std::atomic<int64_t> first_ = kNone;
};

// -1 for each exchange.
int sign_of(const int64_t* pivots, int64_t n) {
  int sign = 1;
  for (int64_t k = 0; k < n; ++k)
    if (pivots[k] != k) sign = -sign;
  return sign;
}

}  // namespace

void run_lu(const View& a, const View& pivots) {
  const int64_t n = size_of(a, 1);
  NDL_ISA::with_float(a.element, [&]<class T>(T) {
    for_each_matrix(count_of(a, 2), static_cast<double>(n) * n * n / 3, [&](int64_t i) {
      T* const matrix = data<T>(a) + i * n * n;
      int64_t* const exchanges = data<int64_t>(pivots) + i * n;
      if (all_finite(matrix, n * n)) {
        lu(n, n, matrix, n, exchanges);
      } else {
        fill_nan(matrix, n * n);
        for (int64_t k = 0; k < n; ++k) exchanges[k] = k;
      }
    });
  });
}

void run_det(const View& lu, const View& pivots, const View& y) {
  const int64_t n = size_of(lu, 1);
  NDL_ISA::with_float(y.element, [&]<class T>(T) {
    for (int64_t i = 0; i < y.count; ++i) {
      const T* const triangles = data<T>(lu) + i * n * n;
      double product = sign_of(data<int64_t>(pivots) + i * n, n);
      for (int64_t k = 0; k < n; ++k) product *= static_cast<double>(triangles[k * (n + 1)]);
      data<T>(y)[i] = static_cast<T>(product);
    }
  });
}

void run_slogdet(const View& lu, const View& pivots, const View& signs, const View& logs) {
  const int64_t n = size_of(lu, 1);
  NDL_ISA::with_float(logs.element, [&]<class T>(T) {
    for (int64_t i = 0; i < logs.count; ++i) {
      const T* const triangles = data<T>(lu) + i * n * n;
      double sign = sign_of(data<int64_t>(pivots) + i * n, n), log = 0;
      for (int64_t k = 0; k < n; ++k) {
        const double pivot = static_cast<double>(triangles[k * (n + 1)]);
        sign = pivot > 0 ? sign : pivot < 0 ? -sign : pivot;  // 0, or NaN
        log += std::log(std::abs(pivot));
        if (pivot == 0) break;
      }
      data<T>(signs)[i] = static_cast<T>(sign);
      data<T>(logs)[i] = static_cast<T>(log);
    }
  });
}

void run_solve_lu(const View& lu, const View& pivots, const View& x) {
  const int64_t n = size_of(x, 2), columns = size_of(x, 1);
  const Offsets lu_at(lu, 2, x), pivots_at(pivots, 1, x);
  NDL_ISA::with_float(x.element, [&]<class T>(T) {
    for_each_matrix(count_of(x, 2), static_cast<double>(n) * n * columns, [&](int64_t i) {
      const T* const triangles = data<T>(lu) + lu_at[i];
      T* const at = data<T>(x) + i * n * columns;
      exchange_rows(n, data<int64_t>(pivots) + pivots_at[i], at, columns, columns);
      solve_triangle(false, true, n, triangles, n, 1, columns, at, columns);
      solve_triangle(true, false, n, triangles, n, 1, columns, at, columns);
    });
  });
}

void run_solve_triangle(bool upper, bool unit, const View& a, const View& x) {
  const int64_t n = size_of(x, 2), columns = size_of(x, 1);
  const Offsets offsets(a, 2, x);
  NDL_ISA::with_float(x.element, [&]<class T>(T) {
    for_each_matrix(count_of(x, 2), static_cast<double>(n) * n * columns / 2, [&](int64_t i) {
      solve_triangle(upper, unit, n, data<T>(a) + offsets[i], stride_of(a, 2), stride_of(a, 1), columns,
                     data<T>(x) + i * n * columns, columns);
    });
  });
}

int64_t run_find_zero(const View& x) {
  return NDL_ISA::with_float(x.element, [&]<class T>(T) {
    const T* const begin = data<T>(x);
    const T* const zero = std::find(begin, begin + x.count, T{0});
    return zero == begin + x.count ? int64_t{-1} : zero - begin;
  });
}

int64_t run_cholesky(const View& a) {
  const int64_t n = size_of(a, 1);
  First failed;
  NDL_ISA::with_float(a.element, [&]<class T>(T) {
    for_each_matrix(count_of(a, 2), static_cast<double>(n) * n * n / 6, [&](int64_t i) {
      T* const matrix = data<T>(a) + i * n * n;
      if (!all_finite(matrix, n * n))
        fill_nan(matrix, n * n);
      else if (const int64_t row = cholesky(n, matrix, n); row >= 0)
        failed.report(i * n + row);
    });
  });
  return failed.number();
}

void run_qr(const View& a, const View& q) {
  const int64_t m = size_of(a, 2), n = size_of(a, 1), k = size_of(q, 1);
  NDL_ISA::with_float(a.element, [&]<class T>(T) {
    for_each_matrix(count_of(a, 2), static_cast<double>(m) * n * std::min(m, n) * 2, [&](int64_t i) {
      T* const matrix = data<T>(a) + i * m * n;
      T* const to = data<T>(q) + i * m * k;
      if (all_finite(matrix, m * n)) {
        qr(m, n, matrix, n, to, k);
      } else {
        fill_nan(matrix, m * n);
        fill_nan(to, m * k);
      }
    });
  });
}

int64_t run_eigh(const View& a, const View& values, const View& v) {
  const int64_t n = size_of(a, 1);
  First failed;
  NDL_ISA::with_float(a.element, [&]<class T>(T) {
    for_each_matrix(count_of(a, 2), static_cast<double>(n) * n * n * 4, [&](int64_t i) {
      T* const matrix = data<T>(a) + i * n * n;
      T* const w = data<T>(values) + i * n;
      T* const z = v.given() ? data<T>(v) + i * n * n : nullptr;
      if (!all_finite(matrix, n * n)) {
        fill_nan(w, n);
        if (z) fill_nan(z, n * n);
      } else if (!eigh(n, matrix, w, z)) {
        failed.report(i);
      }
    });
  });
  return failed.number();
}

int64_t run_svd(const View& a, const View& s, const View& u, const View& vh) {
  const int64_t m = size_of(a, 2), n = size_of(a, 1), k = std::min(m, n);
  const bool with_vectors = u.given();
  const int64_t u_columns = with_vectors ? size_of(u, 1) : k, v_rows = with_vectors ? size_of(vh, 2) : k;
  First failed;
  NDL_ISA::with_float(a.element, [&]<class T>(T) {
    for_each_matrix(count_of(a, 2), static_cast<double>(m) * n * k * 8, [&](int64_t i) {
      T* const matrix = data<T>(a) + i * m * n;
      T* const values = data<T>(s) + i * k;
      T* const left = with_vectors ? data<T>(u) + i * m * u_columns : nullptr;
      T* const right = with_vectors ? data<T>(vh) + i * v_rows * n : nullptr;
      if (!all_finite(matrix, m * n)) {
        fill_nan(values, k);
        if (left) fill_nan(left, m * u_columns);
        if (right) fill_nan(right, v_rows * n);
      } else if (!svd(m, n, matrix, values, left, u_columns, right, v_rows)) {
        failed.report(i);
      }
    });
  });
  return failed.number();
}

}  // namespace needlecpp::cpu
