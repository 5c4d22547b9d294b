// The views beyond those of shape.cpp: windows, diagonals, turned and split axes. Most are a few of the plain views in
// a row, so that their gradients are too. Windows overlap and so add up in the gradient; a diagonal is written into
// zeros.
#include <algorithm>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/ops/shape.h"
#include "ops/shape/ranges.h"

namespace needlecpp {

Tensor view_as_shape(const Tensor& x, const Shape& shape) {
  Op op("view", x);
  const Tensor y = reshape(x, shape);
  NDL_CHECK(y.impl()->storage == x.impl()->storage, ValueError, "view", "needs a copy: got strides ", x.strides(),
            " of shape ", x.shape(), ", expected ones that ", shape, " can share. Use reshape.");
  return y;
}

Tensor flatten(const Tensor& x, int64_t first, int64_t last) {
  Op op("flatten", x);
  const int begin = axis_or_none("flatten", first, x);
  const int end = axis_or_none("flatten", last, x);
  if (x.rank() == 0) return reshape(x, {1});
  NDL_CHECK(begin <= end, ValueError, "flatten", "axes in the wrong order: got ", first, " to ", last,
            ", expected the first not to lie behind the last.");
  Shape shape;
  for (int i = 0; i < begin; ++i) shape.push_back(x.shape()[i]);
  shape.push_back(product(x.shape(), begin, end + 1));
  for (int i = end + 1; i < x.rank(); ++i) shape.push_back(x.shape()[i]);
  return reshape(x, shape);
}

Tensor unflatten(const Tensor& x, int64_t axis, const Shape& sizes) {
  Op op("unflatten", x);
  const int at = normalize_axis("unflatten", axis, x.rank());
  NDL_CHECK(!sizes.empty(), ValueError, "unflatten", "no sizes: got (), expected at least one.");
  Shape parts = sizes;
  int64_t known = 1;
  int missing = -1;
  for (int i = 0; i < parts.size(); ++i) {
    NDL_CHECK(parts[i] >= 0 || (parts[i] == -1 && missing < 0), ValueError, "unflatten", "bad sizes: got ", sizes,
              ", expected sizes of at least 0, and at most one -1.");
    if (parts[i] == -1)
      missing = i;
    else
      known = numel({known, parts[i]});
  }
  if (missing >= 0) parts[missing] = known > 0 ? x.shape()[at] / known : 0;
  NDL_CHECK(numel(parts) == x.shape()[at], ValueError, "unflatten", "sizes do not fit: got ", sizes,
            ", expected a product of ", x.shape()[at], " for axis ", at, " of ", x.shape(), ".");
  Shape shape;
  for (int i = 0; i < at; ++i) shape.push_back(x.shape()[i]);
  for (int64_t size : parts) shape.push_back(size);
  for (int i = at + 1; i < x.rank(); ++i) shape.push_back(x.shape()[i]);
  return reshape(x, shape);
}

Tensor reverse_axes(const Tensor& x) {
  Dims axes;
  for (int i = x.rank() - 1; i >= 0; --i) axes.push_back(i);
  return permute(x, axes);
}

Tensor t(const Tensor& x) {
  Op op("t", x);
  NDL_CHECK(x.rank() <= 2, ValueError, "t", "too many axes: got ", x.shape(), ", expected at most two. Use transpose.");
  return reverse_axes(x);
}

Tensor expand_dims(const Tensor& x, const Dims& axes) {
  Op op("expand_dims", x);
  Tensor y = x;
  for (int64_t axis : normalize_axes("expand_dims", axes, x.rank() + axes.size())) y = unsqueeze(y, axis);
  return y;
}

Tensor moveaxis(const Tensor& x, const Dims& from, const Dims& to) {
  Op op("moveaxis", x);
  NDL_CHECK(from.size() == to.size(), ValueError, "moveaxis", "lists differ in length: got ", from, " and ", to,
            ", expected a destination for each axis.");
  Dims order = Dims::filled(x.rank(), -1);
  bool moved[kMaxRank] = {};
  for (int i = 0; i < from.size(); ++i) {
    const int source = axis_or_none("moveaxis", from[i], x);
    const int target = axis_or_none("moveaxis", to[i], x);
    if (x.rank() == 0) continue;
    NDL_CHECK(!moved[source] && order[target] < 0, ValueError, "moveaxis", "an axis repeats: got ", from, " to ", to,
              ", expected each axis once.");
    moved[source] = true;
    order[target] = source;
  }
  int next = 0;
  for (int64_t& axis : order) {
    if (axis >= 0) continue;
    while (moved[next]) ++next;
    axis = next++;
  }
  return permute(x, order);
}

Tensors broadcast_tensors(const Tensors& xs) {
  Op op("broadcast_tensors", xs);
  Shape shape;
  for (const Tensor& x : xs) shape = broadcast_shapes("broadcast_tensors", shape, x.shape());
  Tensors ys;
  for (const Tensor& x : xs) ys.push_back(broadcast_to(x, shape));
  return ys;
}

Tensor atleast_1d(const Tensor& x) { return x.rank() >= 1 ? x : reshape(x, {1}); }
Tensor atleast_2d(const Tensor& x) { return x.rank() >= 2 ? x : unsqueeze(atleast_1d(x), 0); }
Tensor atleast_3d(const Tensor& x) { return x.rank() >= 3 ? x : unsqueeze(atleast_2d(x), 2); }

Tensor rot90(const Tensor& x, int64_t times, const Dims& axes) {
  Op op("rot90", x);
  NDL_CHECK(axes.size() == 2, ValueError, "rot90", "a plane has two axes: got ", axes, ", expected 2 axes.");
  const int a = normalize_axis("rot90", axes[0], x.rank());
  const int b = normalize_axis("rot90", axes[1], x.rank());
  NDL_CHECK(a != b, ValueError, "rot90", "a plane has two axes: got ", axes, ", expected different ones.");
  switch ((times % 4 + 4) % 4) {
    case 1:
      return transpose(flip(x, {b}), a, b);
    case 2:
      return flip(x, {a, b});
    case 3:
      return flip(transpose(x, a, b), {b});
    default:
      return reshape(x, x.shape());
  }
}

Tensor narrow(const Tensor& x, int64_t axis, int64_t start, int64_t length) {
  Op op("narrow", x);
  const int at = normalize_axis("narrow", axis, x.rank());
  const int64_t size = x.shape()[at];
  NDL_CHECK(start >= -size && start <= size, IndexError, "narrow", "start out of range: got ", start, ", expected -",
            size, " to ", size, " for axis ", at, " of size ", size, ".");
  const int64_t first = start < 0 ? start + size : start;
  NDL_CHECK(length >= 0 && length <= size - first, ValueError, "narrow", "bad length: got ", length, ", expected 0 to ",
            size - first, " from ", first, " on axis ", at, " of size ", size, ".");
  return slice_range(x, {at, first, length, 1});
}

Tensors split_each(const Tensor& x, int64_t axis, int64_t size) {
  const int64_t whole = x.shape()[normalize_axis("split", axis, x.rank())];
  NDL_CHECK(size > 0 || (size == 0 && whole == 0), ValueError, "split", "bad section size: got ", size,
            ", expected 1 or more.");
  check_parts("split", size == 0 ? 0 : whole / size);
  std::vector<int64_t> sizes;
  for (int64_t left = whole; left > 0; left -= std::min(left, size)) sizes.push_back(std::min(left, size));
  if (sizes.empty()) sizes.push_back(0);
  return split(x, axis, sizes);
}

Tensors chunk(const Tensor& x, int64_t axis, int64_t count) {
  NDL_CHECK(count > 0, ValueError, "chunk", "bad number of parts: got ", count, ", expected 1 or more.");
  const int64_t whole = x.shape()[normalize_axis("chunk", axis, x.rank())];
  if (whole > 0) return split_each(x, axis, (whole - 1) / count + 1);
  check_parts("chunk", count);
  return split(x, axis, std::vector<int64_t>(static_cast<size_t>(count), 0));
}

Tensors array_split(const Tensor& x, int64_t axis, int64_t count) {
  NDL_CHECK(count > 0, ValueError, "array_split", "bad number of parts: got ", count, ", expected 1 or more.");
  check_parts("array_split", count);
  const int64_t whole = x.shape()[normalize_axis("array_split", axis, x.rank())];
  std::vector<int64_t> sizes;
  for (int64_t k = 0; k < count; ++k) sizes.push_back(whole / count + (k < whole % count));
  return split(x, axis, sizes);
}

Tensors split_at(const Tensor& x, int64_t axis, const std::vector<int64_t>& places) {
  Op op("split", x);
  // Python's slices between neighbouring places: they may be empty, and need not cover x.
  Tensors parts;
  int64_t start = 0;
  for (int64_t place : places) {
    const int64_t stop = std::min(place, kSliceEnd - 1);
    parts.push_back(slice(x, axis, start, stop));
    start = stop;
  }
  parts.push_back(slice(x, axis, start));
  return parts;
}

namespace {

// Where windows start and how many there are.
struct Windows {
  int axis;
  int64_t count;
  int64_t size;
  int64_t step;
};

Tensor unfold_backward(const Tensor& dy, const Shape& shape, const Windows& windows);

Tensor unfold_view(const Tensor& x, const Windows& windows) {
  Shape shape = x.shape();
  Strides strides = x.strides();
  if (x.rank() == 0) {
    shape.push_back(1);
    strides.push_back(1);
  }
  const int64_t stride = strides[windows.axis];
  shape[windows.axis] = windows.count;
  if (windows.count > 1) strides[windows.axis] = stride * windows.step;
  shape.push_back(windows.size);
  strides.push_back(stride);
  if (x.rank() == 0) {  // an axis is read, but not made
    shape.erase(0);
    strides.erase(0);
  }
  return record("unfold", x.view(shape, strides, x.offset()), {x}, {},
                [windows](Backward& b) { b.give(0, unfold_backward(b.dy(), b.input_shape(0), windows)); });
}

// Adds element k of every window at once (those lie apart), or one window after another where windows are fewer.
Tensor unfold_backward(const Tensor& dy, const Shape& shape, const Windows& windows) {
  Op op("unfold_backward", dy);
  Tensor dx = op.zeros(shape, dy.dtype());
  {
    NoGrad off;
    const Tensor target = atleast_1d(dx);
    const Tensor windows_dy = shape.empty() ? unsqueeze(dy, 0) : dy;
    if (windows.count < windows.size) {
      const Tensor by_window = moveaxis(windows_dy, {windows.axis, -1}, {0, windows.axis + 1});
      for (int64_t k = 0; k < windows.count; ++k)
        add_(view_range(target, {windows.axis, k * windows.step, windows.size, 1}), select(by_window, 0, k));
    } else {
      for (int64_t k = 0; k < windows.size; ++k)
        add_(view_range(target, {windows.axis, k, windows.count, windows.step}), select(windows_dy, -1, k));
    }
  }
  return op.record(dx, {dy}, {}, [windows](Backward& b) { b.give(0, unfold_view(b.dy(), windows)); });
}

struct Diagonal {
  int axis_a;
  int axis_b;
  int64_t offset;
};

Tensor diagonal_view(const Tensor& x, const Diagonal& d) {
  const int64_t rows = x.shape()[d.axis_a];
  const int64_t columns = x.shape()[d.axis_b];
  const int64_t first_row = d.offset < 0 ? -std::max(d.offset, -rows) : 0;
  const int64_t first_column = d.offset > 0 ? std::min(d.offset, columns) : 0;
  const int64_t length = std::min(rows - first_row, columns - first_column);
  const int64_t stride_a = x.strides()[d.axis_a];
  const int64_t stride_b = x.strides()[d.axis_b];
  Shape shape = x.shape();
  Strides strides = x.strides();
  for (int axis : {std::max(d.axis_a, d.axis_b), std::min(d.axis_a, d.axis_b)}) {
    shape.erase(axis);
    strides.erase(axis);
  }
  shape.push_back(length);
  strides.push_back(stride_a + stride_b);
  const bool empty = length == 0 || x.numel() == 0;
  return x.view(shape, strides, x.offset() + (empty ? 0 : first_row * stride_a + first_column * stride_b));
}

// Zeros of `shape` with dy on the diagonal.
Tensor diagonal_backward(const char* op, const Tensor& dy, const Shape& shape, const Diagonal& d);

Tensor diagonal_of(const Tensor& x, const Diagonal& d) {
  return record("diagonal", diagonal_view(x, d), {x}, {},
                [d](Backward& b) { b.give(0, diagonal_backward("diagonal_backward", b.dy(), b.input_shape(0), d)); });
}

Tensor diagonal_backward(const char* op_name, const Tensor& dy, const Shape& shape, const Diagonal& d) {
  Op op(op_name, dy);
  const Tensor dx = op.zeros(shape, dy.dtype());
  {
    NoGrad off;
    copy_(diagonal_view(dx, d), dy);
  }
  return op.record(dx, {dy}, {}, [d](Backward& b) { b.give(0, diagonal_of(b.dy(), d)); });
}

Diagonal find_diagonal(const char* op, int64_t offset, int64_t axis_a, int64_t axis_b, int rank) {
  const int a = normalize_axis(op, axis_a, rank);
  const int b = normalize_axis(op, axis_b, rank);
  NDL_CHECK(a != b, ValueError, op, "the axes are the same: got ", axis_a, " and ", axis_b, ", expected two.");
  return {a, b, std::clamp(offset, -(int64_t{1} << 61), int64_t{1} << 61)};
}

}  // namespace

Tensor unfold(const Tensor& x, int64_t axis, int64_t size, int64_t step) {
  Op op("unfold", x);
  const int at = axis_or_none("unfold", axis, x);
  const int64_t whole = x.rank() > 0 ? x.shape()[at] : 1;
  NDL_CHECK(size >= 0 && size <= whole, ValueError, "unfold", "bad window: got ", size, " elements, expected 0 to the ",
            whole, " of axis ", at, ".");
  NDL_CHECK(step > 0, ValueError, "unfold", "bad step: got ", step, ", expected 1 or more.");
  return unfold_view(x, {at, (whole - size) / step + 1, size, step});
}

Tensor diagonal(const Tensor& x, int64_t offset, int64_t axis_a, int64_t axis_b) {
  Op op("diagonal", x);
  NDL_CHECK(x.rank() >= 2, ValueError, "diagonal", "too few axes: got ", x.shape(), ", expected two or more.");
  return diagonal_of(x, find_diagonal("diagonal", offset, axis_a, axis_b, x.rank()));
}

Tensor diag_embed(const Tensor& x, int64_t offset, int64_t axis_a, int64_t axis_b) {
  Op op("diag_embed", x);
  NDL_CHECK(x.rank() >= 1, ValueError, "diag_embed", "a diagonal needs an axis: got shape (), expected one or more.");
  const Diagonal d = find_diagonal("diag_embed", offset, axis_a, axis_b, x.rank() + 1);
  const int64_t side = x.shape().back() + (d.offset < 0 ? -d.offset : d.offset);
  Shape shape = x.shape();
  shape.erase(x.rank() - 1);
  for (int axis : {std::min(d.axis_a, d.axis_b), std::max(d.axis_a, d.axis_b)}) shape.insert(axis, side);
  return diagonal_backward("diag_embed", x, shape, d);
}

Tensors meshgrid(const Tensors& xs, bool cartesian) {
  Op op("meshgrid", xs);
  const int count = static_cast<int>(xs.size());
  const auto place = [&](int i) { return cartesian && i < 2 && count > 1 ? 1 - i : i; };
  Shape shape = Dims::filled(count > kMaxRank ? kMaxRank + 1 : count, 1);
  for (int i = 0; i < count; ++i) {
    NDL_CHECK(xs[i].rank() <= 1, ValueError, "meshgrid", "not a list of coordinates: got shape ", xs[i].shape(),
              ", expected one axis.");
    shape[place(i)] = xs[i].numel();
  }
  Tensors grids;
  for (int i = 0; i < count; ++i) {
    Shape line = Dims::filled(count, 1);
    line[place(i)] = -1;
    grids.push_back(broadcast_to(reshape(xs[i], line), shape));
  }
  return grids;
}

}  // namespace needlecpp
