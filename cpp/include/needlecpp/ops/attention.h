// Attention (Vaswani et al. 2017).
#pragma once

#include <optional>

#include "needlecpp/core/tensor.h"

namespace needlecpp {

struct AttentionOptions {
  // bool (true: looked at) or floating (added to the scores); broadcasts to [..., l, s]. May be undefined.
  Tensor mask;
  double dropout_p = 0;         // of the weights; survivors grow by 1 / (1 - p)
  bool is_causal = false;       // query i looks at keys 0 to i
  std::optional<double> scale;  // 1 / sqrt(e) if not given
  bool enable_gqa = false;      // query has a multiple of key's and value's heads (axis -3), which are repeated
};

// softmax(query key^T scale + mask) value; a query that may look at nothing gives 0. Without dropout, and unless the
// mask wants a gradient, no [l, s] matrix is made in either direction: tiles of scores pass through the softmax as
// they come (Dao et al. 2022). Differentiable in all four, twice.
Tensor scaled_dot_product_attention(const Tensor& query,  // [..., l, e]
                                    const Tensor& key,    // [..., s, e]
                                    const Tensor& value,  // [..., s, ev]
                                    const AttentionOptions& options = {});
// The same by plain ops.
Tensor attention_composed(const Tensor& query, const Tensor& key, const Tensor& value,
                          const AttentionOptions& options = {});

}  // namespace needlecpp
