// Losses: compositions of plain ops, but for the binary cross entropies, whose derivatives keep away from 0 and 1, and
// from differences of large numbers. Halves are computed in float32 and rounded once, at the end. Those of classes are
// in cross_entropy.cpp.
#include "needlecpp/ops/loss.h"

#include <algorithm>
#include <cmath>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/activation.h"
#include "needlecpp/ops/distance.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "ops/elementwise/elementwise_run.h"

namespace needlecpp {
namespace {

constexpr double kLogTwoPi = 1.8378770664093454836;

Tensor real(const Tensor& x) { return cast(x, x.dtype() == DType::Float64 ? x.dtype() : DType::Float32); }

// The dtype of a loss of these.
template <class... Rest>
DType loss_type(const Tensor& first, const Rest&... rest) {
  DType type = first.dtype();
  ((type = promote_types(type, rest.dtype())), ...);
  return real_type(type);
}

Tensor reduced(const Tensor& loss, LossReduction reduction, DType type) {
  switch (reduction) {
    case LossReduction::Mean:
      return cast(mean(loss), type);
    case LossReduction::Sum:
      return cast(sum(loss), type);
    case LossReduction::BatchMean:
      return cast(sum(loss) / static_cast<double>(loss.rank() > 0 ? loss.shape()[0] : 1), type);
    default:
      return cast(loss, type);
  }
}

// Numbers beside x, of its type and on its device.
Tensor zero_of(const Tensor& x) { return Tensor::zeros({}, x.dtype(), x.device()); }
Tensor one_of(const Tensor& x) { return Tensor::ones({}, x.dtype(), x.device()); }

void check_same_shape(const char* op, const Tensor& x, const Tensor& target) {
  NDL_CHECK(x.shape() == target.shape(), ValueError, op, "target does not fit: got shape ", target.shape(),
            " for an input of shape ", x.shape(), ", expected the same.");
}

// Sizes of 1 broadcast; axes that one of them lacks do not: those are shapes mixed up.
void check_same_rank(const char* op, const Tensor& x, const Tensor& other) {
  NDL_CHECK(x.rank() == other.rank(), ValueError, op, "numbers of axes differ: got shapes ", x.shape(), " and ",
            other.shape(), ", expected as many in both.");
}

// What multiplies the losses may be smaller, but does not make more of them.
void check_weight(const char* op, const Tensor& weight, const Shape& shape) {
  NDL_CHECK(!weight.defined() || broadcast_shapes(op, shape, weight.shape()) == shape, ValueError, op,
            "weight does not fit: got shape ", weight.shape(), ", expected one that broadcasts to ", shape, ".");
}

// Quadratic up to |d| = edge, then linear: d^2 / 2 | edge (|d| - edge / 2). With c = clamp(d, -edge, edge) that is
// c (d - c / 2), and its derivative c.
Tensor huber(const Tensor& d, double edge) {
  Op op("huber", d);
  Tensor loss;
  {
    const NoGrad off_the_tape;
    const Tensor c = clamp(d, -edge, edge);
    loss = c * (d - c * 0.5);
  }
  return op.record(loss, {d}, {d}, [edge](Backward& g) {
    const Tensor d = g.saved(0), c = clamp(d.detach(), -edge, edge);
    // An edge belongs to the linear part: the second derivative there is 0.
    g.give(0, g.dy() * (Backward::recording() ? where(lt(abs(d.detach()), edge), d, c) : c));
  });
}

// t log t, 0 at 0, the derivative's too.
Tensor t_log_t(const Tensor& t) {
  const Tensor inside = where(eq(t.detach(), 0.0), one_of(t), t);
  return inside * log(inside);
}

// max(0, x), whose derivative at 0 is 1, not relu's 0.
Tensor excess(const Tensor& x) { return clamp(x, 0, INFINITY); }

// log(1 + exp(x)) however large x is; softplus() proper is x itself above its threshold.
Tensor log_one_plus_exp(const Tensor& x) { return softplus(x, 1, INFINITY); }

// max(log x, -100).
Tensor bounded_log(const Tensor& x) { return clamp(log(x), -100, INFINITY); }

}  // namespace

Tensor mse_loss(const Tensor& x, const Tensor& target, LossReduction reduction) {
  Op op("mse_loss", x, target);
  return reduced(square(real(x) - real(target)), reduction, loss_type(x, target));
}

Tensor l1_loss(const Tensor& x, const Tensor& target, LossReduction reduction) {
  Op op("l1_loss", x, target);
  return reduced(abs(real(x) - real(target)), reduction, loss_type(x, target));
}

Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, LossReduction reduction, double beta) {
  Op op("smooth_l1_loss", x, target);
  NDL_CHECK(beta >= 0, ValueError, "smooth_l1_loss", "negative beta: got ", beta, ", expected 0 or more.");
  if (beta == 0) return l1_loss(x, target, reduction);
  return reduced(huber(real(x) - real(target), beta) / beta, reduction, loss_type(x, target));
}

