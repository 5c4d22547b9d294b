// Products of vectors, matrices and tensors under NumPy's and PyTorch's names. All contractions are lowered to one
// matmul each, whose operands are views where their strides allow. Two dtypes are promoted first; half types compute in
// float32, integers wrap around. Differentiable in every tensor, to any order.
#pragma once

#include <string>

#include "needlecpp/core/tensor.h"

namespace needlecpp {

// Einstein's summation: "ij,jk->ik", "...ij->...ji", "ii->i" (a diagonal), "i,j" (letters that stand once, in order,
// are the result). Letters missing on the right are summed over, the ellipsis too; axes of size 1 broadcast. More than
// two operands are contracted pair by pair, each time the pair whose result grows least.
Tensor einsum(const std::string& equation, const Tensors& operands);
// Sums over the axes a_axes of a and b_axes of b, pair by pair (size 1 stretches); the result has a's other axes, then
// b's.
Tensor tensordot(const Tensor& a, const Tensor& b, const Dims& a_axes, const Dims& b_axes);
// Over the last `count` axes of a and the first of b.
Tensor tensordot(const Tensor& a, const Tensor& b, int64_t count = 2);

// matmul that takes exactly [m, k] and [k, n]; [n, m, k] and [n, k, p]; [m, k] and [k].
Tensor mm(const Tensor& a, const Tensor& b);
Tensor bmm(const Tensor& a, const Tensor& b);
Tensor mv(const Tensor& a, const Tensor& b);
// NumPy's dot: over the last axis of a and the last but one of b (the only one of a vector); a number multiplies.
Tensor dot(const Tensor& a, const Tensor& b);
Tensor vdot(const Tensor& a, const Tensor& b);   // of all elements in C order
Tensor inner(const Tensor& a, const Tensor& b);  // over the last axis of both; a number multiplies
// sum of a * b over one axis of both (counted from the end); the others broadcast.
Tensor vecdot(const Tensor& a, const Tensor& b, int64_t axis = -1);
Tensor outer(const Tensor& a, const Tensor& b);  // a[i] b[j] of all elements: [a.numel(), b.numel()]
// Blocks a[i, j, ...] * b: sizes multiply axis by axis, the shorter shape is led by ones.
Tensor kron(const Tensor& a, const Tensor& b);

// beta x + alpha (product of a and b); x broadcasts to the product. With beta 0, x is not read: its NaN do not matter.
Tensor addmm(const Tensor& x, const Tensor& a, const Tensor& b, double beta = 1, double alpha = 1);
Tensor addmv(const Tensor& x, const Tensor& a, const Tensor& b, double beta = 1, double alpha = 1);
Tensor addr(const Tensor& x, const Tensor& a, const Tensor& b, double beta = 1, double alpha = 1);  // outer product
Tensor baddbmm(const Tensor& x, const Tensor& a, const Tensor& b, double beta = 1, double alpha = 1);
// The products of the batch are summed: x [m, p], a [n, m, k], b [n, k, p].
Tensor addbmm(const Tensor& x, const Tensor& a, const Tensor& b, double beta = 1, double alpha = 1);

// The cross product of 3-vectors along `axis` of the broadcast shape.
Tensor cross(const Tensor& a, const Tensor& b, int64_t axis = -1);
// The sum of x[..., i, ..., i + offset, ...] over i; bool and integers give int64.
Tensor trace(const Tensor& x, int64_t offset = 0, int64_t axis_a = 0, int64_t axis_b = 1);

}  // namespace needlecpp
