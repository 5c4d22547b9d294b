// Products with a sparse matrix A [rows, cols] in compressed rows (CSR): row r has the entries offsets[r] to
// offsets[r + 1], entry p stands in column columns[p] and has the value values[p]. Columns need no order and may repeat
// (their values add up). Indices are int64 or int32 and are checked. Differentiable in values and dense operands, to
// any order; the transposed product of the backward is a product in compressed rows too, so sums have one order and
// results do not depend on the threads.
#pragma once

#include "needlecpp/core/tensor.h"

namespace needlecpp {

// A x
Tensor spmv(const Tensor& offsets,  // [rows + 1]
            const Tensor& columns,  // [n]
            const Tensor& values,   // [n]
            const Tensor& x);       // [cols] -> [rows]
// A B
Tensor spmm(const Tensor& offsets,  // [rows + 1]
            const Tensor& columns,  // [n]
            const Tensor& values,   // [n]
            const Tensor& dense);   // [cols, k] -> [rows, k]

}  // namespace needlecpp
