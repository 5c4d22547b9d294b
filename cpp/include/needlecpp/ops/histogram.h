// Counting into bins. Differentiable in the weights.
#pragma once

#include <optional>
#include <utility>

#include "needlecpp/core/tensor.h"

namespace needlecpp {

// counts[v] = how often v occurs in x (integers of at least 0), or the sum of the weights that stand where it does.
// Length max(x) + 1, at least `minlength`. int64 without weights, else the weights' dtype (float64 for integers). The
// order of the sum does not depend on the threads.
Tensor bincount(const Tensor& x,                   // [n]
                const Tensor& weights = Tensor(),  // [n]
                int64_t minlength = 0);

struct Histogram {
  Tensor counts;  // [bins]: int64, or the weights' dtype; with `density` floats whose integral over the bins is 1
  Tensor edges;   // [bins + 1]: x's dtype if it is float32 or float64, float64 for integers, float32 for half types
};
// Equal bins over `range` (that of x by default); a bin holds edges[i] <= x < edges[i + 1], the last one its right edge
// too. What lies outside, and NaN, is not counted.
Histogram histogram(const Tensor& x, int64_t bins = 10, std::optional<std::pair<double, double>> range = std::nullopt,
                    const Tensor& weights = Tensor(), bool density = false);
// Between rising edges [bins + 1].
Histogram histogram(const Tensor& x, const Tensor& edges, const Tensor& weights = Tensor(), bool density = false);

}  // namespace needlecpp
