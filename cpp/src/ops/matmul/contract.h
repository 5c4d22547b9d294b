// Contraction of two tensors whose axes have names: what einsum and tensordot come down to.
#pragma once

#include <vector>

#include "needlecpp/core/tensor.h"

namespace needlecpp {

using Labels = std::vector<int>;

// A tensor and the name of each of its axes, no name twice.
struct Labelled {
  Tensor x;
  Labels labels;
};

// The sum over all names that are not in `kept` of a * b. An axis of size 1 stands for any size. The result's axes come
// in an order that suits the product: arrange() puts them in another.
Labelled contract(const char* op, Labelled a, Labelled b, const Labels& kept);
// A view of x whose axes are `order`, which names each of its axes once.
Tensor arrange(const Labelled& x, const Labels& order);
// A view of x without axis `second`, along which `first` walks too: x[..., i, ..., i, ...]. Both have the same size.
Tensor walk_together(const Tensor& x, int first, int second);

}  // namespace needlecpp
