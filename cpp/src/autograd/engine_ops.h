// The few things the engine needs from the ops, which it must not know: defined in ops/engine_ops.cpp.
#pragma once

#include "needlecpp/core/tensor.h"

namespace needlecpp::engine {

Tensor add(const Tensor& a, const Tensor& b);              // on the tape when grad is enabled
void add_in_place(const Tensor& target, const Tensor& b);  // target contiguous, same shape and dtype
Tensor sum_to(const Tensor& x, const Shape& shape);
Tensor cast(const Tensor& x, DType dtype);
bool has_nan(const Tensor& x);
Tensor contiguous_copy(const Tensor& x);  // always new memory

}  // namespace needlecpp::engine
