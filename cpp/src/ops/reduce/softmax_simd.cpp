// Softmax, its logarithm and log-sum-exp of contiguous rows, or of blocks of columns: maximum, exponentials with their
// sum, result; the row or block stays in cache between the three. A row's or column's result depends on it alone.
#include <stdint.h>

#include "ops/reduce/softmax_kernels.h"
#include "simd/math.h"
#include "simd/vec.h"

namespace needlecpp::NDL_ISA {
namespace {

constexpr int64_t kStretch = 256;  // vectors summed before the sum moves on to double

template <class T>
struct Row {
  using V = typename VecOf<T>::Type;
  using Mask = typename VecTraits<V>::Mask;
  static constexpr int64_t lanes = VecTraits<V>::lanes;
  static constexpr T vanishing = sizeof(T) == 4 ? -104 : -746;  // exp of less is zero
  static constexpr T infinity = static_cast<T>(__builtin_inf());

  // Vector i of the row; lanes beyond its end hold minus infinity.
  static NDL_HD V at(const T* x, int64_t i, int64_t length) {
    if (i + lanes <= length) return load<V>(x + i);
    return select(first_lanes<Mask>(length - i), load<V>(x + i, length - i), splat<V>(-infinity));
  }
  static NDL_HD void put(T* y, V v, int64_t i, int64_t length) {
    if (i + lanes <= length)
      store(y + i, v);
    else
      store(y + i, v, length - i);
  }
};

// Exponentials that vanish (masked scores, lanes beyond the row's end) would be slow: their products are denormal.
template <class T, class V = typename Row<T>::V>
NDL_HD V exp_or_zero(V x) {
  const typename Row<T>::Mask vanishes = x < Row<T>::vanishing;
  return select(vanishes, V{}, m_exp(select(vanishes, V{}, x)));
}

template <class T>
NDL_HD T row_max(const T* x, int64_t length) {
  using R = Row<T>;
  using V = typename R::V;
  V bests[4];  // a maximum waits for the one before it, four of them do not
  for (V& best : bests) best = splat<V>(-R::infinity);
  int64_t i = 0;
  for (; i + 4 * R::lanes <= length; i += 4 * R::lanes)
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) bests[k] = max_nan(bests[k], load<V>(x + i + k * R::lanes));
  for (; i < length; i += R::lanes) bests[0] = max_nan(bests[0], R::at(x, i, length));
  const V best = max_nan(max_nan(bests[0], bests[1]), max_nan(bests[2], bests[3]));
  T tops[R::lanes];
  store(tops, best);
  for (int64_t width = R::lanes / 2; width > 0; width /= 2)
    for (i = 0; i < width; ++i)
      tops[i] = ((tops[i] > tops[i + width]) | (tops[i] != tops[i])) ? tops[i] : tops[i + width];
  return tops[0];
}

// The sum of exp(x - shift); the exponentials go to y unless it is null.
template <class T>
NDL_HD double row_exp_sum(const T* x, int64_t length, T shift, T* y) {
  using R = Row<T>;
  double total = 0;
  for (int64_t i = 0; i < length;) {
    typename R::V sum = {};
    const int64_t stop = length - i > kStretch * R::lanes ? i + kStretch * R::lanes : length;
    for (; i < stop; i += R::lanes) {
      const typename R::V e = exp_or_zero<T>(R::at(x, i, length) - shift);
      if (y != nullptr) R::put(y, e, i, length);
      sum += e;
    }
    total += static_cast<double>(horizontal_sum(sum));
  }
  return total;
}

template <class T>
void rows(const SoftmaxArgs& args, int64_t begin, int64_t end) {
  using R = Row<T>;
  const T* from = static_cast<const T*>(args.x);
  T* to = static_cast<T*>(args.y);
  T* tops = static_cast<T*>(args.top);
  for (int64_t row = begin; row < end; ++row) {
    const T* x = from + row * args.x_row;
    const T top = row_max(x, args.length);
    if (args.op == SoftmaxOp::LogSumExp) {
      // Rows of minus infinities only, or with an infinity, have their logarithm too.
      const T shift = top - top == 0 ? top : 0;
      const double rest = m_log(row_exp_sum<T>(x, args.length, shift, nullptr));
      to[row] = static_cast<T>(tops ? rest : rest + static_cast<double>(shift));
      if (tops) tops[row] = shift;
      continue;
    }
    T* y = to + row * args.length;
    if (args.op == SoftmaxOp::Softmax) {
      const T scale = static_cast<T>(1 / row_exp_sum(x, args.length, top, y));
      for (int64_t i = 0; i < args.length; i += R::lanes) R::put(y, R::at(y, i, args.length) * scale, i, args.length);
    } else {
      const T log_sum = static_cast<T>(m_log(row_exp_sum<T>(x, args.length, top, nullptr)));
      for (int64_t i = 0; i < args.length; i += R::lanes)
        R::put(y, (R::at(x, i, args.length) - top) - log_sum, i, args.length);
    }
  }
}

// Columns [0, width) of one block; x and y point at its first.
template <class T>
NDL_HD void block_of_columns(const SoftmaxColumnsArgs& args, const T* x, T* y, int64_t width) {
  using R = Row<T>;
  using V = typename R::V;
  constexpr int64_t most = kSoftmaxColumns / R::lanes;
  const int64_t vectors = (width + R::lanes - 1) / R::lanes;
  V tops[most], sums[most];
  double totals[kSoftmaxColumns];
  for (int64_t v = 0; v < vectors; ++v) tops[v] = splat<V>(-R::infinity);
  for (int64_t i = 0; i < args.length; ++i)
    for (int64_t v = 0; v < vectors; ++v) tops[v] = max_nan(tops[v], R::at(x + i * args.x_step, v * R::lanes, width));
  if (args.op == SoftmaxOp::LogSumExp)
    for (int64_t v = 0; v < vectors; ++v) tops[v] = select(tops[v] - tops[v] == 0, tops[v], V{});

  for (int64_t c = 0; c < kSoftmaxColumns; ++c) totals[c] = 0;
  for (int64_t i = 0; i < args.length;) {
    for (int64_t v = 0; v < vectors; ++v) sums[v] = V{};
    const int64_t stop = args.length - i > kStretch ? i + kStretch : args.length;
    for (; i < stop; ++i)
      for (int64_t v = 0; v < vectors; ++v) {
        const V e = exp_or_zero<T>(R::at(x + i * args.x_step, v * R::lanes, width) - tops[v]);
        if (args.op == SoftmaxOp::Softmax) R::put(y + i * args.inner, e, v * R::lanes, width);
        sums[v] += e;
      }
    for (int64_t v = 0; v < vectors; ++v)
      for (int64_t lane = 0; lane < R::lanes; ++lane) totals[v * R::lanes + lane] += static_cast<double>(sums[v][lane]);
  }

  if (args.op == SoftmaxOp::LogSumExp) {
    for (int64_t c = 0; c < width; ++c)
      y[c] = static_cast<T>(m_log(totals[c]) + static_cast<double>(tops[c / R::lanes][c % R::lanes]));
    return;
  }
  T factors[kSoftmaxColumns];  // 1 / total, or its logarithm
  for (int64_t c = 0; c < width; ++c)
    factors[c] = static_cast<T>(args.op == SoftmaxOp::Softmax ? 1 / totals[c] : m_log(totals[c]));
  for (int64_t i = 0; i < args.length; ++i)
    for (int64_t v = 0; v < vectors; ++v) {
      const V factor = R::at(factors, v * R::lanes, width);
      T* to = y + i * args.inner;
      const V value = args.op == SoftmaxOp::Softmax
                          ? R::at(to, v * R::lanes, width) * factor
                          : (R::at(x + i * args.x_step, v * R::lanes, width) - tops[v]) - factor;
      R::put(to, value, v * R::lanes, width);
    }
}

template <class T>
void columns(const SoftmaxColumnsArgs& args, int64_t begin, int64_t end) {
  const T* x = static_cast<const T*>(args.x);
  T* y = static_cast<T*>(args.y);
  const int64_t blocks = (args.inner + kSoftmaxColumns - 1) / kSoftmaxColumns;
  const int64_t y_outer = args.op == SoftmaxOp::LogSumExp ? args.inner : args.length * args.inner;
  for (int64_t unit = begin; unit < end; ++unit) {
    const int64_t outer = unit / blocks, first = unit % blocks * kSoftmaxColumns;
    const int64_t width = args.inner - first < kSoftmaxColumns ? args.inner - first : kSoftmaxColumns;
    block_of_columns(args, x + outer * args.x_outer + first, y + outer * y_outer + first, width);
  }
}

template <class T>
void backward_rows(const SoftmaxBackwardArgs& args, int64_t begin, int64_t end) {
  using R = Row<T>;
  using V = typename R::V;
  const bool plain = args.op == SoftmaxOp::Softmax;
  const int64_t n = args.length;
  // Lanes beyond the row's end hold 0 here, not minus infinity.
  const auto at = [n](const T* x, int64_t i) { return i + R::lanes <= n ? load<V>(x + i) : load<V>(x + i, n - i); };
  for (int64_t row = begin; row < end; ++row) {
    const T* y = static_cast<const T*>(args.y) + row * args.y_row;
    const T* dy = static_cast<const T*>(args.dy) + row * args.dy_row;
    T* dx = static_cast<T*>(args.dx) + row * n;
    double total = 0;
    for (int64_t i = 0; i < n;) {
      V sum = {};
      const int64_t stop = n - i > kStretch * R::lanes ? i + kStretch * R::lanes : n;
      for (; i < stop; i += R::lanes) sum += plain ? at(y, i) * at(dy, i) : at(dy, i);
      total += static_cast<double>(horizontal_sum(sum));
    }
    const T shared = static_cast<T>(total);
    for (int64_t i = 0; i < n; i += R::lanes)
      R::put(dx, plain ? at(y, i) * (at(dy, i) - shared) : at(dy, i) - exp_or_zero<T>(at(y, i)) * shared, i, n);
  }
}

}  // namespace

void softmax_rows(const SoftmaxArgs& args, int64_t begin, int64_t end) {
  with_float(args.element, [&](auto zero) { rows<decltype(zero)>(args, begin, end); });
}

void softmax_columns(const SoftmaxColumnsArgs& args, int64_t begin, int64_t end) {
  with_float(args.element, [&](auto zero) { columns<decltype(zero)>(args, begin, end); });
}

void softmax_backward(const SoftmaxBackwardArgs& args, int64_t begin, int64_t end) {
  with_float(args.element, [&](auto zero) { backward_rows<decltype(zero)>(args, begin, end); });
}

}  // namespace needlecpp::NDL_ISA
