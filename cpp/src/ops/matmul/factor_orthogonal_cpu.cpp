// QR, eigenvalues of symmetric matrices, and singular values (Golub and Van Loan, Matrix Computations, chapters 5 and
// 8).
//
// All three reduce the matrix by Householder reflections and multiply the reflections together afterwards:
//
//   QR           panels of kFactorBlock columns, then the rest of the matrix by products (compact WY form: the product
//                of reflections is I - v t v' with a small triangular t; Schreiber and Van Loan 1989);
//   eigenvalues  to a tridiagonal matrix. The update of one step and the product that the next step wants are one pass
//                over the matrix (TridiagonalArgs), since memory is what this waits for;
//   singular     to a bidiagonal matrix, from the triangle of a QR where the matrix is not square; a wide matrix is
//   values       transposed. Two passes a step: BidiagonalArgs, and a product that only reads.
//
// Then implicit QL or QR steps on two vectors of numbers, in double for both types, find the values. They give their
// rotations to a RotationList, which applies thousands of them at a time to strips of columns that stay in the cache:
// vectors are kept as rows meanwhile. Without vectors nothing is recorded.
//
// Matrices whose numbers could overflow or vanish when squared are scaled by a power of two first.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <type_traits>
#include <vector>

#include "needlecpp/core/parallel.h"
#include "ops/matmul/factor_cpu.h"
#include "ops/matmul/factor_kernels.h"
#include "ops/matmul/gemm_cpu.h"
#include "ops/plumbing/scratch.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kPassWork = 1 << 15;  // numbers of a matrix for one thread at least
constexpr int64_t kBidiagonalColumns = 64;
constexpr int64_t kMaxSteps = 60;  // for one value; two or three are usual

template <class T>
std::vector<T> zeros(int64_t count) {
  return std::vector<T>(static_cast<size_t>(count));
}

// Makes the largest number of a about 1 where squares could leave the range of T; returns what undoes it.
template <class T>
T scale(int64_t m, int64_t n, T* a, int64_t row) {
  constexpr T kLarge = std::is_same_v<T, float> ? static_cast<T>(1e12) : static_cast<T>(1e120);
  T largest = 0;
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) largest = std::max(largest, std::abs(a[i * row + j]));
  if (largest == 0 || (largest < kLarge && largest > 1 / kLarge)) return 1;
  // Not one factor: that of the smallest numbers is beyond the range.
  const int exponent =
      std::clamp(std::ilogb(largest), std::numeric_limits<T>::min_exponent, std::numeric_limits<T>::max_exponent - 3);
  const T factor = std::ldexp(T{1}, -exponent);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) a[i * row + j] *= factor;
  return std::ldexp(T{1}, exponent);
}

// Reflections I - tau[k] v_k v_k', k = 0, 1, ..., count - 1: component i of v_k stands at v[i * axis + k * next], all
// written out, zeros in front and the 1 too.
template <class T>
struct Reflections {
  int64_t size, count;
  const T* v;
  int64_t axis, next;
  const T* tau;
};

// t of the reflections [first, first + width), upper triangular.
template <class T>
void block_triangle(const Reflections<T>& h, int64_t first, int64_t width, T* t) {
  const T* v = h.v + first * (h.axis + h.next);  // components before `first` are 0
  T products[kFactorBlock * kFactorBlock];
  gemm(width, width, h.size - first, v, h.next, h.axis, v, h.axis, h.next, products, width);
  for (int64_t k = 0; k < width; ++k) {
    const T tau = h.tau[first + k];
    for (int64_t i = 0; i < k; ++i) {
      T sum = 0;
      for (int64_t j = i; j < k; ++j) sum += t[i * width + j] * products[j * width + k];
      t[i * width + k] = -tau * sum;
    }
    for (int64_t i = k + 1; i < width; ++i) t[i * width + k] = 0;
    t[k * width + k] = tau;
  }
}

