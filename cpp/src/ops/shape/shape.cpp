// Moving axes and elements. A view is new shape, strides and offset on the same storage; its gradient is the inverse
// move, written in these same ops. The views that pick among the elements are in views.cpp.
#include "needlecpp/ops/shape.h"

#include <algorithm>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "ops/shape/ranges.h"
#include "ops/shape/view_strides.h"

namespace needlecpp {
namespace {

Shape infer_size(const Shape& shape, int64_t count) {
  int missing = -1;
  int64_t known = 1;
  for (int i = 0; i < shape.size(); ++i) {
    if (shape[i] == -1) {
      NDL_CHECK(missing < 0, ValueError, "reshape", "more than one size to infer: got ", shape,
                ", expected at most one -1.");
      missing = i;
    } else {
      NDL_CHECK(shape[i] >= 0, ValueError, "reshape", "bad size: got ", shape,
                ", expected sizes of at least 0, or one -1 to infer.");
    }
  }
  Shape full = shape;
  if (missing >= 0) {
    full[missing] = 1;
    known = numel(full);
    NDL_CHECK(known > 0 && count % known == 0, ValueError, "reshape", "cannot infer the -1: got ", shape, " for ",
              count, " elements, expected sizes that divide them.");
    full[missing] = count / known;
  }
  NDL_CHECK(numel(full) == count, ValueError, "reshape", "wrong number of elements: got ", shape, ", expected ", count,
            " elements in all.");
  return full;
}

}  // namespace

Tensor reshape(const Tensor& x, const Shape& shape) {
  Op op("reshape", x);
  const Shape full = infer_size(shape, x.numel());
  Strides strides;
  Tensor source = x;
  if (!view_strides(x.shape(), x.strides(), full, &strides)) {
    NoGrad off;
    source = contiguous(x);
    strides = contiguous_strides(full);
  }
  return op.record(source.view(full, strides, source.offset()), {x}, {},
                   [](Backward& b) { b.give(0, reshape(b.dy(), b.input_shape(0))); });
}

Tensor permute(const Tensor& x, const Dims& axes) {
  Op op("permute", x);
  NDL_CHECK(axes.size() == x.rank(), ValueError, "permute", "wrong number of axes: got ", axes, " for shape ",
            x.shape(), ", expected each axis once.");
  Dims order;
  Dims inverse = Dims::filled(x.rank(), -1);
  Shape shape;
  Strides strides;
  for (int i = 0; i < x.rank(); ++i) {
    const int axis = normalize_axis("permute", axes[i], x.rank());
    NDL_CHECK(inverse[axis] < 0, ValueError, "permute", "repeated axis: got ", axes, ", expected each axis once.");
    inverse[axis] = i;
    shape.push_back(x.shape()[axis]);
    strides.push_back(x.strides()[axis]);
  }
  return op.record(x.view(shape, strides, x.offset()), {x}, {},
                   [inverse](Backward& b) { b.give(0, permute(b.dy(), inverse)); });
}

Tensor transpose(const Tensor& x, int64_t axis_a, int64_t axis_b) {
  Op op("transpose", x);
  const int a = axis_or_none("transpose", axis_a, x);
  const int b = axis_or_none("transpose", axis_b, x);
  Shape shape = x.shape();
  Strides strides = x.strides();
  if (a != b) {
    std::swap(shape[a], shape[b]);
    std::swap(strides[a], strides[b]);
  }
  return op.record(x.view(shape, strides, x.offset()), {x}, {},
                   [a, b](Backward& bw) { bw.give(0, transpose(bw.dy(), a, b)); });
}

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  Op op("broadcast_to", x);
  const int extra = shape.size() - x.rank();
  NDL_CHECK(extra >= 0, ValueError, "broadcast_to", "too few axes: got ", shape, ", expected at least the ", x.rank(),
            " of ", x.shape(), ".");
  Shape full = shape;
  Strides strides;
  for (int i = 0; i < shape.size(); ++i) {
    const int64_t own = i < extra ? 1 : x.shape()[i - extra];
    if (full[i] == -1 && i >= extra) full[i] = own;
    NDL_CHECK(full[i] >= 0 && (full[i] == own || own == 1), ValueError, "broadcast_to", "shapes do not fit: got ",
              shape, ", expected axis ", i, " to keep size ", own, " of ", x.shape(), " (only size 1 expands).");
    strides.push_back(i < extra || full[i] != own ? 0 : x.strides()[i - extra]);
  }
  numel(full);  // throws for a product beyond its range
  // The engine sums the gradient to the input's shape.
  return op.record(x.view(full, strides, x.offset()), {x}, {}, [](Backward& b) { b.give(0, b.dy()); });
}

Tensor squeeze(const Tensor& x) {
  Dims axes;
  for (int i = 0; i < x.rank(); ++i) axes.push_back(i);
  return squeeze(x, axes);
}

Tensor squeeze(const Tensor& x, const Dims& axes) {
  Op op("squeeze", x);
  bool drop[kMaxRank] = {};
  for (int64_t named : axes) {
    const int axis = axis_or_none("squeeze", named, x);
    NDL_CHECK(!drop[axis], ValueError, "squeeze", "an axis repeats: got ", axes, ", expected each axis once.");
    drop[axis] = true;
  }
  Shape shape;
  Strides strides;
  for (int i = 0; i < x.rank(); ++i) {
    if (drop[i] && x.shape()[i] == 1) continue;
    shape.push_back(x.shape()[i]);
    strides.push_back(x.strides()[i]);
  }
  return op.record(x.view(shape, strides, x.offset()), {x}, {},
                   [](Backward& b) { b.give(0, reshape(b.dy(), b.input_shape(0))); });
}

