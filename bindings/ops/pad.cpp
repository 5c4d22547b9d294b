// Padding.
#include "needlecpp/ops/pad.h"

#include "binder.h"

namespace needlecpp::python {
namespace {

using Widths = std::vector<std::pair<int64_t, int64_t>>;

// NumPy's forms: one width for all, one pair for all, or a pair for each axis.
Widths widths_of(nb::handle object, int rank) {
  const size_t axes = static_cast<size_t>(rank);
  if (is_integer(object)) return Widths(axes, {int64_of(object), int64_of(object)});
  NDL_CHECK(nb::isinstance<nb::sequence>(object), TypeError, "pad", "not widths: got ", text_of(object.type()),
            ", expected a number, a pair, or a pair for each axis.");
  Widths widths;
  const nb::sequence items = nb::borrow<nb::sequence>(object);
  if (nb::len(items) == 2 && is_integer(nb::object(items[0])))
    return Widths(axes, {int64_of(nb::object(items[0])), int64_of(nb::object(items[1]))});
  for (nb::handle item : items) {
    const Dims pair = dims_of(item);
    NDL_CHECK(pair.size() == 1 || pair.size() == 2, ValueError, "pad", "not a pair: got ", pair,
              ", expected (before, after).");
    widths.emplace_back(pair[0], pair.back());
  }
  if (widths.size() == 1) return Widths(axes, widths[0]);
  return widths;
}

}  // namespace

void bind_pad(Binder b) {
  b.both(
      "pad",
      [](const Tensor& x, nb::object pad_width, const std::string& mode, double value) {
        std::vector<int64_t> before;
        std::vector<int64_t> after;
        for (auto [front, back] : widths_of(pad_width, x.rank())) {
          before.push_back(front);
          after.push_back(back);
        }
        return unlocked([&] { return pad(x, before, after, pad_mode_from_name(mode.c_str()), value); });
      },
      "a"_a, "pad_width"_a, "mode"_a = "constant", "value"_a = 0.0,
      "Elements around a: (before, after) for each axis, one pair or number for all; negative ones cut off. The modes "
      "of "
      "NumPy and PyTorch: constant, edge (replicate), reflect, symmetric, wrap (circular). Any rank; the gradient of "
      "an "
      "element is the sum over its images.\n\n"
      ">>> ndl.pad(ndl.arange(3), 2, \"reflect\").tolist()\n[2, 1, 0, 1, 2, 1, 0]");
  b.functional.def(
      "pad",
      [](const Tensor& x, nb::object pad, const std::string& mode, std::optional<double> value) {
        const std::vector<int64_t> widths = integers_of(pad);
        return unlocked([&] { return pad_last(x, widths, pad_mode_from_name(mode.c_str()), value.value_or(0)); });
      },
      "input"_a, "pad"_a, "mode"_a = "constant", "value"_a = nb::none(),
      "PyTorch's nn.functional.pad: before and after of the last axis, then of the one before it, and so on. Negative "
      "widths cut off. Modes: constant, reflect, replicate, circular. Any dtype; differentiable in input.\n\n"
      ">>> ndl.nn.functional.pad(ndl.ones(1, 2), (1, 0)).tolist()\n[[0.0, 1.0, 1.0]]");
}

}  // namespace needlecpp::python