Tensor huber_loss(const Tensor& x, const Tensor& target, LossReduction reduction, double delta) {
  Op op("huber_loss", x, target);
  NDL_CHECK(delta > 0, ValueError, "huber_loss", "bad delta: got ", delta, ", expected more than 0.");
  return reduced(huber(real(x) - real(target), delta), reduction, loss_type(x, target));
}

Tensor binary_cross_entropy(const Tensor& input, const Tensor& targets, const Tensor& weight, LossReduction reduction) {
  Op op("binary_cross_entropy", input, targets, weight);
  const Tensor x = real(input), target = real(targets);
  check_same_shape(op, x, target);
  check_weight(op, weight, x.shape());
  Tensor loss;
  {
    const NoGrad off_the_tape;
    const Tensor outside = logical_not(logical_and(ge(x, 0.0), le(x, 1.0)));
    NDL_CHECK(sum(logical_and(outside, logical_not(isnan(x)))).item() == 0, ValueError, op,
              "not a probability: got values outside [0, 1], expected probabilities. Use the variant with logits.");
    loss = neg(target * bounded_log(x) + (1.0 - target) * bounded_log(1.0 - x));
  }
  loss = op.record(loss, {x, target}, {x, target}, [](Backward& g) {
    const Tensor p = g.saved(0), t = g.saved(1);
    if (g.needs(0)) g.give(0, g.dy() * (p - t) / clamp(p * (1.0 - p), 1e-12, INFINITY));
    if (g.needs(1)) g.give(1, g.dy() * (log(1.0 - p) - log(p)));
  });
  return reduced(weight.defined() ? loss * weight : loss, reduction, loss_type(input, targets));
}

Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& targets, const Tensor& weight,
                                        LossReduction reduction, const Tensor& pos_weight) {
  Op op("binary_cross_entropy_with_logits", input, targets, weight, pos_weight);
  const Tensor x = real(input), target = real(targets);
  check_same_shape(op, x, target);
  check_weight(op, weight, x.shape());
  const Tensor positive = pos_weight.defined() ? real(pos_weight) : one_of(x);
  NDL_CHECK(broadcast_shapes(op, x.shape(), positive.shape()) == x.shape(), ValueError, op,
            "pos_weight does not fit: got shape ", positive.shape(), ", expected one that broadcasts to ", x.shape(),
            ".");
  const DType computed = promote_types(x.dtype(), target.dtype());
  const Tensor value = ternary(TernaryOp::LogisticLoss, op, x, target, positive, computed);
  Tensor loss = op.record(value, {x, target, positive}, {x, target, positive}, [](Backward& g) {
    const Tensor v = g.saved(0), t = g.saved(1), w = g.saved(2);
    if (g.needs(0))
      g.give(0,
             g.dy() * (Backward::recording() ? (1.0 - t) * sigmoid(v) - t * w * sigmoid(neg(v))
                                             : ternary(TernaryOp::LogisticLossSlope, "bce", v, t, w, g.dy().dtype())));
    if (g.needs(1)) g.give(1, g.dy() * (w * log_one_plus_exp(neg(v)) - log_one_plus_exp(v)));
    if (g.needs(2)) g.give(2, g.dy() * (t * log_one_plus_exp(neg(v))));
  });
  if (weight.defined()) loss = loss * weight;
  return reduced(loss, reduction, loss_type(input, targets));
}

Tensor kl_div(const Tensor& input, const Tensor& targets, LossReduction reduction, bool log_target) {
  Op op("kl_div", input, targets);
  const Tensor x = real(input), target = real(targets);
  return reduced(log_target ? exp(target) * (target - x) : t_log_t(target) - target * x, reduction,
                 loss_type(input, targets));
}

Tensor poisson_nll_loss(const Tensor& input, const Tensor& targets, bool log_input, bool full, double eps,
                        LossReduction reduction) {
  Op op("poisson_nll_loss", input, targets);
  NDL_CHECK(eps >= 0 && std::isfinite(eps), ValueError, "poisson_nll_loss", "bad eps: got ", eps,
            ", expected a number of 0 or more.");
  const Tensor x = real(input), target = real(targets);
  Tensor loss = log_input ? exp(x) - target * x : x - target * log(x + eps);
  if (full) {
    const Tensor large = gt(target.detach(), 1.0);
    const Tensor t = where(large, target, one_of(target));
    loss = loss + where(large, t * log(t) - t + (log(t) + kLogTwoPi) * 0.5, zero_of(loss));
  }
  return reduced(loss, reduction, loss_type(input, targets));
}