// c becomes (I - v t v') c, or (I - v t' v') c, for the reflections [first, first + width); c has the rows from
// `first`.
template <class T>
void apply_block(const Reflections<T>& h, int64_t first, int64_t width, bool transposed, int64_t columns, T* c,
                 int64_t row) {
  if (columns == 0) return;
  const T* v = h.v + first * (h.axis + h.next);
  const int64_t rows = h.size - first;
  T t[kFactorBlock * kFactorBlock];
  block_triangle(h, first, width, t);
  for (int64_t i = 0; i < width * width; ++i) t[i] = -t[i];
  const Scratch<T> inner(2 * width * columns);
  T* outer = inner.data() + width * columns;
  gemm(width, columns, rows, v, h.next, h.axis, c, row, 1, inner.data(), columns);
  gemm(width, columns, width, t, transposed ? 1 : width, transposed ? width : 1, inner.data(), columns, 1, outer,
       columns);
  gemm(rows, columns, width, v, h.axis, h.next, outer, columns, 1, c, row, true);
}

// The product of all reflections, its first `columns` columns: q [size, columns].
template <class T>
void multiply_out(const Reflections<T>& h, int64_t columns, T* q) {
  std::fill_n(q, h.size * columns, T{0});
  for (int64_t i = 0; i < std::min(h.size, columns); ++i) q[i * columns + i] = 1;
  // Rows and columns before a block are still those of the identity.
  for (int64_t first = (h.count - 1) / kFactorBlock * kFactorBlock; first >= 0 && h.count > 0; first -= kFactorBlock)
    apply_block(h, first, std::min(kFactorBlock, h.count - first), false, columns - first, q + first * columns + first,
                columns);
}

template <class T>
void transpose_into(int64_t m, int64_t n, const T* a, int64_t row, T* to, int64_t to_row) {
  constexpr int64_t kTile = 16;
  for (int64_t i0 = 0; i0 < m; i0 += kTile)
    for (int64_t j0 = 0; j0 < n; j0 += kTile)
      for (int64_t i = i0; i < std::min(m, i0 + kTile); ++i)
        for (int64_t j = j0; j < std::min(n, j0 + kTile); ++j) to[j * to_row + i] = a[i * row + j];
}

// Rotations of the rows of z [n, n], applied in the order in which they were given. Without z nothing is kept.
template <class T>
class RotationList {
 public:
  RotationList(T* z, int64_t n) : z_(z), n_(n) {
    if (z_) rotations_.reserve(static_cast<size_t>(std::min(kMany, 4 * n)));
  }
  ~RotationList() { apply(); }
  RotationList(const RotationList&) = delete;
  RotationList& operator=(const RotationList&) = delete;

  // Row i becomes c i - s j, row j becomes s i + c j.
  void rotate(int64_t i, int64_t j, double c, double s) {
    if (!z_) return;
    rotations_.push_back({i, j, static_cast<T>(c), static_cast<T>(s)});
    if (static_cast<int64_t>(rotations_.size()) >= kMany) apply();
  }
  void negate(int64_t i) {
    if (!z_) return;
    apply();
    for (int64_t j = 0; j < n_; ++j) z_[i * n_ + j] = -z_[i * n_ + j];
  }
  void apply() {
    if (!z_ || rotations_.empty()) return;
    const int64_t count = static_cast<int64_t>(rotations_.size());
    parallel_for((n_ + kStrip - 1) / kStrip, std::max<int64_t>(1, kPassWork / (kStrip * count)),
                 [&](int64_t begin, int64_t end) {
                   // Rows of a matrix of 2^k columns would compete for the same sets of the cache.
                   const Scratch<T> strip(n_ * kStrip);
                   for (int64_t j = begin * kStrip; j < std::min(n_, end * kStrip); j += kStrip) {
                     const int64_t width = std::min(kStrip, n_ - j);
                     for (int64_t i = 0; i < n_; ++i) std::copy_n(z_ + i * n_ + j, width, strip.data() + i * kStrip);
                     NDL_KERNEL(rotate_rows<T>)({rotations_.data(), count, strip.data(), kStrip}, 0, width);
                     for (int64_t i = 0; i < n_; ++i) std::copy_n(strip.data() + i * kStrip, width, z_ + i * n_ + j);
                   }
                 });
    rotations_.clear();
  }

 private:
  static constexpr int64_t kMany = 1 << 15;
  static constexpr int64_t kStrip = 256 / sizeof(T);
  T* z_;
  int64_t n_;
  std::vector<Rotation<T>> rotations_;
};

