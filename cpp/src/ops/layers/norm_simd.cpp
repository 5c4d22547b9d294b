// Normalization of rows. Mean and variance come from one pass over memory: stretches that fit the L1 cache are read
// twice (mean, then squares around it) and merged in double (Chan et al. 1983), so that a large mean costs no digits.
//
// Backward, with n = (x - mean) * rstd and g = dy * weight:
//   dx = rstd * (g - mean(g) - n * mean(g * n)),   without mean(g) where the mean is not subtracted.
#include <math.h>
#include <stdint.h>

#include "ops/layers/norm_kernels.h"
#include "simd/math.h"
#include "simd/vec.h"

namespace needlecpp::NDL_ISA {
namespace {

constexpr int64_t kStretch = 2048;  // elements; also what a vector sum adds before it moves on to double

template <class T>
struct Lanes {
  using V = typename VecOf<T>::Type;
  static constexpr int64_t count = VecTraits<V>::lanes;
};

// Calls body(i, lanes) for vectors over [0, length), the last one cut.
template <class T, class Body>
NDL_HD void for_vectors(int64_t length, Body&& body) {
  constexpr int64_t lanes = Lanes<T>::count;
  int64_t i = 0;
  for (; i + lanes <= length; i += lanes) body(i, lanes);
  if (i < length) body(i, length - i);
}
template <class T>
NDL_HD typename Lanes<T>::V get(const T* from, int64_t i, int64_t count) {
  using V = typename Lanes<T>::V;
  return count == Lanes<T>::count ? load<V>(from + i) : load<V>(from + i, count);
}
template <class T>
NDL_HD void put(T* to, typename Lanes<T>::V v, int64_t i, int64_t count) {
  count == Lanes<T>::count ? store(to + i, v) : store(to + i, v, count);
}
template <class T>
NDL_HD void add(T* to, typename Lanes<T>::V v, int64_t i, int64_t count) {
  put(to, get(to, i, count) + v, i, count);
}

struct Moments {
  double count = 0, mean = 0, squares = 0;  // squares: sum of (x - mean)^2
  NDL_HD void merge(double n, double m, double s) {
    const double all = count + n, d = m - mean;
    mean += d * n / all;
    squares += s + d * d * count * n / all;
    count = all;
  }
};

template <class T>
NDL_HD void add_stretch(const T* x, int64_t length, bool centered, Moments* moments) {
  using V = typename Lanes<T>::V;
  T mean = 0;
  if (centered) {
    V sum = {};
    for_vectors<T>(length, [&](int64_t i, int64_t n) { sum += get(x, i, n); });
    mean = static_cast<T>(static_cast<double>(horizontal_sum(sum)) / static_cast<double>(length));
  }
  // `mean` is rounded: what is left over (`rest`) is given back.
  V squares = {}, rest = {};
  for_vectors<T>(length, [&](int64_t i, int64_t n) {
    V d = get(x, i, n) - mean;
    if (n < Lanes<T>::count) d = select(first_lanes<typename VecTraits<V>::Mask>(n), d, V{});
    squares += d * d;
    rest += d;
  });
  const double s = static_cast<double>(horizontal_sum(squares));
  if (!centered) {
    moments->squares += s;
    return;
  }
  const double n = static_cast<double>(length);
  const double d = static_cast<double>(horizontal_sum(rest)) / n;
  moments->merge(n, static_cast<double>(mean) + d, s - d * d * n);
}

// The weights and bias of one chunk: one number each (uniform), or adjacent ones.
template <class T>
struct Affine {
  const T* weight;
  const T* bias;
  bool along;
  using V = typename Lanes<T>::V;

