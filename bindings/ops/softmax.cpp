// Softmax and its relatives.
#include "needlecpp/ops/softmax.h"

#include "binder.h"

namespace needlecpp::python {

void bind_softmax(Binder& b) {
  b.reduction("logsumexp", &logsumexp, "log(sum(exp(x))) over the axes, without overflow.");
  b.both("softmax", &softmax, "a"_a, "axis"_a = -1, Release(), "exp(x) / sum(exp(x)) along an axis.");
  b.both("log_softmax", &log_softmax, "a"_a, "axis"_a = -1, Release(), "log(softmax(x)) along an axis.");
}

}  // namespace needlecpp::python