// Eigenvalues of the symmetric tridiagonal matrix with diagonal d and e beside it, in place of d, by implicit QL steps
// with Wilkinson's shift (Bowdler, Martin, Reinsch and Wilkinson 1968). e has a last element for use.
template <class T>
bool diagonalize(std::vector<double>& d, std::vector<double>& e, RotationList<T>& vectors) {
  const int64_t n = static_cast<int64_t>(d.size());
  const auto at = [](std::vector<double>& x, int64_t i) -> double& { return x[static_cast<size_t>(i)]; };
  const double eps = static_cast<double>(std::numeric_limits<T>::epsilon()) / 2;
  double norm = 0;
  for (int64_t i = 0; i < n; ++i) norm = std::max(norm, std::abs(at(d, i)) + std::abs(at(e, i)));
  for (int64_t l = 0; l < n; ++l) {
    for (int64_t step = 0;; ++step) {
      int64_t m = l;
      for (; m + 1 < n; ++m) {
        const double beside = std::abs(at(d, m)) + std::abs(at(d, m + 1));
        if (std::abs(at(e, m)) <= eps * std::max(beside, eps * norm)) break;
      }
      if (m == l) break;
      if (step == kMaxSteps) return false;
      double g = (at(d, l + 1) - at(d, l)) / (2 * at(e, l));
      double r = std::hypot(g, 1.0);
      g = at(d, m) - at(d, l) + at(e, l) / (g + std::copysign(r, g));
      double s = 1, c = 1, p = 0;
      int64_t i = m - 1;
      for (; i >= l; --i) {
        const double f = s * at(e, i), b = c * at(e, i);
        r = std::hypot(f, g);
        at(e, i + 1) = r;
        if (r == 0) {
          at(d, i + 1) -= p;
          at(e, m) = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = at(d, i + 1) - p;
        r = (at(d, i) - g) * s + 2 * c * b;
        p = s * r;
        at(d, i + 1) = g + p;
        g = c * r - b;
        vectors.rotate(i, i + 1, c, s);
      }
      if (r == 0 && i >= l) continue;
      at(d, l) -= p;
      at(e, l) = g;
      at(e, m) = 0;
    }
  }
  vectors.apply();
  return true;
}

// Singular values of the bidiagonal matrix with diagonal d and e[i] between d[i - 1] and d[i], in place of d, by
// implicit QR steps (Golub and Reinsch 1970): left and right are rotated as the rows and columns are.
template <class T>
bool diagonalize(std::vector<double>& d, std::vector<double>& e, RotationList<T>& left, RotationList<T>& right) {
  const int64_t n = static_cast<int64_t>(d.size());
  const auto at = [](std::vector<double>& x, int64_t i) -> double& { return x[static_cast<size_t>(i)]; };
  double norm = 0;
  for (int64_t i = 0; i < n; ++i) norm = std::max(norm, std::abs(at(d, i)) + std::abs(at(e, i)));
  const double small = static_cast<double>(std::numeric_limits<T>::epsilon()) / 2 * norm;
  for (int64_t k = n - 1; k >= 0; --k) {
    for (int64_t step = 0;; ++step) {
      int64_t l = k;
      while (l > 0 && std::abs(at(e, l)) > small && std::abs(at(d, l - 1)) > small) --l;
      if (l > 0 && std::abs(at(e, l)) > small) {
        // d[l - 1] is 0: e[l] is rotated out of its row.
        double c = 0, s = 1;
        for (int64_t i = l; i <= k; ++i) {
          const double f = s * at(e, i);
          at(e, i) *= c;
          if (std::abs(f) <= small) break;
          const double g = at(d, i), h = std::hypot(f, g);
          at(d, i) = h;
          c = g / h;
          s = -f / h;
          left.rotate(l - 1, i, c, -s);
        }
        at(e, l) = 0;
      }
      double z = at(d, k);
      if (l == k) {
        if (z < 0) {
          at(d, k) = -z;
          right.negate(k);
        }
        break;
      }
      if (step == kMaxSteps) return false;
      double x = at(d, l), y = at(d, k - 1), g = at(e, k - 1), h = at(e, k);
      double f = ((y - z) * (y + z) + (g - h) * (g + h)) / (2 * h * y);
      g = std::hypot(f, 1.0);
      f = ((x - z) * (x + z) + h * (y / (f + std::copysign(g, f)) - h)) / x;
      double c = 1, s = 1;
      for (int64_t j = l; j < k; ++j) {
        g = at(e, j + 1);
        y = at(d, j + 1);
        h = s * g;
        g *= c;
        z = std::hypot(f, h);
        at(e, j) = z;
        c = z > 0 ? f / z : 1;
        s = z > 0 ? h / z : 0;
        f = x * c + g * s;
        g = g * c - x * s;
        h = y * s;
        y *= c;
        right.rotate(j, j + 1, c, -s);
        z = std::hypot(f, h);
        at(d, j) = z;
        if (z > 0) {
          c = f / z;
          s = h / z;
        }
        f = c * g + s * y;
        x = c * y - s * g;
        left.rotate(j, j + 1, c, -s);
      }
      at(e, l) = 0;
      at(e, k) = f;
      at(d, k) = x;
    }
  }
  left.apply();
  right.apply();
  return true;
}

// The indices of values in order.
std::vector<int64_t> sorted(const std::vector<double>& values, bool descending) {
  std::vector<int64_t> order(values.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    const double x = values[static_cast<size_t>(a)], y = values[static_cast<size_t>(b)];
    return descending ? x > y : x < y;
  });
  return order;
}

