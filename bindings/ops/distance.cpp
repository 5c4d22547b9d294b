// Lengths and angles.
#include "needlecpp/ops/distance.h"

#include "binder.h"

namespace needlecpp::python {

void bind_distance(Binder b) {
  b = b.layers();
  b.function("normalize", &normalize, "input"_a, "p"_a = 2.0, "axis"_a = 1, "eps"_a = 1e-12, Release(),
             "x / max(|x|_p, eps) along an axis. Differentiable.\n\n"
             ">>> import needlecpp as ndl\n>>> ndl.normalize(ndl.Tensor([[3.0, 4.0]]) * 2.0, p=1.0, axis=0).tolist()\n"
             "[[1.0, 1.0]]");
  b.function("cosine_similarity", &cosine_similarity, "x1"_a, "x2"_a, "axis"_a = 1, "eps"_a = 1e-8, Release(),
             "<x1, x2> / (max(|x1|, eps) max(|x2|, eps)) along an axis of the broadcast inputs. Differentiable in "
             "both.\n\n"
             ">>> import needlecpp as ndl\n>>> ndl.cosine_similarity(ndl.Tensor([[2.0, 0.0]]), ndl.Tensor([[0.0, "
             "3.0]])).tolist()\n[0.0]");
  b.function("pairwise_distance", &pairwise_distance, "x1"_a, "x2"_a, "p"_a = 2.0, "eps"_a = 1e-6, "keepdims"_a = false,
             Release(),
             "|x1 - x2 + eps|_p along the last axis. Differentiable in both.\n\n"
             ">>> import needlecpp as ndl\n>>> ndl.pairwise_distance(ndl.ones(5, 3), ndl.zeros(5, 3)).shape\n(5,)");
}

}  // namespace needlecpp::python
