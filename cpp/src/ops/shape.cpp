// Moving axes and elements. A view is new shape, strides and offset on the same storage; its gradient is the inverse
// move, written in these same ops. Copies (concat, stack, pad, the gradient of slice) go through copy_rows.
#include "needlecpp/ops/shape.h"

#include <algorithm>

#include "needlecpp/autograd/function.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "ops/shape_kernels.h"
#include "ops/view_strides.h"

namespace needlecpp {
namespace {

constexpr int64_t kCopyGrain = 64 << 10;  // bytes a thread must have to copy before a second one pays

int64_t product(const Shape& shape, int begin, int end) {
  int64_t count = 1;
  for (int i = begin; i < end; ++i) count *= shape[i];
  return count;
}

// Copies all rows of all parts into one result; the parts fill each block of rows while it is in cache.
void copy_all_rows(const std::vector<CopyRowsArgs>& parts, int64_t rows) {
  int64_t row_bytes = 0;
  for (const CopyRowsArgs& part : parts) row_bytes += part.bytes;
  if (row_bytes == 0 || rows == 0) return;
  if (rows < 4 * num_threads() && row_bytes > kCopyGrain) {
    for (const CopyRowsArgs& part : parts)
      for (int64_t r = 0; r < rows; ++r)
        parallel_for(part.bytes, kCopyGrain, [&](int64_t begin, int64_t end) {
          const CopyRowsArgs piece = {part.to + r * part.to_stride + begin, 0, part.from + r * part.from_stride + begin,
                                      0, end - begin};
          NDL_KERNEL(copy_rows)(piece, 0, 1);
        });
    return;
  }
  const int64_t block = std::max<int64_t>(1, (16 << 10) / row_bytes);
  parallel_for(rows, std::max<int64_t>(1, kCopyGrain / row_bytes), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r += block)
      for (const CopyRowsArgs& part : parts) NDL_KERNEL(copy_rows)(part, r, std::min(end, r + block));
  });
}

// The copy of `source` into `target` (same shape and dtype) as rows of all axes from `axis` on, if the elements of a
// row lie side by side in both.
bool as_row_copy(const Tensor& target, const Tensor& source, int axis, CopyRowsArgs* args) {
  const int64_t rows = product(target.shape(), 0, axis);
  const int64_t row = product(target.shape(), axis, target.rank());
  Strides to;
  Strides from;
  if (!view_strides(target.shape(), target.strides(), {rows, row}, &to)) return false;
  if (!view_strides(source.shape(), source.strides(), {rows, row}, &from)) return false;
  if (row > 1 && (to[1] != 1 || from[1] != 1)) return false;
  const int64_t item = static_cast<int64_t>(itemsize(target.dtype()));
  *args = {static_cast<char*>(target.raw()), to[0] * item, static_cast<const char*>(source.raw()), from[0] * item,
           row * item};
  return true;
}

void copy_into(const Tensor& target, const Tensor& source, int axis) {
  CopyRowsArgs args;
  if (as_row_copy(target, source, axis, &args)) {
    copy_all_rows({args}, product(target.shape(), 0, axis));
  } else {
    NoGrad off;
    copy_(target, source);
  }
}

// Elements start, start + step, ... (`length` of them) of one axis.
struct Range {
  int axis;
  int64_t start;
  int64_t length;
  int64_t step;
};

Tensor view_range(const Tensor& x, const Range& range) {
  Shape shape = x.shape();
  Strides strides = x.strides();
  shape[range.axis] = range.length;
  if (range.length > 1) strides[range.axis] *= range.step;
  const bool empty = range.length == 0 || x.numel() == 0;
  return x.view(shape, strides, empty ? x.offset() : x.offset() + range.start * x.strides()[range.axis]);
}

Tensor slice_backward(const Tensor& dy, const Shape& shape, const Range& range);

Tensor slice_range(const Tensor& x, const Range& range) {
  return record("slice", view_range(x, range), {x}, {},
                [range](Backward& b) { b.give(0, slice_backward(b.dy(), b.input_shape(0), range)); });
}

// Zeros of `shape` with dy where the slice was taken.
Tensor slice_backward(const Tensor& dy, const Shape& shape, const Range& range) {
  OpScope scope("slice_backward");
  Tensor dx = Tensor::zeros(shape, dy.dtype(), dy.device());
  copy_into(view_range(dx, range), dy, range.axis);
  return record("slice_backward", dx, {dy}, {}, [range](Backward& b) { b.give(0, slice_range(b.dy(), range)); });
}

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
  OpScope scope("reshape");
  const Shape full = infer_size(shape, x.numel());
  Strides strides;
  Tensor source = x;
  if (!view_strides(x.shape(), x.strides(), full, &strides)) {
    NoGrad off;
    source = contiguous(x);
    strides = contiguous_strides(full);
  }
  return record("reshape", source.view(full, strides, source.offset()), {x}, {},
                [](Backward& b) { b.give(0, reshape(b.dy(), b.input_shape(0))); });
}

