// Splits an index expression into a view (basic items) and advanced indexing of that view (arrays).
#include "needlecpp/ops/indexing.h"

#include <algorithm>
#include <optional>

#include "needlecpp/autograd/function.h"
#include "needlecpp/core/allocator.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/shape.h"

namespace needlecpp {
namespace {

struct Parsed {
  Tensor view;                                // after the basic items
  std::vector<std::optional<Tensor>> arrays;  // per axis of the view; empty when there is none
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
  int axis = 0;  // of the view as it stands
  for (const IndexItem& item : items) {
    switch (item.kind) {
      case IndexItem::Kind::Ellipsis:
        for (int i = 0; i < x.rank() - taken; ++i, ++axis) arrays.emplace_back();
        break;
      case IndexItem::Kind::NewAxis:
        parsed.view = unsqueeze(parsed.view, axis++);
        arrays.emplace_back();
        break;
      case IndexItem::Kind::Integer:
        if (any_array) {  // beside arrays an integer is an index array of one element
          arrays.emplace_back(Tensor::full({}, static_cast<double>(item.start), DType::Int64));
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
        found = true;
        if (item.array.dtype() == DType::Bool) {  // a mask of rank r stands for r index arrays
          NDL_CHECK(item.array.rank() > 0, IndexError, "index",
                    "a mask needs an axis: got one truth value, expected a bool array. Use where() or an if.");
          const Tensor positions = nonzero(item.array);
          for (int k = 0; k < item.array.rank(); ++k, ++axis) {
            NDL_CHECK(item.array.shape()[k] == parsed.view.shape()[axis], IndexError, "index",
                      "mask does not fit axis ", axis, ": got size ", item.array.shape()[k], ", expected ",
                      parsed.view.shape()[axis], ".");
            arrays.emplace_back(select(positions, 1, k));
          }
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
  OpScope scope("index");
  const Parsed parsed = parse(x, items);
  return parsed.arrays.empty() ? parsed.view : index(parsed.view, parsed.arrays);
}

void set_item(const Tensor& x, const std::vector<IndexItem>& items, const Tensor& values) {
  OpScope scope("setitem");
  check_inplace("setitem", x);
  const Parsed parsed = parse(x.detach(), items);
  if (parsed.arrays.empty())
    copy_(parsed.view, values);
  else
    index_put_(parsed.view, parsed.arrays, values);
}

}  // namespace needlecpp
