// Views, and the ops that join and repeat.
#include "needlecpp/ops/shape.h"

#include <algorithm>
#include <optional>

#include "binder.h"

namespace needlecpp::python {
namespace {

// f(a, b) and f([a, b]).
Tensors tensors_of_args(const nb::args& args) {
  const bool listed = args.size() == 1 && (nb::isinstance<nb::list>(args[0]) || nb::isinstance<nb::tuple>(args[0]));
  return tensors_of(listed ? nb::object(args[0]) : nb::object(args));
}

// Two axes swapped; a list of all axes is their order, as in NumPy.
Tensor transpose_axes(const Tensor& x, const Dims& axes) {
  if (axes.size() == 2) return transpose(x, axes[0], axes[1]);
  NDL_CHECK(axes.size() == x.rank(), ValueError, "transpose", "wrong number of axes: got ", axes.size(),
            ", expected 2 to swap, or an order of all.");
  return permute(x, axes);
}

// fn(tensors, axis)
template <class Fn>
auto joined(Fn fn) {
  return [fn](nb::handle tensors, int64_t axis) {
    const Tensors parts = tensors_of(tensors);
    return unlocked([&] { return fn(parts, axis); });
  };
}
auto joined(Tensor (*fn)(const Tensors&)) {
  return [fn](nb::handle tensors) {
    const Tensors parts = tensors_of(tensors);
    return unlocked([&] { return fn(parts); });
  };
}

void bind_reshaping(Binder b) {
  const auto reshaped = [](const Tensor& x, nb::object shape) {
    const Shape sizes = dims_of(shape);
    return unlocked([&] { return reshape(x, sizes); });
  };
  b.function("reshape", reshaped, "a"_a, "shape"_a,
             "The same elements in another shape; one size may be -1. A view where strides allow it.\n\n"
             ">>> ndl.reshape(ndl.arange(6), (2, -1)).tolist()\n[[0, 1, 2], [3, 4, 5]]");
  b.method("reshape", reshaped, "shape"_a, "The same elements in another shape.");
  b.tensor.def(
      "reshape",
      [](const Tensor& x, nb::args shape) {
        const Shape sizes = dims_of_args(shape);
        return unlocked([&] { return reshape(x, sizes); });
      },
      "shape"_a);
  b.tensor.def(
      "view", [](const Tensor& x, nb::args shape) { return view_as_shape(x, dims_of_args(shape)); }, "shape"_a,
      "reshape() that never copies: an error where strides do not allow a view.\n\n"
      ">>> ndl.arange(6).view(3, 2).shape\n(3, 2)");
  const auto as = [](const Tensor& x, const Tensor& other) { return view_as_shape(x, other.shape()); };
  b.tensor.def("view_as", as, "other"_a, "A view in the shape of `other`.");
  b.tensor.def(
      "reshape_as", [](const Tensor& x, const Tensor& other) { return reshape(x, other.shape()); }, "other"_a,
      Release(), "reshape() to the shape of `other`.");
  b.both("flatten", &flatten, "a"_a, "start_dim"_a = 0, "end_dim"_a = -1, Release(),
         "The axes from start_dim to end_dim merged into one.\n\n"
         ">>> ndl.flatten(ndl.zeros(2, 3, 4), 1).shape\n(2, 12)");
  b.both(
      "ravel", [](const Tensor& x) { return flatten(x, 0, -1); }, "a"_a, Release(),
      "All elements along one axis.\n\n>>> ndl.ravel(ndl.eye(2)).tolist()\n[1.0, 0.0, 0.0, 1.0]");
  b.both(
      "unflatten", [](const Tensor& x, int64_t axis, nb::object sizes) { return unflatten(x, axis, dims_of(sizes)); },
      "a"_a, "axis"_a, "sizes"_a,
      "One axis split into several; one size may be -1.\n\n"
      ">>> ndl.unflatten(ndl.zeros(2, 12), 1, (3, -1)).shape\n(2, 3, 4)");
  const auto squeezed = [](const Tensor& x, nb::object axis) {
    return axis.is_none() ? squeeze(x) : squeeze(x, dims_of(axis));
  };
  b.both(
      "squeeze", squeezed, "a"_a, "axis"_a = nb::none(),
      "Without the axes of size 1: all of them, or those named. A named axis of another size stays, as in PyTorch.\n\n"
      ">>> ndl.squeeze(ndl.zeros(1, 3, 1), 0).shape\n(3, 1)");
  b.both("unsqueeze", &unsqueeze, "a"_a, "axis"_a,
         "A new axis of size 1.\n\n>>> ndl.unsqueeze(ndl.zeros(3), -1).shape\n(3, 1)");
  b.both(
      "expand_dims", [](const Tensor& x, nb::object axis) { return expand_dims(x, dims_of(axis)); }, "a"_a, "axis"_a,
      "New axes of size 1, one or a tuple, numbered as in the result.\n\n"
      ">>> ndl.expand_dims(ndl.zeros(3), (0, 2)).shape\n(1, 3, 1)");
  for (auto [name, fn, doc] : {std::tuple{"atleast_1d", &atleast_1d,
                                          "A tensor without axes as [1]; several give a tuple.\n\n"
                                          ">>> ndl.atleast_1d(ndl.tensor(2.0)).shape\n(1,)"},
                               std::tuple{"atleast_2d", &atleast_2d,
                                          "[n] as [1, n]; several give a tuple.\n\n"
                                          ">>> ndl.atleast_2d(ndl.zeros(3)).shape\n(1, 3)"},
                               std::tuple{"atleast_3d", &atleast_3d,
                                          "[n] as [1, n, 1] and [n, m] as [n, m, 1]; several give a tuple.\n\n"
                                          ">>> ndl.atleast_3d(ndl.zeros(3)).shape\n(1, 3, 1)"}})
    b.def(
        name,
        [fn = fn](nb::args tensors) -> nb::object {
          if (tensors.size() == 1 && nb::isinstance<Tensor>(tensors[0]))
            return nb::cast(fn(nb::cast<Tensor>(tensors[0])));
          Tensors changed;
          for (const Tensor& x : tensors_of_args(tensors)) changed.push_back(fn(x));
          return to_tuple(changed);
        },
        "tensors"_a, doc);
}

void bind_broadcasting(Binder b) {
  b.both(
      "broadcast_to", [](const Tensor& x, nb::object shape) { return broadcast_to(x, dims_of(shape)); }, "a"_a,
      "shape"_a,
      "a repeated along new axes and those of size 1, without a copy; -1 keeps an axis.\n\n"
      ">>> ndl.broadcast_to(ndl.arange(2), (2, 2)).tolist()\n[[0, 1], [0, 1]]");
  b.function(
      "expand", [](const Tensor& x, nb::object shape) { return broadcast_to(x, dims_of(shape)); }, "a"_a, "shape"_a,
      "broadcast_to() under PyTorch's name.\n\n>>> ndl.expand(ndl.zeros(2, 1), (-1, 3)).shape\n(2, 3)");
  b.tensor.def(
      "expand", [](const Tensor& x, nb::args shape) { return broadcast_to(x, dims_of_args(shape)); }, "shape"_a,
      "broadcast_to() under PyTorch's name.");
  b.tensor.def(
      "expand_as", [](const Tensor& x, const Tensor& other) { return broadcast_to(x, other.shape()); }, "other"_a,
      "broadcast_to() the shape of `other`.");
  for (const char* name : {"broadcast_tensors", "broadcast_arrays"})
    b.def(
        name, [](nb::args tensors) { return to_tuple(broadcast_tensors(tensors_of_args(tensors))); }, "tensors"_a,
        "Views of all in the shape that they broadcast to.\n\n"
        ">>> [x.shape for x in ndl.broadcast_tensors(ndl.zeros(3), ndl.zeros(2, 1))]\n[(2, 3), (2, 3)]");
  b.def(
      "meshgrid",
      [](nb::args tensors, const std::string& indexing) {
        NDL_CHECK(indexing == "ij" || indexing == "xy", ValueError, "meshgrid", "no such indexing: got ", indexing,
                  ", expected ij or xy.");
        return to_tuple(meshgrid(tensors_of_args(tensors), indexing == "xy"));
      },
      "tensors"_a, "indexing"_a = "ij",
      "Coordinates of a grid, one tensor for each vector: [n0, n1, ...], or [n1, n0, ...] with \"xy\" (NumPy's "
      "default; PyTorch's is \"ij\", as here). Views.\n\n"
      ">>> ndl.meshgrid(ndl.arange(2), ndl.arange(3))[1].tolist()\n[[0, 1, 2], [0, 1, 2]]");
}

void bind_axes(Binder b) {
  const auto permuted = [](const Tensor& x, nb::object axes) { return permute(x, dims_of(axes)); };
  b.function("permute", permuted, "a"_a, "axes"_a,
             "The axes in another order.\n\n>>> ndl.permute(ndl.zeros(2, 3, 4), (2, 0, 1)).shape\n(4, 2, 3)");
  b.function("permute_dims", permuted, "a"_a, "axes"_a,
             "permute() under the array API's name.\n\n>>> ndl.permute_dims(ndl.zeros(2, 3), (1, 0)).shape\n(3, 2)");
  b.tensor.def(
      "permute", [](const Tensor& x, nb::args axes) { return permute(x, dims_of_args(axes)); }, "axes"_a,
      "The axes in another order.");
  const auto transposed = [](const Tensor& x, const nb::args& args, nb::object axes) {
    NDL_CHECK(args.size() == 0 || axes.is_none(), ValueError, "transpose",
              "axes are given twice: got some in front and axes=, expected one of them.");
    if (args.size() == 0 && axes.is_none()) return transpose(x);
    return transpose_axes(x, axes.is_none() ? dims_of_args(args) : dims_of(axes));
  };
  b.function("transpose", transposed, "a"_a, "args"_a, "axes"_a = nb::none(),
             "Two axes swapped, the last two by default (needle's and PyTorch's meaning: transpose(a, (0, 2)), "
             "transpose(a, 0, 2)). An order of three or more axes permutes them, as in NumPy.\n\n"
             ">>> ndl.transpose(ndl.zeros(2, 3, 4)).shape\n(2, 4, 3)");
  b.method("transpose", transposed, "args"_a, "axes"_a = nb::none(), "Two axes swapped, the last two by default.");
  for (const char* name : {"swapaxes", "swapdims"})
    b.both(name, &transpose, "a"_a, "axis0"_a, "axis1"_a,
           "Two axes swapped.\n\n>>> ndl.swapaxes(ndl.zeros(2, 3, 4), 0, 2).shape\n(4, 3, 2)");
  b.both("t", &t, "a"_a, "A matrix transposed; vectors stay as they are.\n\n>>> ndl.t(ndl.zeros(2, 3)).shape\n(3, 2)");
  b.function(
      "matrix_transpose", [](const Tensor& x) { return transpose(x); }, "a"_a,
      "The last two axes swapped.\n\n>>> ndl.matrix_transpose(ndl.zeros(2, 3, 4)).shape\n(2, 4, 3)");
  b.tensor.def_prop_ro("T", &reverse_axes, "All axes reversed.");
  b.tensor.def_prop_ro(
      "mT", [](const Tensor& x) { return transpose(x); }, "The last two axes swapped.");
  for (const char* name : {"moveaxis", "movedim"})
    b.both(
        name,
        [](const Tensor& x, nb::object source, nb::object destination) {
          return moveaxis(x, dims_of(source), dims_of(destination));
        },
        "a"_a, "source"_a, "destination"_a,
        "Axes at new places, the others in their order.\n\n"
        ">>> ndl.moveaxis(ndl.zeros(2, 3, 4), 0, -1).shape\n(3, 4, 2)");
  for (const char* axis_name : {"axis", "axes"})  // NumPy's; the second is needle's, and PyTorch's dims
    b.both(
        "flip", [](const Tensor& x, nb::object axes) { return flip(x, axes_of(axes)); }, "a"_a,
        nb::arg(axis_name) = nb::none(),
        "The order along the axes (all by default) reversed, without a copy.\n\n"
        ">>> ndl.flip(ndl.arange(3)).tolist()\n[2, 1, 0]");
  b.both(
      "fliplr",
      [](const Tensor& x) {
        NDL_CHECK(x.rank() >= 2, ValueError, "fliplr", "no axis 1: got shape ", x.shape(),
                  ", expected two axes or more.");
        return flip(x, {1});
      },
      "a"_a, "Axis 1 reversed.\n\n>>> ndl.fliplr(ndl.tensor([[1, 2]])).tolist()\n[[2, 1]]");
  b.both(
      "flipud",
      [](const Tensor& x) {
        NDL_CHECK(x.rank() >= 1, ValueError, "flipud", "no axis: got shape (), expected one axis or more.");
        return flip(x, {0});
      },
      "a"_a, "Axis 0 reversed.\n\n>>> ndl.flipud(ndl.tensor([1, 2])).tolist()\n[2, 1]");
  b.both(
      "rot90", [](const Tensor& x, int64_t k, nb::object axes) { return rot90(x, k, dims_of(axes)); }, "a"_a, "k"_a = 1,
      "axes"_a = nb::make_tuple(0, 1),
      "k quarter turns in the plane of two axes, from the first to the second. A view.\n\n"
      ">>> ndl.rot90(ndl.tensor([[1, 2], [3, 4]])).tolist()\n[[2, 4], [1, 3]]");
}

// 2 or [1, 3]: `count` parts, or cuts before those places.
Tensors split_evenly(const Tensor& x, nb::handle sections, int64_t axis) {
  return is_integer(sections) ? array_split(x, axis, int64_of(sections)) : split_at(x, axis, integers_of(sections));
}

void bind_parts(Binder b) {
  b.function(
      "slice",
      [](const Tensor& x, int64_t axis, std::optional<int64_t> start, std::optional<int64_t> end, int64_t step) {
        // Bounds that are given stay clear of the value that stands for missing ones.
        const auto bound = [](std::optional<int64_t> i) { return i ? std::min(*i, kSliceEnd - 1) : kSliceEnd; };
        return slice(x, axis, bound(start), bound(end), step);
      },
      "a"_a, "axis"_a = 0, "start"_a = nb::none(), "end"_a = nb::none(), "step"_a = 1,
      "a[start:end:step] along one axis.\n\n>>> ndl.slice(ndl.arange(5), 0, 1, 4).tolist()\n[1, 2, 3]");
  b.both(
      "narrow",
      [](const Tensor& x, int64_t axis, nb::object start, int64_t length) {
        if (!nb::isinstance<Tensor>(start)) return narrow(x, axis, int64_of(start), length);
        const Tensor first = nb::cast<Tensor>(start);
        NDL_CHECK(first.rank() == 0 && !is_floating(first.dtype()) && first.dtype() != DType::Bool, TypeError, "narrow",
                  "start is no integer: got ", name(first.dtype()), " of shape ", first.shape(),
                  ", expected one integer.");
        return narrow(x, axis, first.item_int(), length);
      },
      "a"_a, "axis"_a, "start"_a, "length"_a,
      "`length` elements of an axis from `start` on.\n\n>>> ndl.narrow(ndl.arange(5), 0, 1, 3).tolist()\n[1, 2, 3]");
  b.both("select", &select, "a"_a, "axis"_a, "index"_a,
         "One slice of an axis, without that axis.\n\n>>> ndl.select(ndl.eye(2), 1, 0).tolist()\n[1.0, 0.0]");
  const auto each = [](const Tensor& x, int64_t axis) { return to_tuple(unbind(x, axis)); };
  b.both("unbind", each, "a"_a, "axis"_a = 0,
         "All slices of an axis, without that axis.\n\n>>> len(ndl.unbind(ndl.zeros(2, 3), 1))\n3");
  b.function("unstack", each, "a"_a, "axis"_a = 0,
             "unbind() under the array API's name.\n\n>>> len(ndl.unstack(ndl.zeros(2, 3)))\n2");
  const auto parts = [](const Tensor& x, nb::object sections, int64_t axis) {
    return to_tuple(is_integer(sections) ? split_each(x, axis, int64_of(sections))
                                         : split(x, axis, integers_of(sections)));
  };
  b.core.def("split", parts, "a"_a, "sections"_a, "axis"_a);
  b.method("split", parts, "sections"_a, "axis"_a = 0, "Parts along an axis: of one size, or of the sizes listed.");
  b.both(
      "chunk", [](const Tensor& x, int64_t chunks, int64_t axis) { return to_tuple(chunk(x, axis, chunks)); }, "a"_a,
      "chunks"_a, "axis"_a = 0,
      "At most `chunks` parts of one size, of which the last may be smaller.\n\n"
      ">>> [part.shape for part in ndl.chunk(ndl.zeros(5), 3)]\n[(2,), (2,), (1,)]");
  for (const char* name : {"array_split", "tensor_split"})
    b.both(
        name, [](const Tensor& x, nb::object s, int64_t axis) { return to_tuple(split_evenly(x, s, axis)); }, "a"_a,
        "indices_or_sections"_a, "axis"_a = 0,
        "So many parts whose sizes differ by at most one, or cuts before the places listed.\n\n"
        ">>> [part.shape for part in ndl.array_split(ndl.zeros(5), 3)]\n[(2,), (2,), (1,)]");
  // A number of parts has to divide the axis, as in NumPy and PyTorch; array_split() takes any.
  for (auto [name, axis, doc] : {std::tuple{"hsplit", 1,
                                            "Equal parts along axis 1 (0 of a vector), or cuts before places.\n\n"
                                            ">>> ndl.hsplit(ndl.zeros(2, 4), 2)[0].shape\n(2, 2)"},
                                 std::tuple{"vsplit", 0,
                                            "Equal parts along axis 0, or cuts before places.\n\n"
                                            ">>> ndl.vsplit(ndl.zeros(2, 4), 2)[0].shape\n(1, 4)"}})
    b.function(
        name,
        [name = name, axis = axis](const Tensor& x, nb::object sections) {
          NDL_CHECK(x.rank() >= 2 - axis, ValueError, name, "too few axes: got shape ", x.shape(), ", expected ",
                    2 - axis, " or more.");
          const int64_t size = x.shape()[x.rank() == 1 ? 0 : axis];
          NDL_CHECK(!is_integer(sections) || (int64_of(sections) > 0 && size % int64_of(sections) == 0), ValueError,
                    name, "parts are not equal: got ", text_of(sections), " for size ", size,
                    ", expected a divisor. Use array_split.");
          return to_tuple(split_evenly(x, sections, x.rank() == 1 ? 0 : axis));
        },
        "a"_a, "indices_or_sections"_a, doc);
  b.method("unfold", &unfold, "axis"_a, "size"_a, "step"_a,
           "Windows of `size` elements along an axis, one each `step`, as a view: the axis counts the windows, a last "
           "axis their elements.\n\n>>> ndl.arange(4).unfold(0, 2, 1).tolist()\n[[0, 1], [1, 2], [2, 3]]");
  b.both(
      "diagonal", [](const Tensor& x, int64_t offset, int64_t a, int64_t c) { return diagonal(x, offset, a, c); },
      "a"_a, "offset"_a = 0, "axis1"_a = 0, "axis2"_a = 1,
      "The diagonal of two axes as a last axis, a view.\n\n"
      ">>> ndl.diagonal(ndl.tensor([[1, 2], [3, 4]])).tolist()\n[1, 4]");
}

void bind_joining(Binder b) {
  for (const char* name : {"concat", "concatenate", "cat"})
    b.function(name, joined(&concat), "tensors"_a, "axis"_a = 0,
               "Joined along an axis. Dtypes are promoted.\n\n"
               ">>> ndl.concat([ndl.zeros(2), ndl.ones(1)]).tolist()\n[0.0, 0.0, 1.0]");
  b.function("stack", joined(&stack), "tensors"_a, "axis"_a = 0,
             "Joined along a new axis.\n\n>>> ndl.stack([ndl.zeros(2), ndl.ones(2)], 1).shape\n(2, 2)");
  b.function("hstack", joined(&hstack), "tensors"_a,
             "Joined along axis 1, vectors along axis 0.\n\n"
             ">>> ndl.hstack([ndl.zeros(2, 1), ndl.ones(2, 2)]).shape\n(2, 3)");
  b.function("vstack", joined(&vstack), "tensors"_a,
             "Rows on top of each other.\n\n>>> ndl.vstack([ndl.zeros(3), ndl.ones(2, 3)]).shape\n(3, 3)");
  b.function("dstack", joined(&dstack), "tensors"_a,
             "Joined along axis 2.\n\n>>> ndl.dstack([ndl.zeros(3), ndl.ones(3)]).shape\n(1, 3, 2)");
  b.function("column_stack", joined(&column_stack), "tensors"_a,
             "Joined along axis 1, vectors as columns.\n\n"
             ">>> ndl.column_stack([ndl.zeros(3), ndl.ones(3)]).shape\n(3, 2)");
  b.def(
      "block_diag", [](nb::args tensors) { return block_diag(tensors_of_args(tensors)); }, "tensors"_a,
      "Matrices along the diagonal of one.\n\n"
      ">>> ndl.block_diag(ndl.ones(1, 1), ndl.ones(1, 2)).tolist()\n[[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]");
}

void bind_repeating(Binder b) {
  b.function(
      "tile",
      [](const Tensor& x, nb::object reps) {
        const Dims times = dims_of(reps);
        return unlocked([&] { return tile(x, times); });
      },
      "a"_a, "reps"_a,
      "a side by side with itself, reps[i] times on axis i.\n\n"
      ">>> ndl.tile(ndl.arange(2), (2, 2)).tolist()\n[[0, 1, 0, 1], [0, 1, 0, 1]]");
  const auto tiled = [](const Tensor& x, nb::args reps) {
    const Dims times = dims_of_args(reps);
    return unlocked([&] { return tile(x, times); });
  };
  b.tensor.def("tile", tiled, "reps"_a, "This tensor side by side with itself.");
  b.tensor.def(
      "repeat",
      [tiled](const Tensor& x, nb::args sizes) {
        NDL_CHECK(dims_of_args(sizes).size() >= x.rank(), ValueError, "repeat", "too few numbers: got ",
                  dims_of_args(sizes), ", expected one for each axis of ", x.shape(), ".");
        return tiled(x, sizes);
      },
      "sizes"_a,
      "PyTorch's repeat: this tensor sizes[i] times on axis i (ndl.repeat is NumPy's).\n\n"
      ">>> ndl.arange(2).repeat(2).tolist()\n[0, 1, 0, 1]");
  const auto repeated = [](const Tensor& x, nb::object repeats, std::optional<int64_t> axis) {
    const Tensor line = axis ? x : flatten(x);
    if (is_integer(repeats)) {
      const int64_t times = int64_of(repeats);
      return unlocked([&] { return repeat_interleave(line, times, axis.value_or(0)); });
    }
    const Tensor times = tensor_of(repeats, nb::none(), true, x.device());
    return unlocked([&] { return repeat_interleave(line, times, axis.value_or(0)); });
  };
  b.function("repeat", repeated, "a"_a, "repeats"_a, "axis"_a = nb::none(),
             "Every slice of an axis (element, without one) `repeats` times in a row: a number, or one for each.\n\n"
             ">>> ndl.repeat(ndl.arange(2), 2).tolist()\n[0, 0, 1, 1]");
  b.both("repeat_interleave", repeated, "a"_a, "repeats"_a, "axis"_a = nb::none(),
         "ndl.repeat under PyTorch's name.\n\n"
         ">>> ndl.repeat_interleave(ndl.arange(2), [1, 2]).tolist()\n[0, 1, 1]");
  for (const char* axis_name : {"axis", "axes"})  // NumPy's; the second is PyTorch's dims
    b.both(
        "roll",
        [numpys = axis_name == std::string_view("axis")](const Tensor& x, nb::object shifts, nb::object axis) {
          const Dims by = dims_of(shifts);
          std::optional<Dims> axes;
          if (!axis.is_none()) axes = dims_of(axis);
          if (!numpys && axes && axes->empty()) axes.reset();  // () names all elements in PyTorch, no axis in NumPy
          return unlocked([&] { return roll(x, by, axes); });
        },
        "a"_a, "shifts"_a, nb::arg(axis_name) = nb::none(),
        "Elements moved along axes; what leaves at one end enters at the other. Without axes, of the flattened "
        "tensor.\n\n>>> ndl.roll(ndl.arange(4), 1).tolist()\n[3, 0, 1, 2]");
  b.both("diag", &diag, "a"_a, "diagonal"_a = 0, Release(),
         "The matrix of a diagonal, or the diagonal of a matrix.\n\n"
         ">>> ndl.diag(ndl.tensor([1, 2])).tolist()\n[[1, 0], [0, 2]]");
  b.both("diag_embed", &diag_embed, "a"_a, "offset"_a = 0, "axis1"_a = -2, "axis2"_a = -1, Release(),
         "Zeros with the last axis on the diagonal of two new axes.\n\n"
         ">>> ndl.diag_embed(ndl.ones(2, 3)).shape\n(2, 3, 3)");
  b.both(
      "diagflat", [](const Tensor& x, int64_t offset) { return diag_embed(flatten(x), offset); }, "a"_a, "offset"_a = 0,
      Release(), "diag() of the flattened tensor.\n\n>>> ndl.diagflat(ndl.ones(2, 2)).shape\n(4, 4)");
  b.both("tril", &tril, "a"_a, "diagonal"_a = 0, Release(),
         "Zeros above a diagonal of the last two axes.\n\n"
         ">>> ndl.tril(ndl.ones(2, 2)).tolist()\n[[1.0, 0.0], [1.0, 1.0]]");
  b.both("triu", &triu, "a"_a, "diagonal"_a = 0, Release(),
         "Zeros below a diagonal of the last two axes.\n\n"
         ">>> ndl.triu(ndl.ones(2, 2)).tolist()\n[[1.0, 1.0], [0.0, 1.0]]");
}

}  // namespace

void bind_shape(Binder b) {
  bind_reshaping(b);
  bind_broadcasting(b);
  bind_axes(b);
  bind_parts(b);
  bind_joining(b);
  bind_repeating(b);
}

}  // namespace needlecpp::python
