// Reading and writing by index: many public ops, one plan, three kernels.
//
// Every op here comes down to a list of offsets, one for each indexed place, and to moving a block of elements between
// x at that offset and row p of a contiguous y:
//
//   x[pre + offsets[p] + post]  <->  y[pre, p, post]
//
// `pre` and `post` are the axes of x that are not indexed, before and after where the picked axes stand in the result.
// run_take reads (y from x), run_put overwrites and run_combine adds (or multiplies, or takes the larger or smaller of)
// x from y. A Plan holds all of this. Two functions make plans:
//   plan_selection  NumPy's advanced indexing: offsets[p] = sum over indexed axes of index[p] * stride. index_select
//                   and index_add are the case of one indexed axis, whose post is a row that moves in one piece.
//   plan_lanes      gather and scatter_add: an index of x's rank; offsets[p] adds to index[p] * stride the offset of
//                   p's own position on the other axes. Nothing is left for pre and post.
//
// Invariants. A plan exists only when all its indices are inside their axes: the kernel that turns them into offsets
// checks them, before any other memory is touched. Offsets are in elements of x's own strides, so views of any kind
// are read and written without a copy; they live in [low, high), which is known from the strides alone.
//
// Each place sees its writes in the order of p: sums are reproducible and the last write wins (gather_cpu.cpp).
//
// The derivative of a read is an add into zeros at the same places, and that of an add is a read; take and add_to_zeros
// below record each other, so derivatives of all orders exist. That of an overwriting write is a read, too, and 0 for a
// value that a later one overwrote: last_writes() finds those by writing the number of each write to its place and
// reading them back, in the backward alone. Start with Selection, Plan and plan_selection.
#include "needlecpp/ops/gather.h"

#include <algorithm>
#include <utility>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "ops/elementwise/elementwise_run.h"
#include "ops/index/gather_run.h"
#include "ops/index/lanes.h"
#include "ops/plumbing/strided.h"