Tensor gaussian_nll_loss(const Tensor& input, const Tensor& targets, const Tensor& variance, bool full, double eps,
                         LossReduction reduction) {
  Op op("gaussian_nll_loss", input, targets, variance);
  const Tensor x = real(input), target = real(targets);
  Tensor var = real(variance);
  if (var.rank() == x.rank() - 1) var = unsqueeze(var, -1);
  bool fits = var.rank() == 0 || var.rank() == x.rank();
  for (int i = 0; fits && i < var.rank(); ++i)
    fits = var.shape()[i] == x.shape()[i] || (i + 1 == x.rank() && var.shape()[i] == 1);
  NDL_CHECK(fits, ValueError, op, "variances do not fit: got shape ", variance.shape(), ", expected the input's ",
            x.shape(), ", without its last axis or with size 1 there, or a number.");
  NDL_CHECK(eps > 0 && std::isfinite(eps), ValueError, op, "bad eps: got ", eps, ", expected more than 0.");
  {
    const NoGrad off_the_tape;
    NDL_CHECK(sum(lt(var, 0.0)).item() == 0, ValueError, op, "negative variance: got one, expected none.");
  }
  // Clamped in value alone: the gradient passes to the variance everywhere, as in PyTorch.
  const Tensor lift = where(lt(var.detach(), eps), eps - var.detach(), zero_of(var));
  const Tensor v = var + lift;
  Tensor loss = (log(v) + square(x - target) / v) * 0.5;
  if (full) loss = loss + kLogTwoPi / 2;
  return reduced(loss, reduction, loss_type(input, targets, variance));
}

Tensor hinge_embedding_loss(const Tensor& input, const Tensor& target, double margin, LossReduction reduction) {
  Op op("hinge_embedding_loss", input, target);
  const Tensor x = real(input), zero = zero_of(x);
  // As PyTorch: a target that is neither counts for both.
  return reduced(where(ne(target, -1.0), x, zero) + where(ne(target, 1.0), excess(margin - x), zero), reduction,
                 real_type(input.dtype()));
}

Tensor margin_ranking_loss(const Tensor& x1, const Tensor& x2, const Tensor& target, double margin,
                           LossReduction reduction) {
  Op op("margin_ranking_loss", x1, x2, target);
  check_same_rank(op, x1, x2);
  check_same_rank(op, x1, target);
  return reduced(excess(neg(real(target)) * (real(x1) - real(x2)) + margin), reduction, loss_type(x1, x2, target));
}

Tensor soft_margin_loss(const Tensor& x, const Tensor& target, LossReduction reduction) {
  Op op("soft_margin_loss", x, target);
  return reduced(log_one_plus_exp(neg(real(target) * real(x))), reduction, loss_type(x, target));
}

Tensor cosine_embedding_loss(const Tensor& x1, const Tensor& x2, const Tensor& target, double margin,
                             LossReduction reduction) {
  Op op("cosine_embedding_loss", x1, x2, target);
  check_same_shape(op, x1, x2);
  NDL_CHECK(x1.rank() >= 1 && target.rank() == x1.rank() - 1, ValueError, op, "target does not fit: got shape ",
            target.shape(), " for vectors of shape ", x1.shape(), ", expected one number for each vector.");
  const Tensor cosine = cosine_similarity(real(x1), real(x2), -1);
  const Tensor zero = zero_of(cosine);
  return reduced(where(eq(target, 1.0), 1.0 - cosine, zero) + where(eq(target, -1.0), excess(cosine - margin), zero),
                 reduction, loss_type(x1, x2));
}

Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative, double margin,
                           double p, double eps, bool swap, LossReduction reduction) {
  Op op("triplet_margin_loss", anchor, positive, negative);
  check_same_rank(op, anchor, positive);
  check_same_rank(op, anchor, negative);
  NDL_CHECK(margin >= 0, ValueError, op, "bad margin: got ", margin, ", expected 0 or more.");
  const Tensor from = real(anchor), right = real(positive), wrong = real(negative);
  const Tensor near = pairwise_distance(from, right, p, eps);
  Tensor far = pairwise_distance(from, wrong, p, eps);
  if (swap) far = minimum(far, pairwise_distance(right, wrong, p, eps));
  return reduced(excess(near - far + margin), reduction, loss_type(anchor, positive, negative));
}

}  // namespace needlecpp
