// Arithmetic: each forward with its backward right below it, and casts. Functions of one and two
// numbers are in elementwise_functions.cpp, choices and comparisons in compare.cpp. The machinery that feeds the
// kernels is in elementwise_run.h and elementwise_cpu.cpp; the formulas are in elementwise_kernels.h.
#include "needlecpp/ops/elementwise.h"

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "ops/elementwise/elementwise_run.h"
#include "ops/plumbing/copy_run.h"

namespace needlecpp {

Tensor add(const Tensor& a, const Tensor& b) {
  Op op("add", a, b);
  return op.record(binary(BinaryOp::Add, op, a, b, promote_types(a.dtype(), b.dtype())), {a, b}, {}, [](Backward& g) {
    g.give(0, g.dy());
    g.give(1, g.dy());
  });
}

Tensor sub(const Tensor& a, const Tensor& b) {
  Op op("sub", a, b);
  NDL_CHECK(a.dtype() != DType::Bool || b.dtype() != DType::Bool, TypeError, op,
            "bools have no difference: got bool and bool, expected numbers. Use logical_xor, or cast.");
  return op.record(binary(BinaryOp::Sub, op, a, b, promote_types(a.dtype(), b.dtype())), {a, b}, {}, [](Backward& g) {
    g.give(0, g.dy());
    if (g.needs(1)) g.give(1, neg(g.dy()));
  });
}

Tensor mul(const Tensor& a, const Tensor& b) {
  Op op("mul", a, b);
  return op.record(binary(BinaryOp::Mul, op, a, b, promote_types(a.dtype(), b.dtype())), {a, b},
                   {kept_for(b, a), kept_for(a, b)}, [](Backward& g) {
                     if (g.needs(0)) g.give(0, g.dy() * g.saved(1));
                     if (g.needs(1)) g.give(1, g.dy() * g.saved(0));
                   });
}

Tensor div(const Tensor& a, const Tensor& b) {
  Op op("div", a, b);
  DType result = promote_types(a.dtype(), b.dtype());
  if (!is_floating(result)) result = DType::Float32;
  return op.record(binary(BinaryOp::Div, op, a, b, result), {a, b}, {kept_for(b, a), b}, [](Backward& g) {
    const Tensor da = g.dy() / g.saved(1);
    g.give(0, da);
    if (g.needs(1)) g.give(1, neg(da * (g.saved(0) / g.saved(1))));
  });
}

namespace {

bool any_negative(const Tensor& x) { return x.numel() > 0 && min(x.detach()).item() < 0; }

}  // namespace

Tensor pow(const Tensor& a, const Tensor& b) {
  Op op("pow", a, b);
  const DType result = promote_types(a.dtype(), b.dtype());
  NDL_CHECK(is_floating(result) || !any_negative(b), ValueError, op, "integers have no negative powers: got ",
            name(a.dtype()),
            " and an exponent below 0, expected 0 or more. "
            "Cast to float32 first.");
  return op.record(binary(BinaryOp::Pow, op, a, b, result), {a, b}, {a, b}, [](Backward& g) {
    const Tensor x = g.saved(0);
    const Tensor e = g.saved(1);
    if (g.needs(0)) {
      const Tensor slope = e * pow(x, e - 1.0);
      g.give(0, g.dy() * zero_where(eq(e, 0.0), slope));
    }
    if (g.needs(1)) {
      // 0^b is 0 for b > 0 whatever b does, though log 0 is infinite.
      const Tensor slope = pow(x, e) * log(x);
      const Tensor flat = logical_and(eq(x, 0.0), ge(e, 0.0));
      g.give(1, g.dy() * zero_where(flat, slope));
    }
  });
}

Tensor floor_divide(const Tensor& a, const Tensor& b) {
  Op op("floor_divide", a, b);
  const Tensor y = binary(BinaryOp::FloorDivide, op, a, b, promote_types(a.dtype(), b.dtype()));
  return op.record(y, {a, b}, {}, [](Backward& g) {
    give_zeros(g, 0);
    give_zeros(g, 1);
  });
}

Tensor trunc_divide(const Tensor& a, const Tensor& b) {
  Op op("trunc_divide", a, b);
  const Tensor y = binary(BinaryOp::TruncDivide, op, a, b, promote_types(a.dtype(), b.dtype()));
  return op.record(y, {a, b}, {}, [](Backward& g) {
    give_zeros(g, 0);
    give_zeros(g, 1);
  });
}

Tensor remainder(const Tensor& a, const Tensor& b) {
  Op op("remainder", a, b);
  const Tensor y = binary(BinaryOp::Remainder, op, a, b, promote_types(a.dtype(), b.dtype()));
  return op.record(y, {a, b}, {a, b}, [](Backward& g) {
    g.give(0, g.dy());
    if (g.needs(1)) g.give(1, neg(g.dy() * floor_divide(g.saved(0), g.saved(1))));
  });
}

Tensor fmod(const Tensor& a, const Tensor& b) {
  Op op("fmod", a, b);
  const Tensor y = binary(BinaryOp::Fmod, op, a, b, promote_types(a.dtype(), b.dtype()));
  return op.record(y, {a, b}, {a, b}, [](Backward& g) {
    g.give(0, g.dy());
    if (g.needs(1)) g.give(1, neg(g.dy() * trunc_divide(g.saved(0), g.saved(1))));
  });
}

Tensor addcmul(const Tensor& x, const Tensor& a, const Tensor& b, double value) {
  Op op("addcmul", x, a, b);
  const DType result = promote_types(promote_types(x.dtype(), a.dtype()), b.dtype());
  NDL_CHECK(is_floating(result) || is_whole(value), TypeError, op, "integers take a whole value: got ", value,
            ", expected an integer. Cast first.");
  if (!is_floating(result)) return add(x, mul(mul(a, b), value));
  return op.record(ternary(TernaryOp::Addcmul, op, x, a, b, result, value), {x, a, b}, {a, b}, [value](Backward& g) {
    g.give(0, g.dy());
    if (g.needs(1)) g.give(1, g.dy() * g.saved(1) * value);
    if (g.needs(2)) g.give(2, g.dy() * g.saved(0) * value);
  });
}

Tensor addcdiv(const Tensor& x, const Tensor& a, const Tensor& b, double value) {
  Op op("addcdiv", x, a, b);
  const DType result = real_type(promote_types(promote_types(x.dtype(), a.dtype()), b.dtype()));
  return op.record(ternary(TernaryOp::Addcdiv, op, x, a, b, result, value), {x, a, b}, {a, b}, [value](Backward& g) {
    g.give(0, g.dy());
    if (!g.needs(1) && !g.needs(2)) return;
    const Tensor da = g.dy() * value / g.saved(1);
    g.give(1, da);
    if (g.needs(2)) g.give(2, neg(da * (g.saved(0) / g.saved(1))));
  });
}

namespace {

Tensor lerp_in(DType result, const Tensor& a, const Tensor& b, const Tensor& weight) {
  Op op("lerp", a, b, weight);
  return op.record(ternary(TernaryOp::Lerp, op, a, b, weight, result), {a, b, weight}, {a, b, weight}, [](Backward& g) {
    if (g.needs(0)) g.give(0, g.dy() * (1.0 - g.saved(2)));
    if (g.needs(1)) g.give(1, g.dy() * g.saved(2));
    if (g.needs(2)) g.give(2, g.dy() * (g.saved(1) - g.saved(0)));
  });
}

}  // namespace

Tensor lerp(const Tensor& a, const Tensor& b, const Tensor& weight) {
  return lerp_in(real_type(promote_types(promote_types(a.dtype(), b.dtype()), weight.dtype())), a, b, weight);
}

Tensor lerp(const Tensor& a, const Tensor& b, double weight) {
  const DType result = real_type(promote_types(a.dtype(), b.dtype()));
  return lerp_in(result, a, b, Tensor::full({}, weight, compute_of(result), a.device()));
}

Tensor positive(const Tensor& x) { return x; }

Tensor float_power(const Tensor& a, const Tensor& b) { return pow(cast(a, DType::Float64), cast(b, DType::Float64)); }

Tensor add(const Tensor& a, double b) {
  Op op("add", a);
  const DType result = with_number(a, b);
  return op.record(binary(BinaryOp::Add, a, b, result), {a}, {}, [](Backward& g) { g.give(0, g.dy()); });
}

Tensor sub(const Tensor& a, double b) {
  Op op("sub", a);
  const DType result = with_number(a, b);
  return op.record(binary(BinaryOp::Sub, a, b, result), {a}, {}, [](Backward& g) { g.give(0, g.dy()); });
}

Tensor sub(double a, const Tensor& b) {
  Op op("sub", b);
  const DType result = with_number(b, a);
  return op.record(binary(BinaryOp::Sub, a, b, result), {b}, {}, [](Backward& g) { g.give(0, neg(g.dy())); });
}

Tensor mul(const Tensor& a, double b) {
  Op op("mul", a);
  const DType result = with_number(a, b);
  return op.record(binary(BinaryOp::Mul, a, b, result), {a}, {}, [b](Backward& g) { g.give(0, g.dy() * b); });
}

Tensor div(const Tensor& a, double b) {
  Op op("div", a);
  const DType result = is_floating(a.dtype()) ? a.dtype() : DType::Float32;
  return op.record(binary(BinaryOp::Div, a, b, result), {a}, {}, [b](Backward& g) { g.give(0, g.dy() / b); });
}

Tensor div(double a, const Tensor& b) {
  Op op("div", b);
  const DType result = is_floating(b.dtype()) ? b.dtype() : DType::Float32;
  return op.record(binary(BinaryOp::Div, a, b, result), {b}, {b},
                   [a](Backward& g) { g.give(0, neg(g.dy() * (a / square(g.saved(0))))); });
}

Tensor pow(const Tensor& a, double exponent) {
  Op op("pow", a);
  const DType result = with_number(a, exponent);
  NDL_CHECK(exponent >= 0 || is_floating(result), ValueError, op, "integers have no negative powers: got exponent ",
            exponent, " for ", name(a.dtype()), ", expected 0 or more. Cast to float32 first.");
  const Tensor y = exponent == 2      ? unary(UnaryOp::Square, a, result)
                   : exponent == 3    ? unary(UnaryOp::Cube, a, result)
                   : exponent == 0.5  ? unary(UnaryOp::Sqrt, a, result)
                   : exponent == -0.5 ? unary(UnaryOp::Rsqrt, a, result)
                   : exponent == -1   ? unary(UnaryOp::Reciprocal, a, result)
                                      : binary(BinaryOp::Pow, a, exponent, result);
  return op.record(y, {a}, {a}, [exponent](Backward& g) {
    if (exponent == 0)
      g.give(0, g.dy() * 0.0);
    else
      g.give(0, g.dy() * (pow(g.saved(0), exponent - 1) * exponent));
  });
}

Tensor neg(const Tensor& x) {
  Op op("neg", x);
  NDL_CHECK(x.dtype() != DType::Bool, TypeError, op,
            "bools have no negative: got bool, expected numbers. Use logical_not, or cast.");
  return op.record(unary(UnaryOp::Neg, x, x.dtype()), {x}, {}, [](Backward& g) { g.give(0, neg(g.dy())); });
}

Tensor cast(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  Op op("cast", x);
  const Tensor y = op.empty(x.shape(), dtype);
  NDL_ON(op.device(), run_copy)(x, y);
  return op.record(y, {x}, {}, [](Backward& g) { g.give(0, g.dy()); });  // the engine casts it back
}

Tensor cast_to_floating(const char* op, const Tensor& x, DType dtype) {
  NDL_CHECK(is_floating(dtype), TypeError, op, "the result is no integer: got dtype ", name(dtype),
            ", expected a floating one. Cast the result instead.");
  return cast(x, dtype);
}

Tensor clone(const Tensor& x) {
  Op op("clone", x);
  const Tensor y = op.empty(x.shape(), x.dtype());
  NDL_ON(op.device(), run_copy)(x, y);
  return op.record(y, {x}, {}, [](Backward& g) { g.give(0, g.dy()); });
}

Tensor contiguous(const Tensor& x) { return x.is_contiguous() ? x : clone(x); }

Tensor identity(const Tensor& x) {
  Op op("identity", x);
  const Tensor y = unary(UnaryOp::Copy, x, x.dtype());
  return op.record(y, {x}, {}, [](Backward& g) { g.give(0, g.dy()); });
}

}  // namespace needlecpp
