// Softmax, its logarithm and log-sum-exp of contiguous rows: maximum, exponentials with their sum, result; the row
// stays in cache between the three. A row's result depends on the row alone.
#include <stdint.h>

#include "ops/softmax_kernels.h"
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

template <class T>
NDL_HD T row_max(const T* x, int64_t length) {
  using R = Row<T>;
  typename R::V best = splat<typename R::V>(-R::infinity);
  for (int64_t i = 0; i < length; i += R::lanes) best = max_nan(best, R::at(x, i, length));
  T tops[R::lanes];
  store(tops, best);
  for (int64_t width = R::lanes / 2; width > 0; width /= 2)
    for (int64_t i = 0; i < width; ++i)
      tops[i] = (tops[i] > tops[i + width]) | (tops[i] != tops[i]) ? tops[i] : tops[i + width];
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
      // Exponentials that vanish (masked scores, lanes beyond the row's end) would be slow: their products are
      // denormal.
      const typename R::V d = R::at(x, i, length) - shift;
      const typename R::Mask vanishes = d < R::vanishing;
      const typename R::V e = select(vanishes, typename R::V{}, m_exp(select(vanishes, typename R::V{}, d)));
      if (y != nullptr) R::put(y, e, i, length);
      sum += e;
    }
    total += static_cast<double>(horizontal_sum(sum));
  }
  return total;
}

template <class T>
void rows(const SoftmaxArgs<T>& args, int64_t begin, int64_t end) {
  using R = Row<T>;
  for (int64_t row = begin; row < end; ++row) {
    const T* x = args.x + row * args.x_row;
    const T top = row_max(x, args.length);
    if (args.op == SoftmaxOp::LogSumExp) {
      // Rows of minus infinities only, or with an infinity, have their logarithm too.
      const T shift = top - top == 0 ? top : 0;
      args.y[row] = static_cast<T>(m_log(row_exp_sum<T>(x, args.length, shift, nullptr)) + static_cast<double>(shift));
      continue;
    }
    T* y = args.y + row * args.length;
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

}  // namespace

void softmax_f32(const SoftmaxArgs<float>& args, int64_t begin, int64_t end) { rows(args, begin, end); }
void softmax_f64(const SoftmaxArgs<double>& args, int64_t begin, int64_t end) { rows(args, begin, end); }

}  // namespace needlecpp::NDL_ISA
