// What the ops on batches of matrices share: checking and laying out the argument, and naming the matrix that fails.
#pragma once

#include <string>

#include "needlecpp/core/tensor.h"
#include "needlecpp/ops/creation.h"
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
inline Tensor identity_like(const Tensor& x, int64_t n) { return eye(n, n, 0, x.dtype(), x.device()); }
// The standard's rule for right sides.
inline bool is_vector(const Tensor& b) { return b.rank() == 1; }

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
