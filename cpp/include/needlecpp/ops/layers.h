// The small functions of layers. All differentiable in their floating arguments, twice.
#pragma once

#include <cstdint>
#include <optional>

#include "needlecpp/core/tensor.h"

namespace needlecpp {

// x weight^T + bias; the bias may be undefined.
Tensor linear(const Tensor& x,           // [..., in]
              const Tensor& weight,      // [out, in] or [in], which gives [...]
              const Tensor& bias = {});  // [out]
// y[..., o] = x1 weight[o] x2^T + bias[o].
Tensor bilinear(const Tensor& x1,      // [..., in1]
                const Tensor& x2,      // [..., in2]
                const Tensor& weight,  // [out, in1, in2]
                const Tensor& bias = {});

// Rows of the weight. The row padding_idx (negative: from the end) is read but gets no gradient; gradients of one row
// add up in order, the same for any number of threads.
Tensor embedding(const Tensor& indices,  // int64 or int32, any shape
                 const Tensor& weight,   // [rows, width]
                 std::optional<int64_t> padding_idx = {});

// In training each element is zeroed with probability p and grows by 1 / (1 - p) otherwise (Srivastava et al. 2014);
// numbers come from the default generator. x itself when not training.
Tensor dropout(const Tensor& x, double p = 0.5, bool training = true);

}  // namespace needlecpp
