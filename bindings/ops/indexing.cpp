// Tensor's indexing.
#include "needlecpp/ops/indexing.h"

#include "binder.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/shape.h"

namespace needlecpp::python {
namespace {

// As Python's own slices, integers beyond 64 bits are clipped.
int64_t slice_bound(nb::handle object) {
  const Py_ssize_t value = PyNumber_AsSsize_t(object.ptr(), nullptr);
  if (value == -1 && PyErr_Occurred()) nb::raise_python_error();
  return value;
}

// Arrays, tensors, truth values and (nested) sequences of integers or tensors.
Tensor index_array(nb::handle entry, Device device) {
  if (nb::isinstance<nb::list>(entry) || nb::isinstance<nb::tuple>(entry)) {
    Tensors parts;
    for (nb::handle item : entry) {
      if (!nb::isinstance<Tensor>(item)) {
        parts.clear();
        break;
      }
      parts.push_back(nb::cast<Tensor>(item));
    }
    if (!parts.empty()) return stack(parts, 0);
  }
  return tensor_of(entry, nb::none(), true, device);
}

// Of a tensor on `device`.
std::vector<IndexItem> index_items(nb::handle key, Device device) {
  std::vector<IndexItem> items;
  const auto add = [&items, device](nb::handle entry) {
    IndexItem item;
    if (entry.is_none()) {
      item.kind = IndexItem::Kind::NewAxis;
    } else if (entry.is(nb::ellipsis())) {
      item.kind = IndexItem::Kind::Ellipsis;
    } else if (nb::isinstance<nb::slice>(entry)) {
      item.kind = IndexItem::Kind::Slice;
      const nb::object start = entry.attr("start");
      const nb::object stop = entry.attr("stop");
      const nb::object step = entry.attr("step");
      item.has_start = !start.is_none();
      item.has_stop = !stop.is_none();
      if (item.has_start) item.start = slice_bound(start);
      if (item.has_stop) item.stop = slice_bound(stop);
      if (!step.is_none()) item.step = slice_bound(step);
    } else if (is_integer(entry)) {
      item = IndexItem::integer(int64_of(entry));
    } else {
      item.kind = IndexItem::Kind::Array;
      item.array = index_array(entry, device);
      NDL_CHECK(!is_floating(item.array.dtype()) || item.array.numel() == 0, IndexError, "index",
                "index arrays must be integers or bool: got ", name(item.array.dtype()), ", expected int64.");
      if (is_floating(item.array.dtype())) item.array = cast(item.array, DType::Int64);  // an empty list
    }
    items.push_back(item);
  };
  if (nb::isinstance<nb::tuple>(key))
    for (nb::handle entry : nb::borrow<nb::tuple>(key)) add(entry);
  else
    add(key);
  return items;
}

}  // namespace

void bind_indexing(Binder b) {
  b.tensor.def(
      "__getitem__",
      [](const Tensor& x, nb::object key) {
        const std::vector<IndexItem> items = index_items(key, x.device());
        return unlocked([&] { return get_item(x, items); });
      },
      "key"_a.none());
  b.tensor.def(
      "__setitem__",
      [](const Tensor& x, nb::object key, nb::object value) {
        const std::vector<IndexItem> items = index_items(key, x.device());
        const Tensor values = value_of(value, x.dtype(), x.device());
        unlocked([&] {
          set_item(x, items, values);
          return 0;
        });
      },
      "key"_a.none(), "value"_a);
}

}  // namespace needlecpp::python