Tensor permute(const Tensor& x, const Dims& axes) {
  OpScope scope("permute");
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
  return record("permute", x.view(shape, strides, x.offset()), {x}, {},
                [inverse](Backward& b) { b.give(0, permute(b.dy(), inverse)); });
}

Tensor transpose(const Tensor& x, int64_t axis_a, int64_t axis_b) {
  OpScope scope("transpose");
  const int a = normalize_axis("transpose", axis_a, x.rank());
  const int b = normalize_axis("transpose", axis_b, x.rank());
  Shape shape = x.shape();
  Strides strides = x.strides();
  std::swap(shape[a], shape[b]);
  std::swap(strides[a], strides[b]);
  return record("transpose", x.view(shape, strides, x.offset()), {x}, {},
                [a, b](Backward& bw) { bw.give(0, transpose(bw.dy(), a, b)); });
}

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  OpScope scope("broadcast_to");
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
  return record("broadcast_to", x.view(full, strides, x.offset()), {x}, {}, [](Backward& b) { b.give(0, b.dy()); });
}

Tensor squeeze(const Tensor& x, const Dims& axes) {
  OpScope scope("squeeze");
  bool drop[kMaxRank] = {};
  for (int64_t named : axes) {
    const int axis = normalize_axis("squeeze", named, x.rank());
    NDL_CHECK(x.shape()[axis] == 1, ValueError, "squeeze", "axis ", axis, " is not of size 1: got ", x.shape(),
              ", expected size 1 there.");
    drop[axis] = true;
  }
  Shape shape;
  Strides strides;
  for (int i = 0; i < x.rank(); ++i) {
    if (drop[i] || (axes.empty() && x.shape()[i] == 1)) continue;
    shape.push_back(x.shape()[i]);
    strides.push_back(x.strides()[i]);
  }
  return record("squeeze", x.view(shape, strides, x.offset()), {x}, {},
                [](Backward& b) { b.give(0, reshape(b.dy(), b.input_shape(0))); });
}

Tensor unsqueeze(const Tensor& x, int64_t axis) {
  OpScope scope("unsqueeze");
  const int at = normalize_axis("unsqueeze", axis, x.rank() + 1);
  Shape shape = x.shape();
  Strides strides = x.strides();
  strides.insert(at, at < x.rank() ? shape[at] * strides[at] : 1);
  shape.insert(at, 1);
  return record("unsqueeze", x.view(shape, strides, x.offset()), {x}, {},
                [at](Backward& b) { b.give(0, squeeze(b.dy(), {at})); });
}

Tensor flip(const Tensor& x, const Dims& axes) {
  OpScope scope("flip");
  const Dims flipped = normalize_axes("flip", axes, x.rank());
  Strides strides = x.strides();
  int64_t offset = x.offset();
  for (int64_t axis : flipped) {
    const int i = static_cast<int>(axis);
    if (x.numel() > 0) offset += (x.shape()[i] - 1) * strides[i];
    strides[i] = -strides[i];
  }
  return record("flip", x.view(x.shape(), strides, offset), {x}, {},
                [flipped](Backward& b) { b.give(0, flip(b.dy(), flipped)); });
}

Tensor slice(const Tensor& x, int64_t axis, int64_t start, int64_t stop, int64_t step) {
  OpScope scope("slice");
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
  OpScope scope("select");
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
  return record("select", y, {x}, {}, [range](Backward& b) {
    b.give(0, slice_backward(unsqueeze(b.dy(), range.axis), b.input_shape(0), range));
  });
}

std::vector<Tensor> split(const Tensor& x, int64_t axis, const std::vector<int64_t>& sizes) {
  OpScope scope("split");
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
  return record("split", parts, Tensors{x}, Tensors{}, [at, count](Backward& b) {
    Tensors dys;
    for (int k = 0; k < count; ++k) dys.push_back(b.dy_or_zeros(k));
    b.give(0, concat(dys, at));
  });
}

std::vector<Tensor> unbind(const Tensor& x, int64_t axis) {
  OpScope scope("unbind");
  const int at = normalize_axis("unbind", axis, x.rank());
  Shape shape = x.shape();
  Strides strides = x.strides();
  shape.erase(at);
  strides.erase(at);
  const int count = static_cast<int>(x.shape()[at]);
  Tensors parts;
  for (int k = 0; k < count; ++k) parts.push_back(x.view(shape, strides, x.offset() + k * x.strides()[at]));
  if (parts.empty()) return parts;
  return record("unbind", parts, Tensors{x}, Tensors{}, [at, count](Backward& b) {
    Tensors dys;
    for (int k = 0; k < count; ++k) dys.push_back(b.dy_or_zeros(k));
    b.give(0, stack(dys, at));
  });
}

