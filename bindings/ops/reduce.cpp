// Reductions.
#include "needlecpp/ops/reduce.h"

#include "binder.h"
#include "needlecpp/ops/shape.h"

namespace needlecpp::python {
namespace {

using TypedReduction = Tensor (*)(const Tensor&, const AxisSet&, bool, MaybeDType);
using SpreadFn = Tensor (*)(const Tensor&, const AxisSet&, double, bool);

void typed(Binder b, const char* name, TypedReduction fn, const char* doc) {
  const auto make = [name, fn](AxesOf axes_of) {
    return [name, fn, axes_of](const Tensor& x, nb::object axis, bool keepdims, nb::object dtype, nb::object axes) {
      const AxisSet over = axes_of(either(name, "axis", axis, "axes", axes));
      const MaybeDType to = optional_dtype(dtype);
      return unlocked([&] { return fn(x, over, keepdims, to); });
    };
  };
  b.over_axes(name, make, "a"_a, "axis"_a = nb::none(), "keepdims"_a = false, "dtype"_a = nb::none(),
              "axes"_a = nb::none(), doc);
}

// What is taken off the number of elements: PyTorch's correction or unbiased, NumPy's ddof; 1 if nothing is said.
double correction_of(nb::handle correction, nb::handle ddof, nb::handle unbiased) {
  const int given = !correction.is_none() + !ddof.is_none() + !unbiased.is_none();
  NDL_CHECK(given <= 1, ValueError, "var", "correction, ddof and unbiased mean the same: got ", given,
            " of them, expected one.");
  if (!unbiased.is_none()) return nb::cast<bool>(unbiased) ? 1 : 0;
  const nb::handle value = correction.is_none() ? ddof : correction;
  return value.is_none() ? 1 : double_of(value);
}

template <class Fn>
void spread(Binder b, const char* name, Fn fn, const char* doc) {
  const auto make = [fn](AxesOf axes_of) {
    return [fn, axes_of](const Tensor& x, nb::object axis, nb::object unbiased, bool keepdims, nb::object correction,
                         nb::object ddof) {
      if (nb::isinstance<nb::bool_>(axis)) std::swap(axis, unbiased);  // PyTorch's std(x, False)
      const double taken = correction_of(correction, ddof, unbiased);
      const AxisSet over = axes_of(axis);
      return unlocked([&] { return fn(x, over, taken, keepdims); });
    };
  };
  b.over_axes(name, make, "a"_a, "axis"_a = nb::none(), "unbiased"_a = nb::none(), "keepdims"_a = false,
              "correction"_a = nb::none(), "ddof"_a = nb::none(), doc);
}

template <SpreadFn fn>
std::pair<Tensor, Tensor> with_mean(const Tensor& x, const AxisSet& axes, double correction, bool keepdims) {
  return {fn(x, axes, correction, keepdims), mean(x, axes, keepdims)};
}

void bind_places(Binder b) {
  for (const bool is_max : {true, false}) {
    b.both(
        is_max ? "argmax" : "argmin",
        [is_max](const Tensor& x, std::optional<int64_t> axis, bool keepdims) {
          const auto fn = is_max ? &argmax : &argmin;
          if (axis) return fn(x, *axis, keepdims);
          const Tensor flat = fn(reshape(x.detach(), {-1}), 0, false);
          return keepdims ? reshape(flat, Dims::filled(x.rank(), 1)) : flat;
        },
        "a"_a, "axis"_a = nb::none(), "keepdims"_a = false, Release(),
        is_max ? R"(Index of the first largest value along an axis (in the flattened tensor by default), int64.

>>> ndl.argmax(ndl.Tensor([1.0, 3.0, 2.0])).item()
1)"
               : R"(Index of the first smallest value along an axis (in the flattened tensor by default), int64.

>>> ndl.argmin(ndl.Tensor([2.0, 1.0, 3.0])).item()
1)");
  }
  b.both("max_with_index", &max_with_index, "a"_a, "axis"_a, "keepdims"_a = false, Release(),
         R"((values, indices) of the maximum along an axis: PyTorch's max(x, dim). The gradient goes to that element.

>>> values, indices = ndl.max_with_index(ndl.Tensor([[1.0, 3.0], [5.0, 4.0]]), 1)
>>> values.tolist(), indices.tolist()
([3.0, 5.0], [1, 0]))");
  b.both("min_with_index", &min_with_index, "a"_a, "axis"_a, "keepdims"_a = false, Release(),
         R"((values, indices) of the minimum along an axis: PyTorch's min(x, dim). The gradient goes to that element.

>>> values, indices = ndl.min_with_index(ndl.Tensor([[1.0, 3.0], [5.0, 4.0]]), 1)
>>> values.tolist(), indices.tolist()
([1.0, 4.0], [0, 1]))");
  b.both("median", &median, "a"_a, "axis"_a = nb::none(), "keepdims"_a = false, Release(),
         R"(The middle value along an axis (of all by default), the lower of the two where there is an even number.

PyTorch's choice; NumPy's is the mean of both. Differentiable: the chosen element has the gradient.

>>> ndl.median(ndl.Tensor([4.0, 1.0, 3.0, 2.0])).item()
2.0)");
}

}  // namespace