// Of a square a: u' rows and v' rows are [n, n] or null; values in any order.
template <class T>
bool svd_square(int64_t n, T* a, std::vector<double>& d, T* ut, T* vt) {
  std::vector<double> e(static_cast<size_t>(n));
  // Row k of `lefts` and `rights`: the vector of reflection k. u, x, y, v: the update of a that the next step makes.
  const Scratch<T> lefts(n * n), rights(n * n);
  std::fill_n(lefts.data(), n * n, T{0});
  std::fill_n(rights.data(), n * n, T{0});
  std::vector<T> left_tau = zeros<T>(n), right_tau = zeros<T>(n), x = zeros<T>(n), y = zeros<T>(n), zero = zeros<T>(n);
  const T* u = zero.data();
  const T* v = zero.data();
  for (int64_t k = 0; k < n; ++k) {
    T* next = lefts.data() + k * n;
    T length;
    for (int64_t i = k; i < n; ++i)
      next[i] = a[i * n + k] - u[i] * y[static_cast<size_t>(k)] - x[static_cast<size_t>(i)] * v[k];
    NDL_KERNEL(reflect<T>)(n - k, next + k, &left_tau[static_cast<size_t>(k)], &length);
    d[static_cast<size_t>(k)] = static_cast<double>(length);
    const int64_t rest = n - k - 1;
    if (rest == 0) break;
    std::vector<T> sums = zeros<T>(n);
    const BidiagonalArgs<T> down = {n - k,     a + k * n + k + 1,  n, u + k, x.data() + k, next + k, y.data() + k + 1,
                                    v + k + 1, sums.data() + k + 1};
    const int64_t strips = (rest + kBidiagonalColumns - 1) / kBidiagonalColumns;
    parallel_for(
        strips, std::max<int64_t>(1, kPassWork / (kBidiagonalColumns * (n - k))), [&](int64_t begin, int64_t end) {
          NDL_KERNEL(bidiagonal<T>)(down, begin * kBidiagonalColumns, std::min(rest, end * kBidiagonalColumns));
        });
    const T tau = left_tau[static_cast<size_t>(k)];
    for (int64_t j = k + 1; j < n; ++j) y[static_cast<size_t>(j)] = tau * sums[static_cast<size_t>(j)];
    u = next;
    T* across = rights.data() + k * n;
    for (int64_t j = k + 1; j < n; ++j) across[j] = a[k * n + j] - next[k] * y[static_cast<size_t>(j)];
    T* right = &right_tau[static_cast<size_t>(k)];
    NDL_KERNEL(reflect<T>)(rest, across + k + 1, right, &length);
    e[static_cast<size_t>(k + 1)] = static_cast<double>(length);
    v = across;
    parallel_for(rest, std::max<int64_t>(1, kPassWork / rest), [&](int64_t begin, int64_t end) {
      for (int64_t i = k + 1 + begin; i < k + 1 + end; ++i)
        x[static_cast<size_t>(i)] = NDL_KERNEL(dot_product<T>)(rest, a + i * n + k + 1, v + k + 1);
    });
    const T both = NDL_KERNEL(dot_product<T>)(rest, y.data() + k + 1, v + k + 1);
    for (int64_t i = k + 1; i < n; ++i) x[static_cast<size_t>(i)] = *right * (x[static_cast<size_t>(i)] - u[i] * both);
  }
  if (ut) {
    const Scratch<T> q(n * n);
    multiply_out(Reflections<T>{n, n, lefts.data(), 1, n, left_tau.data()}, n, q.data());
    transpose_into(n, n, q.data(), n, ut, n);
    // The reflections from the right leave the first axis alone.
    const int64_t rest = n - 1;
    std::fill_n(vt, n * n, T{0});
    vt[0] = 1;
    multiply_out(Reflections<T>{rest, rest, rights.data() + 1, 1, n, right_tau.data()}, rest, q.data());
    transpose_into(rest, rest, q.data(), rest, vt + n + 1, n);
  }
  RotationList<T> left(ut, n), right(vt, n);
  return diagonalize(d, e, left, right);
}

}  // namespace