Tensor concat(const Tensors& parts, int64_t axis) {
  OpScope scope("concat");
  NDL_CHECK(!parts.empty(), ValueError, "concat", "nothing to join: got no tensors, expected at least one.");
  const Tensor& first = parts[0];
  NDL_CHECK(first.rank() > 0, ValueError, "concat",
            "scalars have no axis to join: got shape (), expected at least one axis. Use stack.");
  const int at = normalize_axis("concat", axis, first.rank());
  DType dtype = first.dtype();
  Shape shape = first.shape();
  shape[at] = 0;
  for (const Tensor& part : parts) {
    NDL_CHECK(part.rank() == first.rank(), ValueError, "concat", "ranks differ: got ", part.shape(),
              ", expected the rank of ", first.shape(), ".");
    for (int i = 0; i < first.rank(); ++i)
      NDL_CHECK(i == at || part.shape()[i] == first.shape()[i], ValueError, "concat", "shapes differ off axis ", at,
                ": got ", part.shape(), ", expected ", first.shape(), " there.");
    NDL_CHECK(part.device() == first.device(), TypeError, "concat", "devices differ: got ", to_string(part.device()),
              ", expected ", to_string(first.device()), ".");
    dtype = promote_types(dtype, part.dtype());
    shape[at] += part.shape()[at];
  }
  Tensors inputs;
  for (const Tensor& part : parts) inputs.push_back(cast(part, dtype));

  Tensor y = Tensor::empty(shape, dtype, first.device());
  std::vector<int64_t> starts = {0};
  std::vector<CopyRowsArgs> rows;
  for (const Tensor& part : inputs) {
    const Tensor target = view_range(y, {at, starts.back(), part.shape()[at], 1});
    starts.push_back(starts.back() + part.shape()[at]);
    CopyRowsArgs args;
    if (as_row_copy(target, part, at, &args)) {
      rows.push_back(args);
    } else {
      NoGrad off;
      copy_(target, part);
    }
  }
  copy_all_rows(rows, product(shape, 0, at));
  return record("concat", Tensors{y}, inputs, Tensors{}, [at, starts](Backward& b) {
    for (int k = 0; k + 1 < static_cast<int>(starts.size()); ++k)
      if (b.needs(k)) b.give(k, slice(b.dy(), at, starts[k], starts[k + 1]));
  })[0];
}

Tensor stack(const Tensors& parts, int64_t axis) {
  OpScope scope("stack");
  NDL_CHECK(!parts.empty(), ValueError, "stack", "nothing to join: got no tensors, expected at least one.");
  const int at = normalize_axis("stack", axis, parts[0].rank() + 1);
  Tensors slices;
  for (const Tensor& part : parts) {
    NDL_CHECK(part.shape() == parts[0].shape(), ValueError, "stack", "shapes differ: got ", part.shape(), ", expected ",
              parts[0].shape(), ".");
    slices.push_back(unsqueeze(part, at));
  }
  return concat(slices, at);
}

Tensor pad(const Tensor& x, const std::vector<int64_t>& before, const std::vector<int64_t>& after, double value) {
  OpScope scope("pad");
  const size_t rank = static_cast<size_t>(x.rank());
  NDL_CHECK(before.size() == rank && after.size() == rank, ValueError, "pad", "wrong number of sizes: got ",
            before.size(), " before and ", after.size(), " after, expected one for each of the ", rank, " axes.");
  Shape shape = x.shape();
  for (int i = 0; i < x.rank(); ++i) {
    NDL_CHECK(before[i] >= 0 && after[i] >= 0, ValueError, "pad", "negative size on axis ", i, ": got ", before[i],
              " before and ", after[i], " after, expected at least 0. Slice to cut.");
    constexpr int64_t kMost = int64_t{1} << 60;
    NDL_CHECK(before[i] < kMost && after[i] < kMost, ValueError, "pad", "size too large on axis ", i, ": got ",
              before[i], " before and ", after[i], " after, expected less than 2^60.");
    shape[i] += before[i] + after[i];
  }
  Tensor y = Tensor::full(shape, value, x.dtype(), x.device());
  Tensor inside = y;
  for (int i = 0; i < x.rank(); ++i) inside = view_range(inside, {i, before[i], x.shape()[i], 1});
  copy_into(inside, x, std::max(0, x.rank() - 1));
  return record("pad", y, {x}, {}, [before](Backward& b) {
    Tensor dx = b.dy();
    for (int i = 0; i < dx.rank(); ++i) {
      const Range range = {i, before[i], b.input_shape(0)[i], 1};
      if (range.length != dx.shape()[i]) dx = slice_range(dx, range);
    }
    b.give(0, dx);
  });
}

}  // namespace needlecpp
