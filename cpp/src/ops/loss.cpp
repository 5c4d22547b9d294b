// Losses: compositions of plain ops, but for the binary cross entropy, whose derivative keeps away from 0 and 1. Those
// of classes are in cross_entropy.cpp.
#include "needlecpp/ops/loss.h"

#include <algorithm>
#include <cmath>

#include "needlecpp/autograd/function.h"
#include "needlecpp/ops/distance.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"

namespace needlecpp {
namespace {

constexpr double kLogTwoPi = 1.8378770664093454836;

Tensor real(const Tensor& x) { return is_floating(x.dtype()) ? x : cast(x, DType::Float32); }

Tensor reduced(const Tensor& loss, LossReduction reduction) {
  switch (reduction) {
    case LossReduction::Mean:
      return mean(loss);
    case LossReduction::Sum:
      return sum(loss);
    case LossReduction::BatchMean:
      return sum(loss) / static_cast<double>(loss.rank() > 0 ? loss.shape()[0] : 1);
    default:
      return loss;
  }
}

Tensor zero_of(const Tensor& x) { return Tensor::zeros({}, x.dtype()); }

void check_same_shape(const char* op, const Tensor& x, const Tensor& target) {
  NDL_CHECK(x.shape() == target.shape(), ValueError, op, "target does not fit: got shape ", target.shape(),
            " for an input of shape ", x.shape(), ", expected the same.");
}

// Quadratic up to |d| = edge, then linear: d^2 / 2 | edge (|d| - edge / 2). With c = clamp(d, -edge, edge) that is
// c (d - c / 2), and its derivative c.
Tensor huber(const Tensor& d, double edge) {
  Tensor loss;
  {
    const NoGrad off_the_tape;
    const Tensor c = clamp(d, -edge, edge);
    loss = c * (d - c * 0.5);
  }
  return record("huber", loss, {d}, {d}, [edge](Backward& g) {
    const Tensor d = g.saved(0), c = clamp(d.detach(), -edge, edge);
    // An edge belongs to the linear part: the second derivative there is 0.
    g.give(0, g.dy() * (Backward::recording() ? where(lt(abs(d.detach()), edge), d, c) : c));
  });
}

// t log t, 0 at 0, the derivative's too.
Tensor t_log_t(const Tensor& t) {
  const Tensor inside = where(eq(t.detach(), 0.0), Tensor::ones({}, t.dtype()), t);
  return inside * log(inside);
}

// max(0, x), whose derivative at 0 is 1, not relu's 0.
Tensor excess(const Tensor& x) { return clamp(x, 0, INFINITY); }

// max(log x, -100).
Tensor bounded_log(const Tensor& x) { return clamp(log(x), -100, INFINITY); }

}  // namespace

Tensor mse_loss(const Tensor& x, const Tensor& target, LossReduction reduction) {
  OpScope scope("mse_loss");
  return reduced(square(real(x) - real(target)), reduction);
}

Tensor l1_loss(const Tensor& x, const Tensor& target, LossReduction reduction) {
  OpScope scope("l1_loss");
  return reduced(abs(real(x) - real(target)), reduction);
}

Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, LossReduction reduction, double beta) {
  OpScope scope("smooth_l1_loss");
  NDL_CHECK(beta >= 0, ValueError, "smooth_l1_loss", "negative beta: got ", beta, ", expected 0 or more.");
  if (beta == 0) return l1_loss(x, target, reduction);
  return reduced(huber(real(x) - real(target), beta) / beta, reduction);
}

Tensor huber_loss(const Tensor& x, const Tensor& target, LossReduction reduction, double delta) {
  OpScope scope("huber_loss");
  NDL_CHECK(delta > 0, ValueError, "huber_loss", "bad delta: got ", delta, ", expected more than 0.");
  return reduced(huber(real(x) - real(target), delta), reduction);
}

Tensor binary_cross_entropy(const Tensor& input, const Tensor& targets, const Tensor& weight, LossReduction reduction) {
  const char* op = "binary_cross_entropy";
  OpScope scope(op);
  const Tensor x = real(input), target = real(targets);
  check_same_shape(op, x, target);
  Tensor loss;
  {
    const NoGrad off_the_tape;
    const Tensor outside = logical_not(logical_and(ge(x, 0.0), le(x, 1.0)));
    NDL_CHECK(sum(logical_and(outside, logical_not(isnan(x)))).item() == 0, ValueError, op,
              "not a probability: got values outside [0, 1], expected probabilities. Use the variant with logits.");
    loss = neg(target * bounded_log(x) + (1.0 - target) * bounded_log(1.0 - x));
  }
  loss = record(op, loss, {x, target}, {x, target}, [](Backward& g) {
    const Tensor p = g.saved(0), t = g.saved(1);
    if (g.needs(0)) g.give(0, g.dy() * (p - t) / clamp(p * (1.0 - p), 1e-12, INFINITY));
    if (g.needs(1)) g.give(1, g.dy() * (log(1.0 - p) - log(p)));
  });
  return reduced(weight.defined() ? loss * weight : loss, reduction);
}

Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& targets, const Tensor& weight,
                                        LossReduction reduction, const Tensor& pos_weight) {
  const char* op = "binary_cross_entropy_with_logits";
  OpScope scope(op);
  const Tensor x = real(input), target = real(targets);
  check_same_shape(op, x, target);
  Tensor loss = softplus(neg(x));
  if (pos_weight.defined()) loss = loss * ((pos_weight - 1.0) * target + 1.0);
  loss = loss + (1.0 - target) * x;
  return reduced(weight.defined() ? loss * weight : loss, reduction);
}

