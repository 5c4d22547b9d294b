// Reductions. run_reduce() sorts and merges the axes for the kernel; where few outputs gather many numbers, it cuts
// the longest reduced axis into slices (a number that depends on the shape alone), reduces each to partial results,
// and reduces those: results do not depend on the number of threads.
#include "needlecpp/ops/reduce.h"

#include <algorithm>
#include <cstdlib>

#include "needlecpp/autograd/function.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/shape.h"
#include "ops/reduce_dims.h"
#include "ops/reduce_kernels.h"

namespace needlecpp {
namespace {

constexpr int64_t kGrain = 1 << 15;  // numbers read by one thread at least
constexpr int64_t kMostSlices = 64;
constexpr int64_t kSlicedRows = 32;  // at most this many outputs gather their numbers in slices
constexpr int64_t kSlicedOutputs = 4096;

struct Axis {
  int64_t size, x_stride, y_stride;
};

// The axes of one kind, outermost first.
class Axes {
 public:
  void add(Axis axis) {
    if (axis.size != 1) axes_[count_++] = axis;
  }
  // By falling stride of x (repeated axes outermost), neighbours merged where both strides allow it.
  void arrange() {
    const auto key = [](const Axis& a) { return a.x_stride == 0 ? INT64_MAX : std::abs(a.x_stride); };
    std::stable_sort(axes_, axes_ + count_, [&](const Axis& a, const Axis& b) { return key(a) > key(b); });
    int kept = 0;
    for (int i = 0; i < count_; ++i) {
      Axis& outer = axes_[std::max(0, kept - 1)];
      const Axis& inner = axes_[i];
      if (kept > 0 && outer.x_stride == inner.x_stride * inner.size && outer.y_stride == inner.y_stride * inner.size)
        outer = {outer.size * inner.size, inner.x_stride, inner.y_stride};
      else
        axes_[kept++] = inner;
    }
    count_ = kept;
    if (count_ == 0) axes_[count_++] = {1, 0, 0};
  }
  int count() const { return count_; }
  const Axis& operator[](int i) const { return axes_[i]; }

