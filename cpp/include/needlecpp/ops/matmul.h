// Matrix products.
#pragma once

#include "needlecpp/core/tensor.h"

namespace needlecpp {

// NumPy's matmul: a [..., m, k] times b [..., k, n] gives [..., m, n]; leading axes broadcast; a 1-D operand is a row
// (left) or a column (right) whose axis is dropped from the result. Transposed operands are read without a copy.
// float32 and float64 use the packed kernels; half types compute in float32; integers wrap around. Differentiable in
// both.
Tensor matmul(const Tensor& a, const Tensor& b);

}  // namespace needlecpp
