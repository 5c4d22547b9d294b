// Losses. Elementwise ones broadcast and are differentiable in every floating argument, twice, unless said otherwise.
// LossReduction: all values, their sum, or their mean; BatchMean is the sum divided by the first axis' size.
#pragma once

#include "needlecpp/core/tensor.h"

namespace needlecpp {

enum class LossReduction { None, Mean, Sum, BatchMean };

// Regression, of d = x - target.
Tensor mse_loss(const Tensor& x, const Tensor& target, LossReduction reduction = LossReduction::Mean);  // d^2
Tensor l1_loss(const Tensor& x, const Tensor& target, LossReduction reduction = LossReduction::Mean);   // |d|
// d^2 / (2 beta) where |d| < beta, |d| - beta / 2 elsewhere.
Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, LossReduction reduction = LossReduction::Mean,
                      double beta = 1);
// d^2 / 2 where |d| <= delta, delta (|d| - delta / 2) elsewhere.
Tensor huber_loss(const Tensor& x, const Tensor& target, LossReduction reduction = LossReduction::Mean,
                  double delta = 1);

// Probabilities. `weight` multiplies each element's loss and may be undefined.
// -(t log x + (1 - t) log(1 - x)), logarithms not below -100; x in [0, 1].
Tensor binary_cross_entropy(const Tensor& x, const Tensor& target, const Tensor& weight = {},
                            LossReduction reduction = LossReduction::Mean);
// The same of sigmoid(x), without overflow; pos_weight multiplies the positive targets' part.
Tensor binary_cross_entropy_with_logits(const Tensor& x, const Tensor& target, const Tensor& weight = {},
                                        LossReduction reduction = LossReduction::Mean, const Tensor& pos_weight = {});
// target (log target - x), x being logarithms; log_target: target is logarithms, too.
Tensor kl_div(const Tensor& x, const Tensor& target, LossReduction reduction = LossReduction::Mean,
              bool log_target = false);
// exp(x) - target x, or x - target log(x + eps) unless log_input; full adds Stirling's target log target - target +
// log(2 pi target) / 2 for targets above 1.
Tensor poisson_nll_loss(const Tensor& x, const Tensor& target, bool log_input = true, bool full = false,
                        double eps = 1e-8, LossReduction reduction = LossReduction::Mean);
// (log v + (x - target)^2 / v) / 2 with v = max(variance, eps), constant to the tape where clamped; full adds
// log(2 pi) / 2.
Tensor gaussian_nll_loss(const Tensor& x, const Tensor& target, const Tensor& variance, bool full = false,
                         double eps = 1e-6, LossReduction reduction = LossReduction::Mean);

// Classes: int64 or int32 indices, one for each place off the class axis, which is axis 1 (0 if x has one axis only).
// Places of class ignore_index count for nothing; Mean divides by the sum of the weights of the others.
// -weight[t] x[t], x being log-probabilities.
Tensor nll_loss(const Tensor& x,       // [n, c, ...] or [c]
                const Tensor& target,  // [n, ...] or []
                const Tensor& weight = {}, int64_t ignore_index = -100, LossReduction reduction = LossReduction::Mean);
// -weight[t] log_softmax(x)[t]; label_smoothing mixes t with the uniform distribution. A floating target of x's shape
// holds probabilities, for which ignore_index has no meaning and Mean divides by the number of places.
Tensor cross_entropy(const Tensor& x, const Tensor& target, const Tensor& weight = {}, int64_t ignore_index = -100,
                     LossReduction reduction = LossReduction::Mean, double label_smoothing = 0);

// Pairs; targets are 1 or -1.
// x where target is 1, max(0, margin - x) where -1.
Tensor hinge_embedding_loss(const Tensor& x, const Tensor& target, double margin = 1,
                            LossReduction reduction = LossReduction::Mean);
// max(0, -target (x1 - x2) + margin).
Tensor margin_ranking_loss(const Tensor& x1, const Tensor& x2, const Tensor& target, double margin = 0,
                           LossReduction reduction = LossReduction::Mean);
Tensor soft_margin_loss(const Tensor& x, const Tensor& target,  // log(1 + exp(-target x))
                        LossReduction reduction = LossReduction::Mean);
// 1 - cos(x1, x2) where target is 1, max(0, cos - margin) where -1; cos over the last axis.
Tensor cosine_embedding_loss(const Tensor& x1, const Tensor& x2, const Tensor& target, double margin = 0,
                             LossReduction reduction = LossReduction::Mean);
// max(0, |anchor - positive|_p - |anchor - negative|_p + margin) over the last axis; swap: the negative's distance is
// the smaller one of those to anchor and positive.
Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative, double margin = 1,
                           double p = 2, double eps = 1e-6, bool swap = false,
                           LossReduction reduction = LossReduction::Mean);

}  // namespace needlecpp
