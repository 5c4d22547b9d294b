// Lengths and angles of vectors along an axis. All differentiable, twice.
#pragma once

#include "needlecpp/core/tensor.h"

namespace needlecpp {

// x / max(|x|_p, eps).
Tensor normalize(const Tensor& x, double p = 2, int64_t axis = 1, double eps = 1e-12);
// <x1, x2> / (max(|x1|, eps) max(|x2|, eps)); the two broadcast.
Tensor cosine_similarity(const Tensor& x1, const Tensor& x2, int64_t axis = 1, double eps = 1e-8);
// |x1 - x2 + eps|_p along the last axis.
Tensor pairwise_distance(const Tensor& x1, const Tensor& x2, double p = 2, double eps = 1e-6, bool keepdims = false);

}  // namespace needlecpp
