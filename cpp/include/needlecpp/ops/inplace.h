// Edits in place. Each writes into the memory of `target`, which every view of it sees, and advances the version that
// tensors saved for a backward pass are checked against. What does not fit into target's shape and dtype is refused.
//
// On the tape (when target, a view of its memory or another operand requires grad) target and all views of its memory
// go on with the result and the gradient of the op out of place. A leaf that requires grad, and memory that a NumPy
// array or a detached tensor shares, are refused then: see edit_on_tape() in autograd/function.h.
#pragma once

#include "needlecpp/core/tensor.h"

namespace needlecpp {

void copy_(const Tensor& target, const Tensor& source);  // broadcasts and casts source
void fill_(const Tensor& target, double value);
void add_(const Tensor& target, const Tensor& source, double scale = 1);  // target += scale * source
void sub_(const Tensor& target, const Tensor& source, double scale = 1);  // target -= scale * source
void mul_(const Tensor& target, const Tensor& factor);
void mul_(const Tensor& target, double factor);
void div_(const Tensor& target, const Tensor& divisor);
void div_(const Tensor& target, double divisor);

// target = op(target) and target = op(target, other), for any op; `name` stands in errors.
void edit_(const char* name, const Tensor& target, Tensor (*op)(const Tensor&));
void edit_(const char* name, const Tensor& target, const Tensor& other, Tensor (*op)(const Tensor&, const Tensor&));

}  // namespace needlecpp
