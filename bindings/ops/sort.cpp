// Sorting, searching, counting.
#include "needlecpp/ops/sort.h"

#include "binder.h"
#include "needlecpp/ops/histogram.h"
#include "needlecpp/ops/search.h"
#include "needlecpp/ops/shape.h"

namespace needlecpp::python {

namespace {

// What one sorts over: an axis, or all elements for None.
Tensor row_of(const Tensor& x, std::optional<int64_t> axis) { return axis ? x : reshape(x, {x.numel()}); }

// A number or list to be compared with elements of x: floats beside integers stay floats.
Tensor compared(nb::handle object, const Tensor& x) {
  return is_floating(x.dtype()) ? value_of(object, x.dtype(), x.device())
                                : tensor_of(object, nb::none(), true, x.device());
}

}  // namespace

void bind_sort(Binder& b) {
  b.both(
      "sort",
      [](const Tensor& x, std::optional<int64_t> axis, bool descending, bool /*stable*/) {
        return sort(row_of(x, axis), axis.value_or(-1), descending);
      },
      "a"_a, "axis"_a.none() = -1, "descending"_a = false, "stable"_a = true, Release(),
      "The elements along an axis in order (None: all of them in one row). Always stable; NaN comes last, first when\n"
      "descending. Any dtype. Differentiable.\n\n"
      ">>> ndl.sort(ndl.tensor([3.0, 1.0, 2.0]))\n"
      "tensor([1., 2., 3.])");
  b.both(
      "argsort",
      [](const Tensor& x, std::optional<int64_t> axis, bool descending, bool /*stable*/) {
        return argsort(row_of(x, axis), axis.value_or(-1), descending);
      },
      "a"_a, "axis"_a.none() = -1, "descending"_a = false, "stable"_a = true, Release(),
      "The indices that sort along an axis, int64; see ``sort``.\n\n"
      ">>> ndl.argsort(ndl.tensor([3.0, 1.0, 2.0])).tolist()\n"
      "[1, 2, 0]");
  b.both(
      "sort_with_index",
      [](const Tensor& x, std::optional<int64_t> axis, bool descending, bool /*stable*/) {
        return sort_with_index(row_of(x, axis), axis.value_or(-1), descending);
      },
      "a"_a, "axis"_a.none() = -1, "descending"_a = false, "stable"_a = true, Release(),
      "``sort`` and ``argsort`` in one (PyTorch's sort): values and indices. Differentiable in the values.\n\n"
      ">>> values, indices = ndl.sort_with_index(ndl.tensor([3.0, 1.0, 2.0]), descending=True)\n"
      ">>> values.tolist(), indices.tolist()\n"
      "([3.0, 2.0, 1.0], [0, 2, 1])");
  b.both(
      "topk",
      [](const Tensor& x, int64_t k, int64_t axis, bool largest, bool /*sorted*/) { return topk(x, k, axis, largest); },
      "a"_a, "k"_a, "axis"_a = -1, "largest"_a = true, "sorted"_a = true, Release(),
      "The k largest (or smallest) elements along an axis, best first, and their indices; of equal ones the first. "
      "NaN\n"
      "is above every number. Differentiable in the values.\n\n"
      ">>> values, indices = ndl.topk(ndl.tensor([3.0, 1.0, 4.0, 1.0]), 2)\n"
      ">>> values.tolist(), indices.tolist()\n"
      "([4.0, 3.0], [2, 0])");
  b.m.def("sort_by_key", &sort_by_key, "keys"_a, "values"_a, Release(),
          "Sorted keys [n], and the rows of values [n, ...] in the same order (stable). Differentiable in both.\n\n"
          ">>> keys, values = ndl.sort_by_key(ndl.tensor([2, 1]), ndl.tensor([[20.0], [10.0]]))\n"
          ">>> keys.tolist(), values.tolist()\n"
          "([1, 2], [[10.0], [20.0]])");
  b.m.def(
      "_unique",
      [](const Tensor& x, bool equal_nan) {
        const Unique found = unique(x, equal_nan);
        return std::tuple(found.values, found.indices, found.inverse, found.counts);
      },
      "a"_a, "equal_nan"_a, Release(), "Distinct values, where each stands first, the inverse, and counts.");
  b.m.def(
      "searchsorted",
      [](const Tensor& sorted, nb::object values, const std::optional<std::string>& side, bool right,
         std::optional<Tensor> sorter) {
        NDL_CHECK(!side || side == "left" || side == "right", ValueError, "searchsorted", "bad side: got '",
                  side.value_or(""), "', expected 'left' or 'right'.");
        NDL_CHECK(side != "left" || !right, ValueError, "searchsorted",
                  "two sides: got side='left' and right=True, expected one of them.");
        const Tensor wanted = compared(values, sorted);
        return unlocked(
            [&] { return searchsorted(sorted, wanted, right || side == "right", sorter.value_or(Tensor())); });
      },
      "sorted"_a, "values"_a, "side"_a = nb::none(), nb::kw_only(), "right"_a = false, "sorter"_a = nb::none(),
      "Where each value can be inserted so that the row stays sorted, int64, shape of values: in front of equal "
      "elements,\n"
      "or behind them with side=\"right\" (or right=True). ``sorted`` is one row [n] for all values, or rows [..., n] "
      "for\n"
      "values [..., m]; ``sorter`` holds the indices that sort it, if it is not sorted.\n\n"
      ">>> ndl.searchsorted(ndl.tensor([1.0, 2.0, 3.0]), ndl.tensor([2.0, 2.5])).tolist()\n"
      "[1, 2]");
  b.m.def(
      "bucketize",
      [](nb::object x, const Tensor& boundaries, bool right) {
        const Tensor values = compared(x, boundaries);
        return unlocked([&] { return bucketize(values, boundaries, right); });
      },
      "a"_a, "boundaries"_a, nb::kw_only(), "right"_a = false,
      "The number of the bucket each element lies in: boundaries[i-1] < a <= boundaries[i], or with ``right``\n"
      "boundaries[i-1] <= a < boundaries[i]. int64.\n\n"
      ">>> ndl.bucketize(ndl.tensor([0.5, 1.0, 2.5]), ndl.tensor([1.0, 2.0])).tolist()\n"
      "[0, 0, 2]");
  b.m.def(
      "isin",
      [](const Tensor& x, nb::object values, bool invert) {
        const Tensor among = compared(values, x);
        return unlocked([&] { return isin(x, among, invert); });
      },
      "a"_a, "values"_a, nb::kw_only(), "invert"_a = false,
      "Whether each element is among ``values`` (or with ``invert`` is not): bool. NaN equals nothing.\n\n"
      ">>> ndl.isin(ndl.tensor([1, 2, 3]), ndl.tensor([3, 1])).tolist()\n"
      "[True, False, True]");
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
  b.m.def(
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
