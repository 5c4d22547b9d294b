// The small functions of layers, composed of plain ops.
#include "needlecpp/ops/layers.h"

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/matmul.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "ops/layers/layers_run.h"

namespace needlecpp {
namespace {

Tensor biased(const char* op, const Tensor& y, const Tensor& bias) {
  if (!bias.defined()) return y;
  NDL_CHECK(broadcast_shapes(op, y.shape(), bias.shape()) == y.shape(), ValueError, op, "wrong bias: got shape ",
            bias.shape(), ", expected one that broadcasts to the result's ", y.shape(), ".");
  return y + bias;
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  Op op("linear", x, weight, bias);
  NDL_CHECK(weight.rank() == 1 || weight.rank() == 2, ValueError, op, "bad weight: got shape ", weight.shape(),
            ", expected (out, in) or (in).");
  NDL_CHECK(x.rank() >= 1 && x.size(-1) == weight.size(-1), ValueError, op, "features differ: got an input of shape ",
            x.shape(), " and a weight of shape ", weight.shape(), ", expected the last sizes to agree.");
  const DType result = promote_types(x.dtype(), weight.dtype());
  // Rounded once. Products of bfloat16 have units of their own, which are worth a rounding before the bias.
  if (bias.defined() && result == DType::Float16)
    return cast(linear(cast(x, DType::Float32), cast(weight, DType::Float32), cast(bias, DType::Float32)),
                promote_types(result, bias.dtype()));
  return biased(op, matmul(x, weight.rank() == 2 ? transpose(weight) : weight), bias);
}

Tensor bilinear(const Tensor& x1, const Tensor& x2, const Tensor& weight, const Tensor& bias) {
  Op op("bilinear", x1, x2, weight, bias);
  NDL_CHECK(weight.rank() == 3 && x1.rank() >= 1 && x2.rank() == x1.rank() && x1.size(-1) == weight.size(1) &&
                x2.size(-1) == weight.size(2),
            ValueError, op, "sizes differ: got shapes ", x1.shape(), ", ", x2.shape(), " and a weight of shape ",
            weight.shape(), ", expected (..., in1), (..., in2) and (out, in1, in2).");
  NDL_CHECK(!bias.defined() || bias.shape() == Shape({weight.size(0)}), ValueError, op, "wrong bias: got shape ",
            bias.shape(), ", expected ", Shape({weight.size(0)}), ".");
  const DType result = promote_types(promote_types(x1.dtype(), x2.dtype()), weight.dtype());
  if (is_half(result)) {  // rounded once, not between the products
    const auto wide = [](const Tensor& x) { return x.defined() ? cast(x, DType::Float32) : x; };
    return cast(bilinear(wide(x1), wide(x2), wide(weight), wide(bias)), result);
  }
  const int64_t out = weight.size(0), in1 = weight.size(1), in2 = weight.size(2);
  // [..., in1] times [in1, out in2], then each output's row with x2.
  Shape split = x1.shape();
  split.back() = out;
  split.push_back(in2);
  const Tensor half = reshape(matmul(x1, reshape(permute(weight, {1, 0, 2}), {in1, out * in2})), split);
  return biased(op, sum(half * unsqueeze(x2, -2), {-1}), bias);
}

Tensor embedding(const Tensor& indices, const Tensor& weight, std::optional<int64_t> padding_idx) {
  Op op("embedding", indices, weight);
  NDL_CHECK(weight.rank() == 2, ValueError, op, "bad weight: got shape ", weight.shape(), ", expected (rows, width).");
  NDL_CHECK(indices.dtype() == DType::Int64 || indices.dtype() == DType::Int32, TypeError, op,
            "wrong index dtype: got ", name(indices.dtype()), ", expected int64 or int32.");
  const int64_t rows = weight.size(0);
  const Tensor flat = contiguous(reshape(cast(indices.detach(), DType::Int64), {-1}));
  const int64_t bad = NDL_ON(op.device(), run_find_outside)(flat, rows);
  NDL_CHECK(bad < 0, IndexError, op, "index out of range: got ", select(flat, 0, bad).item_int(), ", expected 0 to ",
            rows - 1, ".");
  Tensor y = index_select(weight, 0, flat);
  if (padding_idx) {
    NDL_CHECK(*padding_idx >= -rows && *padding_idx < rows, ValueError, op, "bad padding_idx: got ", *padding_idx,
              ", expected ", -rows, " to ", rows - 1, ".");
    const double at = static_cast<double>(*padding_idx < 0 ? *padding_idx + rows : *padding_idx);
    y = where(unsqueeze(eq(flat, at), 1), y.detach(), y);
  }
  Shape shape = indices.shape();
  shape.push_back(weight.size(1));
  return reshape(y, shape);
}

Tensor dropout(const Tensor& x, double p, bool training) {
  Op op("dropout", x);
  NDL_CHECK(p >= 0 && p <= 1, ValueError, op, "bad probability: got ", p, ", expected 0 to 1.");
  NDL_CHECK(is_floating(x.dtype()), TypeError, op, "wrong dtype: got ", name(x.dtype()),
            ", expected a floating one. Cast first.");
  if (!training || p == 0) return x;
  const DType drawn = x.dtype() == DType::Float64 ? DType::Float64 : DType::Float32;
  const Tensor kept = cast(ge(rand(x.shape(), 0, 1, drawn, op.device()), p), x.dtype());
  return p == 1 ? x * kept : x * (1 / (1 - p)) * kept;
}

}  // namespace needlecpp