namespace needlecpp {

Tensor checked_index(const char* op, const Tensor& index) {
  NDL_CHECK(!is_floating(index.dtype()) && index.dtype() != DType::Bool, TypeError, op, "wrong index dtype: got ",
            name(index.dtype()), ", expected int64 or int32. Cast it.");
  return index.dtype() == DType::UInt8 ? cast(index, DType::Int64) : index;
}

void check_added(const char* op, const Tensor& x, const Tensor& src) {
  NDL_CHECK(promote_types(x.dtype(), src.dtype()) == x.dtype(), TypeError, op, "dtypes do not fit: got ",
            name(src.dtype()), " to add to ", name(x.dtype()), ", expected one that converts without loss. Cast it.");
}

bool lacks_axes(const Tensor& x, const Tensor& index) {
  const bool empty = index.numel() == 0 && index.rank() != x.rank();
  return x.rank() == 0 || (x.rank() == 1 && index.rank() == 0) || empty;
}

Tensor cut_to_index(const char* op, const Tensor& src, const Tensor& index) {
  if (src.rank() == 0) return src;
  bool fits = src.rank() == index.rank();
  for (int i = 0; fits && i < src.rank(); ++i) fits = src.shape()[i] >= index.shape()[i];
  NDL_CHECK(fits, ValueError, op, "src does not fit the index: got shape ", src.shape(), ", expected at least ",
            index.shape(), ", or a number. Broadcast it.");
  Tensor cut = src;
  for (int i = 0; i < src.rank(); ++i)
    if (src.shape()[i] > index.shape()[i]) cut = slice(cut, i, 0, index.shape()[i]);
  return cut;
}

namespace {

// Which places of a shape are indexed.
struct Selection {
  Dims axes;        // the indexed axes, rising
  Tensors indices;  // int64 or int32, one for each; they broadcast to `picked`
  Shape picked;
  int at = 0;             // the number of axes before the picked ones in the result
  bool distinct = false;  // known to name no place twice: a mask does not
};

struct Plan {
  Shape result;    // of a read
  Tensor offsets;  // int64, contiguous
  Places places;
};

// Neighbouring axes that one stride can walk become one; at least one axis remains.
Axes to_axes(const Shape& shape, const Strides& strides) {
  const StridedLoop<1> merged = make_loop<1>(shape, {strides});
  Axes axes;
  axes.rank = merged.shape.size();
  std::copy(merged.shape.begin(), merged.shape.end(), axes.size);
  std::copy(merged.strides[0].begin(), merged.strides[0].end(), axes.stride);
  return axes;
}

// Throws if a run function has found an index outside its axis, at position `outside`.
void check_inside(const char* op, int64_t outside, const Tensor& index, int axis, int64_t size) {
  if (outside < 0) return;
  const int64_t value = select(reshape(index, {index.numel()}), 0, outside).item_int();
  detail::fail<IndexError>(op, "index out of range: got ", value, " for axis ", axis, " of size ", size, ", expected ",
                           -size, " to ", size - 1, ".");
}

// Fills (or adds to) the plan's offsets from one index, already broadcast.
void add_offsets(const char* op, Plan* plan, const Tensor& broadcast_index, int axis, const IndexedAxis& indexed,
                 bool add) {
  const Tensor index = contiguous(broadcast_index);
  check_inside(op, NDL_ON(index.device(), run_offsets)(index, indexed, add, plan->offsets), index, axis, indexed.size);
  (indexed.stride < 0 ? plan->places.low : plan->places.high) +=
      indexed.stride * std::max<int64_t>(0, indexed.size - 1);
}

// A read of single elements by one index.
Tensor take_single(const char* op, const Tensor& x, const Tensor& any_index, int axis, const IndexedAxis& indexed) {
  const Tensor index = contiguous(any_index);
  const Tensor y = Tensor::empty(index.shape(), x.dtype(), x.device());
  check_inside(op, NDL_ON(x.device(), run_take_single)(x, index, indexed, y), index, axis, indexed.size);
  return y;
}

Plan plan_selection(const char* op, const Tensor& x, const Selection& selection) {
  Plan plan;
  plan.offsets = selection.axes.empty() ? Tensor::zeros(selection.picked, DType::Int64, x.device())
                                        : Tensor::empty(selection.picked, DType::Int64, x.device());
  for (int k = 0; k < selection.axes.size(); ++k) {
    const int axis = static_cast<int>(selection.axes[k]);
    add_offsets(op, &plan, broadcast_to(selection.indices[k], selection.picked), axis,
                {x.shape()[axis], x.strides()[axis]}, k > 0);
  }
  Shape shapes[2];  // pre, post
  Strides strides[2];
  for (int i = 0; i < x.rank(); ++i) {
    if (std::find(selection.axes.begin(), selection.axes.end(), i) != selection.axes.end()) continue;
    const int part = shapes[0].size() < selection.at ? 0 : 1;
    shapes[part].push_back(x.shape()[i]);
    strides[part].push_back(x.strides()[i]);
  }
  plan.places.pre_count = numel(shapes[0]);
  plan.places.post_count = numel(shapes[1]);
  plan.places.pre = to_axes(shapes[0], strides[0]);
  plan.places.post = to_axes(shapes[1], strides[1]);
  for (int64_t size : shapes[0]) plan.result.push_back(size);
  for (int64_t size : selection.picked) plan.result.push_back(size);
  for (int64_t size : shapes[1]) plan.result.push_back(size);
  return plan;
}

// The strides of x off the axis, at which the positions of an index of x's rank lie.
Strides lane_strides(const char* op, const Tensor& x, int axis, const Tensor& index) {
  NDL_CHECK(index.rank() == x.rank(), ValueError, op, "ranks differ: got an index of shape ", index.shape(),
            ", expected the rank of ", x.shape(), ".");
  for (int i = 0; i < x.rank(); ++i)
    NDL_CHECK(i == axis || index.shape()[i] <= x.shape()[i], ValueError, op, "index longer than x on axis ", i,
              ": got ", index.shape(), ", expected at most ", x.shape(), " off axis ", axis, ".");
  Strides others = x.strides();
  others[axis] = 0;
  return others;
}

Plan plan_lanes(const char* op, const Tensor& x, int axis, const Tensor& index) {
  const Strides others = lane_strides(op, x, axis, index);
  Plan plan;
  for (int i = 0; i < x.rank(); ++i)
    if (i != axis)
      (others[i] < 0 ? plan.places.low : plan.places.high) += others[i] * std::max<int64_t>(0, x.shape()[i] - 1);
  plan.result = index.shape();
  plan.offsets = Tensor::empty(index.shape(), DType::Int64, x.device());
  plan.places.post = to_axes({}, {});
  add_offsets(op, &plan, index, axis, {x.shape()[axis], x.strides()[axis], to_axes(index.shape(), others)}, false);
  return plan;
}

Tensor read(const Plan& plan, const Tensor& x) {
  const Tensor y = Tensor::empty(plan.result, x.dtype(), x.device());
  NDL_ON(x.device(), run_take)(plan.places, plan.offsets, x, y);
  return y;
}

void overwrite(const Plan& plan, const Tensor& target, const Tensor& values) {
  NDL_ON(target.device(), run_put)(plan.places, plan.offsets, target, values);
}

// The dtype that sums are formed in.
DType sum_dtype(const char* op, DType dtype) {
  NDL_CHECK(dtype != DType::Bool, TypeError, op, "cannot add: got bool, expected a number. Cast first.");
  if (dtype == DType::Float16 || dtype == DType::BFloat16) return DType::Float32;
  return dtype == DType::UInt8 ? DType::Int32 : dtype;
}

void combine_into(const Plan& plan, const Tensor& target, const Tensor& values, Combine combine = Combine::Sum) {
  NDL_ON(target.device(), run_combine)(plan.places, plan.offsets, target, values, combine);
}

// Without the leading axes of size 1 that `values` has beyond `rank`.
Tensor without_leading(const Tensor& values, int rank) {
  Tensor fitted = values;
  while (fitted.rank() > rank && fitted.shape()[0] == 1) fitted = select(fitted, 0, 0);
  return fitted;
}

// `values` as a contiguous tensor of the shape and dtype that the places have.
Tensor fit_values(const char* op, const Tensor& values, const Shape& shape, DType dtype) {
  const Tensor fitted = without_leading(values, shape.size());
  NDL_CHECK(fitted.rank() <= shape.size() && broadcast_shapes(op, fitted.shape(), shape) == shape, ValueError, op,
            "values do not fit: got ", values.shape(), ", expected what broadcasts to ", shape, ".");
  return contiguous(broadcast_to(cast(fitted, dtype), shape));
}

// x + values at the places that `make_plan` finds in a tensor: a new, contiguous tensor.
template <class MakePlan>
Tensor add_at(const char* op, const Tensor& x, const Tensor& values, const MakePlan& make_plan) {
  NoGrad off;
  const DType wide = sum_dtype(op, x.dtype());
  Tensor y = wide == x.dtype() ? contiguous(clone(x)) : contiguous(cast(x, wide));
  const Plan plan = make_plan(y);
  combine_into(plan, y, fit_values(op, values, plan.result, wide));
  return cast(y, x.dtype());
}

// The same into zeros, without a first copy of them.
template <class MakePlan>
Tensor add_to_zeros(const char* op, const Shape& shape, const Tensor& values, const MakePlan& make_plan) {
  NoGrad off;
  const DType wide = sum_dtype(op, values.dtype());
  Tensor y = Tensor::zeros(shape, wide, values.device());
  const Plan plan = make_plan(y);
  combine_into(plan, y, fit_values(op, values, plan.result, wide));
  return cast(y, values.dtype());
}

// On the tape the indices are saved tensors, checked against edits; the rest of a selection is captured by value.
Selection with_saved(Selection selection, Backward& b) {
  for (int k = 0; k < selection.axes.size(); ++k) selection.indices.push_back(b.saved(k));
  return selection;
}

Selection without_indices(Selection selection) {
  selection.indices.clear();
  return selection;
}

Tensor take_backward(const char* op, const Tensor& dy, const Shape& shape, const Selection& selection);

Tensor take(const char* op, const Tensor& x, const Selection& selection) {
  const bool single = x.rank() == 1 && selection.axes.size() == 1;
  const Tensor y = single ? take_single(op, x, selection.indices[0], 0, {x.shape()[0], x.strides()[0]})
                          : read(plan_selection(op, x, selection), x);
  return record(op, Tensors{y}, Tensors{x}, selection.indices, [op, places = without_indices(selection)](Backward& b) {
    b.give(0, take_backward(op, b.dy(), b.input_shape(0), with_saved(places, b)));
  })[0];
}

Tensor take_backward(const char* op, const Tensor& dy, const Shape& shape, const Selection& selection) {
  const Tensor dx = add_to_zeros(op, shape, dy, [&](const Tensor& y) { return plan_selection(op, y, selection); });
  return record(op, Tensors{dx}, Tensors{dy}, selection.indices,
                [op, places = without_indices(selection)](Backward& b) {
                  b.give(0, take(op, b.dy(), with_saved(places, b)));
                })[0];
}

Tensor gather_backward(const Tensor& dy, const Shape& shape, int axis, const Tensor& index) {
  Op op("gather_backward", dy, index);
  const Tensor dx = add_to_zeros("gather_backward", shape, dy,
                                 [&](const Tensor& y) { return plan_lanes("gather_backward", y, axis, index); });
  return op.record(dx, {dy}, {index}, [axis](Backward& b) { b.give(0, gather(b.dy(), axis, b.saved(0))); });
}

// `taken` where a write was the last to its place, 0 elsewhere; mostly no place is written twice.
Tensor keep_lasting(const Tensor& last, const Tensor& taken) {
  if (count_nonzero(last).item_int() == last.numel()) return taken;
  return where_or_zero(last, taken);
}

// Which of `count` writes was the last to its place, in the shape of a read. `make_plan` finds the places in a tensor
// of `shape`.
template <class MakePlan>
Tensor last_writes(const Shape& shape, int64_t count, Device device, const MakePlan& make_plan) {
  NoGrad off;
  const Tensor numbers = Tensor::arange(count, count <= INT32_MAX ? DType::Int32 : DType::Int64, device);
  const Tensor map = Tensor::empty(shape, numbers.dtype(), device);  // what is not written is not read
  const Plan plan = make_plan(map);
  overwrite(plan, map, numbers);
  return eq(read(plan, map), reshape(numbers, plan.result));
}

// take() with zeros for writes that did not last: the gradient of values put at a selection.
Tensor take_lasting(const char* op, const Tensor& x, const Selection& selection) {
  const Tensor taken = take(op, x, selection);
  if (selection.distinct || numel(selection.picked) <= 1 || taken.numel() == 0) return taken;
  // The other axes do not matter: places are told apart by the indexed ones alone.
  Selection indexed = selection;
  Shape shape;
  for (int k = 0; k < selection.axes.size(); ++k) {
    shape.push_back(x.shape()[selection.axes[k]]);
    indexed.axes[k] = k;
  }
  indexed.at = 0;
  const Tensor last = last_writes(shape, numel(selection.picked), x.device(),
                                  [&](const Tensor& map) { return plan_selection(op, map, indexed); });
  Shape spread = selection.picked;
  while (spread.size() < taken.rank() - selection.at) spread.push_back(1);
  return keep_lasting(reshape(last, spread), taken);
}

// The same for an index of x's rank.
Tensor gather_lasting(const Tensor& x, int axis, const Tensor& index) {
  const Tensor taken = gather(x, axis, index);
  if (index.numel() <= 1) return taken;
  const Tensor last = last_writes(x.shape(), index.numel(), x.device(),
                                  [&](const Tensor& map) { return plan_lanes("scatter", map, axis, index); });
  return keep_lasting(last, taken);
}

// One 1-D index on one axis.
Selection select_slices(const char* op, int axis, const Tensor& index) {
  NDL_CHECK(index.rank() <= 1, ValueError, op, "wrong index shape: got ", index.shape(),
            ", expected one axis. Use index() for more.");
  const Tensor line = atleast_1d(checked_index(op, index));
  return {{axis}, {line}, line.shape(), axis};
}

// NumPy's rule: a mask stands for one index tensor an axis, and takes as many axes as it has.
Selection select_places(const char* op, const Tensor& x, const std::vector<std::optional<Tensor>>& indices,
                        bool in_front = false) {
  Selection selection;
  int axis = 0;
  int given = 0;
  const auto push = [&](const Tensor& index) {
    selection.axes.push_back(axis++);
    try {
      selection.picked =
          selection.indices.empty() ? index.shape() : broadcast_shapes(op, selection.picked, index.shape());
    } catch (const ValueError& error) {  // NumPy's kind of error where an index does not fit
      throw IndexError(error.what());
    }
    selection.indices.push_back(index);
  };
  for (const std::optional<Tensor>& index : indices) {
    const bool mask = index && index->dtype() == DType::Bool;
    given += index.has_value();
    if (index) selection.distinct = mask && given == 1;
    const int taken = mask ? index->rank() : 1;
    NDL_CHECK(axis + taken <= x.rank(), IndexError, op, "too many indices: got one for axis ", axis + taken - 1,
              ", expected at most the ", x.rank(), " axes of ", x.shape(), ".");
    if (!index) {
      ++axis;
    } else if (mask) {
      NDL_CHECK(taken > 0, IndexError, op, "a mask without axes: got shape (), expected at least one axis.");
      for (int i = 0; i < taken; ++i)
        NDL_CHECK(index->shape()[i] == x.shape()[axis + i], IndexError, op, "mask does not fit: got ", index->shape(),
                  " at axis ", axis, ", expected the sizes of ", x.shape(), " there.");
      const Tensor positions = nonzero(*index);
      for (int i = 0; i < taken; ++i) push(select(positions, 1, i));
    } else {
      push(checked_index(op, *index));
    }
  }
  const bool adjacent =
      !in_front && !selection.axes.empty() && selection.axes.back() - selection.axes[0] + 1 == selection.axes.size();
  selection.at = adjacent ? static_cast<int>(selection.axes[0]) : 0;
  return selection;
}

}  // namespace

Tensor gather(const Tensor& x, int64_t axis, const Tensor& any_index) {
  Op op("gather", x, any_index);
  const int at = normalize_axis("gather", axis, std::max(x.rank(), 1));
  const Tensor index = checked_index(op, any_index);
  if (lacks_axes(x, index)) {
    const Tensor line = index.numel() == 0 ? reshape(x, {-1}) : atleast_1d(x);
    return reshape(gather(line, 0, index.numel() == 0 ? reshape(index, {0}) : atleast_1d(index)), index.shape());
  }
  const Strides others = lane_strides("gather", x, at, index);
  const Tensor y = take_single(op, x, index, at, {x.shape()[at], x.strides()[at], to_axes(index.shape(), others)});
  return op.record(y, {x}, {index},
                   [at](Backward& b) { b.give(0, gather_backward(b.dy(), b.input_shape(0), at, b.saved(0))); });
}

Tensor scatter_add(const Tensor& x, int64_t axis, const Tensor& any_index, const Tensor& any_src) {
  Op op("scatter_add", x, any_index, any_src);
  const int at = normalize_axis("scatter_add", axis, std::max(x.rank(), 1));
  const Tensor index = checked_index(op, any_index);
  check_added("scatter_add", x, any_src);
  if (lacks_axes(x, index))
    return with_axes(x, index, any_src,
                     [&](const Tensor& to, const Tensor& i, const Tensor& s) { return scatter_add(to, at, i, s); });
  const Tensor src = cut_to_index("scatter_add", any_src, index);
  const Tensor y =
      add_at("scatter_add", x, src, [&](const Tensor& sum) { return plan_lanes("scatter_add", sum, at, index); });
  return op.record(y, {x, src}, {index}, [at](Backward& b) {
    b.give(0, b.dy());
    if (b.needs(1)) b.give(1, gather(b.dy(), at, b.saved(0)));
  });
}

Tensor scatter(const Tensor& x, int64_t axis, const Tensor& any_index, const Tensor& any_src) {
  Op op("scatter", x, any_index, any_src);
  const int at = normalize_axis("scatter", axis, std::max(x.rank(), 1));
  const Tensor index = checked_index(op, any_index);
  check_added("scatter", x, any_src);
  if (lacks_axes(x, index))
    return with_axes(x, index, any_src,
                     [&](const Tensor& to, const Tensor& i, const Tensor& s) { return scatter(to, at, i, s); });
  const Tensor src = cut_to_index("scatter", any_src, index);
  Tensor y;
  {
    NoGrad off;
    y = clone(x);
    const Plan plan = plan_lanes("scatter", y, at, index);
    overwrite(plan, y, fit_values("scatter", src, plan.result, x.dtype()));
  }
  return op.record(y, {x, src}, {index}, [at](Backward& b) {
    if (b.needs(0)) b.give(0, scatter(b.dy(), at, b.saved(0), Tensor::zeros({}, b.dy().dtype(), b.dy().device())));
    if (b.needs(1)) b.give(1, gather_lasting(b.dy(), at, b.saved(0)));
  });
}

Tensor combine_lanes(const Tensor& x, int axis, const Tensor& index, const Tensor& src, Combine combine) {
  NoGrad off;
  const DType wide = sum_dtype("scatter_reduce", x.dtype());
  const Tensor y = wide == x.dtype() ? clone(x) : cast(x, wide);
  const Plan plan = plan_lanes("scatter_reduce", y, axis, index);
  combine_into(plan, y, fit_values("scatter_reduce", src, plan.result, wide), combine);
  return cast(y, x.dtype());
}

Tensor index_select(const Tensor& x, int64_t axis, const Tensor& index) {
  Op op("index_select", x, index);
  const int at = normalize_axis("index_select", axis, std::max(x.rank(), 1));
  if (x.rank() == 0) {
    NDL_CHECK(index.numel() == 1, ValueError, "index_select", "a tensor without axes has one element: got an index of ",
              index.shape(), ", expected one.");
    return reshape(index_select(atleast_1d(x), 0, index), {});
  }
  return take("index_select", x, select_slices(op, at, index));
}

namespace {

// Whole slices for the places of an index: nothing broadcasts.
void check_slices(const char* op, const Tensor& x, int axis, const Tensor& index, const Tensor& src) {
  Shape expected = x.shape();
  if (x.rank() > 0) expected[axis] = index.numel();
  NDL_CHECK(src.shape() == expected || (x.rank() <= 1 && src.numel() == index.numel() && src.rank() <= 1), ValueError,
            op, "source does not fit: got shape ", src.shape(), ", expected ", expected,
            ", a slice for each index. Broadcast it.");
}

}  // namespace

Tensor index_add(const Tensor& x, int64_t axis, const Tensor& index, const Tensor& src, double alpha) {
  Op op("index_add", x, index, src);
  const int at = normalize_axis("index_add", axis, std::max(x.rank(), 1));
  check_added("index_add", x, src);
  check_slices("index_add", x, at, index, src);
  if (x.rank() == 0) return reshape(index_add(atleast_1d(x), 0, index, atleast_1d(src), alpha), {});
  if (alpha != 1 && is_half(x.dtype()))  // only the sum is rounded
    return cast(index_add(cast(x, DType::Float32), axis, index, mul(cast(src, DType::Float32), alpha)), x.dtype());
  if (alpha != 1) return index_add(x, axis, index, mul(src, alpha));
  const Selection selection = select_slices(op, at, index);
  const Tensor y =
      add_at("index_add", x, src, [&](const Tensor& sum) { return plan_selection("index_add", sum, selection); });
  return op.record(y, {x, src}, {index}, [at](Backward& b) {
    b.give(0, b.dy());
    if (b.needs(1)) b.give(1, index_select(b.dy(), at, b.saved(0)));
  });
}

namespace {

// x with values put (or added) at a selection: a new tensor.
Tensor put(const char* op, const Tensor& x, const Selection& selection, const Tensor& any_values, bool accumulate) {
  const Tensor values = without_leading(any_values, selection.picked.size() + x.rank() - selection.axes.size());
  Tensor y;
  {
    NoGrad off;
    const DType wide = accumulate ? sum_dtype(op, x.dtype()) : x.dtype();
    y = wide == x.dtype() ? clone(x) : cast(x, wide);
    const Plan plan = plan_selection(op, y, selection);
    const Tensor fitted = fit_values(op, values, plan.result, wide);
    if (accumulate)
      combine_into(plan, y, fitted);
    else
      overwrite(plan, y, fitted);
    y = cast(y, x.dtype());
  }
  return record(op, Tensors{y}, Tensors{x, values}, selection.indices,
                [op, accumulate, places = without_indices(selection)](Backward& b) {
                  const Selection where = with_saved(places, b);
                  const Tensor& dy = b.dy();
                  if (b.needs(0))
                    b.give(0, accumulate ? dy : put(op, dy, where, Tensor::zeros({}, dy.dtype(), dy.device()), false));
                  if (b.needs(1)) b.give(1, accumulate ? take(op, dy, where) : take_lasting(op, dy, where));
                })[0];
}

}  // namespace

Tensor index_put(const Tensor& x, const std::vector<std::optional<Tensor>>& indices, const Tensor& values,
                 bool accumulate) {
  Op op("index_put", x, values, indices);
  return put("index_put", x, select_places("index_put", x, indices), values, accumulate);
}

Tensor index_copy(const Tensor& x, int64_t axis, const Tensor& index, const Tensor& src) {
  Op op("index_copy", x, index, src);
  const int at = normalize_axis("index_copy", axis, std::max(x.rank(), 1));
  check_added("index_copy", x, src);
  check_slices("index_copy", x, at, index, src);
  if (x.rank() == 0) return reshape(index_copy(atleast_1d(x), 0, index, atleast_1d(src)), {});
  return put("index_copy", x, select_slices(op, at, index), src, false);
}

Tensor index_fill(const Tensor& x, int64_t axis, const Tensor& index, const Tensor& value) {
  Op op("index_fill", x, index, value);
  const int at = normalize_axis("index_fill", axis, std::max(x.rank(), 1));
  NDL_CHECK(value.rank() == 0, ValueError, "index_fill", "not a single value: got ", value.shape(), ", expected ().");
  if (x.rank() == 0) return reshape(index_fill(atleast_1d(x), 0, index, value), {});
  return put("index_fill", x, select_slices(op, at, index), value, false);
}

Tensor index(const Tensor& x, const std::vector<std::optional<Tensor>>& indices, bool in_front) {
  Op op("index", x, indices);
  return take("index", x, select_places("index", x, indices, in_front));
}

Tensor index_lasting(const Tensor& x, const std::vector<std::optional<Tensor>>& indices, bool in_front) {
  Op op("index", x, indices);
  return take_lasting("index", x, select_places("index", x, indices, in_front));
}

void index_put_(const Tensor& x, const std::vector<std::optional<Tensor>>& indices, const Tensor& values,
                bool accumulate, bool in_front) {
  Op op("index_put_", x, values, indices);
  check_inplace("index_put_", x);
  NoGrad off;
  const Selection selection = select_places("index_put_", x, indices, in_front);
  const DType wide = accumulate ? sum_dtype("index_put_", x.dtype()) : x.dtype();
  const Tensor target = cast(x, wide);  // x itself unless sums need more bits
  const Plan plan = plan_selection("index_put_", target, selection);
  Tensor fitted = fit_values("index_put_", values, plan.result, wide);
  if (fitted.impl()->storage == x.impl()->storage) fitted = clone(fitted);  // values may be a view of x
  if (accumulate)
    combine_into(plan, target, fitted);
  else
    overwrite(plan, target, fitted);
  if (!target.is_same(x))
    copy_(x, target);
  else
    x.bump_version("index_put_");
}

Tensor nonzero(const Tensor& x) {
  Op op("nonzero", x);
  NoGrad off;
  const Tensor flags = contiguous(x.dtype() == DType::Bool ? x : ne(x, 0.0));
  const int64_t blocks = (flags.numel() + kFlagBlock - 1) / kFlagBlock;
  const Tensor starts = blocks > 1 ? op.empty({blocks}, DType::Int64) : Tensor();
  const int64_t count = NDL_ON(op.device(), run_count_true)(flags, starts);
  const Tensor places = op.empty({count, x.rank()}, DType::Int64);
  NDL_ON(op.device(), run_write_true)(flags, starts, places);
  return places;
}

Tensor one_hot(const Tensor& classes, int64_t num_classes, DType dtype) {
  Op op("one_hot", classes);
  NDL_CHECK(num_classes >= 1, ValueError, "one_hot", "bad number of classes: got ", num_classes,
            ", expected at least 1.");
  NoGrad off;
  Shape shape = classes.shape();
  shape.push_back(num_classes);
  Tensor y = op.zeros(shape, dtype);
  const Tensor lanes = y.view({classes.numel(), num_classes}, {num_classes, 1}, 0);
  const Tensor labels = checked_index(op, classes);
  const Tensor negative = nonzero(lt(labels, 0.0));
  NDL_CHECK(negative.size(0) == 0, IndexError, "one_hot", "negative class: got ", negative.size(0),
            " of them, expected 0 to ", num_classes - 1, ".");
  const Plan plan = plan_lanes("one_hot", lanes, 1, reshape(labels, {classes.numel(), 1}));
  overwrite(plan, lanes, Tensor::ones(plan.result, dtype, op.device()));
  return y;
}

}  // namespace needlecpp
