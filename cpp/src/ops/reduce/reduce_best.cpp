// Reductions that choose: maxima, minima, their places, the median.
#include <cmath>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "ops/reduce/reduce_run.h"

namespace needlecpp {
namespace {

void check_choice(const char* op, const Tensor& x, const ReducedAxes& taken) {
  NDL_CHECK(taken.count(x.shape()) > 0, ValueError, op, "no element to choose from: got shape ", x.shape(),
            ", expected no reduced axis of size 0. Check for empty tensors first.");
}

// y, the choice among x's elements along the axes: those equal to it share the gradient.
Tensor record_choice(const char* op, const Tensor& y, const Tensor& x, const ReducedAxes& taken) {
  return record(
      op, y, {x}, {x},
      [taken](Backward& g) {
        const Tensor from = g.saved(0);
        const Shape kept = reduced_shape(from.shape(), taken, true);
        const Tensor best = reshape(g.output(), kept);
        const Tensor hits = logical_or(eq(from, best), logical_and(isnan(from), isnan(best)));
        const Tensor ties = cast(count_nonzero(hits, taken.list(from.rank()), true), from.dtype());
        g.give(0, cast(hits, from.dtype()) * (reshape(g.dy(), kept) / ties));
      },
      SaveOutputs::Yes);
}

Tensor extreme(const char* name, ReduceOp choice, const Tensor& x, const AxisSet& axes, bool keepdims) {
  Op op(name, x);
  if (is_half(x.dtype())) return cast(extreme(name, choice, cast(x, DType::Float32), axes, keepdims), x.dtype());
  const ReducedAxes taken(op, axes, x.rank());
  check_choice(op, x, taken);
  const Tensor y = op.empty(reduced_shape(x.shape(), taken, keepdims), x.dtype());
  NDL_ON(op.device(), run_reduce)(choice, x, taken, y, {});
  return record_choice(op, y, x, taken);
}

Tensor place(const char* name, ReduceOp choice, const Tensor& x, int64_t axis, bool keepdims) {
  Op op(name, x);
  if (is_half(x.dtype())) return place(name, choice, cast(x.detach(), DType::Float32), axis, keepdims);
  const ReducedAxes taken(op, {axis}, x.rank());
  check_choice(op, x, taken);
  const Tensor y = op.empty(reduced_shape(x.shape(), taken, keepdims), DType::Int64);
  NDL_ON(op.device(), run_reduce)(choice, x, taken, y, {});
  return y;
}

// The elements at `places` (with the reduced axis of size 1), on the tape.
Tensor elements_at(const Tensor& x, int64_t axis, const Tensor& places, bool keepdims) {
  if (x.rank() == 0) return identity(x);
  const Tensor values = gather(x, axis, places);
  return keepdims ? values : squeeze(values, {axis});
}

std::pair<Tensor, Tensor> with_index(const char* name, ReduceOp choice, const Tensor& x, int64_t axis, bool keepdims) {
  Op op(name, x);
  const Tensor places = place(name, choice, x, axis, true);
  return {elements_at(x, axis, places, keepdims), keepdims || x.rank() == 0 ? places : squeeze(places, {axis})};
}

// The place of each row's lower median (of its first NaN if it has one); x [rows, n], contiguous, n > 0.
Tensor median_places(const Tensor& x) {
  const Tensor places = Tensor::empty({x.size(0)}, DType::Int64, x.device());
  NDL_ON(x.device(), run_median_places)(x, places);
  return places;
}

}  // namespace

Tensor max(const Tensor& x, const AxisSet& axes, bool keepdims) {
  return extreme("max", ReduceOp::Max, x, axes, keepdims);
}
Tensor min(const Tensor& x, const AxisSet& axes, bool keepdims) {
  return extreme("min", ReduceOp::Min, x, axes, keepdims);
}
Tensor ptp(const Tensor& x, const AxisSet& axes, bool keepdims) {
  Op op("ptp", x);
  return max(x, axes, keepdims) - min(x, axes, keepdims);
}
Tensor argmax(const Tensor& x, int64_t axis, bool keepdims) {
  return place("argmax", ReduceOp::ArgMax, x, axis, keepdims);
}
Tensor argmin(const Tensor& x, int64_t axis, bool keepdims) {
  return place("argmin", ReduceOp::ArgMin, x, axis, keepdims);
}
std::pair<Tensor, Tensor> max_with_index(const Tensor& x, int64_t axis, bool keepdims) {
  return with_index("max_with_index", ReduceOp::ArgMax, x, axis, keepdims);
}
std::pair<Tensor, Tensor> min_with_index(const Tensor& x, int64_t axis, bool keepdims) {
  return with_index("min_with_index", ReduceOp::ArgMin, x, axis, keepdims);
}

Tensor median(const Tensor& x, std::optional<int64_t> axis, bool keepdims) {
  Op op("median", x);
  if (is_half(x.dtype())) return cast(median(cast(x, DType::Float32), axis, keepdims), x.dtype());
  const ReducedAxes taken("median", axis ? AxisSet{*axis} : AxisSet(), x.rank());
  const int64_t count = taken.count(x.shape());
  if (count == 0 && !axis && is_floating(x.dtype()))  // as NumPy and PyTorch have it
    return op.full(reduced_shape(x.shape(), taken, keepdims), NAN, x.dtype());
  check_choice("median", x, taken);
  if (x.rank() == 0) return identity(x);
  if (!axis) {
    Tensor y;
    {
      const NoGrad off_the_tape;
      const Tensor flat = contiguous(reshape(x.detach(), {1, count}));
      y = reshape(index_select(flat, 1, median_places(flat)), reduced_shape(x.shape(), taken, keepdims));
    }
    return record_choice("median", y, x, taken);
  }
  Tensor places;
  {
    const NoGrad off_the_tape;
    const Tensor turned = transpose(x.detach(), *axis, -1);
    Shape shape = turned.shape();
    shape.back() = 1;
    const Tensor rows = contiguous(reshape(turned, {x.numel() / count, count}));
    places = contiguous(transpose(reshape(median_places(rows), shape), *axis, -1));
  }
  return elements_at(x, *axis, places, keepdims);
}

}  // namespace needlecpp
