// Prefix sums.
#pragma once

#include "needlecpp/core/tensor.h"

namespace needlecpp {

// y[i] = x[0] + ... + x[i] along `axis`. exclusive: without x[i]. reverse: from the end. Differentiable: the backward
// of a scan is the reversed scan.
Tensor cumsum(const Tensor& x, int64_t axis, bool exclusive = false, bool reverse = false);

}  // namespace needlecpp
