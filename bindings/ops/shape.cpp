// Shapes and views.
#include "needlecpp/ops/shape.h"

#include "binder.h"

namespace needlecpp::python {

void bind_shape(Binder& b) {
  b.m.def(
      "reshape", [](const Tensor& x, nb::object shape) { return reshape(x, dims_of(shape)); }, "a"_a, "shape"_a,
      "The same elements in another shape; one size may be -1.");
  b.m.def(
      "broadcast_to", [](const Tensor& x, nb::object shape) { return broadcast_to(x, dims_of(shape)); }, "a"_a,
      "shape"_a, "x repeated along axes of size 1, without a copy.");
  b.m.def(
      "permute", [](const Tensor& x, nb::object axes) { return permute(x, dims_of(axes)); }, "a"_a, "axes"_a,
      "The axes in another order.");
  b.m.def(
      "transpose",
      [](const Tensor& x, nb::object axes) {
        const Dims pair = dims_of(axes);
        NDL_CHECK(pair.empty() || pair.size() == 2, ValueError, "transpose", "swaps two axes: got ", pair.size(),
                  " axes, expected 2. Use permute for more.");
        return pair.empty() ? transpose(x) : transpose(x, pair[0], pair[1]);
      },
      "a"_a, "axes"_a = nb::none(), "Two axes swapped (the last two by default).");
  b.both(
      "flip", [](const Tensor& x, nb::object axes) { return flip(x, dims_of(axes)); }, "a"_a, "axes"_a = nb::none(),
      "The order along the axes reversed, without a copy.");
  b.both(
      "squeeze", [](const Tensor& x, nb::object axis) { return squeeze(x, dims_of(axis)); }, "a"_a,
      "axis"_a = nb::none(), "Without the axes of size 1.");
  b.both("unsqueeze", &unsqueeze, "a"_a, "axis"_a, "A new axis of size 1.");
  b.m.def(
      "slice",
      [](const Tensor& x, int64_t axis, int64_t start, std::optional<int64_t> stop, int64_t step) {
        return slice(x, axis, start, stop.value_or(kSliceEnd), step);
      },
      "a"_a, "axis"_a, "start"_a = 0, "stop"_a = nb::none(), "step"_a = 1, "x[start:stop:step] along one axis.");
  b.m.def("unbind", &unbind, "a"_a, "axis"_a = 0, "The slices along an axis.");
  b.m.def(
      "split",
      [](const Tensor& x, nb::object sections, int64_t axis) {
        const int at = normalize_axis("split", axis, x.rank());
        std::vector<int64_t> sizes;
        if (is_integer(sections)) {
          const int64_t size = nb::cast<int64_t>(sections);
          NDL_CHECK(size > 0, ValueError, "split", "bad section size: got ", size, ", expected 1 or more.");
          for (int64_t left = x.shape()[at]; left > 0; left -= size) sizes.push_back(left < size ? left : size);
        } else {
          sizes = dims_of(sections).to_vector();
        }
        return split(x, axis, sizes);
      },
      "a"_a, "sections"_a, "axis"_a = 0, "Parts along an axis: of one size, or of the sizes listed.");
  b.m.def("concat", &concat, "tensors"_a, "axis"_a = 0, Release(), "Joined along an axis.");
  b.m.def("stack", &stack, "tensors"_a, "axis"_a = 0, Release(), "Joined along a new axis.");
  b.m.def(
      "pad",
      [](const Tensor& x, const std::vector<std::pair<int64_t, int64_t>>& widths, double value) {
        std::vector<int64_t> before;
        std::vector<int64_t> after;
        for (auto [front, back] : widths) {
          before.push_back(front);
          after.push_back(back);
        }
        return pad(x, before, after, value);
      },
      "a"_a, "pad_width"_a, "value"_a = 0.0, Release(), "`value` around x: (before, after) for each axis.");
}

}  // namespace needlecpp::python
