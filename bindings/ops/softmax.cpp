// Softmax and its relatives.
#include "needlecpp/ops/softmax.h"

#include "binder.h"

namespace needlecpp::python {
namespace {

using Along = Tensor (*)(const Tensor&, int64_t, std::optional<DType>);

void along(Binder b, const char* name, Along fn, const char* doc) {
  b.both(
      name,
      [fn](const Tensor& x, int64_t axis, nb::object dtype) {
        const std::optional<DType> to = optional_dtype(dtype);
        return unlocked([&] { return fn(x, axis, to); });
      },
      "a"_a, "axis"_a = -1, "dtype"_a = nb::none(), doc);
}

}  // namespace

void bind_softmax(Binder b) {
  b.reduction("logsumexp", &logsumexp, R"(log(sum(exp(x))) over the axes (all by default), without overflow.

>>> ndl.logsumexp(ndl.Tensor([1000.0, -1000.0])).item()
1000.0)");
  along(b.layers(), "softmax", &softmax,
        R"(exp(x) / sum(exp(x)) along an axis, without overflow; dtype is converted to first.

>>> ndl.softmax(ndl.Tensor([0.0, 0.0])).tolist()
[0.5, 0.5])");
  along(b.layers(), "softmin", &softmin, R"(softmax(-x) along an axis; dtype is converted to first.

>>> ndl.softmin(ndl.Tensor([0.0, 0.0])).tolist()
[0.5, 0.5])");
  along(b.layers(), "log_softmax", &log_softmax, R"(x - logsumexp(x) along an axis; dtype is converted to first.

>>> ndl.log_softmax(ndl.Tensor([1000.0, 0.0])).tolist()
[0.0, -1000.0])");
  b.ops.attr("logsoftmax") = b.ops.attr("log_softmax");
}

}  // namespace needlecpp::python