Tensor unsqueeze(const Tensor& x, int64_t axis) {
  Op op("unsqueeze", x);
  const int at = normalize_axis("unsqueeze", axis, x.rank() + 1);
  Shape shape = x.shape();
  Strides strides = x.strides();
  strides.insert(at, at < x.rank() ? shape[at] * strides[at] : 1);
  shape.insert(at, 1);
  return op.record(x.view(shape, strides, x.offset()), {x}, {},
                   [at](Backward& b) { b.give(0, squeeze(b.dy(), {at})); });
}

Tensor flip(const Tensor& x, const AxisSet& axes) {
  Op op("flip", x);
  const Dims flipped = axes.of("flip", std::max(1, x.rank()));
  Strides strides = x.strides();
  int64_t offset = x.offset();
  for (int64_t axis : flipped) {
    if (x.rank() == 0) break;
    const int i = static_cast<int>(axis);
    if (x.numel() > 0) offset += (x.shape()[i] - 1) * strides[i];
    strides[i] = -strides[i];
  }
  return op.record(x.view(x.shape(), strides, offset), {x}, {},
                   [flipped](Backward& b) { b.give(0, flip(b.dy(), flipped)); });
}

Tensor slice(const Tensor& x, int64_t axis, int64_t start, int64_t stop, int64_t step) {
  Op op("slice", x);
  const int at = normalize_axis("slice", axis, x.rank());
  NDL_CHECK(step != 0, ValueError, "slice", "bad step: got 0, expected any other.");
  const int64_t size = x.shape()[at];
  step = std::max(step, -INT64_MAX);  // so that -step exists
  const int64_t lowest = step > 0 ? 0 : -1;
  const int64_t highest = step > 0 ? size : size - 1;
  const auto clip = [&](int64_t bound) { return std::clamp(bound < 0 ? bound + size : bound, lowest, highest); };
  const int64_t first = start == kSliceEnd ? (step > 0 ? 0 : highest) : clip(start);
  const int64_t last = stop == kSliceEnd ? (step > 0 ? size : -1) : clip(stop);
  int64_t length = 0;
  if (step > 0 && first < last) length = (last - first - 1) / step + 1;
  if (step < 0 && last < first) length = (first - last - 1) / -step + 1;
  return slice_range(x, {at, first, length, step});
}

Tensor select(const Tensor& x, int64_t axis, int64_t index) {
  Op op("select", x);
  const int at = normalize_axis("select", axis, x.rank());
  const int64_t size = x.shape()[at];
  NDL_CHECK(index >= -size && index < size, IndexError, "select", "index out of range: got ", index, ", expected -",
            size, " to ", size - 1, " for axis ", at, " of size ", size, ".");
  const Range range = {at, index < 0 ? index + size : index, 1, 1};
  Shape shape = x.shape();
  Strides strides = x.strides();
  shape.erase(at);
  strides.erase(at);
  const Tensor y = x.view(shape, strides, x.offset() + range.start * x.strides()[at]);
  return op.record(y, {x}, {}, [range](Backward& b) {
    b.give(0, slice_backward(unsqueeze(b.dy(), range.axis), b.input_shape(0), range));
  });
}

std::vector<Tensor> split(const Tensor& x, int64_t axis, const std::vector<int64_t>& sizes) {
  Op op("split", x);
  const int at = normalize_axis("split", axis, x.rank());
  Tensors parts;
  int64_t start = 0;
  for (int64_t size : sizes) {
    NDL_CHECK(size >= 0 && size <= x.shape()[at] - start, ValueError, "split", "sizes do not fit: got a part of ", size,
              " at ", start, ", expected sizes that sum to ", x.shape()[at], " on axis ", at, ".");
    parts.push_back(view_range(x, {at, start, size, 1}));
    start += size;
  }
  NDL_CHECK(start == x.shape()[at], ValueError, "split", "sizes do not fit: got a sum of ", start, ", expected ",
            x.shape()[at], " on axis ", at, ".");
  if (parts.empty()) return parts;
  const int count = static_cast<int>(parts.size());
  return op.record(parts, Tensors{x}, Tensors{}, [at, count](Backward& b) {
    Tensors dys;
    for (int k = 0; k < count; ++k) dys.push_back(b.dy_or_zeros(k));
    b.give(0, concat(dys, at));
  });
}

std::vector<Tensor> unbind(const Tensor& x, int64_t axis) {
  Op op("unbind", x);
  const int at = normalize_axis("unbind", axis, x.rank());
  Shape shape = x.shape();
  Strides strides = x.strides();
  shape.erase(at);
  strides.erase(at);
  check_parts("unbind", x.shape()[at]);
  const int count = static_cast<int>(x.shape()[at]);
  Tensors parts;
  for (int k = 0; k < count; ++k) parts.push_back(x.view(shape, strides, x.offset() + k * x.strides()[at]));
  if (parts.empty()) return parts;
  return op.record(parts, Tensors{x}, Tensors{}, [at, count](Backward& b) {
    Tensors dys;
    for (int k = 0; k < count; ++k) dys.push_back(b.dy_or_zeros(k));
    b.give(0, stack(dys, at));
  });
}

}  // namespace needlecpp
