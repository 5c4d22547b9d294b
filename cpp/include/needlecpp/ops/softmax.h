// Softmax and its relatives along one axis, shifted by the maximum so that nothing overflows. All differentiable.
#pragma once

#include "needlecpp/core/tensor.h"

namespace needlecpp {

Tensor softmax(const Tensor& x, int64_t axis = -1);                               // exp(x) / sum(exp(x))
Tensor log_softmax(const Tensor& x, int64_t axis = -1);                           // x - logsumexp(x)
Tensor logsumexp(const Tensor& x, const Dims& axes = {}, bool keepdims = false);  // log(sum(exp(x)))

}  // namespace needlecpp
