// Products in compressed rows, for a share of the entries.
#include <string.h>

#include "ops/matmul/sparse_kernels.h"
#include "simd/hd.h"
#include "simd/vec.h"

namespace needlecpp::NDL_ISA {
namespace {

template <class T>
constexpr bool kFloating = false;
template <>
constexpr bool kFloating<float> = true;
template <>
constexpr bool kFloating<double> = true;

// The last row that starts at or before entry p.
int64_t row_of(const SparseArgs& args, int64_t p) {
  int64_t low = 0, high = args.rows;
  while (high - low > 1) {
    const int64_t middle = low + (high - low) / 2;
    if (args.offsets[middle] <= p)
      low = middle;
    else
      high = middle;
  }
  return low;
}

// Columns j ... of row_product(), `vectors` whole vectors of them, which stay in registers; with `count`, the first
// lanes of one.
template <class T, int vectors>
NDL_HD void row_vectors(const SparseArgs& args, int64_t begin, int64_t end, int64_t j, int64_t count, T* to) {
  using V = typename VecOf<T>::Type;
  constexpr int64_t lanes = VecTraits<V>::lanes;
  const T* values = static_cast<const T*>(args.values);
  const T* right = static_cast<const T*>(args.right) + j;
  V sum[vectors] = {};
  for (int64_t p = begin; p < end; ++p) {
    const T* from = right + args.columns[p] * args.right_row;
    const T value = values[p];
#pragma GCC unroll 4
    for (int i = 0; i < vectors; ++i) sum[i] += value * (count ? load<V>(from, count) : load<V>(from + i * lanes));
  }
#pragma GCC unroll 4
  for (int i = 0; i < vectors; ++i) count ? store(to + j, sum[i], count) : store(to + j + i * lanes, sum[i]);
}

// to = sum of values[p] * right[columns[p], :] over p in [begin, end).
template <class T>
NDL_HD void row_product(const SparseArgs& args, int64_t begin, int64_t end, T* __restrict to) {
  using U = typename Wrapping<T>::Type;
  const T* values = static_cast<const T*>(args.values);
  const T* right = static_cast<const T*>(args.right);
  if (args.width == 1) {
    U total = 0;
    for (int64_t p = begin; p < end; ++p)
      total += static_cast<U>(values[p]) * static_cast<U>(right[args.columns[p] * args.right_row]);
    to[0] = static_cast<T>(total);
    return;
  }
  if constexpr (kFloating<T>) {
    constexpr int64_t lanes = VecTraits<typename VecOf<T>::Type>::lanes;
    int64_t j = 0;
    for (; j + 4 * lanes <= args.width; j += 4 * lanes) row_vectors<T, 4>(args, begin, end, j, 0, to);
    for (; j + lanes <= args.width; j += lanes) row_vectors<T, 1>(args, begin, end, j, 0, to);
    if (j < args.width) row_vectors<T, 1>(args, begin, end, j, args.width - j, to);
    return;
  }
  memset(to, 0, static_cast<size_t>(args.width) * sizeof(T));
  for (int64_t p = begin; p < end; ++p) {
    const T* from = right + args.columns[p] * args.right_row;
    const U value = static_cast<U>(values[p]);
    for (int64_t j = 0; j < args.width; ++j)
      to[j] = static_cast<T>(static_cast<U>(to[j]) + value * static_cast<U>(from[j]));
  }
}

template <class T>
void product_typed(const SparseArgs& args, int64_t begin, int64_t end, bool last, T* carry) {
  int64_t row = row_of(args, begin);
  if (args.offsets[row] < begin) {
    const int64_t stop = args.offsets[row + 1] < end ? args.offsets[row + 1] : end;
    row_product<T>(args, begin, stop, carry);
    ++row;
  } else {
    // Empty rows at `begin` come first.
    while (row > 0 && args.offsets[row - 1] == begin) --row;
  }
  for (; row < args.rows && (last || args.offsets[row] < end); ++row) {
    const int64_t stop = args.offsets[row + 1] < end ? args.offsets[row + 1] : end;
    row_product<T>(args, args.offsets[row], stop, static_cast<T*>(args.left) + row * args.left_row);
  }
}

template <class T>
void add_carry_typed(const SparseArgs& args, int64_t begin, const T* carry) {
  using U = typename Wrapping<T>::Type;
  const int64_t row = row_of(args, begin);
  if (args.offsets[row] == begin) return;
  T* to = static_cast<T*>(args.left) + row * args.left_row;
  for (int64_t j = 0; j < args.width; ++j) to[j] = static_cast<T>(static_cast<U>(to[j]) + static_cast<U>(carry[j]));
}

template <class T>
void dots_typed(const SparseArgs& args, int64_t begin, int64_t end) {
  using U = typename Wrapping<T>::Type;
  T* values = static_cast<T*>(args.values);
  int64_t row = row_of(args, begin);
  for (int64_t p = begin; p < end; ++p) {
    while (args.offsets[row + 1] <= p) ++row;
    const T* a = static_cast<const T*>(args.left) + row * args.left_row;
    const T* b = static_cast<const T*>(args.right) + args.columns[p] * args.right_row;
    U total[8] = {};
    int64_t j = 0;
    for (; j + 8 <= args.width; j += 8)
      for (int64_t i = 0; i < 8; ++i) total[i] += static_cast<U>(a[j + i]) * static_cast<U>(b[j + i]);
    for (; j < args.width; ++j) total[0] += static_cast<U>(a[j]) * static_cast<U>(b[j]);
    for (int64_t i = 1; i < 8; ++i) total[0] += total[i];
    values[p] = static_cast<T>(total[0]);
  }
}

template <class Fn>
NDL_HD void with_type(const SparseArgs& args, Fn&& fn) {
  if (args.element == Element::I64) return fn(int64_t{});
  with_float(args.element, fn);
}

}  // namespace

int64_t sparse_bad_column(const SparseArgs& args, int64_t begin, int64_t end) {
  for (int64_t p = begin; p < end; ++p)
    if (args.columns[p] < 0 || args.columns[p] >= args.cols) return p;
  return -1;
}

void sparse_product(const SparseArgs& args, int64_t begin, int64_t end, bool last, void* carry) {
  with_type(args, [&]<class T>(T) { product_typed<T>(args, begin, end, last, static_cast<T*>(carry)); });
}

void sparse_add_carry(const SparseArgs& args, int64_t begin, const void* carry) {
  with_type(args, [&]<class T>(T) { add_carry_typed<T>(args, begin, static_cast<const T*>(carry)); });
}

void sparse_dots(const SparseArgs& args, int64_t begin, int64_t end) {
  with_type(args, [&]<class T>(T) { dots_typed<T>(args, begin, end); });
}

}  // namespace needlecpp::NDL_ISA
