// scatter_reduce: the forward pass is a kernel for each way to combine, the gradients are written in public ops.
#include <cmath>
#include <string_view>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/gather.h"
#include "ops/index/lanes.h"

namespace needlecpp {

ScatterReduction reduction_from_name(const char* name) {
  const std::string_view reduce = name;
  if (reduce == "sum" || reduce == "add") return ScatterReduction::Sum;
  if (reduce == "prod" || reduce == "multiply") return ScatterReduction::Product;
  if (reduce == "mean") return ScatterReduction::Mean;
  if (reduce == "amax") return ScatterReduction::Max;
  if (reduce == "amin") return ScatterReduction::Min;
  detail::fail<ValueError>("scatter_reduce", "no such reduction: got ", name,
                           ", expected sum, prod, mean, amax or amin.");
}

namespace {

// What every element of x's dtype is at least, or at most.
Tensor bound_of(const Tensor& x, bool lowest) {
  const auto number = [&](double value) { return Tensor::full({}, value, x.dtype(), x.device()); };
  switch (x.dtype()) {
    case DType::Int64:  // no double is its largest number, which is the lowest turned over
      return lowest ? number(INT64_MIN) : bitwise_not(number(INT64_MIN));
    case DType::Int32:
      return number(lowest ? INT32_MIN : INT32_MAX);
    case DType::UInt8:
      return number(lowest ? 0 : 255);
    default:
      return number(lowest ? -INFINITY : INFINITY);
  }
}

Tensor scatter_extreme(const Tensor& x, int axis, const Tensor& index, const Tensor& src, Combine combine) {
  const Tensor y = combine_lanes(x, axis, index, src, combine);
  return record("scatter_reduce", y, {x, src}, {x, index, src, y}, [axis](Backward& b) {
    // Ties share the gradient.
    const Tensor index_saved = b.saved(1);
    const DType dtype = b.dy().dtype();
    const Tensor of_x = cast(eq(b.saved(0), b.saved(3)), dtype);
    const Tensor of_src = cast(eq(b.saved(2), gather(b.saved(3), axis, index_saved)), dtype);
    const Tensor share = b.dy() / clamp(scatter_add(of_x, axis, index_saved, of_src), 1, INFINITY);
    b.give(0, share * of_x);
    if (b.needs(1)) b.give(1, gather(share, axis, index_saved) * of_src);
  });
}

Tensor scatter_product(const Tensor& x, int axis, const Tensor& index, const Tensor& src) {
  const Tensor y = combine_lanes(x, axis, index, src, Combine::Product);
  return record("scatter_reduce", y, {x, src}, {x, index, src}, [axis](Backward& b) {
    const Tensor x_saved = b.saved(0);
    const Tensor index_saved = b.saved(1);
    const Tensor src_saved = b.saved(2);
    const Tensor one = Tensor::ones({}, x_saved.dtype(), x_saved.device());
    if (b.needs(0)) {
      const Tensor ones = broadcast_to(one, x_saved.shape());
      b.give(0, b.dy() * scatter_product(ones, axis, index_saved, src_saved));
    }
    if (!b.needs(1)) return;
    // The product of all other factors at a place: the whole over this one, or where this is the only zero there the
    // product with 1 in its stead.
    const Tensor zero = eq(src_saved, 0.0);
    const Tensor zeros = scatter_add(Tensor::zeros(x_saved.shape(), x_saved.dtype(), x_saved.device()), axis,
                                     index_saved, cast(zero, x_saved.dtype()));
    const Tensor zeros_there = gather(zeros, axis, index_saved);
    const Tensor only = logical_and(zero, eq(zeros_there, 1.0));
    const Tensor without = scatter_product(x_saved, axis, index_saved, where(only, one, src_saved));
    const Tensor whole = scatter_product(x_saved, axis, index_saved, src_saved);
    const Tensor others =
        where(only, gather(without, axis, index_saved), gather(whole, axis, index_saved)) / where(zero, one, src_saved);
    b.give(1, gather(b.dy(), axis, index_saved) * others);
  });
}

}  // namespace

Tensor scatter_reduce(const Tensor& x, int64_t axis, const Tensor& any_index, const Tensor& any_src,
                      ScatterReduction reduction, bool include_self) {
  Op op("scatter_reduce", x, any_index, any_src);
  const int at = normalize_axis(op, axis, std::max(x.rank(), 1));
  const Tensor index = checked_index(op, any_index);
  check_added(op, x, any_src);
  if (lacks_axes(x, index))
    return with_axes(x, index, any_src, [&](const Tensor& to, const Tensor& i, const Tensor& s) {
      return scatter_reduce(to, at, i, s, reduction, include_self);
    });
  const Tensor src = broadcast_to(cast(cut_to_index(op, any_src, index), x.dtype()), index.shape());
  // What is not to take part is replaced by what changes nothing.
  const auto start = [&](const Tensor& neutral) { return include_self ? x : scatter(x, at, index, neutral); };
  switch (reduction) {
    case ScatterReduction::Sum:
      return scatter_add(start(op.zeros({}, x.dtype())), at, index, src);
    case ScatterReduction::Mean: {
      NDL_CHECK(is_floating(x.dtype()), TypeError, op, "mean of integers: got ", name(x.dtype()),
                ", expected a floating dtype. Cast first.");
      if (is_half(x.dtype()))  // rounded once
        return cast(scatter_reduce(cast(x, DType::Float32), axis, index, src, reduction, include_self), x.dtype());
      const Tensor one = op.full({}, 1, x.dtype());
      Tensor counts = op.full(x.shape(), 1, x.dtype());
      if (!include_self) counts = scatter(counts, at, index, one * 0.0);
      return scatter_add(start(op.zeros({}, x.dtype())), at, index, src) /
             clamp(scatter_add(counts, at, index, one), 1, INFINITY);
    }
    case ScatterReduction::Product:
      return scatter_product(start(op.full({}, 1, x.dtype())), at, index, src);
    case ScatterReduction::Max:
    case ScatterReduction::Min:
      break;
  }
  const bool max = reduction == ScatterReduction::Max;
  return scatter_extreme(start(bound_of(x, max)), at, index, src, max ? Combine::Max : Combine::Min);
}

}  // namespace needlecpp
