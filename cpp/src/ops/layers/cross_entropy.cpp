// Losses of classes. With class indices the cross entropy of a row is
//
//   scale (log_sum - (x[t] - top)) + spread sum_c weight[c] (log_sum - (x[c] - top)),
//   scale = (1 - smoothing) weight[t],   spread = smoothing / classes,   both 0 for an ignored row
//
// with top the row's largest x and log_sum = log(sum(exp(x - top))): the forward keeps these alone, and the backward is
// one pass over x. They are kept apart because their sum would lose log_sum's digits beside large x.
#include <algorithm>
#include <utility>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/loss.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "needlecpp/ops/softmax.h"
#include "ops/layers/loss_run.h"
#include "ops/reduce/log_sum.h"

namespace needlecpp {
namespace {

// Scores as rows of classes, and what is known of each row.
struct Classes {
  Tensor x;       // [rows, classes]
  Tensor target;  // int64 [rows], 0 where ignored
  Tensor weight;  // [rows], of the row's class, 0 where ignored
  Shape shape;    // of the losses
};

Tensor to_rows(const Tensor& x, int axis) {
  Dims order;
  for (int i = 0; i < x.rank(); ++i)
    if (i != axis) order.push_back(i);
  order.push_back(axis);
  const Tensor turned = permute(x, order);
  return reshape(turned, {x.numel() == 0 ? 0 : x.numel() / x.shape()[axis], x.shape()[axis]});
}

void check_weight(const char* op, const Tensor& weight, int64_t classes, DType dtype) {
  if (!weight.defined()) return;
  NDL_CHECK(weight.shape() == Shape({classes}) && is_floating(weight.dtype()), ValueError, op,
            "weight does not fit: got ", name(weight.dtype()), " of shape ", weight.shape(), ", expected ", name(dtype),
            " of shape ", Shape({classes}), ".");
}

Classes classes_of(const Op& op, const Tensor& x, const Tensor& target, const Tensor& weight, int64_t ignore_index) {
  NDL_CHECK(x.rank() >= 1, ValueError, op, "no class axis: got shape (), expected (c) or (n, c, ...).");
  const int axis = x.rank() == 1 ? 0 : 1;
  const int64_t classes = x.shape()[axis];
  Classes result;
  for (int i = 0; i < x.rank(); ++i)
    if (i != axis) result.shape.push_back(x.shape()[i]);
  NDL_CHECK(target.dtype() == DType::Int64 || target.dtype() == DType::Int32, TypeError, op, "wrong target dtype: got ",
            name(target.dtype()), ", expected int64 or int32.");
  NDL_CHECK(target.shape() == result.shape, ValueError, op, "target does not fit: got shape ", target.shape(),
            " for an input of shape ", x.shape(), ", expected ", result.shape, ".");
  check_weight(op, weight, classes, x.dtype());
  const Tensor given = contiguous(cast(target.detach(), DType::Int64));
  const int64_t rows = given.numel();
  NDL_CHECK(rows == 0 || classes > 0, ValueError, op, "no classes: got shape ", x.shape(), ", expected 1 or more.");
  result.target = op.empty({rows}, DType::Int64);
  const Tensor keeps = op.empty({rows}, DType::Bool);
  const int64_t bad = NDL_ON(op.device(), run_class_targets)(classes, ignore_index, given, result.target, keeps);
  NDL_CHECK(bad < 0, IndexError, op, "class out of range: got ", select(reshape(given, {-1}), 0, bad).item_int(),
            ", expected 0 to ", classes - 1, " or ignore_index ", ignore_index, ".");
  result.weight = cast(keeps, x.dtype());
  if (weight.defined())
    result.weight =
        where(keeps, cast(index_select(weight.detach(), 0, result.target), x.dtype()), op.zeros({}, x.dtype()));
  result.x = rows == 0 ? reshape(x, {0, classes}) : to_rows(x, axis);
  return result;
}

Tensor reduced(const Tensor& losses, const Classes& rows, LossReduction reduction) {
  if (reduction == LossReduction::None) return reshape(losses, rows.shape);
  const Tensor total = sum(losses);
  return reduction == LossReduction::Mean ? total / sum(rows.weight) : total;
}

Tensor pick(const Tensor& x, const Tensor& target) { return squeeze(gather(x, 1, unsqueeze(target, 1)), {1}); }

// The loss of each row; scale and spread [rows] (spread may be undefined), weight [classes] (may be undefined).
Tensor row_losses(const Tensor& x, const LogSum& log_sum, const Tensor& target, const Tensor& scale,
                  const Tensor& spread, const Tensor& weight) {
  // What an ignored row holds, NaN or infinity, does not matter.
  Tensor loss = scale * where(eq(scale, 0.0), Tensor::zeros({}, x.dtype(), x.device()),
                              log_sum.rest - (pick(x, target) - log_sum.top));
  if (spread.defined()) {
    const Tensor total =
        weight.defined() ? sum(weight) : Tensor::full({}, static_cast<double>(x.size(1)), x.dtype(), x.device());
    const Tensor below = x - unsqueeze(log_sum.top, 1);
    loss = loss + spread * (log_sum.rest * total - sum(weight.defined() ? below * weight : below, {1}));
  }
  return loss;
}

Tensor fused_losses(const Op& op, const Tensor& x, const Tensor& target, const Tensor& scale, const Tensor& spread,
                    const Tensor& weight) {
  LogSum log_sum;
  Tensor loss;
  {
    const NoGrad off_the_tape;
    log_sum = log_sum_of_rows(x);
    loss = row_losses(x, log_sum, target, scale, spread, weight);
  }
  Tensors saved = {x};
  if (weight.defined()) saved.push_back(weight);  // shares memory with the caller's: the tape sees edits
  const auto backward = [target, log_sum, scale, spread, weighted = weight.defined()](Backward& g) {
    const Tensor from = g.saved(0), weight = weighted ? g.saved(1) : Tensor();
    if (Backward::recording()) {
      g.through_twin(
          [=](const Tensors& in) {
            // The loss does not depend on top, which is only what is measured from.
            const LogSum sum = {log_sum.top, logsumexp(in[0] - unsqueeze(log_sum.top, 1), {1})};
            return Tensors{row_losses(in[0], sum, target, scale, spread, weight)};
          },
          {from});
      return;
    }
    // Ignored rows get zeros whatever dy is: infinite, if there are no others to divide by.
    const auto scaled = [&](const Tensor& by) {
      return contiguous(where(eq(by, 0.0), Tensor::zeros({}, by.dtype(), by.device()), g.dy() * by));
    };
    const Tensor row_scale = scaled(scale), row_spread = spread.defined() ? scaled(spread) : spread;
    const Tensor total = weighted ? sum(weight) : Tensor();
    const Tensor scores = contiguous(from), dx = Tensor::empty(from.shape(), from.dtype(), from.device());
    const auto& [top, rest] = log_sum;
    NDL_ON(dx.device(), run_cross_entropy_dx)(scores, top, rest, row_scale, row_spread, weight, total, target, dx);
    g.give(0, dx);
  };
  return op.record(Tensors{loss}, {x}, saved, backward)[0];
}

}  // namespace

Tensor nll_loss(const Tensor& x, const Tensor& target, const Tensor& weight, int64_t ignore_index,
                LossReduction reduction) {
  Op op("nll_loss", x, target, weight);
  NDL_CHECK(is_floating(x.dtype()), TypeError, op, "wrong dtype: got ", name(x.dtype()),
            ", expected log-probabilities.");
  const Classes rows = classes_of(op, x, target, weight, ignore_index);
  // Where an ignored row holds an infinity, its weight 0 must not make it NaN.
  const Tensor picked = where(eq(rows.weight, 0.0), op.zeros({}, x.dtype()), pick(rows.x, rows.target));
  return reduced(neg(picked * rows.weight), rows, reduction);
}

Tensor cross_entropy(const Tensor& x, const Tensor& target, const Tensor& weight, int64_t ignore_index,
                     LossReduction reduction, double label_smoothing) {
  Op op("cross_entropy", x, target, weight);
  NDL_CHECK(label_smoothing >= 0 && label_smoothing <= 1, ValueError, op, "bad label_smoothing: got ", label_smoothing,
            ", expected 0 to 1.");
  if (x.dtype() != DType::Float32 && x.dtype() != DType::Float64) {
    const Tensor y =
        cross_entropy(cast(x, DType::Float32), target, weight.defined() ? cast(weight, DType::Float32) : weight,
                      ignore_index, reduction, label_smoothing);
    return is_floating(x.dtype()) ? cast(y, x.dtype()) : y;
  }
  if (!is_floating(target.dtype())) {
    const Classes rows = classes_of(op, x, target, weight, ignore_index);
    const Tensor scale = contiguous(rows.weight * (1 - label_smoothing));
    Tensor spread, class_weight;
    if (label_smoothing > 0) {
      const NoGrad off_the_tape;
      const Tensor kept =
          cast(ne(reshape(cast(target, DType::Int64), {-1}), static_cast<double>(ignore_index)), x.dtype());
      spread = contiguous(kept * (label_smoothing / static_cast<double>(std::max<int64_t>(1, rows.x.size(1)))));
      if (weight.defined()) class_weight = contiguous(cast(weight.detach(), x.dtype()));
    }
    return reduced(fused_losses(op, rows.x, rows.target, scale, spread, class_weight), rows, reduction);
  }

  NDL_CHECK(target.shape() == x.shape() && x.rank() >= 1, ValueError, op, "probabilities do not fit: got shape ",
            target.shape(), " for an input of shape ", x.shape(), ", expected the same, with a class axis.");
  const int axis = x.rank() == 1 ? 0 : 1;
  const int64_t classes = x.shape()[axis];
  check_weight(op, weight, classes, x.dtype());
  Tensor share = cast(target, x.dtype());
  if (label_smoothing > 0)
    share = share * (1 - label_smoothing) + label_smoothing / static_cast<double>(std::max<int64_t>(1, classes));
  Tensor part = log_softmax(x, axis) * share;
  if (weight.defined()) {
    Shape spread = Dims::filled(x.rank(), 1);
    spread[axis] = classes;
    part = part * reshape(cast(weight, x.dtype()), spread);
  }
  const Tensor losses = neg(sum(part, {axis}));
  if (reduction == LossReduction::None) return losses;
  return reduction == LossReduction::Mean ? sum(losses) / static_cast<double>(losses.numel()) : sum(losses);
}

}  // namespace needlecpp
