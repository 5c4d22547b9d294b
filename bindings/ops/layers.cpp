// The small functions of layers.
#include "needlecpp/ops/layers.h"

#include "binder.h"

namespace needlecpp::python {

void bind_layers(Binder b) {
  b = b.layers();
  b.def(
      "linear",
      [](const Tensor& x, const Tensor& weight, std::optional<Tensor> bias) {
        return linear(x, weight, bias.value_or(Tensor()));
      },
      "input"_a, "weight"_a, "bias"_a = nb::none(), Release(),
      "input weight^T + bias: input [..., in], weight [out, in], bias [out]. Differentiable in all.\n\n"
      ">>> import needlecpp as ndl\n>>> ndl.linear(ndl.ones(3), ndl.ones(2, 3), ndl.ones(2)).tolist()\n[4.0, 4.0]");
  b.def(
      "bilinear",
      [](const Tensor& x1, const Tensor& x2, const Tensor& weight, std::optional<Tensor> bias) {
        return bilinear(x1, x2, weight, bias.value_or(Tensor()));
      },
      "input1"_a, "input2"_a, "weight"_a, "bias"_a = nb::none(), Release(),
      "y[..., o] = input1 weight[o] input2^T + bias[o]: weight [out, in1, in2]. Differentiable in all.\n\n"
      ">>> import needlecpp as ndl\n>>> ndl.bilinear(ndl.ones(3), ndl.ones(2), ndl.ones(1, 3, 2)).tolist()\n[6.0]");
  b.def(
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
  b.def("dropout", &dropout, "input"_a, "p"_a = 0.5, "training"_a = true, Release(),
        "In training zeroes each element with probability p and divides the others by 1 - p, with numbers of the\n"
        "default generator; input itself otherwise. Floats; differentiable.\n\n"
        ">>> import needlecpp as ndl\n>>> ndl.dropout(ndl.ones(2), 1.0).tolist()\n[0.0, 0.0]");
}

}  // namespace needlecpp::python