template <class T>
void qr(int64_t m, int64_t n, T* a, int64_t row, T* q, int64_t q_columns) {
  const int64_t count = std::min(m, n);
  const T undo = scale(m, n, a, row);
  const Scratch<T> v(m * count), tau(count);
  std::fill_n(v.data(), m * count, T{0});
  const Reflections<T> h = {m, count, v.data(), count, 1, tau.data()};
  for (int64_t first = 0; first < count; first += kFactorBlock) {
    const int64_t width = std::min(kFactorBlock, count - first);
    T* corner = a + first * (row + 1);
    NDL_KERNEL(reflect_panel<T>)({m - first, width, corner, row, tau.data() + first});
    for (int64_t k = 0; k < width; ++k) {
      T* column = v.data() + first + k;
      column[(first + k) * count] = 1;
      for (int64_t i = k + 1; i < m - first; ++i) {
        column[(first + i) * count] = corner[i * row + k];
        corner[i * row + k] = 0;
      }
    }
    apply_block(h, first, width, true, n - first - width, corner + width, row);
  }
  if (undo != 1)
    for (int64_t i = 0; i < count; ++i)
      for (int64_t j = i; j < n; ++j) a[i * row + j] *= undo;
  if (q) multiply_out(h, q_columns, q);
}

template <class T>
bool eigh(int64_t n, T* a, T* values, T* v_out) {
  if (n == 0) return true;
  const T undo = scale(n, n, a, n);
  std::vector<double> d(static_cast<size_t>(n)), e(static_cast<size_t>(n));
  const Scratch<T> vectors(n * n);  // row k: the vector of reflection k
  std::fill_n(vectors.data(), n * n, T{0});
  std::vector<T> tau = zeros<T>(n), w = zeros<T>(n), zero = zeros<T>(n);
  const T* v = zero.data();
  for (int64_t k = 0; k < n; ++k) {
    const int64_t rest = n - k - 1;
    T* row = a + k * n;
    for (int64_t j = k; j < n; ++j) row[j] -= v[k] * w[static_cast<size_t>(j)] + w[static_cast<size_t>(k)] * v[j];
    d[static_cast<size_t>(k)] = static_cast<double>(row[k]);
    if (rest == 0) break;
    T* next = vectors.data() + k * n;
    std::copy(row + k + 1, row + n, next + k + 1);
    T length;
    NDL_KERNEL(reflect<T>)(rest, next + k + 1, &tau[static_cast<size_t>(k)], &length);
    e[static_cast<size_t>(k)] = static_cast<double>(length);
    std::vector<T> p = zeros<T>(n);
    const TridiagonalArgs<T> pass = {rest,         a + (k + 1) * (n + 1), n, v + k + 1, w.data() + k + 1,
                                     next + k + 1, p.data() + k + 1};
    parallel_for(rest, std::max<int64_t>(1, kPassWork / rest), [&](int64_t begin, int64_t end) {
      NDL_KERNEL(tridiagonal<T>)(pass, begin, end);
    });
    const T factor = tau[static_cast<size_t>(k)];
    const T along = factor / 2 * factor * NDL_KERNEL(dot_product<T>)(rest, p.data() + k + 1, next + k + 1);
    for (int64_t j = k + 1; j < n; ++j)
      w[static_cast<size_t>(j)] = factor * p[static_cast<size_t>(j)] - along * next[j];
    v = next;
  }
  const Scratch<T> rows(v_out ? n * n : 0);
  if (v_out) {
    // The reflections leave the first axis alone.
    const int64_t rest = n - 1;
    const Scratch<T> q(rest * rest);
    std::fill_n(rows.data(), n * n, T{0});
    rows.data()[0] = 1;
    multiply_out(Reflections<T>{rest, rest, vectors.data() + 1, 1, n, tau.data()}, rest, q.data());
    transpose_into(rest, rest, q.data(), rest, rows.data() + n + 1, n);
  }
  {
    RotationList<T> rotations(v_out ? rows.data() : nullptr, n);
    if (!diagonalize(d, e, rotations)) return false;
  }
  const std::vector<int64_t> order = sorted(d, false);
  for (int64_t k = 0; k < n; ++k) {
    const int64_t from = order[static_cast<size_t>(k)];
    values[k] = static_cast<T>(d[static_cast<size_t>(from)]) * undo;
    for (int64_t i = 0; v_out && i < n; ++i) v_out[i * n + k] = rows.data()[from * n + i];
  }
  return true;
}

