// Comparisons, logic, bits, and choices between values: maximum, clamp, where and their relatives.
#include <cmath>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "ops/elementwise/elementwise_run.h"

namespace needlecpp {

namespace {

DType comparison_type(DType a, DType b) {
  const bool mixed = is_floating(a) != is_floating(b);
  return mixed ? DType::Float64 : compute_of(promote_types(a, b));
}

// A number beside an integer tensor: whole numbers are compared as integers, so that nothing is rounded; others in
// float64, where rounding the integer cannot carry it across a number that small.
Tensor compare(CompareOp which, const char* op_name, const Tensor& a, double b) {
  Op op(op_name, a);
  const bool whole = std::floor(b) == b && std::abs(b) < 0x1p63;
  const DType type = is_floating(a.dtype()) ? a.dtype() : whole ? DType::Int64 : DType::Float64;
  const Tensor y = op.empty(a.shape(), DType::Bool);
  NDL_ON(op.device(), run_compare)(which, element_of(comparison_type(a.dtype(), type)), a, {b, type}, y);
  return y;
}

}  // namespace

// An integer beside a float is compared in float64, which holds all of int32 and float32 as they are.
Tensor compare(CompareOp which, const char* op_name, const Tensor& a, const Tensor& b) {
  Op op(op_name, a, b);
  const Tensor y = op.empty(broadcast_shapes(op, a.shape(), b.shape()), DType::Bool);
  NDL_ON(op.device(), run_compare)(which, element_of(comparison_type(a.dtype(), b.dtype())), a, b, y);
  return y;
}

Tensor eq(const Tensor& a, const Tensor& b) { return compare(CompareOp::Eq, "eq", a, b); }
Tensor ne(const Tensor& a, const Tensor& b) { return compare(CompareOp::Ne, "ne", a, b); }
Tensor lt(const Tensor& a, const Tensor& b) { return compare(CompareOp::Lt, "lt", a, b); }
Tensor le(const Tensor& a, const Tensor& b) { return compare(CompareOp::Le, "le", a, b); }
Tensor gt(const Tensor& a, const Tensor& b) { return compare(CompareOp::Gt, "gt", a, b); }
Tensor ge(const Tensor& a, const Tensor& b) { return compare(CompareOp::Ge, "ge", a, b); }
Tensor eq(const Tensor& a, double b) { return compare(CompareOp::Eq, "eq", a, b); }
Tensor ne(const Tensor& a, double b) { return compare(CompareOp::Ne, "ne", a, b); }
Tensor lt(const Tensor& a, double b) { return compare(CompareOp::Lt, "lt", a, b); }
Tensor le(const Tensor& a, double b) { return compare(CompareOp::Le, "le", a, b); }
Tensor gt(const Tensor& a, double b) { return compare(CompareOp::Gt, "gt", a, b); }
Tensor ge(const Tensor& a, double b) { return compare(CompareOp::Ge, "ge", a, b); }
Tensor isnan(const Tensor& x) { return compare(CompareOp::Ne, "isnan", x, x); }
Tensor isfinite(const Tensor& x) { return compare(CompareOp::IsFinite, "isfinite", x, x); }
Tensor isinf(const Tensor& x) { return compare(CompareOp::IsInf, "isinf", x, x); }
Tensor signbit(const Tensor& x) { return compare(CompareOp::SignBit, "signbit", x, x); }
Tensor logical_not(const Tensor& x) { return compare(CompareOp::Eq, "logical_not", x, 0); }
Tensor logical_and(const Tensor& a, const Tensor& b) { return compare(CompareOp::LogicalAnd, "logical_and", a, b); }
Tensor logical_or(const Tensor& a, const Tensor& b) { return compare(CompareOp::LogicalOr, "logical_or", a, b); }
Tensor logical_xor(const Tensor& a, const Tensor& b) { return compare(CompareOp::LogicalXor, "logical_xor", a, b); }

namespace {

Tensor bitwise(BinaryOp which, const char* op_name, const Tensor& a, const Tensor& b, bool of_bool) {
  Op op(op_name, a, b);
  const DType result = promote_types(a.dtype(), b.dtype());
  NDL_CHECK(!is_floating(result) && (of_bool || result != DType::Bool), TypeError, op, "takes integers",
            of_bool ? " and bool" : "", ": got ", name(a.dtype()), " and ", name(b.dtype()), ", expected int64 or so.");
  return binary(which, op, a, b, result);
}

}  // namespace

Tensor bitwise_and(const Tensor& a, const Tensor& b) { return bitwise(BinaryOp::BitAnd, "bitwise_and", a, b, true); }
Tensor bitwise_or(const Tensor& a, const Tensor& b) { return bitwise(BinaryOp::BitOr, "bitwise_or", a, b, true); }
Tensor bitwise_xor(const Tensor& a, const Tensor& b) { return bitwise(BinaryOp::BitXor, "bitwise_xor", a, b, true); }
Tensor bitwise_not(const Tensor& x) {
  const double ones = x.dtype() == DType::Bool ? 1 : -1;
  return bitwise(BinaryOp::BitXor, "bitwise_not", x, Tensor::full({}, ones, x.dtype(), x.device()), true);
}
Tensor bitwise_left_shift(const Tensor& a, const Tensor& b) {
  return bitwise(BinaryOp::ShiftLeft, "bitwise_left_shift", a, b, false);
}
Tensor bitwise_right_shift(const Tensor& a, const Tensor& b) {
  return bitwise(BinaryOp::ShiftRight, "bitwise_right_shift", a, b, false);
}

namespace {

Tensor zero_of(const Tensor& x) { return Tensor::zeros({}, x.dtype(), x.device()); }

}  // namespace

Tensor where_or_zero(const Tensor& mask, const Tensor& dy) { return where(mask, dy, zero_of(dy)); }
Tensor zero_where(const Tensor& mask, const Tensor& dy) { return where(mask, zero_of(dy), dy); }

namespace {

// The gradient of a in maximum and minimum: none where it loses, half where it ties.
Tensor winner(const Tensor& loses, const Tensor& ties, const Tensor& dy) {
  return zero_where(loses, where(ties, dy * 0.5, dy));
}

}  // namespace

Tensor maximum(const Tensor& a, const Tensor& b) {
  Op op("maximum", a, b);
  return op.record(binary(BinaryOp::Maximum, op, a, b, promote_types(a.dtype(), b.dtype())), {a, b}, {a, b},
                   [](Backward& g) {
                     const Tensor x = g.saved(0);
                     const Tensor y = g.saved(1);
                     if (g.needs(0)) g.give(0, winner(lt(x, y), eq(x, y), g.dy()));
                     if (g.needs(1)) g.give(1, winner(lt(y, x), eq(x, y), g.dy()));
                   });
}

Tensor minimum(const Tensor& a, const Tensor& b) {
  Op op("minimum", a, b);
  return op.record(binary(BinaryOp::Minimum, op, a, b, promote_types(a.dtype(), b.dtype())), {a, b}, {a, b},
                   [](Backward& g) {
                     const Tensor x = g.saved(0);
                     const Tensor y = g.saved(1);
                     if (g.needs(0)) g.give(0, winner(gt(x, y), eq(x, y), g.dy()));
                     if (g.needs(1)) g.give(1, winner(gt(y, x), eq(x, y), g.dy()));
                   });
}

Tensor fmax(const Tensor& a, const Tensor& b) {
  Op op("fmax", a, b);
  return op.record(binary(BinaryOp::Fmax, op, a, b, promote_types(a.dtype(), b.dtype())), {a, b}, {a, b},
                   [](Backward& g) {
                     const Tensor first = logical_or(ge(g.saved(0), g.saved(1)), isnan(g.saved(1)));
                     if (g.needs(0)) g.give(0, where_or_zero(first, g.dy()));
                     if (g.needs(1)) g.give(1, zero_where(first, g.dy()));
                   });
}

Tensor fmin(const Tensor& a, const Tensor& b) {
  Op op("fmin", a, b);
  return op.record(binary(BinaryOp::Fmin, op, a, b, promote_types(a.dtype(), b.dtype())), {a, b}, {a, b},
                   [](Backward& g) {
                     const Tensor first = logical_or(le(g.saved(0), g.saved(1)), isnan(g.saved(1)));
                     if (g.needs(0)) g.give(0, where_or_zero(first, g.dy()));
                     if (g.needs(1)) g.give(1, zero_where(first, g.dy()));
                   });
}

Tensor clamp(const Tensor& x, double low, double high) {
  Op op("clamp", x);
  if (std::isnan(low) || std::isnan(high)) return clamp(x, op.full({}, low, x.dtype()), op.full({}, high, x.dtype()));
  return op.record(unary(UnaryOp::Clamp, x, x.dtype(), {low, high}), {x}, {x}, [low, high](Backward& g) {
    const Tensor v = g.saved(0);
    g.give(0, where_or_zero(logical_and(ge(v, low), le(v, high)), g.dy()));
  });
}

Tensor clamp(const Tensor& x, const Tensor& low, const Tensor& high) {
  Op op("clamp", x, low, high);
  if (!low.defined() && !high.defined()) return identity(x);
  if (!high.defined()) {
    const Tensor y = binary(BinaryOp::Maximum, op, x, low, promote_types(x.dtype(), low.dtype()));
    return op.record(y, {x, low}, {x, low}, [](Backward& g) {
      const Tensor inside = ge(g.saved(0), g.saved(1));
      if (g.needs(0)) g.give(0, where_or_zero(inside, g.dy()));
      if (g.needs(1)) g.give(1, zero_where(inside, g.dy()));
    });
  }
  if (!low.defined()) {
    const Tensor y = binary(BinaryOp::Minimum, "clamp", x, high, promote_types(x.dtype(), high.dtype()));
    return op.record(y, {x, high}, {x, high}, [](Backward& g) {
      const Tensor inside = le(g.saved(0), g.saved(1));
      if (g.needs(0)) g.give(0, where_or_zero(inside, g.dy()));
      if (g.needs(1)) g.give(1, zero_where(inside, g.dy()));
    });
  }
  const DType result = promote_types(promote_types(x.dtype(), low.dtype()), high.dtype());
  if (!is_floating(result)) return minimum(maximum(x, low), high);
  return op.record(ternary(TernaryOp::Clip, "clamp", x, low, high, result), {x, low, high}, {x, low, high},
                   [](Backward& g) {
                     const Tensor v = g.saved(0);
                     const Tensor least = g.saved(1);
                     const Tensor most = g.saved(2);
                     if (g.needs(0)) g.give(0, where_or_zero(logical_and(ge(v, least), le(v, most)), g.dy()));
                     if (g.needs(1)) g.give(1, where_or_zero(logical_and(lt(v, least), lt(least, most)), g.dy()));
                     if (g.needs(2)) g.give(2, where_or_zero(logical_or(gt(v, most), lt(most, least)), g.dy()));
                   });
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, const Tensor& value) {
  Op op("masked_fill", x, mask, value);
  NDL_CHECK(value.rank() == 0, ValueError, op, "value is no number: got shape ", value.shape(),
            ", expected a 0-d tensor. Use where.");
  return where(mask, cast(value, x.dtype()), x);
}

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  Op op("where", condition, a, b);
  NDL_CHECK(condition.dtype() == DType::Bool, TypeError, op, "condition is not bool: got ", name(condition.dtype()),
            ", expected bool. Compare first.");
  const DType result = promote_types(a.dtype(), b.dtype());
  const Shape shape = broadcast_shapes(op, condition.shape(), broadcast_shapes(op, a.shape(), b.shape()));
  const Tensor y = op.empty(shape, result);
  NDL_ON(op.device(), run_where)(condition, a, b, y);
  return op.record(y, {condition, a, b}, {condition}, [](Backward& g) {
    if (g.needs(1)) g.give(1, where_or_zero(g.saved(0), g.dy()));
    if (g.needs(2)) g.give(2, zero_where(g.saved(0), g.dy()));
  });
}

}  // namespace needlecpp
