// Gathering and scattering.
#include "needlecpp/ops/gather.h"

#include "binder.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/shape.h"

namespace needlecpp::python {
namespace {

// (i, None, j): an index for some of the axes; one alone may come without its tuple.
std::vector<std::optional<Tensor>> indices_of(nb::handle object, Device device) {
  std::vector<std::optional<Tensor>> indices;
  if (nb::isinstance<Tensor>(object)) return {nb::cast<Tensor>(object)};
  NDL_CHECK(nb::isinstance<nb::sequence>(object), TypeError, "index_put", "not indices: got ", text_of(object.type()),
            ", expected a tuple of index tensors.");
  for (nb::handle item : object) {
    if (item.is_none())
      indices.emplace_back();
    else
      indices.emplace_back(tensor_of(item, nb::none(), true, device));
  }
  return indices;
}

// A number as a tensor of x's dtype; tensors keep theirs.
auto with_value(Tensor (*fn)(const Tensor&, int64_t, const Tensor&, const Tensor&)) {
  return [fn](const Tensor& x, int64_t axis, nb::object index, nb::object value) {
    const Tensor places = tensor_of(index, nb::none(), true, x.device());
    const Tensor values = value_of(value, x.dtype(), x.device());
    return unlocked([&] { return fn(x, axis, places, values); });
  };
}

Tensor taken(const Tensor& x, nb::object index, std::optional<int64_t> axis) {
  const Tensor places = tensor_of(index, nb::none(), true, x.device());
  return unlocked([&] { return axis ? take(x, places, *axis) : take(x, places); });
}

Tensor taken_along(const Tensor& x, const Tensor& index, std::optional<int64_t> axis) {
  return axis ? take_along_axis(x, index, *axis) : take_along_axis(reshape(x, {-1}), reshape(index, {-1}), 0);
}

void bind_slices(Binder b) {
  b.both("index_select", &index_select, "a"_a, "axis"_a, "index"_a, Release(),
         "Slices of a along an axis, at an index [n] of int64, int32 or uint8; negative ones count from the end.\n"
         "Differentiable in a.\n\n"
         ">>> ndl.index_select(ndl.eye(3), 0, ndl.tensor([2])).tolist()\n[[0.0, 0.0, 1.0]]");
  b.both("index_add", &index_add, "a"_a, "axis"_a, "index"_a, "source"_a, "alpha"_a = 1.0, Release(),
         "a with alpha times the slices of source, one for each place of an index [n], added; repeated places add up.\n"
         "Numbers of any dtype but bool. Differentiable in a and source.\n\n"
         ">>> ndl.index_add(ndl.zeros(3), 0, ndl.tensor([1, 1]), ndl.ones(2)).tolist()\n[0.0, 2.0, 0.0]");
  b.both("index_copy", &index_copy, "a"_a, "axis"_a, "index"_a, "source"_a, Release(),
         "a with the slices of source, one for each place of an index [n]; of several writes the last stays.\n"
         "Differentiable in a and source; what was overwritten has the gradient 0.\n\n"
         ">>> ndl.index_copy(ndl.zeros(3), 0, ndl.tensor([1]), ndl.ones(1)).tolist()\n[0.0, 1.0, 0.0]");
  b.both("index_fill", with_value(&index_fill), "a"_a, "axis"_a, "index"_a, "value"_a,
         "a with one value in the slices of an index [n]. Differentiable in a and a value that is a tensor.\n\n"
         ">>> ndl.index_fill(ndl.zeros(3), 0, ndl.tensor([1]), 5).tolist()\n[0.0, 5.0, 0.0]");
  b.both(
      "take", &taken, "a"_a, "indices"_a, "axis"_a = nb::none(),
      "Elements of the flattened a, or slices of an axis, at an index of any shape, which stands in the place of the "
      "axis.\nDifferentiable in a.\n\n"
      ">>> ndl.take(ndl.eye(2), ndl.tensor([0, 1, 3])).tolist()\n[1.0, 0.0, 1.0]");
}

void bind_lanes(Binder b) {
  b.both("gather", &gather, "a"_a, "axis"_a, "index"_a, Release(),
         "y[i][j] = a[index[i][j]][j] for axis 0: index has a's rank and may be shorter off the axis.\n"
         "Differentiable in a.\n\n"
         ">>> ndl.gather(ndl.tensor([[1, 2], [3, 4]]), 1, ndl.tensor([[1], [0]])).tolist()\n[[2], [3]]");
  b.both("scatter_add", &scatter_add, "a"_a, "axis"_a, "index"_a, "src"_a, Release(),
         "a with src added at the places that gather reads; repeated places add up. Differentiable in a and src.\n\n"
         ">>> ndl.scatter_add(ndl.zeros(3), 0, ndl.tensor([1, 1]), ndl.ones(2)).tolist()\n[0.0, 2.0, 0.0]");
  b.both("scatter", with_value(&scatter), "a"_a, "axis"_a, "index"_a, "src"_a,
         "a with src (a number, or a tensor at least as long as the index on every axis) at the places that gather "
         "reads;\n"
         "of several writes the last stays. Differentiable in a and src; what was overwritten has the gradient 0.\n\n"
         ">>> ndl.scatter(ndl.zeros(3), 0, ndl.tensor([1]), 5).tolist()\n[0.0, 5.0, 0.0]");
  b.both(
      "scatter_reduce",
      [](const Tensor& x, int64_t axis, const Tensor& index, const Tensor& src, const std::string& reduce,
         bool include_self) {
        return scatter_reduce(x, axis, index, src, reduction_from_name(reduce.c_str()), include_self);
      },
      "a"_a, "axis"_a, "index"_a, "src"_a, "reduce"_a, "include_self"_a = true, Release(),
      "All values of src that fall on a place reduced to one: \"sum\", \"prod\", \"mean\", \"amax\" or \"amin\", with "
      "a's own value among them if include_self. Differentiable in a and src; equal extremes share the gradient.\n\n"
      ">>> ndl.scatter_reduce(ndl.ones(2), 0, ndl.tensor([1, 1]), ndl.tensor([2.0, 3.0]), \"prod\").tolist()\n"
      "[1.0, 6.0]");
  b.function("take_along_axis", &taken_along, "a"_a, "indices"_a, "axis"_a = -1, Release(),
             "gather() with a and the index broadcast to each other off the axis; of the flattened a for axis None.\n"
             "Differentiable in a.\n\n"
             ">>> ndl.take_along_axis(ndl.tensor([[1, 2], [3, 4]]), ndl.tensor([[1]]), 1).tolist()\n[[2], [4]]");
  b.both("take_along_dim", &taken_along, "a"_a, "indices"_a, "axis"_a = nb::none(), Release(),
         "take_along_axis() under PyTorch's name.\n\n"
         ">>> ndl.take_along_dim(ndl.tensor([[1, 2]]), ndl.tensor([1])).tolist()\n[2]");
  b.function(
      "put_along_axis",
      [](const Tensor& x, const Tensor& index, nb::object value, int64_t axis) {
        const Tensor values = value_of(value, x.dtype(), x.device());
        return unlocked([&] { return put_along_axis(x, index, values, axis); });
      },
      "a"_a, "indices"_a, "values"_a, "axis"_a,
      "A copy of a with values, which broadcast, at the places that take_along_axis() reads; of several writes the "
      "last\n"
      "stays. Differentiable in a and values; what was overwritten has the gradient 0.\n\n"
      ">>> ndl.put_along_axis(ndl.zeros(1, 2), ndl.tensor([[1]]), 5, 1).tolist()\n[[0.0, 5.0]]");
}

void bind_places(Binder b) {
  b.both(
      "index_put",
      [](const Tensor& x, nb::object indices, nb::object values, bool accumulate) {
        const auto places = indices_of(indices, x.device());
        const Tensor fitted = value_of(values, x.dtype(), x.device());
        return unlocked([&] { return index_put(x, places, fitted, accumulate); });
      },
      "a"_a, "indices"_a, "values"_a, "accumulate"_a = false,
      "A copy of a with values in (or, with accumulate, added at) a[indices]; indices is a tuple of index tensors, "
      "masks and None. Of several writes the last stays. Differentiable in a and values; what was overwritten has the "
      "gradient 0.\n\n"
      ">>> ndl.index_put(ndl.zeros(3), (ndl.tensor([1, 1]),), 2, accumulate=True).tolist()\n[0.0, 4.0, 0.0]");
  b.tensor.def(
      "index_put_",
      [](nb::object self, nb::object indices, nb::object values, bool accumulate) {
        const Tensor x = nb::cast<Tensor>(self);
        const auto places = indices_of(indices, x.device());
        const Tensor fitted = value_of(values, x.dtype(), x.device());
        unlocked([&] {
          index_put_(x, places, fitted, accumulate);
          return 0;
        });
        return self;
      },
      "indices"_a, "values"_a, "accumulate"_a = false, "index_put() in place, off the tape.");
  b.both("masked_select", &masked_select, "a"_a, "mask"_a, Release(),
         "The elements where the mask (bool) is true, in order; both broadcast. Differentiable in a.\n\n"
         ">>> ndl.masked_select(ndl.arange(4), ndl.arange(4) > 1).tolist()\n[2, 3]");
  b.both("masked_scatter", &masked_scatter, "a"_a, "mask"_a, "source"_a, Release(),
         "a with the elements where the mask is true replaced by the first of source, in order.\n"
         "Differentiable in a and source.\n\n"
         ">>> ndl.masked_scatter(ndl.zeros(3), ndl.arange(3) > 0, ndl.ones(4)).tolist()\n[0.0, 1.0, 1.0]");
  b.both(
      "nonzero",
      [](const Tensor& x, bool as_tuple) -> nb::object {
        return as_tuple ? nb::object(to_tuple(nonzero_axes(x))) : nb::cast(unlocked([&] { return nonzero(x); }));
      },
      "a"_a, "as_tuple"_a = false,
      "Positions of the elements other than zero, int64 [count, ndim]; as a tuple, one tensor for each axis.\n\n"
      ">>> ndl.nonzero(ndl.eye(2)).tolist()\n[[0, 0], [1, 1]]");
  b.both("argwhere", &nonzero, "a"_a, Release(),
         "nonzero() under NumPy's name.\n\n>>> ndl.argwhere(ndl.tensor([0, 3])).tolist()\n[[1]]");
  b.function(
      "flatnonzero", [](const Tensor& x) { return nonzero_axes(reshape(x, {-1}))[0]; }, "a"_a, Release(),
      "Positions in the flattened a of the elements other than zero.\n\n"
      ">>> ndl.flatnonzero(ndl.eye(2)).tolist()\n[0, 3]");
  b.def(
      "where", [](const Tensor& condition) { return to_tuple(nonzero_axes(condition)); }, "condition"_a,
      "With a condition alone: nonzero(condition, as_tuple=True).");
  b.def(
      "one_hot",
      [](const Tensor& classes, int64_t num_classes, nb::object dtype) {
        return one_hot(classes, num_classes, dtype_of(dtype, DType::Float32));
      },
      "classes"_a, "num_classes"_a, "dtype"_a = nb::none(),
      "1 at the class, 0 elsewhere: [..., num_classes].\n\n"
      ">>> ndl.one_hot(ndl.tensor([1]), 3).tolist()\n[[0.0, 1.0, 0.0]]");
}

}  // namespace

void bind_gather(Binder b) {
  bind_slices(b);
  bind_lanes(b);
  bind_places(b);
}

}  // namespace needlecpp::python
