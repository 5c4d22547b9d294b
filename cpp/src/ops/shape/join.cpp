// Joining and repeating tensors, and the copies that keep or move part of one. Rows that lie side by side are copied as
// such; everything else is written in views.
#include <algorithm>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/ops/shape.h"
#include "ops/shape/join_run.h"
#include "ops/shape/ranges.h"

namespace needlecpp {
namespace {

int64_t sum_of_sizes(const char* op, int64_t a, int64_t b) {
  NDL_CHECK(a <= (int64_t{1} << 62) - b, ValueError, op, "too many elements: got an axis of ", a, " and ", b,
            " more, expected at most 2^62.");
  return a + b;
}

}  // namespace

Tensor concat(const Tensors& all_parts, int64_t axis) {
  Op op("concat", all_parts);
  NDL_CHECK(!all_parts.empty(), ValueError, "concat", "nothing to join: got no tensors, expected at least one.");
  // As in PyTorch, tensors of shape (0,) join with any shape.
  const auto is_nothing = [](const Tensor& part) { return part.shape() == Shape{0}; };
  const auto shaped = std::find_if_not(all_parts.begin(), all_parts.end(), is_nothing);
  const int rank = shaped == all_parts.end() ? 1 : shaped->rank();
  Tensors parts;
  for (const Tensor& part : all_parts)
    if (rank == 1 || !is_nothing(part)) parts.push_back(part);
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
    shape[at] = sum_of_sizes("concat", shape[at], part.shape()[at]);
  }
  for (const Tensor& part : all_parts) dtype = promote_types(dtype, part.dtype());
  Tensors inputs;
  for (const Tensor& part : parts) inputs.push_back(cast(part, dtype));

  const Tensor y = op.empty(shape, dtype);
  std::vector<View> views;
  std::vector<int64_t> starts = {0};
  for (const Tensor& part : inputs) {
    views.push_back(part);
    starts.push_back(starts.back() + part.shape()[at]);
  }
  NDL_ON(op.device(), run_concat)(views.data(), static_cast<int64_t>(views.size()), at, y);
  return op.record(Tensors{y}, inputs, Tensors{}, [at, starts](Backward& b) {
    for (int k = 0; k + 1 < static_cast<int>(starts.size()); ++k)
      if (b.needs(k)) b.give(k, slice(b.dy(), at, starts[k], starts[k + 1]));
  })[0];
}

