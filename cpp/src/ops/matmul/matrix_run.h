// What the ops on batches of matrices share: checking and laying out the argument, walking the batch, and naming the
// matrix that fails.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "needlecpp/core/parallel.h"
#include "needlecpp/core/tensor.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/matrix.h"

namespace needlecpp::linalg {

inline void check_matrix(const char* op, const Tensor& x, bool square = false) {
  NDL_CHECK(x.rank() >= 2, ValueError, op, "not a matrix: got shape ", x.shape(), ", expected two axes or more.");
  NDL_CHECK(!square || x.size(-1) == x.size(-2), ValueError, op, "not a square matrix: got shape ", x.shape(),
            ", expected [..., n, n].");
  NDL_CHECK(is_floating(x.dtype()), TypeError, op, "no such function of this dtype: got ", name(x.dtype()),
            ", expected float32 or float64. Cast first.");
}
inline DType compute_type(DType dtype) { return is_half(dtype) ? DType::Float32 : dtype; }

inline Shape batch_shape(const Tensor& x) {
  Shape shape = x.shape();
  shape.erase(shape.size() - 1);
  shape.erase(shape.size() - 1);
  return shape;
}
inline Shape matrices(const Shape& batch, int64_t rows, int64_t columns) {
  Shape shape = batch;
  shape.push_back(rows);
  shape.push_back(columns);
  return shape;
}
inline Shape vectors(const Shape& batch, int64_t size) {
  Shape shape = batch;
  shape.push_back(size);
  return shape;
}
// x in memory of its own, off the tape, row by row.
inline Tensor laid_out(const Tensor& x) { return contiguous(clone(x.detach())); }
// The standard's rule for right sides.
inline bool is_vector(const Tensor& b) { return b.rank() == 1; }

// Calls fn with a zero of the type that dtype names.
template <class Fn>
void with_float(DType dtype, Fn&& fn) {
  if (dtype == DType::Float32)
    fn(float{});
  else
    fn(double{});
}

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

// " (1, 0)" of a batch [2, 3] for matrix 3; nothing where there is one matrix.
inline std::string place_in(const Shape& batch, int64_t index) {
  if (batch.empty()) return "";
  Dims place = batch;
  for (int axis = batch.size() - 1; axis >= 0; --axis) {
    place[axis] = index % batch[axis];
    index /= batch[axis];
  }
  return std::string(" ").append(to_string(place));
}

}  // namespace needlecpp::linalg
