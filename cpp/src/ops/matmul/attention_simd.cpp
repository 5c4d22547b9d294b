// The softmax of attention, tile by tile. Forward: a row keeps the largest score so far; when a tile brings a larger
// one, what was summed before shrinks by exp(old - new). Backward: the weights are made again from the scores.
#include <stdint.h>

#include "ops/matmul/attention_kernels.h"
#include "simd/math.h"
#include "simd/vec.h"

namespace needlecpp::NDL_ISA {
namespace {

template <class T>
struct Numbers {
  using V = typename VecOf<T>::Type;
  using Mask = typename VecTraits<V>::Mask;
  static constexpr int64_t lanes = VecTraits<V>::lanes;
  static constexpr T infinity = static_cast<T>(__builtin_inf());
  static constexpr T vanishing = sizeof(T) == 4 ? -104 : -746;  // exp of less is zero

  static NDL_HD V get(const T* from, int64_t i, int64_t count) {
    return count - i >= lanes ? load<V>(from + i) : load<V>(from + i, count - i);
  }
  static NDL_HD void put(T* to, V v, int64_t i, int64_t count) {
    if (count - i >= lanes)
      store(to + i, v);
    else
      store(to + i, v, count - i);
  }
  static NDL_HD V exp_of(V d) {
    const Mask vanishes = d < vanishing;
    return select(vanishes, V{}, m_exp(select(vanishes, V{}, d)));
  }
};

// Scales and masks the scores of a row.
template <class T>
NDL_HD void prepare_row(const AttentionTile<T>& tile, int64_t row) {
  T* s = tile.scores + row * tile.cols;
  const T scale = static_cast<T>(tile.scale);
  for (int64_t j = 0; j < tile.cols; ++j) s[j] *= scale;
  if (tile.mask) {
    const T* mask = tile.mask + row * tile.mask_row;
    for (int64_t j = 0; j < tile.cols; ++j) s[j] += mask[j * tile.mask_col];
  }
  if (tile.causal)
    for (int64_t j = row + tile.diagonal + 1 > 0 ? row + tile.diagonal + 1 : 0; j < tile.cols; ++j)
      s[j] = -Numbers<T>::infinity;
}

}  // namespace

template <class T>
void attention_tile(const AttentionTile<T>& tile) {
  using N = Numbers<T>;
  for (int64_t row = 0; row < tile.rows; ++row) {
    prepare_row(tile, row);
    T* s = tile.scores + row * tile.cols;
    T top = tile.top[row];
    for (int64_t j = 0; j < tile.cols; ++j) top = ((s[j] > top) | (s[j] != s[j])) ? s[j] : top;
    if (top == -N::infinity) {  // nothing to look at so far
      for (int64_t j = 0; j < tile.cols; ++j) s[j] = 0;
      continue;
    }
    typename N::V sum = {};
    for (int64_t j = 0; j < tile.cols; j += N::lanes) {
      typename N::V e = N::exp_of(N::get(s, j, tile.cols) - top);
      if (tile.cols - j < N::lanes) e = select(first_lanes<typename N::Mask>(tile.cols - j), e, typename N::V{});
      N::put(s, e, j, tile.cols);
      sum += e;
    }
    const T shrink = tile.top[row] == -N::infinity ? T(0) : m_exp(tile.top[row] - top);
    tile.sum[row] = tile.sum[row] * shrink + horizontal_sum(sum);
    tile.top[row] = top;
    T* y = tile.y + row * tile.width;
    if (shrink != 1)
      for (int64_t i = 0; i < tile.width; ++i) y[i] *= shrink;
  }
}

template <class T>
void attention_finish(const AttentionTile<T>& tile) {
  for (int64_t row = 0; row < tile.rows; ++row) {
    const T sum = tile.sum[row];
    const T factor = sum == 0 ? T(0) : 1 / sum;
    T* y = tile.y + row * tile.width;
    for (int64_t i = 0; i < tile.width; ++i) y[i] *= factor;
    tile.sum[row] = sum == 0 ? T(0) : m_log(sum);
  }
}

template <class T>
void attention_backward(const AttentionTile<T>& tile) {
  using N = Numbers<T>;
  const T scale = static_cast<T>(tile.scale);
  for (int64_t row = 0; row < tile.rows; ++row) {
    prepare_row(tile, row);
    T* s = tile.scores + row * tile.cols;
    T* g = tile.gradient + row * tile.cols;
    const T top = tile.top[row] == -N::infinity ? T(0) : tile.top[row];
    const T log_sum = tile.sum[row];
    const T delta = tile.delta[row];
    for (int64_t j = 0; j < tile.cols; j += N::lanes) {
      const typename N::V p = N::exp_of((N::get(s, j, tile.cols) - top) - log_sum);
      N::put(s, p, j, tile.cols);
      N::put(g, p * (N::get(g, j, tile.cols) - delta) * scale, j, tile.cols);
    }
  }
}

template void attention_tile(const AttentionTile<float>&);
template void attention_tile(const AttentionTile<double>&);
template void attention_finish(const AttentionTile<float>&);
template void attention_finish(const AttentionTile<double>&);
template void attention_backward(const AttentionTile<float>&);
template void attention_backward(const AttentionTile<double>&);

}  // namespace needlecpp::NDL_ISA