Tensor kl_div(const Tensor& input, const Tensor& targets, LossReduction reduction, bool log_target) {
  OpScope scope("kl_div");
  const Tensor x = real(input), target = real(targets);
  return reduced(log_target ? exp(target) * (target - x) : t_log_t(target) - target * x, reduction);
}

Tensor poisson_nll_loss(const Tensor& input, const Tensor& targets, bool log_input, bool full, double eps,
                        LossReduction reduction) {
  OpScope scope("poisson_nll_loss");
  const Tensor x = real(input), target = real(targets);
  Tensor loss = log_input ? exp(x) - target * x : x - target * log(x + eps);
  if (full) {
    const Tensor large = gt(target.detach(), 1.0);
    const Tensor t = where(large, target, Tensor::ones({}, target.dtype()));
    loss = loss + where(large, t * log(t) - t + (log(t) + kLogTwoPi) * 0.5, zero_of(loss));
  }
  return reduced(loss, reduction);
}

Tensor gaussian_nll_loss(const Tensor& input, const Tensor& targets, const Tensor& variance, bool full, double eps,
                         LossReduction reduction) {
  const char* op = "gaussian_nll_loss";
  OpScope scope(op);
  const Tensor x = real(input), target = real(targets);
  Tensor var = real(variance);
  if (var.rank() == x.rank() - 1 && !(var.shape() == x.shape())) var = unsqueeze(var, -1);
  {
    const NoGrad off_the_tape;
    NDL_CHECK(sum(lt(var, 0.0)).item() == 0, ValueError, op, "negative variance: got one, expected none.");
  }
  // Clamped in value alone: the gradient passes to the variance everywhere, as in PyTorch.
  const Tensor lift = where(lt(var.detach(), eps), eps - var.detach(), zero_of(var));
  const Tensor v = var + lift;
  Tensor loss = (log(v) + square(x - target) / v) * 0.5;
  if (full) loss = loss + kLogTwoPi / 2;
  return reduced(loss, reduction);
}

Tensor hinge_embedding_loss(const Tensor& input, const Tensor& target, double margin, LossReduction reduction) {
  OpScope scope("hinge_embedding_loss");
  const Tensor x = real(input), zero = zero_of(x);
  // As PyTorch: a target that is neither counts for both.
  return reduced(where(ne(target, -1.0), x, zero) + where(ne(target, 1.0), excess(margin - x), zero), reduction);
}

Tensor margin_ranking_loss(const Tensor& x1, const Tensor& x2, const Tensor& target, double margin,
                           LossReduction reduction) {
  OpScope scope("margin_ranking_loss");
  return reduced(excess(neg(real(target)) * (real(x1) - real(x2)) + margin), reduction);
}

Tensor soft_margin_loss(const Tensor& x, const Tensor& target, LossReduction reduction) {
  OpScope scope("soft_margin_loss");
  return reduced(softplus(neg(real(target) * real(x))), reduction);
}

Tensor cosine_embedding_loss(const Tensor& x1, const Tensor& x2, const Tensor& target, double margin,
                             LossReduction reduction) {
  OpScope scope("cosine_embedding_loss");
  const Tensor cosine = cosine_similarity(x1, x2, -1);
  const Tensor zero = zero_of(cosine);
  return reduced(where(eq(target, 1.0), 1.0 - cosine, zero) + where(eq(target, -1.0), excess(cosine - margin), zero),
                 reduction);
}

Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative, double margin,
                           double p, double eps, bool swap, LossReduction reduction) {
  OpScope scope("triplet_margin_loss");
  const Tensor near = pairwise_distance(anchor, positive, p, eps);
  Tensor far = pairwise_distance(anchor, negative, p, eps);
  if (swap) far = minimum(far, pairwise_distance(positive, negative, p, eps));
  return reduced(excess(near - far + margin), reduction);
}

}  // namespace needlecpp