  NDL_HD Affine(const NormArgs& args, int64_t row, int64_t chunk) : along(args.rows.along) {
    const int64_t at =
        args.rows.along ? 0 : row * args.rows.row_weights % args.rows.channels + chunk * args.rows.chunk_weight;
    weight = args.weight ? static_cast<const T*>(args.weight) + at : nullptr;
    bias = args.bias ? static_cast<const T*>(args.bias) + at : nullptr;
  }
  static NDL_HD V values(const T* from, T missing, bool along, int64_t i, int64_t n) {
    return !from ? splat<V>(missing) : along ? get(from, i, n) : splat<V>(*from);
  }
  NDL_HD V w(int64_t i, int64_t n) const { return values(weight, T(1), along, i, n); }
  NDL_HD V b(int64_t i, int64_t n) const { return values(bias, T(0), along, i, n); }
};

template <class T>
void forward(const NormArgs& args, int64_t begin, int64_t end) {
  const double elements = static_cast<double>(args.rows.chunk * args.rows.chunks);
  for (int64_t row = begin; row < end; ++row) {
    const T* x = static_cast<const T*>(args.x) + row * args.rows.row_stride;
    Moments moments;
    for (int64_t c = 0; c < args.rows.chunks; ++c)
      for (int64_t i = 0; i < args.rows.chunk; i += kStretch) {
        const int64_t length = args.rows.chunk - i < kStretch ? args.rows.chunk - i : kStretch;
        add_stretch(x + c * args.rows.chunk_stride + i, length, args.rows.centered, &moments);
      }
    const double variance = moments.squares / elements;
    const T mean = static_cast<T>(moments.mean);
    const T rstd = static_cast<T>(1 / ::sqrt(variance + args.rows.eps));
    static_cast<T*>(args.mean)[row] = mean;
    static_cast<T*>(args.variance)[row] = static_cast<T>(variance);
    static_cast<T*>(args.rstd)[row] = rstd;
    T* y = static_cast<T*>(args.y) + row * args.rows.row_stride;
    for (int64_t c = 0; c < args.rows.chunks; ++c) {
      const Affine<T> affine(args, row, c);
      const T* from = x + c * args.rows.chunk_stride;
      T* to = y + c * args.rows.chunk_stride;
      for_vectors<T>(args.rows.chunk, [&](int64_t i, int64_t n) {
        put(to, (get(from, i, n) - mean) * rstd * affine.w(i, n) + affine.b(i, n), i, n);
      });
    }
  }
}

template <class T>
void backward(const NormArgs& args, int64_t begin, int64_t end) {
  using V = typename Lanes<T>::V;
  using Mask = typename VecTraits<V>::Mask;
  const double elements = static_cast<double>(args.rows.chunk * args.rows.chunks);
  for (int64_t row = begin; row < end; ++row) {
    const T mean = static_cast<const T*>(args.mean)[row], rstd = static_cast<const T*>(args.rstd)[row];
    double sum_g = 0, sum_gn = 0;
    for (int64_t c = 0; c < args.rows.chunks; ++c) {
      const Affine<T> affine(args, row, c);
      const int64_t offset = row * args.rows.row_stride + c * args.rows.chunk_stride;
      const T* x = static_cast<const T*>(args.x) + offset;
      const T* dy = static_cast<const T*>(args.dy) + offset;
      double chunk_g = 0, chunk_gn = 0;
      for (int64_t start = 0; start < args.rows.chunk; start += kStretch) {
        const int64_t length = args.rows.chunk - start < kStretch ? args.rows.chunk - start : kStretch;
        V g_sum = {}, gn_sum = {};
        for_vectors<T>(length, [&](int64_t j, int64_t n) {
          const int64_t i = start + j;
          V normal = (get(x, i, n) - mean) * rstd;
          if (n < Lanes<T>::count) normal = select(first_lanes<Mask>(n), normal, V{});
          const V d = get(dy, i, n);
          const V g = args.rows.along ? d * affine.w(i, n) : d;
          g_sum += g;
          gn_sum += g * normal;
          if (args.rows.along && args.dweight) add(static_cast<T*>(args.dweight), d * normal, i, n);
          if (args.rows.along && args.dbias) add(static_cast<T*>(args.dbias), d, i, n);
        });
        chunk_g += static_cast<double>(horizontal_sum(g_sum));
        chunk_gn += static_cast<double>(horizontal_sum(gn_sum));
      }
      if (!args.rows.along) {
        if (args.dweight) static_cast<T*>(args.dweight)[row * args.rows.chunks + c] = static_cast<T>(chunk_gn);
        if (args.dbias) static_cast<T*>(args.dbias)[row * args.rows.chunks + c] = static_cast<T>(chunk_g);
        const double weight = affine.weight ? static_cast<double>(*affine.weight) : 1;
        chunk_g *= weight;
        chunk_gn *= weight;
      }
      sum_g += chunk_g;
      sum_gn += chunk_gn;
    }
    if (!args.dx) continue;
    const T mean_g = args.rows.centered ? static_cast<T>(sum_g / elements) : T(0);
    const T mean_gn = static_cast<T>(sum_gn / elements);
    for (int64_t c = 0; c < args.rows.chunks; ++c) {
      const Affine<T> affine(args, row, c);
      const int64_t offset = row * args.rows.row_stride + c * args.rows.chunk_stride;
      for_vectors<T>(args.rows.chunk, [&](int64_t i, int64_t n) {
        const V normal = (get(static_cast<const T*>(args.x) + offset, i, n) - mean) * rstd;
        const V g = get(static_cast<const T*>(args.dy) + offset, i, n) * affine.w(i, n);
        put(static_cast<T*>(args.dx) + offset, (g - mean_g - normal * mean_gn) * rstd, i, n);
      });
    }
  }
}

// Adds body's two numbers of every element to the columns' sums: in tiles of columns, and in double after kStretch / 16
// rows.
template <class T, class Body>
NDL_HD void sum_columns(const NormColumns& args, int64_t begin, int64_t end, int count, Body&& body) {
  constexpr int64_t tile = 256, rows = kStretch / 16;
  for (int64_t first = 0; first < args.columns; first += tile) {
    const int64_t width = args.columns - first < tile ? args.columns - first : tile;
    for (int64_t block = begin; block < end; block += rows) {
      T sums[2][tile] = {};
      for (int64_t row = block; row < (block + rows < end ? block + rows : end); ++row)
        for (int64_t c = 0; c < width; ++c) body(row * args.columns + first + c, first + c, sums[0][c], sums[1][c]);
      for (int k = 0; k < count; ++k)
        for (int64_t c = 0; c < width; ++c) args.sums[k * args.columns + first + c] += static_cast<double>(sums[k][c]);
    }
  }
}

template <class T>
void columns(ColumnsOp op, const NormColumns& args, int64_t begin, int64_t end) {
  const T* const x = static_cast<const T*>(args.x);
  const T* const dy = static_cast<const T*>(args.dy);
  const T* const mean = static_cast<const T*>(args.mean);
  const T* const rstd = static_cast<const T*>(args.rstd);
  const T* const weights = static_cast<const T*>(args.weight);
  const T* const biases = static_cast<const T*>(args.bias);
  const T* const mean_g = static_cast<const T*>(args.mean_g);
  const T* const mean_gn = static_cast<const T*>(args.mean_gn);
  T* const y = static_cast<T*>(args.y);
  const auto normal = [&](int64_t i, int64_t c) { return (x[i] - mean[c]) * rstd[c]; };
  switch (op) {
    case ColumnsOp::Sum:
      sum_columns<T>(args, begin, end, 1, [&](int64_t i, int64_t, T& sum, T&) { sum += x[i]; });
      break;
    case ColumnsOp::Squares:
      sum_columns<T>(args, begin, end, 1, [&](int64_t i, int64_t c, T& sum, T&) {
        const T d = x[i] - mean[c];
        sum += d * d;
      });
      break;
    case ColumnsOp::Products:
      sum_columns<T>(args, begin, end, 2, [&](int64_t i, int64_t c, T& product, T& sum) {
        product += dy[i] * normal(i, c);
        sum += dy[i];
      });
      break;
    case ColumnsOp::Forward:
      for (int64_t row = begin; row < end; ++row)
        for (int64_t c = 0; c < args.columns; ++c) {
          const T weight = weights ? weights[c] : T(1);
          y[row * args.columns + c] = normal(row * args.columns + c, c) * weight + (biases ? biases[c] : T(0));
        }
      break;
    case ColumnsOp::Backward:
      for (int64_t row = begin; row < end; ++row)
        for (int64_t c = 0; c < args.columns; ++c) {
          const int64_t i = row * args.columns + c;
          const T scale = weights ? rstd[c] * weights[c] : rstd[c];
          y[i] = (dy[i] - mean_g[c] - normal(i, c) * mean_gn[c]) * scale;
        }
      break;
  }
}

}  // namespace

void norm_columns(ColumnsOp op, const NormColumns& args, int64_t begin, int64_t end) {
  with_float(args.element, [&](auto zero) { columns<decltype(zero)>(op, args, begin, end); });
}
void norm(const NormArgs& args, int64_t begin, int64_t end) {
  with_float(args.element, [&](auto zero) { forward<decltype(zero)>(args, begin, end); });
}
void norm_backward(const NormArgs& args, int64_t begin, int64_t end) {
  with_float(args.element, [&](auto zero) { backward<decltype(zero)>(args, begin, end); });
}

}  // namespace needlecpp::NDL_ISA
