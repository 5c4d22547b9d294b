// Lengths and angles: compositions around the p-norm, whose derivative at 0 is 0.
#include "needlecpp/ops/distance.h"

#include <cmath>

#include "needlecpp/autograd/function.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"

namespace needlecpp {
namespace {

Tensor real(const Tensor& x) { return is_floating(x.dtype()) ? x : cast(x, DType::Float32); }

// x^exponent of numbers that are not negative; the derivative is 0 where x is 0 or infinite.
Tensor steady_pow(const Tensor& x, double exponent) {
  const Tensor smooth = logical_and(gt(x, 0.0), lt(x, INFINITY));
  const Tensor one = Tensor::ones({}, x.dtype());
  const auto power = [exponent](const Tensor& v) { return exponent == 0.5 ? sqrt(v) : pow(v, exponent); };
  return where(smooth, power(where(smooth, x, one)), power(x.detach()));
}

// (sum |x|^p)^(1/p) along an axis, which stays with size 1.
Tensor p_norm(const Tensor& x, double p, int axis) {
  if (p == 2) return steady_pow(sum(square(x), {axis}, true), 0.5);
  if (p == 1) return sum(abs(x), {axis}, true);
  if (p == 0) return sum(cast(ne(x.detach(), 0.0), x.dtype()), {axis}, true);
  if (std::isinf(p)) return p > 0 ? max(abs(x), {axis}, true) : min(abs(x), {axis}, true);
  return steady_pow(sum(steady_pow(abs(x), p), {axis}, true), 1 / p);
}

// A tensor without axes is a vector of one.
Tensor with_axis(const Tensor& x) { return x.rank() == 0 ? unsqueeze(x, 0) : x; }

}  // namespace

Tensor normalize(const Tensor& x, double p, int64_t axis, double eps) {
  OpScope scope("normalize");
  const Tensor v = with_axis(real(x));
  const int at = normalize_axis("normalize", axis, v.rank());
  return reshape(v / clamp(p_norm(v, p, at), eps, INFINITY), x.shape());
}

Tensor cosine_similarity(const Tensor& x1, const Tensor& x2, int64_t axis, double eps) {
  OpScope scope("cosine_similarity");
  const Shape shape = broadcast_shapes("cosine_similarity", x1.shape(), x2.shape());
  const Tensor a = with_axis(broadcast_to(real(x1), shape)), b = with_axis(broadcast_to(real(x2), shape));
  const int at = normalize_axis("cosine_similarity", axis, a.rank());
  const auto length = [&](const Tensor& v) { return clamp(p_norm(v, 2, at), eps, INFINITY); };
  return sum((a / length(a)) * (b / length(b)), {at});
}

Tensor pairwise_distance(const Tensor& x1, const Tensor& x2, double p, double eps, bool keepdims) {
  OpScope scope("pairwise_distance");
  const Tensor d = real(x1) - real(x2) + eps;
  NDL_CHECK(d.rank() > 0, ValueError, "pairwise_distance", "no axis to sum over: got shape (), expected vectors.");
  const Tensor length = p_norm(d, p, d.rank() - 1);
  return keepdims ? length : squeeze(length, {-1});
}

}  // namespace needlecpp
