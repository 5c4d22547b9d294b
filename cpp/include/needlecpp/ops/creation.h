// New tensors from a rule, on this thread's default device unless another is named. (Zeros, ones and single values:
// Tensor::zeros and its kin in core/tensor.h.)
#pragma once

#include "needlecpp/core/tensor.h"

namespace needlecpp {

// start, start + step, ... up to but without stop: ceil((stop - start) / step) elements, none if that is negative.
Tensor arange(double start, double stop, double step = 1, DType dtype = DType::Float32,
              Device device = default_device());
Tensor arange(int64_t start, int64_t stop, int64_t step = 1, DType dtype = DType::Int64,
              Device device = default_device());
// `count` numbers at equal distances from start to stop, which is the last of them if `endpoint`. Integers round down
// towards zero.
Tensor linspace(double start, double stop, int64_t count, bool endpoint = true, DType dtype = DType::Float32,
                Device device = default_device());
// base to the power of those.
Tensor logspace(double start, double stop, int64_t count, double base = 10, bool endpoint = true,
                DType dtype = DType::Float32, Device device = default_device());
// Ones on diagonal `offset` of a matrix of zeros.
Tensor eye(int64_t rows, int64_t columns, int64_t offset = 0, DType dtype = DType::Float32,
           Device device = default_device());
// Positions of the elements on and below (above) diagonal `offset` of a matrix, int64 [2, count], row by row.
Tensor tril_indices(int64_t rows, int64_t columns, int64_t offset = 0, Device device = default_device());
Tensor triu_indices(int64_t rows, int64_t columns, int64_t offset = 0, Device device = default_device());

}  // namespace needlecpp
