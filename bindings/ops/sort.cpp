// Sorting.
#include "needlecpp/ops/sort.h"

#include "binder.h"
#include "needlecpp/ops/shape.h"

namespace needlecpp::python {
namespace {

// What one sorts over: an axis, or all elements for None.
Tensor row_of(const Tensor& x, std::optional<int64_t> axis) { return axis ? x : reshape(x, {x.numel()}); }

}  // namespace

void bind_sort(Binder b) {
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
  b.def("sort_by_key", &sort_by_key, "keys"_a, "values"_a, Release(),
        "Sorted keys [n], and the rows of values [n, ...] in the same order (stable). Differentiable in both.\n\n"
        ">>> keys, values = ndl.sort_by_key(ndl.tensor([2, 1]), ndl.tensor([[20.0], [10.0]]))\n"
        ">>> keys.tolist(), values.tolist()\n"
        "([1, 2], [[10.0], [20.0]])");
}

}  // namespace needlecpp::python