Tensor stack(const Tensors& parts, int64_t axis) {
  Op op("stack", parts);
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

namespace {

template <class Fn>
Tensors each(const Tensors& parts, const Fn& fn) {
  Tensors changed;
  for (const Tensor& part : parts) changed.push_back(fn(part));
  return changed;
}

}  // namespace

Tensor hstack(const Tensors& parts) {
  Op op("hstack", parts);
  const Tensors lines = each(parts, atleast_1d);
  return concat(lines, !lines.empty() && lines[0].rank() == 1 ? 0 : 1);
}

Tensor vstack(const Tensors& parts) {
  Op op("vstack", parts);
  return concat(each(parts, atleast_2d), 0);
}

Tensor dstack(const Tensors& parts) {
  Op op("dstack", parts);
  return concat(each(parts, atleast_3d), 2);
}

Tensor column_stack(const Tensors& parts) {
  Op op("column_stack", parts);
  return concat(each(parts, [](const Tensor& x) { return x.rank() <= 1 ? reshape(x, {-1, 1}) : x; }), 1);
}

Tensor block_diag(const Tensors& parts) {
  Op op("block_diag", parts);
  const Tensors blocks = each(parts, atleast_2d);
  int64_t columns = 0;
  for (const Tensor& block : blocks) {
    NDL_CHECK(block.rank() == 2, ValueError, "block_diag", "not a matrix: got shape ", block.shape(),
              ", expected at most two axes.");
    columns = sum_of_sizes("block_diag", columns, block.shape()[1]);
  }
  Tensors bands;
  int64_t before = 0;
  for (const Tensor& block : blocks) {
    const auto zeros = [&](int64_t width) { return op.zeros({block.shape()[0], width}, block.dtype()); };
    const int64_t width = block.shape()[1];
    bands.push_back(concat({zeros(before), block, zeros(columns - before - width)}, 1));
    before += width;
  }
  return concat(bands, 0);
}

Tensor tile(const Tensor& x, const Dims& times) {
  Op op("tile", x);
  const int rank = std::max(x.rank(), times.size());
  // Every repeated axis gets a neighbour of stride 0; both then merge into one.
  Shape own;
  Shape wide;
  Shape merged;
  for (int i = 0; i < rank; ++i) {
    const int64_t size = i < rank - x.rank() ? 1 : x.shape()[i - (rank - x.rank())];
    const int64_t count = i < rank - times.size() ? 1 : times[i - (rank - times.size())];
    NDL_CHECK(count >= 0, ValueError, "tile", "bad number of times: got ", times, ", expected 0 or more.");
    merged.push_back(numel({size, count}));
    if (count != 1 && size != 1) {
      own.push_back(1);
      wide.push_back(count);
    }
    own.push_back(size);
    wide.push_back(count != 1 && size != 1 ? size : size * count);
  }
  numel(merged);  // throws for a product beyond its range
  const Tensor y = reshape(broadcast_to(reshape(x, own), wide), merged);
  return y.impl()->storage == x.impl()->storage ? clone(y) : y;
}

Tensor repeat_interleave(const Tensor& x, int64_t times, int64_t axis) {
  Op op("repeat", x);
  const int at = axis_or_none("repeat", axis, x);
  NDL_CHECK(times >= 0, ValueError, "repeat", "bad number of times: got ", times, ", expected 0 or more.");
  const Tensor line = atleast_1d(x);
  Shape shape = line.shape();
  shape[at] = numel({shape[at], times});
  numel(shape);
  Shape wide = line.shape();
  wide.insert(at + 1, times);
  const Tensor y = reshape(broadcast_to(unsqueeze(line, at + 1), wide), shape);
  return y.impl()->storage == x.impl()->storage ? clone(y) : y;
}

Tensor repeat_interleave(const Tensor& x, const Tensor& times, int64_t axis) {
  Op op("repeat", x, times);
  const int at = axis_or_none("repeat", axis, x);
  NDL_CHECK(!is_floating(times.dtype()) && times.dtype() != DType::Bool, TypeError, "repeat",
            "wrong dtype of times: got ", name(times.dtype()), ", expected integers.");
  NDL_CHECK(times.rank() <= 1, ValueError, "repeat", "wrong shape of times: got ", times.shape(),
            ", expected one axis.");
  if (times.numel() == 1) return repeat_interleave(x, times.item_int(), axis);
  const Tensor line = atleast_1d(x);
  const int64_t size = line.shape()[at];
  NDL_CHECK(times.numel() == size, ValueError, "repeat", "wrong number of times: got ", times.numel(), ", expected ",
            size, ", one for each slice on axis ", at, ".");
  const Tensor counts = contiguous(cast(times.detach(), DType::Int64));
  const int64_t total = NDL_ON(op.device(), run_count_repeats)(counts);
  if (total < 0) {
    const int64_t bad = select(counts, 0, -1 - total).item_int();
    detail::fail<ValueError>(op, "bad number of times: got ", bad, ", expected 0 or more, and less than 2^60 in all.");
  }
  const Tensor index = op.empty({total}, DType::Int64);
  NDL_ON(op.device(), run_repeat_places)(counts, index);
  return index_select(line, at, index);
}

Tensor roll(const Tensor& x, const Dims& all_shifts, const std::optional<Dims>& listed) {
  Op op("roll", x);
  NDL_CHECK(!all_shifts.empty() || listed, ValueError, "roll", "no shifts: got (), expected one at least.");
  if (!listed && all_shifts.size() == 1) return reshape(roll(reshape(x, {-1}), all_shifts, Dims{0}), x.shape());
  const Dims axes = listed.value_or(Dims());
  const Dims shifts = all_shifts.size() == 1 ? Dims::filled(axes.size(), all_shifts[0]) : all_shifts;
  NDL_CHECK(shifts.size() == axes.size(), ValueError, "roll", "lists differ in length: got shifts ", shifts,
            " for axes ", axes, ", expected one shift an axis.");
  Tensor y = x;
  Dims back;
  {
    NoGrad off;
    for (int i = 0; i < axes.size(); ++i) {
      const int axis = normalize_axis("roll", axes[i], x.rank());
      const int64_t size = x.shape()[axis];
      const int64_t shift = size > 0 ? (shifts[i] % size + size) % size : 0;
      back.push_back(-shift);
      if (shift > 0) y = concat({slice(y, axis, size - shift), slice(y, axis, 0, size - shift)}, axis);
    }
    if (y.is_same(x)) y = clone(x);
  }
  return op.record(y, {x}, {}, [back, axes](Backward& b) { b.give(0, roll(b.dy(), back, axes)); });
}

Tensor diag(const Tensor& x, int64_t offset) {
  Op op("diag", x);
  NDL_CHECK(x.rank() == 1 || x.rank() == 2, ValueError, "diag", "wrong number of axes: got ", x.shape(),
            ", expected a vector or a matrix.");
  return x.rank() == 1 ? diag_embed(x, offset) : diagonal(x, offset);
}

namespace {

// Keeps columns [0, row + offset] of every row (lower), or those from row + offset on.
Tensor triangle(const char* op_name, const Tensor& x, int64_t offset, bool lower) {
  Op op(op_name, x);
  NDL_CHECK(x.rank() >= 2, ValueError, op, "too few axes: got ", x.shape(), ", expected two or more.");
  const Tensor y = op.empty(x.shape(), x.dtype());
  const int64_t shift = std::clamp(offset, -x.size(-2) - 1, x.size(-1) + 1);
  if (y.numel() > 0) {
    const NoGrad off;
    NDL_ON(op.device(), run_triangle)(contiguous(x), shift, lower, y);
  }
  return op.record(y, {x}, {},
                   [op_name, shift, lower](Backward& b) { b.give(0, triangle(op_name, b.dy(), shift, lower)); });
}

}  // namespace

Tensor tril(const Tensor& x, int64_t offset) { return triangle("tril", x, offset, true); }
Tensor triu(const Tensor& x, int64_t offset) { return triangle("triu", x, offset, false); }

}  // namespace needlecpp
