// Packed rows of different lengths: values [total, ...], where segment s has the rows offsets[s] to offsets[s + 1]. The
// samples of rays, the rows of a CSR matrix and ragged batches are all of this kind.
#pragma once

#include "needlecpp/core/tensor.h"
#include "needlecpp/ops/scan.h"

namespace needlecpp {

// Offsets start at 0, never fall and end at the number of rows; every op checks them.
struct Segments {
  Tensor offsets;  // [n_segments + 1] int64
};

// y[s] = the sum, product, maximum or minimum of segment s, [n_segments, ...]. An empty segment gives the neutral
// element (see scan). Differentiable; ties share the gradient.
Tensor segment_reduce(const Tensor& values,  // [total, ...]
                      const Segments& segments, FoldOp fold = FoldOp::Sum);
// The mean of each segment; NaN where it is empty. Integers give float32.
Tensor segment_mean(const Tensor& values, const Segments& segments);
// The scan of each segment, [total, ...]: see scan.
Tensor segment_scan(const Tensor& values, const Segments& segments, FoldOp fold = FoldOp::Sum, bool exclusive = false,
                    bool reverse = false);
// y[i] = values[s] for every row i of segment s, [total, ...]: the reverse of segment_reduce. Differentiable.
Tensor segment_expand(const Tensor& values,  // [n_segments, ...]
                      const Segments& segments);
// The segment of every row, [total] int64.
Tensor segment_ids(const Segments& segments);

}  // namespace needlecpp
