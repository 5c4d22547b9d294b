// Activation functions: each forward with its derivative right below it. Smooth ones have the derivative as a kernel of
// its own; when the backward is itself recorded, the same derivative is put together from public ops.
#include "needlecpp/ops/activation.h"

#include <cmath>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/shape.h"
#include "ops/elementwise/elementwise_run.h"

namespace needlecpp {
namespace {

constexpr double kPi = 3.14159265358979323846;

// f in float32 for halves, which are rounded once.
template <class F>
Tensor widened(const Tensor& x, F&& f) {
  return is_half(x.dtype()) ? cast(f(cast(x, DType::Float32)), x.dtype()) : f(x);
}

// The result has x's dtype whatever the numbers are: integers refuse those that they cannot hold.
void check_held(const char* op, const Tensor& x, std::initializer_list<double> numbers) {
  for (double value : numbers)
    NDL_CHECK(is_floating(x.dtype()) || is_whole(value), TypeError, op, "not a number of ", name(x.dtype()), ": got ",
              value, ", expected an integer. Cast the tensor to a floating dtype first.");
}

// f with slope f': both kernels, and f' once more in public ops.
Tensor smooth(const char* op_name, UnaryOp f, UnaryOp slope, Tensor (*composed)(const Tensor&), const Tensor& x) {
  Op op(op_name, x);
  return op.record(unary_real(f, x), {x}, {x}, [slope, composed](Backward& g) {
    const Tensor v = g.saved(0);
    g.give(0, g.dy() * (Backward::recording() ? composed(v) : unary_real(slope, v)));
  });
}

Tensor gelu_slope(const Tensor& x) {
  const Tensor density = exp(square(x) * -0.5) * (1 / std::sqrt(2 * kPi));
  return (erf(x * std::sqrt(0.5)) + 1.0) * 0.5 + x * density;
}
Tensor gelu_tanh_slope(const Tensor& x) {
  const double scale = std::sqrt(2 / kPi);
  const Tensor t = tanh((x + x * square(x) * 0.044715) * scale);
  const Tensor du = (square(x) * (3 * 0.044715) + 1.0) * scale;
  return (t + 1.0) * 0.5 + x * (1.0 - square(t)) * du * 0.5;
}
Tensor silu_slope(const Tensor& x) {
  const Tensor s = sigmoid(x);
  return s * (x * (1.0 - s) + 1.0);
}
Tensor mish_slope(const Tensor& x) {
  const Tensor gate = tanh(softplus(x));
  return gate + x * (1.0 - square(gate)) * sigmoid(x);
}

// x scale above zero, below it alpha (exp(rate x) - 1).
Tensor elu_family(const char* op_name, const Tensor& x, double alpha, double scale, double rate) {
  Op op(op_name, x);
  return op.record(unary_real(UnaryOp::Elu, x, {alpha, scale, rate}), {x}, {x}, [alpha, scale, rate](Backward& g) {
    const Tensor v = g.saved(0);
    const Tensor below = exp(clamp(v, -INFINITY, 0) * rate) * (alpha * rate);
    g.give(0, where(le(v, 0.0), g.dy() * below, g.dy() * scale));
  });
}

}  // namespace

Tensor relu(const Tensor& x) {
  Op op("relu", x);
  return op.record(unary(UnaryOp::Relu, x, x.dtype()), {x}, {x},
                   [](Backward& g) { g.give(0, zero_where(le(g.saved(0), 0.0), g.dy())); });
}

Tensor leaky_relu(const Tensor& x, double negative_slope) {
  Op op("leaky_relu", x);
  return op.record(unary_real(UnaryOp::LeakyRelu, x, {negative_slope}), {x}, {x}, [negative_slope](Backward& g) {
    g.give(0, where(gt(g.saved(0), 0.0), g.dy(), g.dy() * negative_slope));
  });
}

Tensor elu(const Tensor& x, double alpha) { return elu_family("elu", x, alpha, 1, 1); }
Tensor celu(const Tensor& x, double alpha) {
  NDL_CHECK(alpha != 0, ValueError, "celu", "alpha divides: got 0, expected another number.");
  return elu_family("celu", x, alpha, 1, 1 / alpha);
}
Tensor selu(const Tensor& x) {
  constexpr double alpha = 1.6732632423543772848170429916717;
  constexpr double scale = 1.0507009873554804934193349852946;
  return elu_family("selu", x, alpha * scale, scale, 1);
}

Tensor silu(const Tensor& x) { return smooth("silu", UnaryOp::Silu, UnaryOp::SiluSlope, silu_slope, x); }
Tensor mish(const Tensor& x) { return smooth("mish", UnaryOp::Mish, UnaryOp::MishSlope, mish_slope, x); }
Tensor gelu(const Tensor& x, bool tanh_approximation) {
  if (tanh_approximation) return smooth("gelu", UnaryOp::GeluTanh, UnaryOp::GeluTanhSlope, gelu_tanh_slope, x);
  return smooth("gelu", UnaryOp::Gelu, UnaryOp::GeluSlope, gelu_slope, x);
}

Tensor softplus(const Tensor& x, double beta, double threshold) {
  Op op("softplus", x);
  NDL_CHECK(beta != 0, ValueError, op, "beta divides: got 0, expected another number.");
  return op.record(unary_real(UnaryOp::Softplus, x, {beta, threshold}), {x}, {x}, [beta, threshold](Backward& g) {
    const Tensor z = g.saved(0) * beta;
    g.give(0, where(gt(z, threshold), g.dy(), g.dy() * sigmoid(z)));
  });
}
Tensor softplus(const Tensor& x) { return softplus(x, 1, 20); }

Tensor hardtanh(const Tensor& x, double low, double high) {
  Op op("hardtanh", x);
  NDL_CHECK(low <= high, ValueError, op, "empty range: got ", low, " to ", high, ", expected low <= high.");
  check_held("hardtanh", x, {low, high});
  return op.record(unary(UnaryOp::Clamp, x, x.dtype(), {low, high}), {x}, {x}, [low, high](Backward& g) {
    g.give(0, zero_where(logical_or(le(g.saved(0), low), ge(g.saved(0), high)), g.dy()));
  });
}
Tensor relu6(const Tensor& x) { return hardtanh(x, 0, 6); }

Tensor hardsigmoid(const Tensor& x) {
  Op op("hardsigmoid", x);
  return op.record(unary_real(UnaryOp::Hardsigmoid, x), {x}, {x}, [](Backward& g) {
    g.give(0, where_or_zero(logical_and(gt(g.saved(0), -3.0), lt(g.saved(0), 3.0)), g.dy() / 6.0));
  });
}

Tensor hardswish(const Tensor& x) {
  Op op("hardswish", x);
  return op.record(unary_real(UnaryOp::Hardswish, x), {x}, {x}, [](Backward& g) {
    const Tensor v = g.saved(0);
    const Tensor middle = g.dy() * (v / 3.0 + 0.5);
    g.give(0, zero_where(le(v, -3.0), where(lt(v, 3.0), middle, g.dy())));
  });
}

Tensor hardshrink(const Tensor& x, double bound) {
  Op op("hardshrink", x);
  return op.record(unary_real(UnaryOp::Hardshrink, x, {bound}), {x}, {x},
                   [bound](Backward& g) { g.give(0, zero_where(le(abs(g.saved(0)), bound), g.dy())); });
}

Tensor softshrink(const Tensor& x, double bound) {
  Op op("softshrink", x);
  NDL_CHECK(bound >= 0, ValueError, op, "negative bound: got ", bound, ", expected 0 or more.");
  return op.record(unary_real(UnaryOp::Softshrink, x, {bound}), {x}, {x},
                   [bound](Backward& g) { g.give(0, zero_where(le(abs(g.saved(0)), bound), g.dy())); });
}

Tensor softsign(const Tensor& x) {
  Op op("softsign", x);
  return op.record(unary_real(UnaryOp::Softsign, x), {x}, {x},
                   [](Backward& g) { g.give(0, g.dy() / square(abs(g.saved(0)) + 1.0)); });
}

Tensor logsigmoid(const Tensor& x) { return neg(softplus(neg(cast(x, real_type(x.dtype()))), 1, INFINITY)); }
Tensor tanhshrink(const Tensor& x) {
  return widened(x, [](const Tensor& v) { return v - tanh(v); });
}

Tensor threshold(const Tensor& x, double bound, double value) {
  Op op("threshold", x);
  if (!is_floating(x.dtype())) {
    check_held("threshold", x, {value});
    return where(gt(x, bound), x, op.full({}, value, x.dtype()));
  }
  return op.record(unary(UnaryOp::Threshold, x, x.dtype(), {bound, value}), {x}, {x},
                   [bound](Backward& g) { g.give(0, where_or_zero(gt(g.saved(0), bound), g.dy())); });
}

Tensor prelu(const Tensor& x, const Tensor& weight) {
  Op op("prelu", x, weight);
  NDL_CHECK(weight.rank() <= 1, ValueError, op, "weight is no list: got shape ", weight.shape(),
            ", expected one weight or one for each channel.");
  if (weight.numel() == 1) return where(gt(x, 0.0), x, reshape(weight, Shape{}) * x);
  NDL_CHECK(x.rank() >= 2 && x.size(1) == weight.numel(), ValueError, op, "weights do not match the channels: got ",
            weight.numel(), " for shape ", x.shape(), ", expected 1 or the size of axis 1.");
  Shape shape = Dims::filled(x.rank(), 1);
  shape[1] = weight.numel();
  return where(gt(x, 0.0), x, reshape(weight, shape) * x);
}

Tensor glu(const Tensor& x, int axis) {
  Op op("glu", x);
  NDL_CHECK(x.rank() > 0, ValueError, op, "halves an axis: got a 0-d tensor, expected at least one axis.");
  const int64_t size = x.size(axis);
  NDL_CHECK(size % 2 == 0, ValueError, op, "cannot halve axis ", axis, ": got size ", size, ", expected an even one.");
  return widened(
      x, [&](const Tensor& v) { return slice(v, axis, 0, size / 2) * sigmoid(slice(v, axis, size / 2, size)); });
}

}  // namespace needlecpp
