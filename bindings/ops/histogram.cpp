// Counting into bins.
#include "needlecpp/ops/histogram.h"

#include "binder.h"

namespace needlecpp::python {

void bind_histogram(Binder b) {
  b.both(
      "bincount",
      [](const Tensor& x, std::optional<Tensor> weights, int64_t minlength) {
        return bincount(x, weights.value_or(Tensor()), minlength);
      },
      "a"_a, "weights"_a = nb::none(), "minlength"_a = 0, Release(),
      "counts[v] = how often v occurs in a (integers of at least 0, [n]), int64, or the sum of the weights [n] there.\n"
      "Length max(a) + 1, at least ``minlength``. Differentiable in the weights.\n\n"
      ">>> ndl.bincount(ndl.tensor([0, 2, 2])).tolist()\n"
      "[1, 0, 2]");
  b.def(
      "histogram",
      [](const Tensor& x, nb::object bins, std::optional<std::pair<double, double>> range, bool density,
         std::optional<Tensor> weights) {
        const Tensor w = weights.value_or(Tensor());
        Histogram found;
        if (is_integer(bins)) {
          const int64_t count = int64_of(bins);
          found = unlocked([&] { return histogram(x, count, range, w, density); });
        } else {
          const Tensor edges = compared(bins, x);
          found = unlocked([&] { return histogram(x, edges, w, density); });
        }
        return std::pair(found.counts, found.edges);
      },
      "a"_a, "bins"_a = 10, "range"_a = nb::none(), "density"_a = false, "weights"_a = nb::none(),
      "Counts [bins] and edges [bins + 1]: NumPy's histogram. ``bins`` is a number of equal bins over ``range`` (that "
      "of a\n"
      "by default), or the rising edges. Bins are half open, the last one closed; what lies outside, and NaN, is not\n"
      "counted. Counts are int64, with weights (a's shape) of their dtype; with ``density`` their integral is 1.\n"
      "Differentiable in the weights.\n\n"
      ">>> counts, edges = ndl.histogram(ndl.tensor([0.0, 0.5, 1.0, 3.0]), bins=3)\n"
      ">>> counts.tolist(), edges.tolist()\n"
      "([2, 1, 1], [0.0, 1.0, 2.0, 3.0])");
}

}  // namespace needlecpp::python
