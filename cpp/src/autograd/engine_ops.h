// The few things the engine needs from the ops, which it must not know: defined in ops/engine_ops.cpp.
#pragma once

#include "needlecpp/core/tensor.h"

namespace needlecpp::engine {

Tensor add(const Tensor& a, const Tensor& b);              // on the tape when grad is enabled
void add_in_place(const Tensor& target, const Tensor& b);  // target contiguous, same shape and dtype
Tensor sum_to(const Tensor& x, const Shape& shape);
Tensor cast(const Tensor& x, DType dtype);
bool has_nan(const Tensor& x);
Tensor contiguous_copy(const Tensor& x);                 // always new memory
void write(const Tensor& target, const Tensor& source);  // of one shape and dtype; not on the tape, no new version

// Where a tensor lies in its memory.
struct Place {
  int64_t offset;
  Shape shape;
  Strides strides;
};
// dy is the gradient of a tensor at `seen` after the elements at `edited`, in the same memory, were replaced. What of
// it belongs to the tensor as it was (of dy's shape), and to the elements that were written (of the shape of `edited`).
Tensor gradient_of_kept(const Tensor& dy, const Place& seen, const Place& edited);
Tensor gradient_of_written(const Tensor& dy, const Place& seen, const Place& edited);

}  // namespace needlecpp::engine