void bind_reduce(Binder b) {
  typed(b, "sum", &sum, R"(Sum over the axes (all by default; none for axis=()); bool and integers give int64.

x is converted to a dtype first, which is the result's, too: integers wrap around as they do in it.

>>> ndl.sum(ndl.Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0).tolist()
[4.0, 6.0])");
  typed(b, "prod", &prod,
        R"(Product over the axes (all by default); bool and integers give int64, unless a dtype is named.

The gradient is the product of the others, whatever of them are 0.

>>> ndl.prod(ndl.Tensor([2.0, 3.0, 4.0])).item()
24.0)");
  typed(
      b, "mean", &mean,
      R"(Mean over the axes (all by default); integers give float32. A dtype is converted to first, and is a floating one.

>>> ndl.mean(ndl.Tensor([1.0, 2.0, 6.0])).item()
3.0)");
  typed(b, "nansum", &nansum, R"(Sum of the elements that are not NaN; see sum for the axes and the dtype.

>>> ndl.nansum(ndl.Tensor([1.0, float("nan"), 2.0])).item()
3.0)");
  typed(b, "nanmean", &nanmean, R"(Mean of the elements that are not NaN; see mean for the dtype.

>>> ndl.nanmean(ndl.Tensor([1.0, float("nan"), 2.0])).item()
1.5)");
  spread(b, "var", &var, R"(sum((x - mean)^2) / max(0, n - correction) over the axes.

The correction is 1 by default, as in PyTorch; unbiased=False or ddof=0 give NumPy's. Differentiable.

>>> ndl.var(ndl.Tensor([1.0, 2.0, 3.0])).item()
1.0)");
  spread(b, "std", &standard_deviation, R"(The square root of var; its gradient at 0 is 0.

>>> ndl.std(ndl.Tensor([1.0, 2.0, 3.0])).item()
1.0)");
  spread(b, "var_mean", &with_mean<&var>, R"((var, mean) over the axes.

>>> [v.item() for v in ndl.var_mean(ndl.Tensor([1.0, 2.0, 3.0]))]
[1.0, 2.0])");
  spread(b, "std_mean", &with_mean<&standard_deviation>, R"((std, mean) over the axes.

>>> [v.item() for v in ndl.std_mean(ndl.Tensor([1.0, 2.0, 3.0]))]
[1.0, 2.0])");
  for (const char* name : {"vector_norm", "norm"})
    b.over_axes(
        name,
        [](AxesOf axes_of) {
          return [axes_of](const Tensor& x, double ord, nb::object axis, bool keepdims, nb::object dtype) {
            const AxisSet over = axes_of(axis);
            const MaybeDType to = optional_dtype(dtype);
            return unlocked([&] { return vector_norm(x, ord, over, keepdims, to); });
          };
        },
        "a"_a, "ord"_a = 2.0, "axis"_a = nb::none(), "keepdims"_a = false, "dtype"_a = nb::none(),
        R"(sum(|x|^ord)^(1/ord) over the axes (all by default).

ord inf and -inf give the largest and smallest |x|, 0 the number of elements other than 0. Integers give float32. The
gradient where the norm is 0 is 0.

>>> ndl.vector_norm(ndl.Tensor([3.0, 4.0])).item()
5.0)");

  b.reduction("count_nonzero", &count_nonzero, R"(The number of elements other than 0, int64.

>>> ndl.count_nonzero(ndl.Tensor([0.0, 1.0, 2.0])).item()
2)");
  b.reduction("all", &all, R"(Whether no element is 0, over the axes (all by default); true of nothing.

>>> bool(ndl.all(ndl.Tensor([1.0, 2.0])).item())
True)");
  b.reduction("any", &any, R"(Whether an element is not 0, over the axes (all by default); false of nothing.

>>> bool(ndl.any(ndl.Tensor([0.0, 2.0])).item())
True)");
  for (const char* name : {"max", "amax"})
    b.reduction(name, &max, R"(Maximum over the axes (all by default); NaN wins, ties share the gradient.

>>> ndl.max(ndl.Tensor([[1.0, 2.0], [4.0, 3.0]]), axis=1).tolist()
[2.0, 4.0])");
  for (const char* name : {"min", "amin"})
    b.reduction(name, &min, R"(Minimum over the axes (all by default); NaN wins, ties share the gradient.

>>> ndl.min(ndl.Tensor([[1.0, 2.0], [4.0, 3.0]]), axis=1).tolist()
[1.0, 3.0])");
  b.reduction("ptp", &ptp, R"(Maximum minus minimum over the axes (all by default).

>>> ndl.ptp(ndl.Tensor([1.0, 5.0, 2.0])).item()
4.0)");
  b.over_axes(
      "aminmax",
      [](AxesOf axes_of) {
        return [axes_of](const Tensor& x, nb::object axis, bool keepdims) {
          const AxisSet over = axes_of(axis);
          return unlocked([&] { return std::pair(min(x, over, keepdims), max(x, over, keepdims)); });
        };
      },
      "a"_a, "axis"_a = nb::none(), "keepdims"_a = false, R"((min, max) over the axes (all by default).

>>> [v.item() for v in ndl.aminmax(ndl.Tensor([3.0, 1.0, 2.0]))]
[1.0, 3.0])");
  bind_places(b);
}

}  // namespace needlecpp::python
