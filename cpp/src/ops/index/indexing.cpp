// Splits an index expression into a view (basic items) and advanced indexing of that view (arrays).
#include "needlecpp/ops/indexing.h"

#include <algorithm>
#include <optional>

#include "needlecpp/autograd/op.h"
#include "needlecpp/core/allocator.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"

namespace needlecpp {
namespace {

struct Parsed {
  Tensor view;                                // after the basic items
  std::vector<std::optional<Tensor>> arrays;  // for its axes, a mask for as many as it has; empty when there is none
  bool in_front = false;  // arrays are apart though their axes are not: an ellipsis of no axes does it
};

int axes_taken(const IndexItem& item) {
  switch (item.kind) {
    case IndexItem::Kind::NewAxis:
    case IndexItem::Kind::Ellipsis:
      return 0;
    case IndexItem::Kind::Array:
      return item.array.dtype() == DType::Bool ? item.array.rank() : 1;
    default:
      return 1;
  }
}

Parsed parse(const Tensor& x, const std::vector<IndexItem>& items) {
  int taken = 0;
  int ellipses = 0;
  bool any_array = false;
  for (const IndexItem& item : items) {
    taken += axes_taken(item);
    ellipses += item.kind == IndexItem::Kind::Ellipsis;
    any_array = any_array || item.kind == IndexItem::Kind::Array;
  }
  NDL_CHECK(taken <= x.rank(), IndexError, "index", "too many indices: got ", taken, ", expected at most ", x.rank(),
            " for shape ", x.shape(), ".");
  NDL_CHECK(ellipses <= 1, IndexError, "index", "more than one ellipsis: got ", ellipses, ", expected one.");

  Parsed parsed{x, {}};
  std::vector<std::optional<Tensor>> arrays;
  bool found = false;
  bool ellipsis_after_array = false;
  int axis = 0;  // of the view as it stands
  for (const IndexItem& item : items) {
    const bool picks = item.kind == IndexItem::Kind::Array || (any_array && item.kind == IndexItem::Kind::Integer);
    found = found || picks;
    parsed.in_front = parsed.in_front || (picks && ellipsis_after_array);
    switch (item.kind) {
      case IndexItem::Kind::Ellipsis:
        ellipsis_after_array = found;
        for (int i = 0; i < x.rank() - taken; ++i, ++axis) arrays.emplace_back();
        break;
      case IndexItem::Kind::NewAxis:
        parsed.view = unsqueeze(parsed.view, axis++);
        arrays.emplace_back();
        break;
      case IndexItem::Kind::Integer:
        if (any_array) {  // beside arrays an integer is an index array of one element
          const int64_t size = parsed.view.shape()[axis];
          NDL_CHECK(item.start >= -size && item.start < size, IndexError, "index", "out of range on axis ", axis,
                    ": got ", item.start, ", expected ", -size, " to ", size - 1, ".");
          arrays.emplace_back(Tensor::full({}, static_cast<double>(item.start), DType::Int64, x.device()));
          ++axis;
        } else {
          parsed.view = select(parsed.view, axis, item.start);
        }
        break;
      case IndexItem::Kind::Slice: {
        // Bounds that are given stay clear of the values that stand for missing ones.
        const auto bound = [](int64_t i) { return std::clamp(i, 1 - kSliceEnd, kSliceEnd - 1); };
        const int64_t start = item.has_start ? bound(item.start) : item.step > 0 ? 0 : kSliceEnd;
        const int64_t stop = item.has_stop ? bound(item.stop) : item.step > 0 ? kSliceEnd : -kSliceEnd;
        parsed.view = slice(parsed.view, axis++, start, stop, item.step);
        arrays.emplace_back();
        break;
      }
      case IndexItem::Kind::Array:
        if (item.array.dtype() == DType::Bool) {
          if (item.array.rank() == 0) {  // one truth value indexes a new axis of size 1: by [0] or by nothing
            parsed.view = unsqueeze(parsed.view, axis++);
            arrays.emplace_back(Tensor::zeros({item.array.item() != 0 ? 1 : 0}, DType::Int64, x.device()));
            break;
          }
          for (int k = 0; k < item.array.rank(); ++k, ++axis)
            NDL_CHECK(item.array.shape()[k] == parsed.view.shape()[axis], IndexError, "index",
                      "mask does not fit axis ", axis, ": got size ", item.array.shape()[k], ", expected ",
                      parsed.view.shape()[axis], ".");
          arrays.emplace_back(item.array);
        } else {
          arrays.emplace_back(item.array);
          ++axis;
        }
        break;
    }
  }
  if (found) parsed.arrays = std::move(arrays);
  return parsed;
}

}  // namespace

Tensor get_item(const Tensor& x, const std::vector<IndexItem>& items) {
  Op op("index", x);
  const Parsed parsed = parse(x, items);
  return parsed.arrays.empty() ? parsed.view : index(parsed.view, parsed.arrays, parsed.in_front);
}

namespace {

void write(const Tensor& x, const std::vector<IndexItem>& items, const Tensor& values) {
  const Parsed parsed = parse(x, items);
  if (parsed.arrays.empty()) {
    Tensor fitted = values;  // leading axes of size 1 may be more than x has
    while (fitted.rank() > parsed.view.rank() && fitted.shape()[0] == 1) fitted = select(fitted, 0, 0);
    copy_(parsed.view, fitted);
  } else {
    index_put_(parsed.view, parsed.arrays, values, false, parsed.in_front);
  }
  x.bump_version("setitem");  // the name that errors give
}

}  // namespace

void set_item(const Tensor& x, const std::vector<IndexItem>& items, const Tensor& values) {
  Op op("setitem", x, values);
  // x[items] += y has edited the view x[items] of x, which Python then assigns to its own place.
  if (values.impl()->storage == x.impl()->storage) {
    const Parsed parsed = parse(x.detach(), items);
    const Tensor& view = parsed.view;
    if (parsed.arrays.empty() && view.offset() == values.offset() && view.shape() == values.shape() &&
        view.strides() == values.strides())
      return;
  }
  if (!edits_tape(x, values)) {
    check_inplace("setitem", x);
    return write(x.detach(), items, values.detach());
  }
  // What is overwritten has no gradient; what is written has that of its places. The memory stays where it is unless
  // the tape keeps it as it was.
  edit_on_tape("setitem", x, [&](const Tensor& before) {
    const Tensor after = x.impl()->storage->kept() > 0 ? clone(x.detach()) : before.detach();
    write(after, items, values.detach());
    Tensors arrays;
    for (const IndexItem& item : items)
      if (item.kind == IndexItem::Kind::Array) arrays.push_back(item.array);
    return op.record(Tensors{after}, Tensors{before, values}, arrays, [items](Backward& g) {
      for (int k = 0, i = 0; k < static_cast<int>(items.size()); ++k)
        if (items[static_cast<size_t>(k)].kind == IndexItem::Kind::Array) g.saved(i++);  // unchanged since
      if (g.needs(0)) {
        const Tensor dx = clone(g.dy());
        set_item(dx, items, Tensor::zeros({}, dx.dtype(), dx.device()));
        g.give(0, dx);
      }
      if (!g.needs(1)) return;
      const Parsed parsed = parse(g.dy(), items);
      const Tensor dy =
          parsed.arrays.empty() ? parsed.view : index_lasting(parsed.view, parsed.arrays, parsed.in_front);
      Shape shape = g.input_shape(1);  // without leading axes of size 1 that the places do not have
      while (shape.size() > dy.rank()) shape.erase(0);
      g.give(1, reshape(sum_to(dy, shape), g.input_shape(1)));
    })[0];
  });
}

Tensor take(const Tensor& x, const Tensor& index) {
  Op op("take", x, index);
  return needlecpp::index(reshape(x, {-1}), {index});
}

Tensor take(const Tensor& x, const Tensor& index, int64_t axis) {
  Op op("take", x, index);
  const int at = normalize_axis(op, axis, std::max(x.rank(), 1));
  std::vector<std::optional<Tensor>> indices(static_cast<size_t>(at));
  indices.emplace_back(index);
  return needlecpp::index(atleast_1d(x), indices);
}

Tensors nonzero_axes(const Tensor& x) { return unbind(nonzero(atleast_1d(x)), 1); }

namespace {

// The shape both broadcast to, with index's own size on the axis.
Shape lanes_shape(const char* op, const Tensor& x, const Tensor& index, int axis) {
  NDL_CHECK(index.rank() == x.rank(), ValueError, op, "ranks differ: got an index of shape ", index.shape(),
            ", expected the rank of ", x.shape(), ".");
  Shape one_x = x.shape();
  Shape one_index = index.shape();
  one_x[axis] = one_index[axis] = 1;
  Shape shape = broadcast_shapes(op, one_x, one_index);
  shape[axis] = index.shape()[axis];
  return shape;
}

}  // namespace

Tensor take_along_axis(const Tensor& x, const Tensor& index, int64_t axis) {
  Op op("take_along_axis", x, index);
  const int at = normalize_axis(op, axis, x.rank());
  const Shape picked = lanes_shape(op, x, index, at);
  Shape own = picked;
  own[at] = x.shape()[at];
  return gather(broadcast_to(x, own), at, broadcast_to(index, picked));
}

Tensor put_along_axis(const Tensor& x, const Tensor& index, const Tensor& values, int64_t axis) {
  Op op("put_along_axis", x, index, values);
  const int at = normalize_axis(op, axis, x.rank());
  const Shape places = lanes_shape(op, x, index, at);
  Tensor fitted = values;  // leading axes of size 1 may be more than x has
  while (fitted.rank() > x.rank() && fitted.shape()[0] == 1) fitted = select(fitted, 0, 0);
  return scatter(x, at, broadcast_to(index, places), fitted.rank() == 0 ? fitted : broadcast_to(fitted, places));
}

namespace {

// Where a mask that broadcasts with x is true.
std::vector<std::optional<Tensor>> masked_places(const char* op, const Tensor& mask) {
  NDL_CHECK(mask.dtype() == DType::Bool, TypeError, op, "not a mask: got ", name(mask.dtype()), ", expected bool.");
  return {atleast_1d(mask)};
}

}  // namespace

Tensor masked_select(const Tensor& x, const Tensor& mask) {
  Op op("masked_select", x, mask);
  const Tensors both = broadcast_tensors({x, mask});
  return needlecpp::index(atleast_1d(both[0]), masked_places(op, both[1]));
}

Tensor masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& source) {
  Op op("masked_scatter", x, mask, source);
  const Tensors both = broadcast_tensors({x, mask});
  const std::vector<std::optional<Tensor>> places = masked_places(op, both[1]);
  const int64_t count = nonzero(*places[0]).size(0);
  NDL_CHECK(count <= source.numel(), ValueError, op, "too few values: got ", source.numel(), ", expected at least the ",
            count, " that the mask asks for.");
  const Tensor values = slice(reshape(source, {-1}), 0, 0, count);
  return reshape(index_put(atleast_1d(both[0]), places, values), both[0].shape());
}

}  // namespace needlecpp
