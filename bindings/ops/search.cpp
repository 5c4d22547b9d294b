// Distinct values, membership, and places in sorted rows.
#include "needlecpp/ops/search.h"

#include "binder.h"

namespace needlecpp::python {

void bind_search(Binder b) {
  b.core.def(
      "_unique",
      [](const Tensor& x, bool equal_nan) {
        const Unique found = unique(x, equal_nan);
        return std::tuple(found.values, found.indices, found.inverse, found.counts);
      },
      "a"_a, "equal_nan"_a, Release(), "Distinct values, where each stands first, the inverse, and counts.");
  b.def(
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
  b.def(
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
  b.def(
      "isin",
      [](const Tensor& x, nb::object values, bool invert) {
        const Tensor among = compared(values, x);
        return unlocked([&] { return isin(x, among, invert); });
      },
      "a"_a, "values"_a, nb::kw_only(), "invert"_a = false,
      "Whether each element is among ``values`` (or with ``invert`` is not): bool. NaN equals nothing.\n\n"
      ">>> ndl.isin(ndl.tensor([1, 2, 3]), ndl.tensor([3, 1])).tolist()\n"
      "[True, False, True]");
}

}  // namespace needlecpp::python
