// Elementwise formulas, one element each, and the loops over contiguous runs that instantiate them.
#pragma once

#include <stdint.h>

#include "simd/element.h"
#include "simd/hd.h"
#include "simd/isa.h"
#include "simd/math.h"

namespace needlecpp {

// Parameters, where there are any, are the a, b, c of Params. Slope is the derivative of the op before it.
// clang-format off
#define NDL_UNARY_OPS(X)                                                                                     \
  X(Copy) X(Neg) X(Abs) X(Sign) X(Square) X(Cube) X(Clamp) X(Relu)                                           \
  X(Exp) X(Exp2) X(Expm1) X(Log) X(Log2) X(Log10) X(Log1p) X(Sqrt) X(Rsqrt) X(Reciprocal)                    \
  X(Sin) X(Cos) X(Tan) X(Asin) X(Acos) X(Atan) X(Sinh) X(Cosh) X(Tanh) X(Asinh) X(Acosh) X(Atanh) X(Sinc)    \
  X(Floor) X(Ceil) X(Trunc) X(Rint) X(Erf) X(Erfc) X(Erfinv) X(Lgamma) X(Digamma) X(Trigamma) X(NanToNum)    \
  X(Sigmoid) X(Softplus) X(LeakyRelu) X(Elu) X(Silu) X(SiluSlope) X(Gelu) X(GeluSlope) X(GeluTanh)           \
  X(GeluTanhSlope) X(Mish) X(MishSlope) X(Hardsigmoid) X(Hardswish) X(Hardshrink) X(Softshrink) X(Threshold) \
  X(Softsign)
#define NDL_BINARY_OPS(X)                                                                                     \
  X(Add) X(Sub) X(Mul) X(Div) X(Pow) X(Maximum) X(Minimum) X(Fmax) X(Fmin) X(FloorDivide) X(TruncDivide)      \
  X(Remainder) X(Fmod) X(Atan2) X(Copysign) X(Hypot) X(Logaddexp) X(Xlogy)
// clang-format on
#define NDL_INTEGER_OPS(X) X(BitAnd) X(BitOr) X(BitXor) X(ShiftLeft) X(ShiftRight)
#define NDL_TERNARY_OPS(X) X(Addcmul) X(Addcdiv) X(Lerp) X(Clip) X(LogisticLoss) X(LogisticLossSlope)
#define NDL_COMPARE_OPS(X) \
  X(Eq) X(Ne) X(Lt) X(Le) X(Gt) X(Ge) X(LogicalAnd) X(LogicalOr) X(LogicalXor) X(IsFinite) X(IsInf) X(SignBit)

#define NDL_NAMED(op) op,
enum class UnaryOp : uint8_t { NDL_UNARY_OPS(NDL_NAMED) };
enum class BinaryOp : uint8_t { NDL_BINARY_OPS(NDL_NAMED) NDL_INTEGER_OPS(NDL_NAMED) };
enum class TernaryOp : uint8_t { NDL_TERNARY_OPS(NDL_NAMED) };
enum class CompareOp : uint8_t { NDL_COMPARE_OPS(NDL_NAMED) };  // the last three ask of the first operand alone
#undef NDL_NAMED

// Runs of `count` elements of the type that the loop computes in: F32, F64 or I64, to which others are converted tile
// by tile. A "single" operand is one element for the whole run.
struct Params {
  double a = 0, b = 0, c = 0;
};
struct UnaryArgs {
  UnaryOp op;
  Element compute;
  void* y;
  const void* x;
  int64_t count;
  Params params;
};
struct BinaryArgs {
  BinaryOp op;
  Element compute;
  void* y;
  const void* a;
  const void* b;
  int64_t count;
  bool a_single, b_single;
};
struct TernaryArgs {
  TernaryOp op;
  Element compute;
  void* y;
  const void* a;
  const void* b;
  const void* c;
  int64_t count;
  bool a_single, b_single, c_single;
  double value;  // the factor of Addcmul and Addcdiv
};
struct CompareArgs {
  CompareOp op;
  Element compute;
  uint8_t* y;
  const void* a;
  const void* b;
  int64_t count;
  bool a_single, b_single;
};
struct WhereArgs {
  Element compute;
  void* y;
  const uint8_t* condition;
  const void* a;
  const void* b;
  int64_t count;
  bool condition_single, a_single, b_single;
};
// Of any floating type, the 16-bit ones as they are stored.
struct NextafterArgs {
  Element type;
  void* y;
  const void* a;
  const void* b;
  int64_t count;
  bool a_single, b_single;
};

NDL_DECLARE_KERNEL(void, unary_loop, (const UnaryArgs& args))
NDL_DECLARE_KERNEL(void, binary_loop, (const BinaryArgs& args))
NDL_DECLARE_KERNEL(void, ternary_loop, (const TernaryArgs& args))  // of floating types
NDL_DECLARE_KERNEL(void, compare_loop, (const CompareArgs& args))
NDL_DECLARE_KERNEL(void, where_loop, (const WhereArgs& args))
NDL_DECLARE_KERNEL(void, nextafter_loop, (const NextafterArgs& args))

namespace NDL_ISA {

// V is float, double or a vector of them; T its elements' type.
template <class V>
struct ElementOf {
  using T = V;
};
#ifndef __CUDACC__
template <>
struct ElementOf<FloatV> {
  using T = float;
};
template <>
struct ElementOf<DoubleV> {
  using T = double;
};
#endif
template <class V>
NDL_HD V constant(double value) {
  return V{} + static_cast<typename ElementOf<V>::T>(value);
}

template <class V>
NDL_HD V sigmoid_formula(V x) {
  return 1.0f / (1.0f + m_exp(-x));
}
template <class V>
NDL_HD V sign_formula(V x) {
  const V zero = x - x;  // NaN for NaN and infinities, and those are overwritten unless NaN
  return m_select(x > 0.0f, V{} + 1.0f, m_select(x < 0.0f, V{} - 1.0f, zero));
}
// log(1 + exp(beta x)) / beta, and x itself where beta x > threshold.
template <class V>
NDL_HD V softplus_formula(V x, V beta, V threshold) {
  const V z = x * beta;
  const V y = (m_select(z < 0.0f, V{}, z) + m_log1p(m_exp(-m_abs(z)))) / beta;
  return m_select(z > threshold, x, y);
}
// sin(pi x) from the distance to the nearest integer, so that the zeros are zeros.
template <class V>
NDL_HD V sinc_formula(V x) {
  const V pi = constant<V>(3.14159265358979323846);
  const V k = m_rint(x);
  const V odd = k - 2.0f * m_floor(k * 0.5f);
  const V s = m_sin(pi * (x - k));
  return m_select(x == 0.0f, V{} + 1.0f, m_select(odd == 1.0f, -s, s) / (pi * x));
}
// x Phi(x) with Phi the normal distribution; its slope is Phi(x) + x phi(x).
template <class V>
NDL_HD V normal_below(V x) {
  return 0.5f + 0.5f * m_erf(x * constant<V>(0.70710678118654752440));
}
template <class V>
NDL_HD V gelu_slope_formula(V x) {
  const V density = constant<V>(0.39894228040143267794) * m_exp(x * x * -0.5f);
  return normal_below(x) + x * density;
}
// x (1 + tanh u) / 2 with u = sqrt(2 / pi) (x + 0.044715 x^3).
template <class V>
NDL_HD V gelu_tanh_formula(V x) {
  const V u = constant<V>(0.79788456080286535588) * (x + constant<V>(0.044715) * (x * x * x));
  return 0.5f * x * (1.0f + m_tanh(u));
}
template <class V>
NDL_HD V gelu_tanh_slope_formula(V x) {
  const V u = constant<V>(0.79788456080286535588) * (x + constant<V>(0.044715) * (x * x * x));
  const V du = constant<V>(0.79788456080286535588) * (1.0f + constant<V>(0.134145) * (x * x));
  const V t = m_tanh(u);
  return 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * du;
}
template <class V>
NDL_HD V silu_slope_formula(V x) {
  const V s = sigmoid_formula(x);
  return s * (1.0f + x * (1.0f - s));
}
// tanh(softplus(x)) = n / (n + 2) with n = e^2 + 2e, e = exp(x).
template <class V>
NDL_HD V mish_gate(V x) {
  const V e = m_exp(m_select(x < 20.0f, x, V{} + 20.0f));
  const V n = e * (e + 2.0f);
  return m_select(x < 20.0f, n / (n + 2.0f), V{} + 1.0f);
}
template <class V>
NDL_HD V mish_slope_formula(V x) {
  const V g = mish_gate(x);
  return g + x * (1.0f - g * g) * sigmoid_formula(x);
}

template <class V>
NDL_HD V hardsigmoid_formula(V x) {
  const V raised = m_select(x < -3.0f, V{}, x + 3.0f);
  return m_select(raised > 6.0f, V{} + 6.0f, raised) / 6.0f;
}

template <UnaryOp op, class V>
NDL_HD V unary_formula(V x, V a, V b, V c) {
  if constexpr (op == UnaryOp::Neg) return -x;
  if constexpr (op == UnaryOp::Abs) return m_abs(x);
  if constexpr (op == UnaryOp::Sign) return sign_formula(x);
  if constexpr (op == UnaryOp::Square) return x * x;
  if constexpr (op == UnaryOp::Cube) return x * x * x;
  if constexpr (op == UnaryOp::Clamp) {
    const V raised = m_select(x < a, a, x);
    return m_select(raised > b, b, raised);
  }
  if constexpr (op == UnaryOp::Relu) return m_select(x < 0.0f, V{}, x);
  if constexpr (op == UnaryOp::Exp) return m_exp(x);
  if constexpr (op == UnaryOp::Exp2) return m_exp2(x);
  if constexpr (op == UnaryOp::Expm1) return m_expm1(x);
  if constexpr (op == UnaryOp::Log) return m_log(x);
  if constexpr (op == UnaryOp::Log2) return m_log2(x);
  if constexpr (op == UnaryOp::Log10) return m_log10(x);
  if constexpr (op == UnaryOp::Log1p) return m_log1p(x);
  if constexpr (op == UnaryOp::Sqrt) return m_sqrt(x);
  if constexpr (op == UnaryOp::Rsqrt) return 1.0f / m_sqrt(x);
  if constexpr (op == UnaryOp::Reciprocal) return 1.0f / x;
  if constexpr (op == UnaryOp::Sin) return m_sin(x);
  if constexpr (op == UnaryOp::Cos) return m_cos(x);
  if constexpr (op == UnaryOp::Tan) return m_tan(x);
  if constexpr (op == UnaryOp::Asin) return m_asin(x);
  if constexpr (op == UnaryOp::Acos) return m_acos(x);
  if constexpr (op == UnaryOp::Atan) return m_atan(x);
  if constexpr (op == UnaryOp::Sinh) return m_sinh(x);
  if constexpr (op == UnaryOp::Cosh) return m_cosh(x);
  if constexpr (op == UnaryOp::Tanh) return m_tanh(x);
  if constexpr (op == UnaryOp::Asinh) return m_asinh(x);
  if constexpr (op == UnaryOp::Acosh) return m_acosh(x);
  if constexpr (op == UnaryOp::Atanh) return m_atanh(x);
  if constexpr (op == UnaryOp::Sinc) return sinc_formula(x);
  if constexpr (op == UnaryOp::Floor) return m_floor(x);
  if constexpr (op == UnaryOp::Ceil) return m_ceil(x);
  if constexpr (op == UnaryOp::Trunc) return m_trunc(x);
  if constexpr (op == UnaryOp::Rint) return m_rint(x);
  if constexpr (op == UnaryOp::Erf) return m_erf(x);
  if constexpr (op == UnaryOp::Erfc) return m_erfc(x);
  if constexpr (op == UnaryOp::Erfinv) return m_erfinv(x);
  if constexpr (op == UnaryOp::Lgamma) return m_lgamma(x);
  if constexpr (op == UnaryOp::Digamma) return m_digamma(x);
  if constexpr (op == UnaryOp::Trigamma) return m_trigamma(x);
  if constexpr (op == UnaryOp::NanToNum) {
    const V finite = m_select(m_abs(x) == __builtin_inff(), m_select(x > 0.0f, b, c), x);
    return m_select(x != x, a, finite);
  }
  if constexpr (op == UnaryOp::Sigmoid) return sigmoid_formula(x);
  if constexpr (op == UnaryOp::Softplus) return softplus_formula(x, a, b);
  if constexpr (op == UnaryOp::LeakyRelu) return m_select(x > 0.0f, x, x * a);
  if constexpr (op == UnaryOp::Elu) return m_select(x > 0.0f, x * b, a * m_expm1(m_select(x > 0.0f, V{}, x) * c));
  if constexpr (op == UnaryOp::Silu) return x / (1.0f + m_exp(-x));
  if constexpr (op == UnaryOp::SiluSlope) return silu_slope_formula(x);
  if constexpr (op == UnaryOp::Gelu) return x * normal_below(x);
  if constexpr (op == UnaryOp::GeluSlope) return gelu_slope_formula(x);
  if constexpr (op == UnaryOp::GeluTanh) return gelu_tanh_formula(x);
  if constexpr (op == UnaryOp::GeluTanhSlope) return gelu_tanh_slope_formula(x);
  if constexpr (op == UnaryOp::Mish) return x * mish_gate(x);
  if constexpr (op == UnaryOp::MishSlope) return mish_slope_formula(x);
  if constexpr (op == UnaryOp::Hardsigmoid) return hardsigmoid_formula(x);
  if constexpr (op == UnaryOp::Hardswish) return x * hardsigmoid_formula(x);
  if constexpr (op == UnaryOp::Hardshrink) return m_select(m_abs(x) <= a, V{}, x);
  if constexpr (op == UnaryOp::Softshrink)
    return m_select(x > a, x - a, m_select(x < -a, x + a, m_select(x != x, x, V{})));
  if constexpr (op == UnaryOp::Threshold) return m_select(x <= a, b, x);
  if constexpr (op == UnaryOp::Softsign) return x / (1.0f + m_abs(x));
  return x;
}

// fmod with the sign of the divisor; a zero takes that sign, too.
template <class V>
NDL_HD V remainder_formula(V a, V b) {
  const V r = m_fmod(a, b);
  const V shifted = m_select((r < 0.0f) == (b < 0.0f), r, r + b);
  return m_select(r == 0.0f, m_copysign(V{}, b), shifted);
}
// floor(a / b) that agrees with the remainder; a / b itself for b = 0.
template <class V>
NDL_HD V floor_divide_formula(V a, V b) {
  const V r = m_fmod(a, b);
  const V exact = (a - r) / b;
  const V whole = m_select((r == 0.0f) | ((r < 0.0f) == (b < 0.0f)), exact, exact - 1.0f);
  const V down = m_floor(whole);
  const V y = m_select(whole - down > 0.5f, down + 1.0f, down);
  return m_select(b == 0.0f, a / b, m_select(whole == 0.0f, m_copysign(V{}, a / b), y));
}
template <class V>
NDL_HD V logaddexp_formula(V a, V b) {
  const V larger = m_select((a > b) | (a != a), a, b);
  const V y = larger + m_log1p(m_exp(-m_abs(a - b)));
  return m_select(a == b, a + constant<V>(0.69314718055994530942), y);
}

template <BinaryOp op, class V>
NDL_HD V binary_formula(V a, V b) {
  if constexpr (op == BinaryOp::Add) return a + b;
  if constexpr (op == BinaryOp::Sub) return a - b;
  if constexpr (op == BinaryOp::Mul) return a * b;
  if constexpr (op == BinaryOp::Div) return a / b;
  if constexpr (op == BinaryOp::Pow) return m_pow(a, b);
  if constexpr (op == BinaryOp::Maximum) return m_select((a > b) | (a != a), a, b);
  if constexpr (op == BinaryOp::Minimum) return m_select((a < b) | (a != a), a, b);
  if constexpr (op == BinaryOp::Fmax) return m_select((a >= b) | (b != b), a, b);
  if constexpr (op == BinaryOp::Fmin) return m_select((a <= b) | (b != b), a, b);
  if constexpr (op == BinaryOp::FloorDivide) return floor_divide_formula(a, b);
  if constexpr (op == BinaryOp::TruncDivide) return m_trunc(a / b);
  if constexpr (op == BinaryOp::Remainder) return remainder_formula(a, b);
  if constexpr (op == BinaryOp::Fmod) return m_fmod(a, b);
  if constexpr (op == BinaryOp::Atan2) return m_atan2(a, b);
  if constexpr (op == BinaryOp::Copysign) return m_copysign(a, b);
  if constexpr (op == BinaryOp::Hypot) return m_hypot(a, b);
  if constexpr (op == BinaryOp::Logaddexp) return logaddexp_formula(a, b);
  if constexpr (op == BinaryOp::Xlogy) return m_select((a == 0.0f) & (b == b), V{}, a * m_log(b));
  return a;
}

// The binary cross entropy of a logit x and a target t, w the weight of the positive class:
// t w log(1 + exp(-x)) + (1 - t) log(1 + exp(x)), with no difference of large numbers; and its derivative in x.
template <class V>
NDL_HD V logistic_loss_formula(V x, V t, V w) {
  const V up = 1.0f - t;
  const V down = t * w;
  const V slope = m_select(x > 0.0f, up, down);
  const V far = m_select(slope == 0.0f, V{}, slope * m_abs(x));
  return (up + down) * m_log1p(m_exp(-m_abs(x))) + far;
}
template <class V>
NDL_HD V logistic_loss_slope_formula(V x, V t, V w) {
  return (1.0f - t) * sigmoid_formula(x) - t * w * sigmoid_formula(-x);
}

template <TernaryOp op, class V>
NDL_HD V ternary_formula(V a, V b, V c, V value) {
  if constexpr (op == TernaryOp::Addcmul) return a + value * b * c;
  if constexpr (op == TernaryOp::Addcdiv) return a + value * b / c;
  // From the nearer end, so that weights 0 and 1 give the ends themselves.
  if constexpr (op == TernaryOp::Lerp) return m_select(m_abs(c) < 0.5f, a + c * (b - a), b - (b - a) * (1.0f - c));
  if constexpr (op == TernaryOp::LogisticLoss) return logistic_loss_formula(a, b, c);
  if constexpr (op == TernaryOp::LogisticLossSlope) return logistic_loss_slope_formula(a, b, c);
  if constexpr (op == TernaryOp::Clip) {
    const V raised = m_select((a < b) | (b != b), b, a);
    return m_select((raised > c) | (c != c), c, raised);
  }
  return a;
}

// Integers: what floats do, wrapping around like NumPy's (unsigned arithmetic keeps that defined); division by zero
// gives 0 as NumPy's does.
template <UnaryOp op>
NDL_HD int64_t integer_formula(int64_t x, const Params& params) {
  const uint64_t u = static_cast<uint64_t>(x);
  if constexpr (op == UnaryOp::Neg) return static_cast<int64_t>(0 - u);
  if constexpr (op == UnaryOp::Abs) return x < 0 ? static_cast<int64_t>(0 - u) : x;
  if constexpr (op == UnaryOp::Sign) return (x > 0) - (x < 0);
  if constexpr (op == UnaryOp::Relu) return x > 0 ? x : 0;
  if constexpr (op == UnaryOp::Square) return static_cast<int64_t>(u * u);
  if constexpr (op == UnaryOp::Cube) return static_cast<int64_t>(u * u * u);
  if constexpr (op == UnaryOp::Clamp) {
    const double d = static_cast<double>(x);
    const int64_t raised = d < params.a ? static_cast<int64_t>(params.a) : x;
    return static_cast<double>(raised) > params.b ? static_cast<int64_t>(params.b) : raised;
  }
  return x;
}
// A negative exponent gives 0, as 1 / base^n truncated; pow() refuses it before.
NDL_HD int64_t integer_power(int64_t base, int64_t exponent) {
  if (exponent < 0) return 0;
  uint64_t result = 1;
  for (uint64_t power = static_cast<uint64_t>(base); exponent > 0; exponent >>= 1, power *= power)
    if (exponent & 1) result *= power;
  return static_cast<int64_t>(result);
}
template <BinaryOp op>
NDL_HD int64_t integer_formula(int64_t a, int64_t b) {
  const uint64_t ua = static_cast<uint64_t>(a);
  const uint64_t ub = static_cast<uint64_t>(b);
  const bool shifts = ub < 64;
  if constexpr (op == BinaryOp::Add) return static_cast<int64_t>(ua + ub);
  if constexpr (op == BinaryOp::Sub) return static_cast<int64_t>(ua - ub);
  if constexpr (op == BinaryOp::Mul) return static_cast<int64_t>(ua * ub);
  if constexpr (op == BinaryOp::Pow) return integer_power(a, b);
  if constexpr (op == BinaryOp::Maximum || op == BinaryOp::Fmax) return a > b ? a : b;
  if constexpr (op == BinaryOp::Minimum || op == BinaryOp::Fmin) return a < b ? a : b;
  if constexpr (op == BinaryOp::BitAnd) return a & b;
  if constexpr (op == BinaryOp::BitOr) return a | b;
  if constexpr (op == BinaryOp::BitXor) return a ^ b;
  if constexpr (op == BinaryOp::ShiftLeft) return shifts ? static_cast<int64_t>(ua << ub) : 0;
  if constexpr (op == BinaryOp::ShiftRight) return shifts ? a >> b : a < 0 ? -1 : 0;
  if constexpr (op == BinaryOp::FloorDivide || op == BinaryOp::TruncDivide || op == BinaryOp::Remainder ||
                op == BinaryOp::Fmod) {
    // The smallest integer has no negative: / -1 would trap.
    if (b == 0) return 0;
    const int64_t quotient = b == -1 ? static_cast<int64_t>(0 - ua) : a / b;
    const int64_t rest = b == -1 ? 0 : a % b;
    const bool down = rest != 0 && (rest < 0) != (b < 0);
    if constexpr (op == BinaryOp::FloorDivide) return quotient - down;
    if constexpr (op == BinaryOp::TruncDivide) return quotient;
    if constexpr (op == BinaryOp::Remainder) return down ? rest + b : rest;
    return rest;
  }
  return 0;
}

template <CompareOp op, class T>
NDL_HD bool compare_formula(T a, T b) {
  if constexpr (op == CompareOp::Eq) return a == b;
  if constexpr (op == CompareOp::Ne) return a != b;
  if constexpr (op == CompareOp::Lt) return a < b;
  if constexpr (op == CompareOp::Le) return a <= b;
  if constexpr (op == CompareOp::Gt) return a > b;
  if constexpr (op == CompareOp::Ge) return a >= b;
  if constexpr (op == CompareOp::LogicalAnd) return (a != T(0)) & (b != T(0));
  if constexpr (op == CompareOp::LogicalOr) return (a != T(0)) | (b != T(0));
  if constexpr (op == CompareOp::LogicalXor) return (a != T(0)) != (b != T(0));
  if constexpr (op == CompareOp::IsFinite) return a - a == T(0);
  if constexpr (op == CompareOp::IsInf) return (a == a) & (a - a != T(0));
  if constexpr (op == CompareOp::SignBit) return m_sign_bit(a);
  return false;
}

// The bits of the number after a in the direction of b, whose values are x and y. Sign and magnitude: of two
// neighbours the magnitudes differ by one.
template <class Bits, class T>
NDL_HD Bits nextafter_formula(Bits a, Bits b, T x, T y) {
  if (x != x) return a;
  if (y != y || x == y) return b;
  if (x == T(0)) return static_cast<Bits>((b & (Bits(1) << (sizeof(Bits) * 8 - 1))) | 1);
  return static_cast<Bits>((x < y) == (x > T(0)) ? a + 1 : a - 1);
}

}  // namespace NDL_ISA
}  // namespace needlecpp
