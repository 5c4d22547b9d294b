// Reductions that choose: maxima, minima, their places, the median.
#include <algorithm>
#include <cmath>
#include <vector>

#include "needlecpp/autograd/op.h"
#include "needlecpp/core/parallel.h"
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

Tensor extreme(ReduceOp op, const char* op_name, const Tensor& x, const AxisSet& axes, bool keepdims) {
  OpScope scope(op_name);
  if (is_half(x.dtype())) return cast(extreme(op, op_name, cast(x, DType::Float32), axes, keepdims), x.dtype());
  const ReducedAxes taken(op_name, axes, x.rank());
  check_choice(op_name, x, taken);
  const Tensor y = Tensor::empty(reduced_shape(x.shape(), taken, keepdims), x.dtype(), x.device());
  run_reduce(op, x, taken, y);
  return record_choice(op_name, y, x, taken);
}

Tensor place(ReduceOp op, const char* op_name, const Tensor& x, int64_t axis, bool keepdims) {
  OpScope scope(op_name);
  if (is_half(x.dtype())) return place(op, op_name, cast(x.detach(), DType::Float32), axis, keepdims);
  const ReducedAxes taken(op_name, {axis}, x.rank());
  check_choice(op_name, x, taken);
  const Tensor y = Tensor::empty(reduced_shape(x.shape(), taken, keepdims), DType::Int64, x.device());
  run_reduce(op, x, taken, y);
  return y;
}

// The elements at `places` (with the reduced axis of size 1), on the tape.
Tensor elements_at(const Tensor& x, int64_t axis, const Tensor& places, bool keepdims) {
  if (x.rank() == 0) return identity(x);
  const Tensor values = gather(x, axis, places);
  return keepdims ? values : squeeze(values, {axis});
}

std::pair<Tensor, Tensor> with_index(ReduceOp op, const char* op_name, const Tensor& x, int64_t axis, bool keepdims) {
  OpScope scope(op_name);
  const Tensor places = place(op, op_name, x, axis, true);
  return {elements_at(x, axis, places, keepdims), keepdims || x.rank() == 0 ? places : squeeze(places, {axis})};
}

// The place of each row's lower median (of its first NaN if it has one); x [rows, n], n > 0.
template <class T>
void median_places(const Tensor& x, int64_t* places) {
  const int64_t n = x.size(1);
  const T* from = x.data<T>();
  parallel_for(x.size(0), std::max<int64_t>(1, (1 << 12) / n), [&](int64_t begin, int64_t end) {
    std::vector<int64_t> order(static_cast<size_t>(n));
    for (int64_t row = begin; row < end; ++row) {
      const T* values = from + row * n;
      const T* nan = std::find_if(values, values + n, [](T value) { return value != value; });
      if (nan != values + n) {
        places[row] = nan - values;
        continue;
      }
      for (int64_t i = 0; i < n; ++i) order[static_cast<size_t>(i)] = i;
      const auto middle = order.begin() + (n - 1) / 2;
      std::nth_element(order.begin(), middle, order.end(), [values](int64_t a, int64_t b) {
        return values[a] < values[b] || (values[a] == values[b] && a < b);
      });
      places[row] = *middle;
    }
  });
}

Tensor median_places(const Tensor& rows) {
  const Tensor places = Tensor::empty({rows.size(0)}, DType::Int64, rows.device());
  switch (rows.dtype()) {
    case DType::Float64:
      median_places<double>(rows, places.data<int64_t>());
      break;
    case DType::Float32:
      median_places<float>(rows, places.data<int64_t>());
      break;
    default:
      median_places<int64_t>(cast(rows, DType::Int64), places.data<int64_t>());
  }
  return places;
}

}  // namespace

Tensor max(const Tensor& x, const AxisSet& axes, bool keepdims) {
  return extreme(ReduceOp::Max, "max", x, axes, keepdims);
}
Tensor min(const Tensor& x, const AxisSet& axes, bool keepdims) {
  return extreme(ReduceOp::Min, "min", x, axes, keepdims);
}
Tensor ptp(const Tensor& x, const AxisSet& axes, bool keepdims) {
  Op op("ptp", x);
  return max(x, axes, keepdims) - min(x, axes, keepdims);
}
Tensor argmax(const Tensor& x, int64_t axis, bool keepdims) {
  return place(ReduceOp::ArgMax, "argmax", x, axis, keepdims);
}
Tensor argmin(const Tensor& x, int64_t axis, bool keepdims) {
  return place(ReduceOp::ArgMin, "argmin", x, axis, keepdims);
}
std::pair<Tensor, Tensor> max_with_index(const Tensor& x, int64_t axis, bool keepdims) {
  return with_index(ReduceOp::ArgMax, "max_with_index", x, axis, keepdims);
}
std::pair<Tensor, Tensor> min_with_index(const Tensor& x, int64_t axis, bool keepdims) {
  return with_index(ReduceOp::ArgMin, "min_with_index", x, axis, keepdims);
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
