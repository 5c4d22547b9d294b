// Attention and the small functions of layers.
#include "needlecpp/ops/attention.h"

#include "binder.h"
#include "needlecpp/ops/layers.h"

namespace needlecpp::python {

void bind_attention(Binder& b) {
  b.m.def(
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
  b.m.def(
      "linear",
      [](const Tensor& x, const Tensor& weight, std::optional<Tensor> bias) {
        return linear(x, weight, bias.value_or(Tensor()));
      },
      "input"_a, "weight"_a, "bias"_a = nb::none(), Release(),
      "input weight^T + bias: input [..., in], weight [out, in], bias [out]. Differentiable in all.\n\n"
      ">>> import needlecpp as ndl\n>>> ndl.linear(ndl.ones(3), ndl.ones(2, 3), ndl.ones(2)).tolist()\n[4.0, 4.0]");
  b.m.def(
      "bilinear",
      [](const Tensor& x1, const Tensor& x2, const Tensor& weight, std::optional<Tensor> bias) {
        return bilinear(x1, x2, weight, bias.value_or(Tensor()));
      },
      "input1"_a, "input2"_a, "weight"_a, "bias"_a = nb::none(), Release(),
      "y[..., o] = input1 weight[o] input2^T + bias[o]: weight [out, in1, in2]. Differentiable in all.\n\n"
      ">>> import needlecpp as ndl\n>>> ndl.bilinear(ndl.ones(3), ndl.ones(2), ndl.ones(1, 3, 2)).tolist()\n[6.0]");
  b.m.def(
      "embedding",
      [](const Tensor& first, const Tensor& second, std::optional<int64_t> padding_idx) {
        return is_floating(first.dtype()) ? embedding(second, first, padding_idx)
                                          : embedding(first, second, padding_idx);
      },
      "input"_a, "weight"_a, "padding_idx"_a = nb::none(), Release(),
      "weight[input]: rows of the weight [rows, width] at int64 or int32 indices of any shape; the two may stand in\n"
      "either order. The row padding_idx gets no gradient. Differentiable in weight.\n\n"
      ">>> import needlecpp as ndl\n>>> ndl.embedding(ndl.Tensor([1, 0], dtype=\"int64\"), ndl.Tensor([[1.0], "
      "[2.0]])).tolist()\n[[2.0], [1.0]]");
  b.m.def("dropout", &dropout, "input"_a, "p"_a = 0.5, "training"_a = true, Release(),
          "In training zeroes each element with probability p and divides the others by 1 - p, with numbers of the\n"
          "default generator; input itself otherwise. Floats; differentiable.\n\n"
          ">>> import needlecpp as ndl\n>>> ndl.dropout(ndl.ones(2), 1.0).tolist()\n[0.0, 0.0]");
}

}  // namespace needlecpp::python
