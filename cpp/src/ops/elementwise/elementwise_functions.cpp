// Functions of one real number, and of two: each forward with its derivative right below it. Integers give float32.
#include <cmath>
#include <limits>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/reduce.h"
#include "ops/elementwise/elementwise_run.h"

namespace needlecpp {
namespace {

constexpr double kPi = 3.14159265358979323846;

}  // namespace

Tensor abs(const Tensor& x) {
  Op op("abs", x);
  return op.record(unary(UnaryOp::Abs, x, x.dtype()), {x}, {x},
                   [](Backward& g) { g.give(0, g.dy() * sign(g.saved(0))); });
}

Tensor sign(const Tensor& x) {
  Op op("sign", x);
  NDL_CHECK(x.dtype() != DType::Bool, TypeError, op, "bools have no sign: got bool, expected numbers. Cast first.");
  return op.record(unary(UnaryOp::Sign, x, x.dtype()), {x}, {}, [](Backward& g) { give_zeros(g, 0); });
}

Tensor exp(const Tensor& x) {
  Op op("exp", x);
  return op.record(
      unary_real(UnaryOp::Exp, x), {x}, {}, [](Backward& g) { g.give(0, g.dy() * g.output()); }, SaveOutputs::Yes);
}

Tensor log(const Tensor& x) {
  Op op("log", x);
  return op.record(unary_real(UnaryOp::Log, x), {x}, {x}, [](Backward& g) { g.give(0, g.dy() / g.saved(0)); });
}

Tensor sqrt(const Tensor& x) {
  Op op("sqrt", x);
  return op.record(
      unary_real(UnaryOp::Sqrt, x), {x}, {}, [](Backward& g) { g.give(0, g.dy() / (g.output() * 2.0)); },
      SaveOutputs::Yes);
}

Tensor rsqrt(const Tensor& x) {
  Op op("rsqrt", x);
  return op.record(
      unary_real(UnaryOp::Rsqrt, x), {x}, {},
      [](Backward& g) {
        const Tensor y = g.output();
        g.give(0, g.dy() * (square(y) * y * -0.5));
      },
      SaveOutputs::Yes);
}

Tensor sin(const Tensor& x) {
  Op op("sin", x);
  return op.record(unary_real(UnaryOp::Sin, x), {x}, {x}, [](Backward& g) { g.give(0, g.dy() * cos(g.saved(0))); });
}

Tensor cos(const Tensor& x) {
  Op op("cos", x);
  return op.record(unary_real(UnaryOp::Cos, x), {x}, {x},
                   [](Backward& g) { g.give(0, neg(g.dy() * sin(g.saved(0)))); });
}

Tensor tanh(const Tensor& x) {
  Op op("tanh", x);
  return op.record(
      unary_real(UnaryOp::Tanh, x), {x}, {}, [](Backward& g) { g.give(0, g.dy() * (1.0 - square(g.output()))); },
      SaveOutputs::Yes);
}

Tensor sigmoid(const Tensor& x) {
  Op op("sigmoid", x);
  return op.record(
      unary_real(UnaryOp::Sigmoid, x), {x}, {},
      [](Backward& g) {
        const Tensor y = g.output();
        g.give(0, g.dy() * (y * (1.0 - y)));
      },
      SaveOutputs::Yes);
}

Tensor trunc_exp(const Tensor& x) {
  Op op("trunc_exp", x);
  return op.record(unary_real(UnaryOp::Exp, x), {x}, {x},
                   [](Backward& g) { g.give(0, g.dy() * exp(clamp(g.saved(0), -15, 15))); });
}

Tensor square(const Tensor& x) {
  Op op("square", x);
  return op.record(unary(UnaryOp::Square, x, x.dtype()), {x}, {x},
                   [](Backward& g) { g.give(0, g.dy() * (g.saved(0) * 2.0)); });
}

// The formula runs on x; the derivative is an expression in dy, and in x or y where it needs them.
#define NDL_FUNCTION_OF_X(function, formula, derivative)                                      \
  Tensor function(const Tensor& input) {                                                      \
    Op op(#function, input);                                                                  \
    return op.record(unary_real(UnaryOp::formula, input), {input}, {input}, [](Backward& g) { \
      const Tensor dy = g.dy();                                                               \
      const Tensor x = g.saved(0);                                                            \
      g.give(0, derivative);                                                                  \
    });                                                                                       \
  }
#define NDL_FUNCTION_OF_Y(function, formula, derivative)  \
  Tensor function(const Tensor& input) {                  \
    Op op(#function, input);                              \
    return op.record(                                     \
        unary_real(UnaryOp::formula, input), {input}, {}, \
        [](Backward& g) {                                 \
          const Tensor dy = g.dy();                       \
          const Tensor y = g.output();                    \
          g.give(0, derivative);                          \
        },                                                \
        SaveOutputs::Yes);                                \
  }

NDL_FUNCTION_OF_Y(exp2, Exp2, dy* y* std::log(2.0))
NDL_FUNCTION_OF_X(expm1, Expm1, dy* exp(x))  // y + 1 would lose the digits of a small result
NDL_FUNCTION_OF_X(log1p, Log1p, dy / (x + 1.0))
NDL_FUNCTION_OF_X(log2, Log2, dy / (x * std::log(2.0)))
NDL_FUNCTION_OF_X(log10, Log10, dy / (x * std::log(10.0)))
NDL_FUNCTION_OF_Y(reciprocal, Reciprocal, neg(dy* square(y)))
NDL_FUNCTION_OF_Y(tan, Tan, dy*(square(y) + 1.0))
NDL_FUNCTION_OF_X(asin, Asin, dy* rsqrt((1.0 - x) * (x + 1.0)))  // 1 - x^2 would lose digits near 1
NDL_FUNCTION_OF_X(acos, Acos, neg(dy* rsqrt((1.0 - x) * (x + 1.0))))
NDL_FUNCTION_OF_X(atan, Atan, dy / (square(x) + 1.0))
NDL_FUNCTION_OF_X(sinh, Sinh, dy* cosh(x))
NDL_FUNCTION_OF_X(cosh, Cosh, dy* sinh(x))
NDL_FUNCTION_OF_X(asinh, Asinh, dy / hypot(x, Tensor::ones({}, x.dtype(), x.device())))  // without overflow for large x
NDL_FUNCTION_OF_X(acosh, Acosh, dy*(rsqrt(x - 1.0) * rsqrt(x + 1.0)))
NDL_FUNCTION_OF_X(atanh, Atanh, dy / ((1.0 - x) * (x + 1.0)))
NDL_FUNCTION_OF_X(erf, Erf, dy*(exp(neg(square(x))) * (2 / std::sqrt(kPi))))
NDL_FUNCTION_OF_X(erfc, Erfc, dy*(exp(neg(square(x))) * (-2 / std::sqrt(kPi))))
NDL_FUNCTION_OF_Y(erfinv, Erfinv, dy*(exp(square(y)) * (std::sqrt(kPi) / 2)))
NDL_FUNCTION_OF_X(lgamma, Lgamma, dy* digamma(x))
NDL_FUNCTION_OF_X(digamma, Digamma, dy* trigamma(x))
// (cos(pi x) - sinc(x)) / x, and 0 at 0.
NDL_FUNCTION_OF_X(sinc, Sinc, zero_where(eq(x, 0.0), dy*((cos(x * kPi) - sinc(x)) / x)))

// trigamma is there for digamma's derivative; its own is sought no further.
Tensor trigamma(const Tensor& x) {
  Op op("trigamma", x);
  return op.record(unary_real(UnaryOp::Trigamma, x), {x}, {}, [](Backward&) {
    NDL_CHECK(false, ValueError, "trigamma",
              "not differentiable: got a derivative of third order of lgamma, expected "
              "at most the second.");
  });
}

// Constant piece by piece; integers stay as they are.
#define NDL_ROUNDING(function, formula)                                                              \
  Tensor function(const Tensor& x) {                                                                 \
    Op op(#function, x);                                                                             \
    const Tensor y = unary(is_floating(x.dtype()) ? UnaryOp::formula : UnaryOp::Copy, x, x.dtype()); \
    return op.record(y, {x}, {}, [](Backward& g) { give_zeros(g, 0); });                             \
  }
NDL_ROUNDING(floor, Floor)
NDL_ROUNDING(ceil, Ceil)
NDL_ROUNDING(trunc, Trunc)
NDL_ROUNDING(round, Rint)

#undef NDL_FUNCTION_OF_X
#undef NDL_FUNCTION_OF_Y
#undef NDL_ROUNDING

Tensor round(const Tensor& x, int decimals) {
  if (decimals == 0 || (decimals > 0 && !is_floating(x.dtype()))) return round(x);
  if (!is_floating(x.dtype())) return cast(round(cast(x, DType::Float64), decimals), x.dtype());
  if (is_half(x.dtype())) return cast(round(cast(x, DType::Float32), decimals), x.dtype());  // rounded once
  const double factor = std::pow(10.0, std::abs(decimals));
  if (decimals < 0) return factor > largest_finite(x.dtype()) ? x * 0.0 : round(x / factor) * factor;
  const Tensor scaled = x * factor;  // beyond the largest number there is nothing left to round
  return where(isfinite(scaled), round(scaled) / factor, x.detach());
}

Tensor nan_to_num(const Tensor& x, double nan, double posinf, double neginf) {
  Op op("nan_to_num", x);
  if (!is_floating(x.dtype())) return identity(x);
  return op.record(unary(UnaryOp::NanToNum, x, x.dtype(), {nan, posinf, neginf}), {x}, {x},
                   [](Backward& g) { g.give(0, where_or_zero(isfinite(g.saved(0)), g.dy())); });
}

double largest_finite(DType dtype) {
  switch (dtype) {
    case DType::Float64:
      return std::numeric_limits<double>::max();
    case DType::Float16:
      return 65504;
    case DType::BFloat16:
      return 3.3895313892515355e38;
    default:
      return std::numeric_limits<float>::max();
  }
}

Tensor logit(const Tensor& x, double eps) {
  Op op("logit", x);
  NDL_CHECK(eps <= 0.5, ValueError, op, "eps out of range: got ", eps, ", expected 0 to 0.5.");
  if (is_half(x.dtype())) return cast(logit(cast(x, DType::Float32), eps), x.dtype());  // rounded once
  const Tensor real = cast(x, real_type(x.dtype()));
  const Tensor p = eps < 0 ? real : clamp(real, eps, 1 - eps);
  const Tensor y = log(p / (1.0 - p)).detach();
  return op.record(y, {p}, {p}, [](Backward& g) {
    const Tensor q = g.saved(0);
    const Tensor slope = g.dy() / (q * (1.0 - q));
    const Tensor inside = logical_and(ge(q, 0.0), le(q, 1.0));
    g.give(0, where(inside, slope, Tensor::full({}, NAN, slope.dtype(), slope.device())));
  });
}

Tensor atan2(const Tensor& a, const Tensor& b) {
  Op op("atan2", a, b);
  return op.record(binary_real(BinaryOp::Atan2, op, a, b), {a, b}, {a, b}, [](Backward& g) {
    const Tensor y = g.saved(0);
    const Tensor x = g.saved(1);
    // Not over x^2 + y^2, which overflows and vanishes.
    const Tensor length = hypot(x, y);
    const Tensor share = zero_where(eq(length, 0.0), g.dy() / length);
    const Tensor unit = where(eq(length, 0.0), Tensor::ones({}, length.dtype(), length.device()), length);
    if (g.needs(0)) g.give(0, share * (x / unit));
    if (g.needs(1)) g.give(1, neg(share * (y / unit)));
  });
}

Tensor copysign(const Tensor& a, const Tensor& b) {
  Op op("copysign", a, b);
  return op.record(binary_real(BinaryOp::Copysign, op, a, b), {a, b}, {a, b}, [](Backward& g) {
    if (g.needs(0))
      g.give(0, g.dy() * (copysign(Tensor::ones({}, g.dy().dtype(), g.dy().device()), g.saved(1)) * sign(g.saved(0))));
    give_zeros(g, 1);
  });
}

Tensor hypot(const Tensor& a, const Tensor& b) {
  Op op("hypot", a, b);
  return op.record(
      binary_real(BinaryOp::Hypot, op, a, b), {a, b}, {a, b},
      [](Backward& g) {
        const Tensor share = g.dy() / g.output();
        if (g.needs(0)) g.give(0, share * g.saved(0));
        if (g.needs(1)) g.give(1, share * g.saved(1));
      },
      SaveOutputs::Yes);
}

Tensor nextafter(const Tensor& a, const Tensor& b) {
  Op op("nextafter", a, b);
  const DType result = real_type(promote_types(a.dtype(), b.dtype()));
  const Tensor y = op.empty(broadcast_shapes(op, a.shape(), b.shape()), result);
  NDL_ON(op.device(), run_nextafter)(a, b, y);
  return op.record(y, {a, b}, {}, [](Backward& g) {
    g.give(0, g.dy());
    give_zeros(g, 1);
  });
}

Tensor logaddexp(const Tensor& a, const Tensor& b) {
  Op op("logaddexp", a, b);
  return op.record(binary_real(BinaryOp::Logaddexp, op, a, b), {a, b}, {a, b}, [](Backward& g) {
    const double most = largest_finite(g.dy().dtype());  // of equal infinities the difference is 0
    const Tensor above = clamp(g.saved(0), -most, most) - clamp(g.saved(1), -most, most);
    if (g.needs(0)) g.give(0, g.dy() * sigmoid(above));
    if (g.needs(1)) g.give(1, g.dy() * sigmoid(neg(above)));
  });
}

Tensor xlogy(const Tensor& a, const Tensor& b) {
  Op op("xlogy", a, b);
  return op.record(binary_real(BinaryOp::Xlogy, op, a, b), {a, b}, {a, b}, [](Backward& g) {
    const Tensor x = g.saved(0);
    const Tensor y = g.saved(1);
    if (g.needs(0)) g.give(0, zero_where(logical_and(eq(x, 0.0), le(y, 0.0)), g.dy() * log(y)));
    if (g.needs(1)) g.give(1, g.dy() * (x / y));
  });
}

}  // namespace needlecpp