 private:
  int count_ = 0;
  Axis axes_[kMaxRank];
};

ReduceType reduce_type(DType dtype) {
  switch (dtype) {
    case DType::Float32:
      return ReduceType::F32;
    case DType::Float64:
      return ReduceType::F64;
    case DType::Int32:
      return ReduceType::I32;
    case DType::Int64:
      return ReduceType::I64;
    default:
      return ReduceType::U8;  // uint8 and bool; the halves are cast before they come here
  }
}

int64_t item_bytes(ReduceType type) {
  return type == ReduceType::U8 ? 1 : type == ReduceType::F32 || type == ReduceType::I32 ? 4 : 8;
}

void run_serial(const ReduceArgs& args, int64_t outputs) { NDL_KERNEL(reduce_loop)(args, 0, outputs); }

// The two steps through partial results, [slices, outputs].
void run_sliced(const ReduceArgs& args, int64_t outputs, int64_t count) {
  int longest = 0;
  for (int i = 1; i < args.reduced_rank; ++i)
    if (args.reduced_shape[i] > args.reduced_shape[longest]) longest = i;
  const int64_t length = args.reduced_shape[longest];
  const int64_t slices = std::min({kMostSlices, length, outputs * count / kGrain});

  DType partial_type = DType::Int64;
  if (args.op != ReduceOp::Sum) {
    constexpr DType types[] = {DType::Float32, DType::Float64, DType::Int32, DType::Int64, DType::UInt8};
    partial_type = types[static_cast<int>(args.x_type)];
  } else if (args.x_type == ReduceType::F32 || args.x_type == ReduceType::F64) {
    partial_type = DType::Float64;
  }
  const Tensor partial = Tensor::empty({slices, outputs}, partial_type);
  const int64_t row_bytes = outputs * static_cast<int64_t>(itemsize(partial_type));
  parallel_tasks(slices, [&](int64_t s) {
    ReduceArgs slice = args;
    const int64_t begin = length * s / slices;
    slice.reduced_shape[longest] = length * (s + 1) / slices - begin;
    slice.x = static_cast<const char*>(args.x) + begin * args.x_reduced[longest] * item_bytes(args.x_type);
    slice.y = static_cast<char*>(partial.raw()) + s * row_bytes;
    slice.y_type = reduce_type(partial_type);
    slice.divisor = 1;
    int64_t y_stride = 1;  // outputs of a slice in the kernel's own order
    for (int i = args.kept_rank - 1; i >= 0; --i) {
      slice.y_kept[i] = y_stride;
      y_stride *= args.kept_shape[i];
    }
    run_serial(slice, outputs);
  });

  ReduceArgs sum = args;
  sum.x = partial.raw();
  sum.x_type = reduce_type(partial_type);
  sum.reduced_rank = 1;
  sum.reduced_shape[0] = slices;
  sum.x_reduced[0] = outputs;
  int64_t x_stride = 1;
  for (int i = args.kept_rank - 1; i >= 0; --i) {
    sum.x_kept[i] = x_stride;
    x_stride *= args.kept_shape[i];
  }
  run_serial(sum, outputs);
}

// Reduces x (no half type) over `axes` into y, whose elements lie in C order of the kept axes.
void run_reduce(ReduceOp op, const Tensor& x, const ReducedAxes& axes, const Tensor& y, double divisor = 1) {
  const int64_t outputs = y.numel();
  if (outputs == 0) return;
  if (x.numel() == 0) {
    fill_(y, 0 / divisor);
    return;
  }
  Axes kept;
  Axes reduced;
  int64_t y_stride = outputs;
  for (int i = 0; i < x.rank(); ++i) {
    const int64_t size = x.shape()[i];
    if (axes.taken[i]) {
      reduced.add({size, x.strides()[i], 0});
    } else {
      y_stride /= size;
      kept.add({size, x.strides()[i], y_stride});
    }
  }
  kept.arrange();
  reduced.arrange();

  ReduceArgs args;
  args.op = op;
  args.x_type = reduce_type(x.dtype());
  args.y_type = reduce_type(y.dtype());
  args.x = x.raw();
  args.y = y.raw();
  args.divisor = divisor;
  args.kept_rank = kept.count();
  args.reduced_rank = reduced.count();
  for (int i = 0; i < kept.count(); ++i) {
    args.kept_shape[i] = kept[i].size;
    args.x_kept[i] = kept[i].x_stride;
    args.y_kept[i] = kept[i].y_stride;
  }
  for (int i = 0; i < reduced.count(); ++i) {
    args.reduced_shape[i] = reduced[i].size;
    args.x_reduced[i] = reduced[i].x_stride;
  }
  const int64_t count = x.numel() / outputs;
  const bool places = op == ReduceOp::ArgMax || op == ReduceOp::ArgMin;
  // Whole rows are best left to one thread; columns are not, as a row of x would be cut.
  const bool by_row = std::abs(reduced[reduced.count() - 1].x_stride) < std::abs(kept[kept.count() - 1].x_stride);
  const int64_t most = by_row ? kSlicedRows : kSlicedOutputs;
  if (!places && outputs <= most && count >= 512 && x.numel() >= 4 * kGrain) {
    run_sliced(args, outputs, count);
    return;
  }
  parallel_for(outputs, std::max<int64_t>(1, kGrain / count), [&](int64_t begin, int64_t end) {
    NDL_KERNEL(reduce_loop)(args, begin, end);
  });
}

bool is_half(DType dtype) { return dtype == DType::Float16 || dtype == DType::BFloat16; }

int64_t reduced_count(const Shape& shape, const ReducedAxes& axes) {
  int64_t count = 1;
  for (int i = 0; i < shape.size(); ++i)
    if (axes.taken[i]) count *= shape[i];
  return count;
}

// Spreads dy (with or without the reduced axes) over x's shape again.
Tensor spread(const Tensor& dy, const Shape& shape, const ReducedAxes& axes) {
  return broadcast_to(reshape(dy, reduced_shape(shape, axes, true)), shape);
}

Tensor extreme(ReduceOp op, const char* op_name, const Tensor& x, const Dims& axes, bool keepdims) {
  OpScope scope(op_name);
  if (is_half(x.dtype())) return cast(extreme(op, op_name, cast(x, DType::Float32), axes, keepdims), x.dtype());
  const ReducedAxes taken(normalize_axes(op_name, axes, x.rank()));
  NDL_CHECK(reduced_count(x.shape(), taken) > 0, ValueError, op_name, "no element to choose from: got shape ",
            x.shape(), ", expected no reduced axis of size 0. Check for empty tensors first.");
  const Tensor y = Tensor::empty(reduced_shape(x.shape(), taken, keepdims), x.dtype(), x.device());
  run_reduce(op, x, taken, y);
  return record(
      op_name, y, {x}, {x},
      [taken](Backward& g) {
        const Tensor from = g.saved(0);
        const Tensor best = spread(g.output(), from.shape(), taken);
        const Tensor hits = cast(eq(from, best), from.dtype());
        Dims reduced;
        for (int i = 0; i < from.rank(); ++i)
          if (taken.taken[i]) reduced.push_back(i);
        const Tensor ties = reduced.empty() ? hits : sum(hits, reduced, true);
        g.give(0, hits * (reshape(g.dy(), ties.shape()) / ties));
      },
      SaveOutputs::Yes);
}

Tensor place(ReduceOp op, const char* op_name, const Tensor& x, int64_t axis, bool keepdims) {
  OpScope scope(op_name);
  if (is_half(x.dtype())) return place(op, op_name, cast(x.detach(), DType::Float32), axis, keepdims);
  const ReducedAxes taken(Dims{normalize_axis(op_name, axis, x.rank())});
  NDL_CHECK(reduced_count(x.shape(), taken) > 0, ValueError, op_name, "no element to choose from: got shape ",
            x.shape(), ", expected axis ", axis, " not to be empty. Check for empty tensors first.");
  const Tensor y = Tensor::empty(reduced_shape(x.shape(), taken, keepdims), DType::Int64, x.device());
  run_reduce(op, x, taken, y);
  return y;
}

}  // namespace

Tensor sum(const Tensor& x, const Dims& axes, bool keepdims) {
  OpScope scope("sum");
  if (is_half(x.dtype())) return cast(sum(cast(x, DType::Float32), axes, keepdims), x.dtype());
  const ReducedAxes taken(normalize_axes("sum", axes, x.rank()));
  const Tensor y = Tensor::empty(reduced_shape(x.shape(), taken, keepdims),
                                 is_floating(x.dtype()) ? x.dtype() : DType::Int64, x.device());
  run_reduce(ReduceOp::Sum, x, taken, y);
  return record("sum", y, {x}, {}, [taken](Backward& g) { g.give(0, spread(g.dy(), g.input_shape(0), taken)); });
}

Tensor mean(const Tensor& x, const Dims& axes, bool keepdims) {
  OpScope scope("mean");
  if (is_half(x.dtype())) return cast(mean(cast(x, DType::Float32), axes, keepdims), x.dtype());
  const ReducedAxes taken(normalize_axes("mean", axes, x.rank()));
  const double count = static_cast<double>(reduced_count(x.shape(), taken));
  const Tensor y = Tensor::empty(reduced_shape(x.shape(), taken, keepdims),
                                 is_floating(x.dtype()) ? x.dtype() : DType::Float32, x.device());
  run_reduce(ReduceOp::Sum, x, taken, y, count);
  return record("mean", y, {x}, {},
                [taken, count](Backward& g) { g.give(0, spread(div(g.dy(), count), g.input_shape(0), taken)); });
}

Tensor max(const Tensor& x, const Dims& axes, bool keepdims) {
  return extreme(ReduceOp::Max, "max", x, axes, keepdims);
}
Tensor min(const Tensor& x, const Dims& axes, bool keepdims) {
  return extreme(ReduceOp::Min, "min", x, axes, keepdims);
}
Tensor argmax(const Tensor& x, int64_t axis, bool keepdims) {
  return place(ReduceOp::ArgMax, "argmax", x, axis, keepdims);
}
Tensor argmin(const Tensor& x, int64_t axis, bool keepdims) {
  return place(ReduceOp::ArgMin, "argmin", x, axis, keepdims);
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  OpScope scope("sum_to");
  const int lead = x.rank() - shape.size();
  Dims axes;
  bool fits = lead >= 0;
  for (int i = 0; fits && i < x.rank(); ++i) {
    const bool reduced = i < lead || (shape[i - lead] == 1 && x.shape()[i] != 1);
    if (reduced) axes.push_back(i);
    fits = reduced || shape[i - lead] == x.shape()[i];
  }
  NDL_CHECK(fits, ValueError, "sum_to", "shapes do not fit: got x of shape ", x.shape(), " and the shape ", shape,
            ", expected a shape that broadcasts to x's.");
  if (axes.empty()) return x;
  if (is_half(x.dtype())) return cast(sum_to(cast(x, DType::Float32), shape), x.dtype());
  const Tensor y = Tensor::empty(shape, is_floating(x.dtype()) ? x.dtype() : DType::Int64, x.device());
  run_reduce(ReduceOp::Sum, x, ReducedAxes(axes), y);
  return record("sum_to", y, {x}, {}, [](Backward& g) { g.give(0, broadcast_to(g.dy(), g.input_shape(0))); });
}

}  // namespace needlecpp
