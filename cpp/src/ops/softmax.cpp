// Softmax and its relatives: the kernel takes rows of adjacent numbers, so the axes in question are moved to the end
// first where they are not there already. The derivatives are plain ops of the result.
#include "needlecpp/ops/softmax.h"

#include <algorithm>
#include <cmath>

#include "needlecpp/autograd/function.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "ops/reduce_run.h"
#include "ops/softmax_kernels.h"

namespace needlecpp {
namespace {

constexpr int64_t kGrain = 1 << 12;  // exponentials that a thread must have to compute

// x [rows, length], columns adjacent.
void run_rows(SoftmaxOp op, const Tensor& x, const Tensor& y) {
  const int64_t length = x.size(1);
  const int64_t grain = std::max<int64_t>(1, kGrain / length);
  if (x.dtype() == DType::Float32) {
    const SoftmaxArgs<float> args = {op, x.data<float>(), y.data<float>(), length, x.strides()[0]};
    parallel_for(x.size(0), grain, [&](int64_t begin, int64_t end) { NDL_KERNEL(softmax_f32)(args, begin, end); });
  } else {
    const SoftmaxArgs<double> args = {op, x.data<double>(), y.data<double>(), length, x.strides()[0]};
    parallel_for(x.size(0), grain, [&](int64_t begin, int64_t end) { NDL_KERNEL(softmax_f64)(args, begin, end); });
  }
}

// x as [rows, length] with adjacent columns; a copy where it has to be.
Tensor as_rows(const Tensor& x, int64_t rows, int64_t length) {
  const Tensor flat = reshape(x, {rows, length});
  return flat.strides()[1] == 1 || length == 1 ? flat : contiguous(flat);
}

Tensor run_softmax(SoftmaxOp op, const Tensor& x, int axis) {
  const NoGrad off_the_tape;
  if (x.rank() == 0) return reshape(run_softmax(op, reshape(x.detach(), {1}), 0), {});
  if (x.numel() == 0) return Tensor::empty(x.shape(), x.dtype(), x.device());
  const Tensor turned = transpose(x.detach(), axis, -1);
  const Tensor y = Tensor::empty(turned.shape(), x.dtype(), x.device());
  const int64_t length = x.shape()[axis];
  run_rows(op, as_rows(turned, x.numel() / length, length), y);
  return axis == x.rank() - 1 ? y : contiguous(transpose(y, axis, -1));
}

// The dtype computed in: halves and integers go through float32.
DType computed(DType dtype) { return dtype == DType::Float64 ? dtype : DType::Float32; }

}  // namespace

Tensor softmax(const Tensor& x, int64_t axis, std::optional<DType> dtype) {
  OpScope scope("softmax");
  if (dtype) return softmax(cast(x, *dtype), axis);
  if (x.dtype() != computed(x.dtype())) {
    const Tensor y = softmax(cast(x, DType::Float32), axis);
    return is_half(x.dtype()) ? cast(y, x.dtype()) : y;
  }
  const int along = normalize_axis("softmax", axis, std::max(1, x.rank()));
  return record(
      "softmax", run_softmax(SoftmaxOp::Softmax, x, along), {x}, {},
      [along](Backward& g) {
        const Tensor y = g.output();
        g.give(0, y * (g.dy() - sum(g.dy() * y, {along}, true)));
      },
      SaveOutputs::Yes);
}

Tensor softmin(const Tensor& x, int64_t axis, std::optional<DType> dtype) {
  OpScope scope("softmin");
  return softmax(neg(dtype ? cast(x, *dtype) : x), axis);
}

Tensor log_softmax(const Tensor& x, int64_t axis, std::optional<DType> dtype) {
  OpScope scope("log_softmax");
  if (dtype) return log_softmax(cast(x, *dtype), axis);
  if (x.dtype() != computed(x.dtype())) {
    const Tensor y = log_softmax(cast(x, DType::Float32), axis);
    return is_half(x.dtype()) ? cast(y, x.dtype()) : y;
  }
  const int along = normalize_axis("log_softmax", axis, std::max(1, x.rank()));
  return record(
      "log_softmax", run_softmax(SoftmaxOp::LogSoftmax, x, along), {x}, {},
      [along](Backward& g) { g.give(0, g.dy() - exp(g.output()) * sum(g.dy(), {along}, true)); }, SaveOutputs::Yes);
}

Tensor logsumexp(const Tensor& x, const Dims& axes, bool keepdims) {
  OpScope scope("logsumexp");
  if (x.dtype() != computed(x.dtype())) {
    const Tensor y = logsumexp(cast(x, DType::Float32), axes, keepdims);
    return is_half(x.dtype()) ? cast(y, x.dtype()) : y;
  }
  const ReducedAxes taken("logsumexp", axes, x.rank());
  const Shape kept_shape = reduced_shape(x.shape(), taken, true);
  const Shape shape = reduced_shape(x.shape(), taken, keepdims);
  // The logarithm of an empty sum.
  const Tensor y = x.numel() == 0 ? Tensor::full(shape, -INFINITY, x.dtype(), x.device())
                                  : Tensor::empty(shape, x.dtype(), x.device());
  if (x.numel() > 0) {
    const NoGrad off_the_tape;
    Dims order;
    for (int i = 0; i < x.rank(); ++i)
      if (!taken.taken[i]) order.push_back(i);
    for (int i = 0; i < x.rank(); ++i)
      if (taken.taken[i]) order.push_back(i);
    run_rows(SoftmaxOp::LogSumExp, as_rows(permute(x.detach(), order), y.numel(), x.numel() / y.numel()), y);
  }
  return record(
      "logsumexp", y, {x}, {x},
      [kept_shape](Backward& g) {
        const Tensor from = g.saved(0);
        const Tensor total = reshape(g.output(), kept_shape);
        // Where all of x is minus infinity its share is 0, not exp(-inf + inf).
        const Tensor shift = where(eq(total, -INFINITY), Tensor::zeros({}, total.dtype()), total);
        g.give(0, reshape(g.dy(), kept_shape) * exp(from - shift));
      },
      SaveOutputs::Yes);
}

}  // namespace needlecpp
