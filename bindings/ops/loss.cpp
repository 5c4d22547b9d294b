// Losses.
#include "needlecpp/ops/loss.h"

#include "binder.h"
#include "choice.h"

namespace needlecpp::python {
namespace {

constexpr const char* kReduction = " reduction is \"mean\", \"sum\" or \"none\".";

std::string doc(const char* formula, const char* example) {
  return std::string(formula) + kReduction + "\n\n>>> import needlecpp as ndl\n>>> " + example;
}

LossReduction reduction_of(const char* op, const std::string& word) {
  return choice<LossReduction>(
      op, "reduction", word,
      {{"none", LossReduction::None}, {"mean", LossReduction::Mean}, {"sum", LossReduction::Sum}});
}

void bind_regression(Binder b) {
  using Plain = Tensor (*)(const Tensor&, const Tensor&, LossReduction);
  const auto plain = [&](const char* name, Plain fn, const std::string& text) {
    b.def(
        name,
        [name, fn](const Tensor& x, const Tensor& target, const std::string& reduction) {
          return fn(x, target, reduction_of(name, reduction));
        },
        "input"_a, "target"_a, "reduction"_a = "mean", Release(), text.c_str());
  };
  plain("mse_loss", &mse_loss,
        doc("(input - target)^2; the two broadcast. Differentiable in both.",
            "ndl.mse_loss(ndl.Tensor([1.0, 3.0]), ndl.zeros(2)).item()\n5.0"));
  plain("l1_loss", &l1_loss,
        doc("|input - target|; the two broadcast. Differentiable in both.",
            "ndl.l1_loss(ndl.Tensor([1.0, -3.0]), ndl.zeros(2)).item()\n2.0"));
  plain("soft_margin_loss", &soft_margin_loss,
        doc("log(1 + exp(-target * input)), targets 1 or -1. Differentiable.",
            "ndl.soft_margin_loss(ndl.zeros(2), ndl.ones(2)).item()\n0.693147..."));
  b.def(
      "smooth_l1_loss",
      [](const Tensor& x, const Tensor& target, const std::string& reduction, double beta) {
        return smooth_l1_loss(x, target, reduction_of("smooth_l1_loss", reduction), beta);
      },
      "input"_a, "target"_a, "reduction"_a = "mean", "beta"_a = 1.0, Release(),
      doc("With d = input - target: d^2 / (2 beta) where |d| < beta, |d| - beta / 2 elsewhere. Differentiable in both.",
          "ndl.smooth_l1_loss(ndl.Tensor([1.0, 3.0]), ndl.zeros(2), \"none\").tolist()\n[0.5, 2.5]")
          .c_str());
  b.def(
      "huber_loss",
      [](const Tensor& x, const Tensor& target, const std::string& reduction, double delta) {
        return huber_loss(x, target, reduction_of("huber_loss", reduction), delta);
      },
      "input"_a, "target"_a, "reduction"_a = "mean", "delta"_a = 1.0, Release(),
      doc("With d = input - target: d^2 / 2 where |d| <= delta, delta (|d| - delta / 2) elsewhere. Differentiable in "
          "both.",
          "ndl.huber_loss(ndl.Tensor([1.0, 3.0]), ndl.zeros(2), \"none\", 2.0).tolist()\n[0.5, 4.0]")
          .c_str());
}

void bind_probabilities(Binder b) {
  b.def(
      "binary_cross_entropy",
      [](const Tensor& x, const Tensor& target, std::optional<Tensor> weight, const std::string& reduction) {
        return binary_cross_entropy(x, target, weight.value_or(Tensor()),
                                    reduction_of("binary_cross_entropy", reduction));
      },
      "input"_a, "target"_a, "weight"_a = nb::none(), "reduction"_a = "mean", Release(),
      doc("-weight (target log input + (1 - target) log(1 - input)), logarithms not below -100, input in [0, 1].\n"
          "Differentiable in input and target.",
          "ndl.binary_cross_entropy(ndl.Tensor([1.0, 0.0]), ndl.Tensor([1.0, 1.0]), reduction=\"sum\").item()\n100.0")
          .c_str());
  b.def(
      "binary_cross_entropy_with_logits",
      [](const Tensor& x, const Tensor& target, std::optional<Tensor> weight, const std::string& reduction,
         std::optional<Tensor> pos_weight) {
        return binary_cross_entropy_with_logits(x, target, weight.value_or(Tensor()),
                                                reduction_of("binary_cross_entropy_with_logits", reduction),
                                                pos_weight.value_or(Tensor()));
      },
      "input"_a, "target"_a, "weight"_a = nb::none(), "reduction"_a = "mean", "pos_weight"_a = nb::none(), Release(),
      doc("binary_cross_entropy of sigmoid(input), without overflow; pos_weight multiplies the part of positive "
          "targets.\nDifferentiable in input, target and pos_weight.",
          "ndl.binary_cross_entropy_with_logits(ndl.Tensor([200.0]), ndl.zeros(1)).item()\n200.0")
          .c_str());
  b.def(
      "kl_div",
      [](const Tensor& x, const Tensor& target, const std::string& reduction, bool log_target) {
        return kl_div(x, target,
                      reduction == "batchmean" ? LossReduction::BatchMean : reduction_of("kl_div", reduction),
                      log_target);
      },
      "input"_a, "target"_a, "reduction"_a = "mean", "log_target"_a = false, Release(),
      doc("target (log target - input), input being logarithms, the target too with log_target. Differentiable in "
          "both.\n\"batchmean\" is the sum divided by the first axis' size;",
          "ndl.kl_div(ndl.zeros(2), ndl.Tensor([1.0, 0.0])).item()\n0.0")
          .c_str());
  b.def(
      "poisson_nll_loss",
      [](const Tensor& x, const Tensor& target, bool log_input, bool full, double eps, const std::string& reduction) {
        return poisson_nll_loss(x, target, log_input, full, eps, reduction_of("poisson_nll_loss", reduction));
      },
      "input"_a, "target"_a, "log_input"_a = true, "full"_a = false, "eps"_a = 1e-8, "reduction"_a = "mean", Release(),
      doc("exp(input) - target input, or input - target log(input + eps) unless log_input; full adds Stirling's term\n"
          "for targets above 1. Differentiable in both.",
          "ndl.poisson_nll_loss(ndl.zeros(2), ndl.ones(2)).item()\n1.0")
          .c_str());
  b.def(
      "gaussian_nll_loss",
      [](const Tensor& x, const Tensor& target, nb::object variance, bool full, double eps,
         const std::string& reduction) {
        const LossReduction how = reduction_of("gaussian_nll_loss", reduction);
        const Tensor var = value_of(variance, x.dtype(), x.device());
        return unlocked([&] { return gaussian_nll_loss(x, target, var, full, eps, how); });
      },
      "input"_a, "target"_a, "var"_a, "full"_a = false, "eps"_a = 1e-6, "reduction"_a = "mean",
      doc("(log v + (input - target)^2 / v) / 2 with v = max(var, eps); full adds log(2 pi) / 2. Differentiable in "
          "all.",
          "ndl.gaussian_nll_loss(ndl.ones(2), ndl.zeros(2), ndl.ones(2)).item()\n0.5")
          .c_str());
}

void bind_classes(Binder b) {
  b.def(
      "nll_loss",
      [](const Tensor& x, const Tensor& target, std::optional<Tensor> weight, int64_t ignore_index,
         const std::string& reduction) {
        return nll_loss(x, target, weight.value_or(Tensor()), ignore_index, reduction_of("nll_loss", reduction));
      },
      "input"_a, "target"_a, "weight"_a = nb::none(), "ignore_index"_a = -100, "reduction"_a = "mean", Release(),
      doc("-weight[t] input[t] for log-probabilities input [n, c, ...] or [c] and classes target [n, ...] or [].\n"
          "Places of class ignore_index count for nothing; the mean is weighted. Differentiable in input.",
          "ndl.nll_loss(ndl.Tensor([[-1.0, -2.0], [-3.0, -4.0]]), ndl.Tensor([1, 0], dtype=\"int64\")).item()\n2.5")
          .c_str());
  b.def(
      "cross_entropy",
      [](const Tensor& x, const Tensor& target, std::optional<Tensor> weight, int64_t ignore_index,
         const std::string& reduction, double label_smoothing) {
        return cross_entropy(x, target, weight.value_or(Tensor()), ignore_index,
                             reduction_of("cross_entropy", reduction), label_smoothing);
      },
      "input"_a, "target"_a, "weight"_a = nb::none(), "ignore_index"_a = -100, "reduction"_a = "mean",
      "label_smoothing"_a = 0.0, Release(),
      doc("nll_loss of log_softmax(input), fused. target holds classes, or probabilities in input's shape;\n"
          "label_smoothing mixes it with the uniform distribution. Differentiable in input and probabilities.",
          "ndl.cross_entropy(ndl.Tensor([[0.0, 0.0]]), ndl.Tensor([1], dtype=\"int64\")).item()\n0.693147...")
          .c_str());
}

void bind_pairs(Binder b) {
  b.def(
      "hinge_embedding_loss",
      [](const Tensor& x, const Tensor& target, double margin, const std::string& reduction) {
        return hinge_embedding_loss(x, target, margin, reduction_of("hinge_embedding_loss", reduction));
      },
      "input"_a, "target"_a, "margin"_a = 1.0, "reduction"_a = "mean", Release(),
      doc("input where target is 1, max(0, margin - input) where it is -1. Differentiable in input.",
          "ndl.hinge_embedding_loss(ndl.Tensor([3.0, 0.5]), ndl.Tensor([1.0, -1.0]), reduction=\"sum\").item()\n3.5")
          .c_str());
  b.def(
      "margin_ranking_loss",
      [](const Tensor& x1, const Tensor& x2, const Tensor& target, double margin, const std::string& reduction) {
        return margin_ranking_loss(x1, x2, target, margin, reduction_of("margin_ranking_loss", reduction));
      },
      "input1"_a, "input2"_a, "target"_a, "margin"_a = 0.0, "reduction"_a = "mean", Release(),
      doc("max(0, -target (input1 - input2) + margin), targets 1 or -1. Differentiable.",
          "ndl.margin_ranking_loss(ndl.zeros(2), ndl.ones(2), ndl.ones(2)).item()\n1.0")
          .c_str());
  b.def(
      "cosine_embedding_loss",
      [](const Tensor& x1, const Tensor& x2, const Tensor& target, double margin, const std::string& reduction) {
        return cosine_embedding_loss(x1, x2, target, margin, reduction_of("cosine_embedding_loss", reduction));
      },
      "input1"_a, "input2"_a, "target"_a, "margin"_a = 0.0, "reduction"_a = "mean", Release(),
      doc("With the cosine of the two along the last axis: 1 - cos where target is 1, max(0, cos - margin) where -1.\n"
          "Differentiable in both inputs.",
          "ndl.cosine_embedding_loss(ndl.Tensor([[1.0, 0.0]]), ndl.Tensor([[0.0, 1.0]]), ndl.ones(1)).item()\n1.0")
          .c_str());
  b.def(
      "triplet_margin_loss",
      [](const Tensor& anchor, const Tensor& positive, const Tensor& negative, double margin, double p, double eps,
         bool swap, const std::string& reduction) {
        return triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap,
                                   reduction_of("triplet_margin_loss", reduction));
      },
      "anchor"_a, "positive"_a, "negative"_a, "margin"_a = 1.0, "p"_a = 2.0, "eps"_a = 1e-6, "swap"_a = false,
      "reduction"_a = "mean", Release(),
      doc("max(0, |anchor - positive|_p - |anchor - negative|_p + margin) along the last axis; swap takes the smaller "
          "of\nthe negative's distances to anchor and positive. Differentiable in all.",
          "ndl.triplet_margin_loss(ndl.zeros(1, 2), ndl.zeros(1, 2), ndl.zeros(1, 2)).item()\n1.0")
          .c_str());
}

}  // namespace

void bind_loss(Binder b) {
  b = b.layers();
  bind_regression(b);
  bind_probabilities(b);
  bind_classes(b);
  bind_pairs(b);
}

}  // namespace needlecpp::python
