// Attention.
#include "needlecpp/ops/attention.h"

#include "binder.h"

namespace needlecpp::python {

void bind_attention(Binder b) {
  b = b.layers();
  b.def(
      "scaled_dot_product_attention",
      [](const Tensor& query, const Tensor& key, const Tensor& value, std::optional<Tensor> mask, double dropout_p,
         bool is_causal, std::optional<double> scale, bool enable_gqa) {
        AttentionOptions options;
        options.mask = mask.value_or(Tensor());
        options.dropout_p = dropout_p;
        options.is_causal = is_causal;
        options.scale = scale;
        options.enable_gqa = enable_gqa;
        return scaled_dot_product_attention(query, key, value, options);
      },
      "query"_a, "key"_a, "value"_a, "attn_mask"_a = nb::none(), "dropout_p"_a = 0.0, "is_causal"_a = false,
      "scale"_a = nb::none(), "enable_gqa"_a = false, Release(),
      "softmax(query key^T * scale + attn_mask) value, by tiles, without a matrix of all scores.\n\n"
      "query [..., l, e], key [..., s, e], value [..., s, ev]; scale is 1 / sqrt(e) if not given. attn_mask "
      "broadcasts\n"
      "to [..., l, s]: bool (True is looked at) or floats to add. is_causal: query i looks at keys 0 to i. A query "
      "that\n"
      "looks at nothing gives 0. enable_gqa repeats the heads (axis -3) of key and value. Differentiable in all "
      "four.\n\n"
      ">>> import needlecpp as ndl\n>>> ndl.scaled_dot_product_attention(ndl.zeros(1, 2), ndl.zeros(2, 2), "
      "ndl.Tensor([[1.0], [3.0]])).tolist()\n[[2.0]]");
}

}  // namespace needlecpp::python
