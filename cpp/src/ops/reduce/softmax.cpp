// Softmax and its relatives: the kernels take rows of adjacent numbers, or columns beside each other. The derivatives
// are plain ops of the result, or one pass over rows.
#include "needlecpp/ops/softmax.h"

#include <algorithm>
#include <cmath>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "ops/reduce/log_sum.h"
#include "ops/reduce/reduce_dims.h"
#include "ops/reduce/softmax_run.h"

namespace needlecpp {
namespace {

// x as [rows, length] with adjacent columns; a copy where it has to be.
Tensor as_rows(const Tensor& x, int64_t rows, int64_t length) {
  const Tensor flat = reshape(x, {rows, length});
  return flat.strides()[1] == 1 || length == 1 ? flat : contiguous(flat);
}

// Along one axis into y, which is contiguous.
void along_axis(SoftmaxOp op, const Tensor& x, int axis, const Tensor& y) {
  const int64_t length = x.shape()[axis];
  int64_t inner = 1;
  for (int i = axis + 1; i < x.rank(); ++i) inner *= x.shape()[i];
  if (inner == 1) {
    NDL_ON(x.device(), run_softmax_rows)(op, as_rows(x, x.numel() / length, length), y, Tensor());
    return;
  }
  const Tensor columns = reshape(x, {x.numel() / (length * inner), length, inner});
  NDL_ON(x.device(), run_softmax_columns)(op, columns.strides()[2] == 1 ? columns : contiguous(columns), y);
}

Tensor forward(SoftmaxOp op, const Tensor& x, int axis) {
  const NoGrad off_the_tape;
  const Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  if (x.numel() > 0) along_axis(op, x.rank() == 0 ? reshape(x.detach(), {1}) : x.detach(), axis, y);
  return y;
}

// The derivative along the last axis, of results that lie in rows.
Tensor backward_of_rows(SoftmaxOp op, const Tensor& y, const Tensor& dy) {
  const NoGrad off_the_tape;
  const int64_t length = y.shape().back();
  const int64_t rows = y.numel() / length;
  const Tensor dx = Tensor::empty(y.shape(), y.dtype(), y.device());
  NDL_ON(y.device(), run_softmax_backward)
  (op, as_rows(y.detach(), rows, length), as_rows(dy.detach(), rows, length), dx);
  return dx;
}

// dx from y and dy: in one pass where it can be, in plain ops (the same) where it is itself differentiated.
Tensor softmax_backward(SoftmaxOp op, const Tensor& y, const Tensor& dy, int axis) {
  if (!Backward::recording() && y.numel() > 0 && axis == y.rank() - 1) return backward_of_rows(op, y, dy);
  if (op == SoftmaxOp::Softmax) return y * (dy - sum(dy * y, {axis}, true));
  return dy - exp(y) * sum(dy, {axis}, true);
}

// softmax over several axes at once.
Tensor softmax_over(const Tensor& x, const ReducedAxes& axes) {
  const Dims reduced = axes.list(x.rank());
  if (reduced.empty()) return Tensor::ones(x.shape(), x.dtype(), x.device());
  if (reduced.size() == 1) return softmax(x, reduced[0]);
  Dims order, back = Dims::filled(x.rank(), 0);
  for (const bool last : {false, true})
    for (int i = 0; i < x.rank(); ++i)
      if (axes.taken[i] == last) {
        back[i] = order.size();
        order.push_back(i);
      }
  const Tensor turned = permute(x, order);
  const int64_t count = axes.count(x.shape());
  return permute(reshape(softmax(reshape(turned, {x.numel() / count, count}), 1), turned.shape()), back);
}

// The derivative of logsumexp, which its own result could not tell: beside large x that has lost the sum's digits.
// Where the total is infinite, the elements equal to it share alike; those of a row of minus infinities have no share.
Tensor shares(const Tensor& x, const Tensor& total, const ReducedAxes& axes) {
  const Tensor share = softmax_over(x, axes);
  const Tensor infinite = isinf(total);
  if (count_nonzero(infinite).item_int() == 0) return share;
  const Tensor largest = cast(logical_and(eq(x, total), eq(total, INFINITY)), x.dtype());
  const Tensor count = clamp(sum(largest, axes.list(x.rank()), true), 1, INFINITY);
  return where(infinite, largest / count, share);
}

// The dtype computed in: halves and integers go through float32.
DType computed(DType dtype) { return dtype == DType::Float64 ? dtype : DType::Float32; }

}  // namespace

LogSum log_sum_of_rows(const Tensor& x) {
  LogSum sum = {Tensor::empty({x.size(0)}, x.dtype(), x.device()), Tensor::empty({x.size(0)}, x.dtype(), x.device())};
  if (x.numel() > 0) NDL_ON(x.device(), run_softmax_rows)
  (SoftmaxOp::LogSumExp, as_rows(x.detach(), x.size(0), x.size(1)), sum.rest, sum.top);
  return sum;
}

Tensor softmax(const Tensor& x, int64_t axis, std::optional<DType> dtype) {
  Op op("softmax", x);
  if (dtype) return softmax(cast_to_floating("softmax", x, *dtype), axis);
  if (x.dtype() != computed(x.dtype())) {
    const Tensor y = softmax(cast(x, DType::Float32), axis);
    return is_half(x.dtype()) ? cast(y, x.dtype()) : y;
  }
  const int along = normalize_axis("softmax", axis, std::max(1, x.rank()));
  return op.record(
      forward(SoftmaxOp::Softmax, x, along), {x}, {},
      [along](Backward& g) { g.give(0, softmax_backward(SoftmaxOp::Softmax, g.output(), g.dy(), along)); },
      SaveOutputs::Yes);
}

Tensor softmin(const Tensor& x, int64_t axis, std::optional<DType> dtype) {
  Op op("softmin", x);
  return softmax(neg(dtype ? cast_to_floating("softmin", x, *dtype) : x), axis);
}

Tensor log_softmax(const Tensor& x, int64_t axis, std::optional<DType> dtype) {
  Op op("log_softmax", x);
  if (dtype) return log_softmax(cast_to_floating("log_softmax", x, *dtype), axis);
  if (x.dtype() != computed(x.dtype())) {
    const Tensor y = log_softmax(cast(x, DType::Float32), axis);
    return is_half(x.dtype()) ? cast(y, x.dtype()) : y;
  }
  const int along = normalize_axis("log_softmax", axis, std::max(1, x.rank()));
  return op.record(
      forward(SoftmaxOp::LogSoftmax, x, along), {x}, {},
      [along](Backward& g) { g.give(0, softmax_backward(SoftmaxOp::LogSoftmax, g.output(), g.dy(), along)); },
      SaveOutputs::Yes);
}

Tensor logsumexp(const Tensor& x, const AxisSet& axes, bool keepdims) {
  Op op("logsumexp", x);
  if (x.dtype() != computed(x.dtype())) {
    const Tensor y = logsumexp(cast(x, DType::Float32), axes, keepdims);
    return is_half(x.dtype()) ? cast(y, x.dtype()) : y;
  }
  const ReducedAxes taken("logsumexp", axes, x.rank());
  const Shape kept_shape = reduced_shape(x.shape(), taken, true);
  const Shape shape = reduced_shape(x.shape(), taken, keepdims);
  // The logarithm of an empty sum.
  const Tensor y = x.numel() == 0 ? op.full(shape, -INFINITY, x.dtype()) : op.empty(shape, x.dtype());
  if (x.numel() > 0) {
    const NoGrad off_the_tape;
    const Dims reduced = taken.list(x.rank());
    if (reduced.size() == 1) {
      along_axis(SoftmaxOp::LogSumExp, x.detach(), static_cast<int>(reduced[0]), y);
    } else {
      Dims order;
      for (const bool last : {false, true})
        for (int i = 0; i < x.rank(); ++i)
          if (taken.taken[i] == last) order.push_back(i);
      const Tensor rows = as_rows(permute(x.detach(), order), y.numel(), x.numel() / y.numel());
      NDL_ON(op.device(), run_softmax_rows)(SoftmaxOp::LogSumExp, rows, y, Tensor());
    }
  }
  return op.record(
      y, {x}, {x},
      [kept_shape, taken](Backward& g) {
        const Tensor from = g.saved(0);
        if (from.numel() == 0) return g.give(0, Tensor::zeros(from.shape(), from.dtype(), from.device()));
        const Tensor total = reshape(g.output().detach(), kept_shape);
        g.give(0, reshape(g.dy(), kept_shape) * shares(from, total, taken));
      },
      SaveOutputs::Yes);
}

}  // namespace needlecpp
