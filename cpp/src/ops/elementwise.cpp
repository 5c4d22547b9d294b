// Elementwise ops: each forward with its backward right below it. The machinery that feeds the kernels is in
// elementwise_map.h; the formulas are in elementwise_kernels.h.
#include "needlecpp/ops/elementwise.h"

#include <cmath>

#include "needlecpp/autograd/function.h"
#include "needlecpp/ops/shape.h"
#include "ops/elementwise_map.h"

namespace needlecpp {
namespace {

Tensor unary(UnaryOp op, const Tensor& x, DType result, double low = 0, double high = 0) {
  const Compute compute = compute_of(result);
  return map<1>(x.shape(), result, dtype_of(compute), {&x}, {dtype_of(compute)},
                [=](void* y, const auto& operands, const auto&, int64_t count) {
                  NDL_KERNEL(unary_loop)({op, compute, y, operands[0], count, low, high});
                });
}

// For functions of real numbers: integers are computed in float32.
Tensor unary_real(UnaryOp op, const Tensor& x) {
  return unary(op, x, is_floating(x.dtype()) ? x.dtype() : DType::Float32);
}

Tensor binary(BinaryOp op, const char* op_name, const Tensor& a, const Tensor& b, DType result) {
  const Compute compute = compute_of(result);
  return map<2>(broadcast_shapes(op_name, a.shape(), b.shape()), result, dtype_of(compute), {&a, &b},
                {dtype_of(compute), dtype_of(compute)},
                [=](void* y, const auto& operands, const auto& single, int64_t count) {
                  NDL_KERNEL(binary_loop)({op, compute, y, operands[0], operands[1], count, single[0], single[1]});
                });
}

Tensor compare(CompareOp op, const char* op_name, const Tensor& a, const Tensor& b) {
  OpScope scope(op_name);
  const Compute compute = compute_of(promote_types(a.dtype(), b.dtype()));
  return map<2>(broadcast_shapes(op_name, a.shape(), b.shape()), DType::Bool, DType::Bool, {&a, &b},
                {dtype_of(compute), dtype_of(compute)},
                [=](void* y, const auto& operands, const auto& single, int64_t count) {
                  NDL_KERNEL(compare_loop)
                  ({op, compute, static_cast<uint8_t*>(y), operands[0], operands[1], count, single[0], single[1]});
                });
}

bool integral(double x) { return std::floor(x) == x && std::abs(x) < 9e15; }

// The dtype of "tensor op number": the number is weak and only lifts an integer tensor when it is not whole itself.
DType with_number(const Tensor& x, double number) {
  if (is_floating(x.dtype())) return x.dtype();
  if (!integral(number)) return DType::Float32;
  return x.dtype() == DType::Bool ? DType::Int64 : x.dtype();
}
Tensor number(double value, DType result) { return Tensor::full({}, value, dtype_of(compute_of(result))); }

// cast(mask) with halves where a == b: the shares of a in maximum and minimum.
Tensor share(const Tensor& wins, const Tensor& a, const Tensor& b, DType dtype) {
  return add(cast(wins, dtype), mul(cast(eq(a, b), dtype), 0.5));
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) {
  OpScope scope("add");
  return record("add", binary(BinaryOp::Add, "add", a, b, promote_types(a.dtype(), b.dtype())), {a, b}, {},
                [](Backward& g) {
                  g.give(0, g.dy());
                  g.give(1, g.dy());
                });
}

Tensor sub(const Tensor& a, const Tensor& b) {
  OpScope scope("sub");
  return record("sub", binary(BinaryOp::Sub, "sub", a, b, promote_types(a.dtype(), b.dtype())), {a, b}, {},
                [](Backward& g) {
                  g.give(0, g.dy());
                  if (g.needs(1)) g.give(1, neg(g.dy()));
                });
}

Tensor mul(const Tensor& a, const Tensor& b) {
  OpScope scope("mul");
  return record("mul", binary(BinaryOp::Mul, "mul", a, b, promote_types(a.dtype(), b.dtype())), {a, b}, {a, b},
                [](Backward& g) {
                  if (g.needs(0)) g.give(0, g.dy() * g.saved(1));
                  if (g.needs(1)) g.give(1, g.dy() * g.saved(0));
                });
}

Tensor div(const Tensor& a, const Tensor& b) {
  OpScope scope("div");
  DType result = promote_types(a.dtype(), b.dtype());
  if (!is_floating(result)) result = DType::Float32;
  return record("div", binary(BinaryOp::Div, "div", a, b, result), {a, b}, {a, b}, [](Backward& g) {
    const Tensor da = g.dy() / g.saved(1);
    g.give(0, da);
    if (g.needs(1)) g.give(1, neg(da * (g.saved(0) / g.saved(1))));
  });
}

Tensor pow(const Tensor& a, const Tensor& b) {
  OpScope scope("pow");
  return record("pow", binary(BinaryOp::Pow, "pow", a, b, promote_types(a.dtype(), b.dtype())), {a, b}, {a, b},
                [](Backward& g) {
                  const Tensor x = g.saved(0);
                  const Tensor e = g.saved(1);
                  if (g.needs(0)) {
                    const Tensor slope = e * pow(x, e - 1.0);
                    g.give(0, g.dy() * where(eq(e, 0.0), Tensor::zeros({}, slope.dtype()), slope));
                  }
                  if (g.needs(1)) {
                    // 0^b is 0 for b > 0 whatever b does, though log 0 is infinite.
                    const Tensor slope = pow(x, e) * log(x);
                    const Tensor flat = logical_and(eq(x, 0.0), ge(e, 0.0));
                    g.give(1, g.dy() * where(flat, Tensor::zeros({}, slope.dtype()), slope));
                  }
                });
}

Tensor maximum(const Tensor& a, const Tensor& b) {
  OpScope scope("maximum");
  return record("maximum", binary(BinaryOp::Maximum, "maximum", a, b, promote_types(a.dtype(), b.dtype())), {a, b},
                {a, b}, [](Backward& g) {
                  const Tensor x = g.saved(0);
                  const Tensor y = g.saved(1);
                  if (g.needs(0)) g.give(0, g.dy() * share(gt(x, y), x, y, g.dy().dtype()));
                  if (g.needs(1)) g.give(1, g.dy() * share(gt(y, x), x, y, g.dy().dtype()));
                });
}

Tensor minimum(const Tensor& a, const Tensor& b) {
  OpScope scope("minimum");
  return record("minimum", binary(BinaryOp::Minimum, "minimum", a, b, promote_types(a.dtype(), b.dtype())), {a, b},
                {a, b}, [](Backward& g) {
                  const Tensor x = g.saved(0);
                  const Tensor y = g.saved(1);
                  if (g.needs(0)) g.give(0, g.dy() * share(lt(x, y), x, y, g.dy().dtype()));
                  if (g.needs(1)) g.give(1, g.dy() * share(lt(y, x), x, y, g.dy().dtype()));
                });
}

Tensor add(const Tensor& a, double b) {
  OpScope scope("add");
  const DType result = with_number(a, b);
  return record("add", binary(BinaryOp::Add, "add", a, number(b, result), result), {a}, {},
                [](Backward& g) { g.give(0, g.dy()); });
}

Tensor sub(const Tensor& a, double b) {
  OpScope scope("sub");
  const DType result = with_number(a, b);
  return record("sub", binary(BinaryOp::Sub, "sub", a, number(b, result), result), {a}, {},
                [](Backward& g) { g.give(0, g.dy()); });
}

Tensor sub(double a, const Tensor& b) {
  OpScope scope("sub");
  const DType result = with_number(b, a);
  return record("sub", binary(BinaryOp::Sub, "sub", number(a, result), b, result), {b}, {},
                [](Backward& g) { g.give(0, neg(g.dy())); });
}

Tensor mul(const Tensor& a, double b) {
  OpScope scope("mul");
  const DType result = with_number(a, b);
  return record("mul", binary(BinaryOp::Mul, "mul", a, number(b, result), result), {a}, {},
                [b](Backward& g) { g.give(0, g.dy() * b); });
}

Tensor div(const Tensor& a, double b) {
  OpScope scope("div");
  const DType result = is_floating(a.dtype()) ? a.dtype() : DType::Float32;
  return record("div", binary(BinaryOp::Div, "div", a, number(b, result), result), {a}, {},
                [b](Backward& g) { g.give(0, g.dy() / b); });
}

Tensor div(double a, const Tensor& b) {
  OpScope scope("div");
  const DType result = is_floating(b.dtype()) ? b.dtype() : DType::Float32;
  return record("div", binary(BinaryOp::Div, "div", number(a, result), b, result), {b}, {b},
                [a](Backward& g) { g.give(0, neg(g.dy() * (a / square(g.saved(0))))); });
}

Tensor pow(const Tensor& a, double exponent) {
  OpScope scope("pow");
  DType result = with_number(a, exponent);
  if (exponent < 0 && !is_floating(result)) result = DType::Float32;
  const Tensor y = exponent == 2 ? unary(UnaryOp::Square, a, result)
                                 : binary(BinaryOp::Pow, "pow", a, number(exponent, result), result);
  return record("pow", y, {a}, {a}, [exponent](Backward& g) {
    if (exponent == 0)
      g.give(0, g.dy() * 0.0);
    else
      g.give(0, g.dy() * (pow(g.saved(0), exponent - 1) * exponent));
  });
}

Tensor neg(const Tensor& x) {
  OpScope scope("neg");
  return record("neg", unary(UnaryOp::Neg, x, x.dtype()), {x}, {}, [](Backward& g) { g.give(0, neg(g.dy())); });
}

Tensor abs(const Tensor& x) {
  OpScope scope("abs");
  return record("abs", unary(UnaryOp::Abs, x, x.dtype()), {x}, {x},
                [](Backward& g) { g.give(0, g.dy() * sign(g.saved(0))); });
}

Tensor sign(const Tensor& x) {
  OpScope scope("sign");
  return record("sign", unary(UnaryOp::Sign, x, x.dtype()), {x}, {}, [](Backward& g) { g.give(0, g.dy() * 0.0); });
}

Tensor exp(const Tensor& x) {
  OpScope scope("exp");
  return record(
      "exp", unary_real(UnaryOp::Exp, x), {x}, {}, [](Backward& g) { g.give(0, g.dy() * g.output()); },
      SaveOutputs::Yes);
}

Tensor log(const Tensor& x) {
  OpScope scope("log");
  return record("log", unary_real(UnaryOp::Log, x), {x}, {x}, [](Backward& g) { g.give(0, g.dy() / g.saved(0)); });
}

Tensor sqrt(const Tensor& x) {
  OpScope scope("sqrt");
  return record(
      "sqrt", unary_real(UnaryOp::Sqrt, x), {x}, {}, [](Backward& g) { g.give(0, g.dy() / (g.output() * 2.0)); },
      SaveOutputs::Yes);
}

Tensor rsqrt(const Tensor& x) {
  OpScope scope("rsqrt");
  return record(
      "rsqrt", unary_real(UnaryOp::Rsqrt, x), {x}, {},
      [](Backward& g) {
        const Tensor y = g.output();
        g.give(0, g.dy() * (square(y) * y * -0.5));
      },
      SaveOutputs::Yes);
}

Tensor sin(const Tensor& x) {
  OpScope scope("sin");
  return record("sin", unary_real(UnaryOp::Sin, x), {x}, {x}, [](Backward& g) { g.give(0, g.dy() * cos(g.saved(0))); });
}

Tensor cos(const Tensor& x) {
  OpScope scope("cos");
  return record("cos", unary_real(UnaryOp::Cos, x), {x}, {x},
                [](Backward& g) { g.give(0, neg(g.dy() * sin(g.saved(0)))); });
}

Tensor tanh(const Tensor& x) {
  OpScope scope("tanh");
  return record(
      "tanh", unary_real(UnaryOp::Tanh, x), {x}, {},
      [](Backward& g) { g.give(0, g.dy() * (1.0 - square(g.output()))); }, SaveOutputs::Yes);
}

Tensor sigmoid(const Tensor& x) {
  OpScope scope("sigmoid");
  return record(
      "sigmoid", unary_real(UnaryOp::Sigmoid, x), {x}, {},
      [](Backward& g) {
        const Tensor y = g.output();
        g.give(0, g.dy() * (y * (1.0 - y)));
      },
      SaveOutputs::Yes);
}

Tensor relu(const Tensor& x) {
  OpScope scope("relu");
  return record("relu", unary(UnaryOp::Relu, x, x.dtype()), {x}, {x},
                [](Backward& g) { g.give(0, where(gt(g.saved(0), 0.0), g.dy(), Tensor::zeros({}, g.dy().dtype()))); });
}

Tensor softplus(const Tensor& x) {
  OpScope scope("softplus");
  return record("softplus", unary_real(UnaryOp::Softplus, x), {x}, {x},
                [](Backward& g) { g.give(0, g.dy() * sigmoid(g.saved(0))); });
}

Tensor trunc_exp(const Tensor& x) {
  OpScope scope("trunc_exp");
  return record("trunc_exp", unary_real(UnaryOp::Exp, x), {x}, {x},
                [](Backward& g) { g.give(0, g.dy() * exp(clamp(g.saved(0), -15, 15))); });
}

Tensor square(const Tensor& x) {
  OpScope scope("square");
  return record("square", unary(UnaryOp::Square, x, x.dtype()), {x}, {x},
                [](Backward& g) { g.give(0, g.dy() * (g.saved(0) * 2.0)); });
}

Tensor clamp(const Tensor& x, double low, double high) {
  OpScope scope("clamp");
  NDL_CHECK(!(low > high), ValueError, "clamp", "empty range: got low ", low, " above high ", high,
            ", expected low <= high.");
  return record("clamp", unary(UnaryOp::Clamp, x, x.dtype(), low, high), {x}, {x}, [low, high](Backward& g) {
    const Tensor v = g.saved(0);
    g.give(0, where(logical_and(ge(v, low), le(v, high)), g.dy(), Tensor::zeros({}, g.dy().dtype())));
  });
}

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  OpScope scope("where");
  NDL_CHECK(condition.dtype() == DType::Bool, TypeError, "where", "condition is not bool: got ",
            name(condition.dtype()), ", expected bool. Compare first.");
  const DType result = promote_types(a.dtype(), b.dtype());
  const Compute compute = compute_of(result);
  const Shape shape = broadcast_shapes("where", condition.shape(), broadcast_shapes("where", a.shape(), b.shape()));
  const Tensor y = map<3>(shape, result, dtype_of(compute), {&condition, &a, &b},
                          {DType::Bool, dtype_of(compute), dtype_of(compute)},
                          [=](void* to, const auto& operands, const auto& single, int64_t count) {
                            NDL_KERNEL(where_loop)
                            ({compute, to, static_cast<const uint8_t*>(operands[0]), operands[1], operands[2], count,
                              single[0], single[1], single[2]});
                          });
  return record("where", y, {condition, a, b}, {condition}, [](Backward& g) {
    const Tensor zero = Tensor::zeros({}, g.dy().dtype());
    if (g.needs(1)) g.give(1, where(g.saved(0), g.dy(), zero));
    if (g.needs(2)) g.give(2, where(g.saved(0), zero, g.dy()));
  });
}

Tensor eq(const Tensor& a, const Tensor& b) { return compare(CompareOp::Eq, "eq", a, b); }
Tensor ne(const Tensor& a, const Tensor& b) { return compare(CompareOp::Ne, "ne", a, b); }
Tensor lt(const Tensor& a, const Tensor& b) { return compare(CompareOp::Lt, "lt", a, b); }
Tensor le(const Tensor& a, const Tensor& b) { return compare(CompareOp::Le, "le", a, b); }
Tensor gt(const Tensor& a, const Tensor& b) { return compare(CompareOp::Gt, "gt", a, b); }
Tensor ge(const Tensor& a, const Tensor& b) { return compare(CompareOp::Ge, "ge", a, b); }
Tensor eq(const Tensor& a, double b) { return eq(a, number(b, with_number(a, b))); }
Tensor ne(const Tensor& a, double b) { return ne(a, number(b, with_number(a, b))); }
Tensor lt(const Tensor& a, double b) { return lt(a, number(b, with_number(a, b))); }
Tensor le(const Tensor& a, double b) { return le(a, number(b, with_number(a, b))); }
Tensor gt(const Tensor& a, double b) { return gt(a, number(b, with_number(a, b))); }
Tensor ge(const Tensor& a, double b) { return ge(a, number(b, with_number(a, b))); }
Tensor isnan(const Tensor& x) { return compare(CompareOp::Ne, "isnan", x, x); }
Tensor logical_not(const Tensor& x) { return compare(CompareOp::Eq, "logical_not", x, Tensor::zeros({}, x.dtype())); }
Tensor logical_and(const Tensor& a, const Tensor& b) { return mul(cast(a, DType::Bool), cast(b, DType::Bool)); }
Tensor logical_or(const Tensor& a, const Tensor& b) { return add(cast(a, DType::Bool), cast(b, DType::Bool)); }

Tensor cast(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  OpScope scope("cast");
  const Tensor y = Tensor::empty(x.shape(), dtype);
  strided_copy(y, x);
  return record("cast", y, {x}, {}, [](Backward& g) { g.give(0, g.dy()); });  // the engine casts it back
}

Tensor clone(const Tensor& x) {
  OpScope scope("clone");
  const Tensor y = Tensor::empty(x.shape(), x.dtype());
  strided_copy(y, x);
  return record("clone", y, {x}, {}, [](Backward& g) { g.give(0, g.dy()); });
}

Tensor contiguous(const Tensor& x) { return x.is_contiguous() ? x : clone(x); }

Tensor identity(const Tensor& x) {
  OpScope scope("identity");
  const Tensor y = unary(UnaryOp::Copy, x, x.dtype());
  return record("identity", y, {x}, {}, [](Backward& g) { g.give(0, g.dy()); });
}

namespace {

// `source`, or a copy of it where an edit of `target` would change what is still to be read.
Tensor unaliased(const Tensor& source, const Tensor& target) {
  const bool shared = source.impl()->storage == target.impl()->storage;
  const bool same_view =
      source.offset() == target.offset() && source.shape() == target.shape() && source.strides() == target.strides();
  return shared && !same_view ? clone(source) : source;
}

}  // namespace

void copy_(const Tensor& target, const Tensor& source) {
  OpScope scope("copy_");
  check_inplace("copy_", target);
  strided_copy(target, broadcast_to(unaliased(source.detach(), target), target.shape()));
  target.bump_version("copy_");
}

void fill_(const Tensor& target, double value) {
  OpScope scope("fill_");
  check_inplace("fill_", target);
  strided_copy(target, Tensor::full({}, value, target.dtype()).view(target.shape(), Dims::filled(target.rank(), 0), 0));
  target.bump_version("fill_");
}

void add_(const Tensor& target, const Tensor& source, double scale) {
  OpScope scope("add_");
  check_inplace("add_", target);
  NoGrad no_grad;
  const Tensor change = scale == 1 ? unaliased(source.detach(), target) : mul(source.detach(), scale);
  accumulate_into(target, change);
  target.bump_version("add_");
}

void mul_(const Tensor& target, double factor) {
  OpScope scope("mul_");
  check_inplace("mul_", target);
  NoGrad no_grad;
  strided_copy(target, mul(target.detach(), factor));
  target.bump_version("mul_");
}

void accumulate_into(const Tensor& target, const Tensor& change) {
  const bool direct = target.is_contiguous() && change.is_contiguous() && target.shape() == change.shape() &&
                      target.dtype() == change.dtype() && dtype_of(compute_of(target.dtype())) == target.dtype();
  if (!direct) {
    NoGrad no_grad;
    const Tensor sum = add(target.detach(), change.detach());
    NDL_CHECK(sum.shape() == target.shape(), ValueError, "add_", "source does not broadcast to the target: got ",
              change.shape(), ", expected ", target.shape(), ".");
    strided_copy(target, sum);
    return;
  }
  const Compute compute = compute_of(target.dtype());
  const int64_t size = static_cast<int64_t>(itemsize(target.dtype()));
  char* y = static_cast<char*>(target.raw());
  const char* x = static_cast<const char*>(change.raw());
  parallel_for(target.numel(), kElementwiseGrain, [&](int64_t begin, int64_t end) {
    NDL_KERNEL(binary_loop)
    ({BinaryOp::Add, compute, y + begin * size, y + begin * size, x + begin * size, end - begin, false, false});
  });
}

}  // namespace needlecpp
