// Reductions that add or multiply. Maxima and places are in reduce_best.cpp.
#include "needlecpp/ops/reduce.h"

#include <algorithm>
#include <cmath>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/scan.h"
#include "needlecpp/ops/shape.h"
#include "ops/elementwise/elementwise_run.h"
#include "ops/reduce/reduce_run.h"

namespace needlecpp {
namespace {

// Spreads dy (with or without the reduced axes) over x's shape again.
Tensor spread(const Tensor& dy, const Shape& shape, const ReducedAxes& axes) {
  return broadcast_to(reshape(dy, reduced_shape(shape, axes, true)), shape);
}

Tensor zero_like(const Tensor& x) { return Tensor::zeros({}, x.dtype(), x.device()); }

DType sum_dtype(DType dtype) { return is_floating(dtype) ? dtype : DType::Int64; }
DType real_dtype(DType dtype) { return is_floating(dtype) ? dtype : DType::Float32; }

Tensor new_result(const Tensor& x, const ReducedAxes& axes, bool keepdims, DType dtype) {
  return Tensor::empty(reduced_shape(x.shape(), axes, keepdims), dtype, x.device());
}

// The product of all other elements along one axis.
Tensor product_of_others(const Tensor& x, int axis) {
  return scan(x, axis, FoldOp::Prod, true) * scan(x, axis, FoldOp::Prod, true, true);
}

Tensor product_of_others(const Tensor& x, const Dims& axes) {
  if (axes.size() == 0) return Tensor::ones(x.shape(), x.dtype(), x.device());
  if (axes.size() == 1) return product_of_others(x, static_cast<int>(axes[0]));
  Dims order;
  Dims back = Dims::filled(x.rank(), 0);
  const ReducedAxes taken(axes);
  for (const bool last : {false, true})
    for (int i = 0; i < x.rank(); ++i)
      if (taken.taken[i] == last) {
        back[i] = order.size();
        order.push_back(i);
      }
  const Tensor turned = permute(x, order);
  const int64_t count = taken.count(x.shape());
  const Tensor others = product_of_others(reshape(turned, {x.numel() / count, count}), 1);
  return permute(reshape(others, turned.shape()), back);
}

}  // namespace

Tensor sum(const Tensor& x, const AxisSet& axes, bool keepdims, MaybeDType dtype) {
  Op op("sum", x);
  if (dtype) return cast(sum(cast(x, *dtype), axes, keepdims), *dtype);
  if (is_half(x.dtype())) return cast(sum(cast(x, DType::Float32), axes, keepdims), x.dtype());
  const ReducedAxes taken("sum", axes, x.rank());
  const Tensor y = new_result(x, taken, keepdims, sum_dtype(x.dtype()));
  NDL_ON(op.device(), run_reduce)(ReduceOp::Sum, x, taken, y, {});
  return op.record(y, {x}, {}, [taken](Backward& g) { g.give(0, spread(g.dy(), g.input_shape(0), taken)); });
}

Tensor prod(const Tensor& x, const AxisSet& axes, bool keepdims, MaybeDType dtype) {
  Op op("prod", x);
  if (dtype) return cast(prod(cast(x, *dtype), axes, keepdims), *dtype);
  if (is_half(x.dtype())) return cast(prod(cast(x, DType::Float32), axes, keepdims), x.dtype());
  const ReducedAxes taken("prod", axes, x.rank());
  const Tensor y = new_result(x, taken, keepdims, sum_dtype(x.dtype()));
  NDL_ON(op.device(), run_reduce)(ReduceOp::Prod, x, taken, y, {});
  return op.record(y, {x}, {x}, [taken](Backward& g) {
    const Tensor from = g.saved(0);
    if (from.numel() == 0) {
      g.give(0, Tensor::zeros(from.shape(), from.dtype(), from.device()));
      return;
    }
    g.give(0, spread(g.dy(), from.shape(), taken) * product_of_others(from, taken.list(from.rank())));
  });
}

Tensor mean(const Tensor& x, const AxisSet& axes, bool keepdims, MaybeDType dtype) {
  Op op("mean", x);
  if (dtype) return mean(cast_to_floating("mean", x, *dtype), axes, keepdims);
  if (is_half(x.dtype())) return cast(mean(cast(x, DType::Float32), axes, keepdims), x.dtype());
  const ReducedAxes taken("mean", axes, x.rank());
  const double count = static_cast<double>(taken.count(x.shape()));
  const Tensor y = new_result(x, taken, keepdims, real_dtype(x.dtype()));
  NDL_ON(op.device(), run_reduce)(ReduceOp::Sum, x, taken, y, {count});
  return op.record(y, {x}, {},
                   [taken, count](Backward& g) { g.give(0, spread(div(g.dy(), count), g.input_shape(0), taken)); });
}

Tensor nansum(const Tensor& x, const AxisSet& axes, bool keepdims, MaybeDType dtype) {
  Op op("nansum", x);
  if (dtype && !is_floating(*dtype)) return sum(nan_to_num(x, 0, INFINITY, -INFINITY), axes, keepdims, dtype);
  if (dtype) return nansum(cast(x, *dtype), axes, keepdims);
  if (!is_floating(x.dtype())) return sum(x, axes, keepdims);
  if (is_half(x.dtype())) return cast(nansum(cast(x, DType::Float32), axes, keepdims), x.dtype());
  const ReducedAxes taken("nansum", axes, x.rank());
  const Tensor y = new_result(x, taken, keepdims, x.dtype());
  NDL_ON(op.device(), run_reduce)(ReduceOp::SumNumbers, x, taken, y, {});
  return op.record(y, {x}, {x}, [taken](Backward& g) {
    const Tensor from = g.saved(0);
    g.give(0, where(isnan(from), zero_like(from), spread(g.dy(), from.shape(), taken)));
  });
}

Tensor nanmean(const Tensor& x, const AxisSet& axes, bool keepdims, MaybeDType dtype) {
  Op op("nanmean", x);
  if (dtype) return nanmean(cast_to_floating("nanmean", x, *dtype), axes, keepdims);
  if (!is_floating(x.dtype())) return mean(x, axes, keepdims);
  if (is_half(x.dtype())) return cast(nanmean(cast(x, DType::Float32), axes, keepdims), x.dtype());
  return nansum(x, axes, keepdims) / cast(count_nonzero(eq(x, x), axes, keepdims), x.dtype());
}

Tensor var(const Tensor& x, const AxisSet& axes, double correction, bool keepdims) {
  Op op("var", x);
  NDL_CHECK(std::isfinite(correction), ValueError, op, "bad correction: got ", correction,
            ", expected a finite number.");
  if (!is_floating(x.dtype())) return var(cast(x, DType::Float32), axes, correction, keepdims);
  if (is_half(x.dtype())) return cast(var(cast(x, DType::Float32), axes, correction, keepdims), x.dtype());
  const ReducedAxes taken("var", axes, x.rank());
  const double count = static_cast<double>(taken.count(x.shape()));
  const double freedom = std::max(0.0, count - correction);
  const Tensor center = new_result(x, taken, keepdims, DType::Float64);
  const Tensor y = new_result(x, taken, keepdims, x.dtype());
  NDL_ON(op.device(), run_reduce)(ReduceOp::Sum, x, taken, center, {count});
  NDL_ON(op.device(), run_reduce)(ReduceOp::SumSquares, x, taken, y, {freedom, center});
  return op.record(y, {x}, {x}, [taken, freedom](Backward& g) {
    const Tensor from = g.saved(0);
    const Tensor off = from - mean(from, taken.list(from.rank()), true);
    const Tensor dy = reshape(g.dy(), reduced_shape(from.shape(), taken, true));
    const auto number = [&](double value) { return Tensor::full({}, value, off.dtype(), off.device()); };
    if (freedom > 0)
      g.give(0, dy * (off * (2 / freedom)));
    else
      g.give(0, dy * where(eq(off, 0.0), number(NAN), number(INFINITY)));
  });
}

Tensor standard_deviation(const Tensor& x, const AxisSet& axes, double correction, bool keepdims) {
  Op op("std", x);
  if (!is_floating(x.dtype())) return standard_deviation(cast(x, DType::Float32), axes, correction, keepdims);
  if (is_half(x.dtype()))
    return cast(standard_deviation(cast(x, DType::Float32), axes, correction, keepdims), x.dtype());
  const Tensor variance = var(x, axes, correction, keepdims);
  return op.record(
      sqrt(variance.detach()), {variance}, {},
      [](Backward& g) {
        const Tensor y = g.output();
        g.give(0, where(eq(y, 0.0), zero_like(y), g.dy() / (y * 2.0)));
      },
      SaveOutputs::Yes);
}

namespace {

// sum(|x|^p)^(1/p) for p other than 0 and infinity.
Tensor power_norm(const Tensor& x, double p, const ReducedAxes& taken, bool keepdims) {
  const ReduceOp op = p == 1 ? ReduceOp::SumAbs : p == 2 ? ReduceOp::SumSquares : ReduceOp::SumPowers;
  const Tensor power = op == ReduceOp::SumPowers ? Tensor::full({}, p, DType::Float64, x.device()) : Tensor();
  Tensor y = new_result(x, taken, keepdims, x.dtype());
  NDL_ON(x.device(), run_reduce)(op, x, taken, y, {1, power});
  if (p == 2)
    y = sqrt(y);
  else if (p != 1)
    y = pow(y, 1 / p);
  return record(
      "vector_norm", y, {x}, {x},
      [p, taken](Backward& g) {
        const Tensor from = g.saved(0);
        const Shape kept = reduced_shape(from.shape(), taken, true);
        const Tensor dy = reshape(g.dy(), kept);
        if (p == 1) {
          g.give(0, dy * sign(from));
          return;
        }
        const Tensor total = reshape(g.output(), kept);
        const Tensor none = eq(total, 0.0);
        const Tensor one = Tensor::ones({}, from.dtype(), from.device());
        // dx = dy x |x|^(p-2) y^(1-p); where y or x is 0, so is dx, and no infinite factor may come near it.
        const Tensor share = where(none, zero_like(from), dy * pow(where(none, one, total), 1 - p));
        if (p == 2)
          g.give(0, from * share);
        else
          g.give(0, sign(from) * pow(where(eq(from, 0.0), one, abs(from)), p - 1) * share);
      },
      SaveOutputs::Yes);
}

}  // namespace

Tensor vector_norm(const Tensor& x, double ord, const AxisSet& axes, bool keepdims, MaybeDType dtype) {
  Op op("vector_norm", x);
  NDL_CHECK(!std::isnan(ord), ValueError, op, "bad ord: got NaN, expected a number.");
  if (dtype) return vector_norm(cast_to_floating("vector_norm", x, *dtype), ord, axes, keepdims);
  if (!is_floating(x.dtype())) return vector_norm(cast(x, DType::Float32), ord, axes, keepdims);
  if (is_half(x.dtype())) return cast(vector_norm(cast(x, DType::Float32), ord, axes, keepdims), x.dtype());
  if (std::isinf(ord)) return ord > 0 ? max(abs(x), axes, keepdims) : min(abs(x), axes, keepdims);
  const ReducedAxes taken("vector_norm", axes, x.rank());
  if (ord != 0) return power_norm(x, ord, taken, keepdims);
  const Tensor y = new_result(x, taken, keepdims, x.dtype());
  NDL_ON(op.device(), run_reduce)(ReduceOp::Count, x, taken, y, {});
  return op.record(y, {x}, {}, [](Backward& g) { give_zeros(g, 0); });
}

Tensor count_nonzero(const Tensor& x, const AxisSet& axes, bool keepdims) {
  Op op("count_nonzero", x);
  if (is_half(x.dtype())) return count_nonzero(cast(x.detach(), DType::Float32), axes, keepdims);
  const ReducedAxes taken("count_nonzero", axes, x.rank());
  const Tensor y = new_result(x, taken, keepdims, DType::Int64);
  NDL_ON(op.device(), run_reduce)(ReduceOp::Count, x, taken, y, {});
  return y;
}

Tensor all(const Tensor& x, const AxisSet& axes, bool keepdims) {
  Op op("all", x);
  const int64_t count = ReducedAxes("all", axes, x.rank()).count(x.shape());
  return eq(count_nonzero(x, axes, keepdims), static_cast<double>(count));
}

Tensor any(const Tensor& x, const AxisSet& axes, bool keepdims) {
  Op op("any", x);
  return ne(count_nonzero(x, axes, keepdims), 0.0);
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  Op op("sum_to", x);
  const int lead = x.rank() - shape.size();
  Dims axes;
  bool fits = lead >= 0;
  for (int i = 0; fits && i < x.rank(); ++i) {
    const bool reduced = i < lead || (shape[i - lead] == 1 && x.shape()[i] != 1);
    if (reduced) axes.push_back(i);
    fits = reduced || shape[i - lead] == x.shape()[i];
  }
  NDL_CHECK(fits, ValueError, op, "shapes do not fit: got x of shape ", x.shape(), " and the shape ", shape,
            ", expected a shape that broadcasts to x's.");
  if (axes.empty()) return x;
  if (is_half(x.dtype())) return cast(sum_to(cast(x, DType::Float32), shape), x.dtype());
  const Tensor y = op.empty(shape, sum_dtype(x.dtype()));
  NDL_ON(op.device(), run_reduce)(ReduceOp::Sum, x, ReducedAxes(axes), y, {});
  return op.record(y, {x}, {}, [](Backward& g) { g.give(0, broadcast_to(g.dy(), g.input_shape(0))); });
}

}  // namespace needlecpp
