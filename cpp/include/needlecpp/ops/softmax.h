// Softmax and its relatives along one axis, shifted by the maximum so that nothing overflows. All differentiable; a
// `dtype` (a floating one) is converted to first.
#pragma once

#include <optional>

#include "needlecpp/core/axis_set.h"
#include "needlecpp/core/tensor.h"

namespace needlecpp {

Tensor softmax(const Tensor& x, int64_t axis = -1, std::optional<DType> dtype = {});      // exp(x) / sum(exp(x))
Tensor softmin(const Tensor& x, int64_t axis = -1, std::optional<DType> dtype = {});      // softmax(-x)
Tensor log_softmax(const Tensor& x, int64_t axis = -1, std::optional<DType> dtype = {});  // x - logsumexp(x)
Tensor logsumexp(const Tensor& x, const AxisSet& axes = {}, bool keepdims = false);       // log(sum(exp(x)))

}  // namespace needlecpp
