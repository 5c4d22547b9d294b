// Differentiation of functions: products with the Jacobian, and recomputation in place of memory.
#pragma once

#include <functional>
#include <utility>

#include "needlecpp/core/tensor.h"

namespace needlecpp {

using TensorFunction = std::function<Tensors(const Tensors&)>;

// The outputs of fn and its vector-Jacobian products: dys^T J, one tensor an input. The inputs need not require grad.
// An undefined dy stands for ones and needs a one-element output. With create_graph the products are on the tape of the
// inputs and dys.
std::pair<Tensors, Tensors> vjp(const TensorFunction& fn, const Tensors& inputs, const Tensors& dys,
                                bool create_graph = false);

// The outputs of fn and its Jacobian-vector products: J tangents, one tensor an output. Computed as the derivative of
// the vector-Jacobian product with respect to its vector, which asks fn to be twice differentiable.
std::pair<Tensors, Tensors> jvp(const TensorFunction& fn, const Tensors& inputs, const Tensors& tangents,
                                bool create_graph = false);

// fn(inputs), keeping the inputs alone for the backward, which runs fn again (with the same random numbers). Gradients
// reach the inputs and every tensor on the tape that fn captured. fn must give the same result each time. (Chen et al.,
// "Training Deep Nets with Sublinear Memory Cost", 2016.)
Tensors checkpoint(const TensorFunction& fn, const Tensors& inputs);

}  // namespace needlecpp
