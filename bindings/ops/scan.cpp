// Scans.
#include "needlecpp/ops/scan.h"

#include "binder.h"

namespace needlecpp::python {
namespace {

using SumLike = Tensor (*)(const Tensor&, int64_t, bool, bool, std::optional<DType>);

void sum_like(Binder b, const char* name, SumLike fn, const char* doc) {
  b.both(
      name,
      [fn](const Tensor& x, int64_t axis, bool exclusive, bool reverse, nb::object dtype) {
        const std::optional<DType> to = optional_dtype(dtype);
        return unlocked([&] { return fn(x, axis, exclusive, reverse, to); });
      },
      "a"_a, "axis"_a, "exclusive"_a = false, "reverse"_a = false, "dtype"_a = nb::none(), doc);
}

Tensor or_undefined(const std::optional<Tensor>& x) { return x ? *x : Tensor(); }

}  // namespace

void bind_scan(Binder b) {
  b.both(
      "scan",
      [](const Tensor& x, int64_t axis, const std::string& op, bool exclusive, bool reverse) {
        const FoldOp fold = fold_from_name("scan", op.c_str());
        return unlocked([&] { return scan(x, axis, fold, exclusive, reverse); });
      },
      "a"_a, "axis"_a, "op"_a = "sum", "exclusive"_a = false, "reverse"_a = false,
      R"(The sum, prod, max or min (op) of all elements up to each along an axis.

exclusive leaves the element itself out, so that the first becomes the op's neutral element; reverse runs from the end.
Differentiable any number of times. Sums and products of bool and integers give int64.

>>> ndl.scan(ndl.Tensor([1.0, 2.0, 3.0]), 0, "prod", exclusive=True, reverse=True).tolist()
[6.0, 3.0, 1.0])");
  sum_like(b, "cumsum", &cumsum, R"(Prefix sums along an axis: y[i] = x[0] + ... + x[i]. See scan.

x is converted to a dtype first, which is the result's, too: integers wrap around as they do in it.

>>> ndl.cumsum(ndl.Tensor([1.0, 2.0, 3.0]), 0).tolist()
[1.0, 3.0, 6.0])");
  sum_like(b, "cumprod", &cumprod, R"(Prefix products along an axis: y[i] = x[0] ... x[i]. See scan.

The gradient is right with any number of zeros.

>>> ndl.cumprod(ndl.Tensor([1.0, 2.0, 3.0]), 0).tolist()
[1.0, 2.0, 6.0])");
  b.both("cummax", &cummax, "a"_a, "axis"_a, Release(),
         R"((values, indices): the largest element so far along an axis, and where it stands (the last of equals).

>>> values, indices = ndl.cummax(ndl.Tensor([1.0, 3.0, 2.0]), 0)
>>> values.tolist(), indices.tolist()
([1.0, 3.0, 3.0], [0, 1, 1]))");
  b.both("cummin", &cummin, "a"_a, "axis"_a, Release(),
         R"((values, indices): the smallest element so far along an axis, and where it stands (the last of equals).

>>> values, indices = ndl.cummin(ndl.Tensor([2.0, 1.0, 3.0]), 0)
>>> values.tolist(), indices.tolist()
([2.0, 1.0, 1.0], [0, 1, 1]))");
  for (const char* name : {"logcumsumexp", "cumlogsumexp"})
    b.both(name, &logcumsumexp, "a"_a, "axis"_a, Release(),
           R"(log(exp(x[0]) + ... + exp(x[i])) along an axis, without overflow.

>>> ndl.logcumsumexp(ndl.Tensor([1000.0, -1000.0]), 0).tolist()
[1000.0, 1000.0])");
  b.both(
      "diff",
      [](const Tensor& x, int64_t n, int64_t axis, const std::optional<Tensor>& prepend,
         const std::optional<Tensor>& append) { return diff(x, n, axis, or_undefined(prepend), or_undefined(append)); },
      "a"_a, "n"_a = 1, "axis"_a = -1, "prepend"_a = nb::none(), "append"_a = nb::none(), Release(),
      R"(x[i + 1] - x[i] along an axis, n times over; prepend and append are put around x first. Of bool: !=.

>>> ndl.diff(ndl.Tensor([1.0, 4.0, 9.0])).tolist()
[3.0, 5.0])");
  b.function(
      "trapezoid",
      [](const Tensor& y, const std::optional<Tensor>& x, double dx, int64_t axis) {
        return trapezoid(y, or_undefined(x), dx, axis);
      },
      "y"_a, "x"_a = nb::none(), "dx"_a = 1.0, "axis"_a = -1, Release(),
      R"(The integral of y along an axis by the trapezoidal rule, over the places x or steps of dx.

>>> ndl.trapezoid(ndl.Tensor([1.0, 2.0, 3.0])).item()
4.0)");
}

}  // namespace needlecpp::python
