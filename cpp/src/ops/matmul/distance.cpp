// Lengths and angles: compositions around the p-norm, whose derivative at 0 is 0. Halves are computed in float32 and
// rounded once, at the end.
#include "needlecpp/ops/distance.h"

#include <cmath>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "ops/elementwise/elementwise_run.h"

namespace needlecpp {
namespace {

Tensor real(const Tensor& x) { return cast(x, x.dtype() == DType::Float64 ? x.dtype() : DType::Float32); }

// x^exponent of numbers that are not negative; the derivative is 0 where x is 0 or infinite.
Tensor steady_pow(const Tensor& x, double exponent) {
  const Tensor smooth = logical_and(gt(x, 0.0), lt(x, INFINITY));
  const Tensor one = Tensor::full({}, 1, x.dtype(), x.device());
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

void check_eps(const char* op, double eps) {
  NDL_CHECK(eps >= 0 && std::isfinite(eps), ValueError, op, "bad eps: got ", eps, ", expected a number of 0 or more.");
}
void check_norm(const char* op, double p) {
  NDL_CHECK(!std::isnan(p), ValueError, op, "bad p: got NaN, expected a number.");
}

// A tensor without axes is a vector of one.
Tensor with_axis(const Tensor& x) { return x.rank() == 0 ? unsqueeze(x, 0) : x; }

}  // namespace

Tensor normalize(const Tensor& x, double p, int64_t axis, double eps) {
  Op op("normalize", x);
  check_norm("normalize", p);
  check_eps("normalize", eps);
  const Tensor v = with_axis(real(x));
  const int at = normalize_axis("normalize", axis, v.rank());
  return cast(reshape(v / clamp(p_norm(v, p, at), eps, INFINITY), x.shape()), real_type(x.dtype()));
}

Tensor cosine_similarity(const Tensor& x1, const Tensor& x2, int64_t axis, double eps) {
  Op op("cosine_similarity", x1, x2);
  check_eps("cosine_similarity", eps);
  const Shape shape = broadcast_shapes("cosine_similarity", x1.shape(), x2.shape());
  const Tensor a = with_axis(broadcast_to(real(x1), shape)), b = with_axis(broadcast_to(real(x2), shape));
  const int at = normalize_axis("cosine_similarity", axis, a.rank());
  const auto length = [&](const Tensor& v) { return clamp(p_norm(v, 2, at), eps, INFINITY); };
  return cast(sum((a / length(a)) * (b / length(b)), {at}), real_type(promote_types(x1.dtype(), x2.dtype())));
}

Tensor pairwise_distance(const Tensor& x1, const Tensor& x2, double p, double eps, bool keepdims) {
  Op op("pairwise_distance", x1, x2);
  check_norm("pairwise_distance", p);
  NDL_CHECK(std::isfinite(eps), ValueError, "pairwise_distance", "bad eps: got ", eps, ", expected a finite number.");
  const Tensor d = real(x1) - real(x2) + eps;
  NDL_CHECK(d.rank() > 0, ValueError, "pairwise_distance", "no axis to sum over: got shape (), expected vectors.");
  const Tensor length = cast(p_norm(d, p, d.rank() - 1), real_type(promote_types(x1.dtype(), x2.dtype())));
  return keepdims ? length : squeeze(length, {-1});
}

}  // namespace needlecpp