template <class T>
bool svd(int64_t m, int64_t n, T* a, T* values, T* u, int64_t u_columns, T* vt, int64_t v_rows) {
  if (m < n) {  // a' = v diag(values) u'
    const Scratch<T> turned(m * n), v(u ? n * v_rows : 0), ut(u ? m * u_columns : 0);
    transpose_into(m, n, a, n, turned.data(), m);
    if (!svd(n, m, turned.data(), values, u ? v.data() : nullptr, v_rows, ut.data(), u_columns)) return false;
    if (u) {
      transpose_into(n, v_rows, v.data(), v_rows, vt, n);
      transpose_into(u_columns, m, ut.data(), m, u, u_columns);
    }
    return true;
  }
  if (n == 0) {
    std::fill_n(u, u ? m * u_columns : 0, T{0});
    for (int64_t i = 0; u && i < std::min(m, u_columns); ++i) u[i * u_columns + i] = 1;
    return true;
  }
  const T undo = scale(m, n, a, n);
  const bool tall = m > n;
  const Scratch<T> q(u && tall ? m * u_columns : 0);
  if (tall) qr(m, n, a, n, u ? q.data() : nullptr, u_columns);
  std::vector<double> d(static_cast<size_t>(n));
  const Scratch<T> rows(u ? 3 * n * n : 0);
  T* ut = u ? rows.data() : nullptr;
  T* v = u ? rows.data() + n * n : nullptr;
  if (!svd_square(n, a, d, ut, v)) return false;
  const std::vector<int64_t> order = sorted(d, true);
  T* inner = u && tall ? rows.data() + 2 * n * n : u;  // u of the square
  for (int64_t k = 0; k < n; ++k) {
    const int64_t from = order[static_cast<size_t>(k)];
    values[k] = static_cast<T>(d[static_cast<size_t>(from)]) * undo;
    if (!u) continue;
    std::copy_n(v + from * n, n, vt + k * n);
    for (int64_t i = 0; i < n; ++i) inner[i * n + k] = ut[from * n + i];
  }
  if (u && tall) {
    gemm(m, n, n, q.data(), u_columns, 1, inner, n, 1, u, u_columns);
    for (int64_t i = 0; i < m; ++i)
      std::copy(q.data() + i * u_columns + n, q.data() + (i + 1) * u_columns, u + i * u_columns + n);
  }
  return true;
}

template void qr(int64_t, int64_t, float*, int64_t, float*, int64_t);
template void qr(int64_t, int64_t, double*, int64_t, double*, int64_t);
template bool eigh(int64_t, float*, float*, float*);
template bool eigh(int64_t, double*, double*, double*);
template bool svd(int64_t, int64_t, float*, float*, float*, int64_t, float*, int64_t);
template bool svd(int64_t, int64_t, double*, double*, double*, int64_t, double*, int64_t);

}  // namespace needlecpp::cpu
