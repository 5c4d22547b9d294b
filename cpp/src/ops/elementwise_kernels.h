// Elementwise formulas, one element each, and the loops over contiguous runs that instantiate them.
#pragma once

#include <stdint.h>

#include "simd/hd.h"
#include "simd/isa.h"
#include "simd/math.h"

namespace needlecpp {

enum class UnaryOp : uint8_t {
  Copy,
  Neg,
  Abs,
  Sign,
  Exp,
  Log,
  Sqrt,
  Rsqrt,
  Sin,
  Cos,
  Tanh,
  Sigmoid,
  Relu,
  Softplus,
  Square,
  Clamp
};
enum class BinaryOp : uint8_t { Add, Sub, Mul, Div, Pow, Maximum, Minimum };
enum class CompareOp : uint8_t { Eq, Ne, Lt, Le, Gt, Ge };
// What a loop computes in; other dtypes are converted to one of these tile by tile.
enum class Compute : uint8_t { F32, F64, I64 };

// Runs of `count` elements of the compute type. A "single" operand is one element for the whole run.
struct UnaryArgs {
  UnaryOp op;
  Compute compute;
  void* y;
  const void* x;
  int64_t count;
  double low, high;  // Clamp
};
struct BinaryArgs {
  BinaryOp op;
  Compute compute;
  void* y;
  const void* a;
  const void* b;
  int64_t count;
  bool a_single, b_single;
};
struct CompareArgs {
  CompareOp op;
  Compute compute;
  uint8_t* y;
  const void* a;
  const void* b;
  int64_t count;
  bool a_single, b_single;
};
struct WhereArgs {
  Compute compute;
  void* y;
  const uint8_t* condition;
  const void* a;
  const void* b;
  int64_t count;
  bool condition_single, a_single, b_single;
};
// y[i * y_stride] = convert(x[i * x_stride]); dtypes as the integers of DType, strides in elements.
struct ConvertArgs {
  uint8_t y_dtype, x_dtype;
  void* y;
  const void* x;
  int64_t count;
  int64_t y_stride, x_stride;
};

NDL_DECLARE_KERNEL(void, unary_loop, (const UnaryArgs& args))
NDL_DECLARE_KERNEL(void, binary_loop, (const BinaryArgs& args))
NDL_DECLARE_KERNEL(void, compare_loop, (const CompareArgs& args))
NDL_DECLARE_KERNEL(void, where_loop, (const WhereArgs& args))
NDL_DECLARE_KERNEL(void, convert_loop, (const ConvertArgs& args))

namespace NDL_ISA {

// V is float, double or a vector of them.
template <class V>
NDL_HD V sigmoid_formula(V x) {
  return 1.0f / (1.0f + m_exp(-x));
}
// max(x, 0) + log(1 + exp(-|x|))
template <class V>
NDL_HD V softplus_formula(V x) {
  return m_select(x < 0.0f, V{}, x) + m_log1p(m_exp(-m_abs(x)));
}
template <class V>
NDL_HD V sign_formula(V x) {
  const V zero = x - x;  // NaN for NaN and infinities, and those are overwritten unless NaN
  return m_select(x > 0.0f, V{} + 1.0f, m_select(x < 0.0f, V{} - 1.0f, zero));
}

template <UnaryOp op, class V>
NDL_HD V unary_formula(V x, V low, V high) {
  if constexpr (op == UnaryOp::Neg)
    return -x;
  else if constexpr (op == UnaryOp::Abs)
    return m_abs(x);
  else if constexpr (op == UnaryOp::Sign)
    return sign_formula(x);
  else if constexpr (op == UnaryOp::Exp)
    return m_exp(x);
  else if constexpr (op == UnaryOp::Log)
    return m_log(x);
  else if constexpr (op == UnaryOp::Sqrt)
    return m_sqrt(x);
  else if constexpr (op == UnaryOp::Rsqrt)
    return 1.0f / m_sqrt(x);
  else if constexpr (op == UnaryOp::Sin)
    return m_sin(x);
  else if constexpr (op == UnaryOp::Cos)
    return m_cos(x);
  else if constexpr (op == UnaryOp::Tanh)
    return m_tanh(x);
  else if constexpr (op == UnaryOp::Sigmoid)
    return sigmoid_formula(x);
  else if constexpr (op == UnaryOp::Relu)
    return m_select(x < 0.0f, V{}, x);
  else if constexpr (op == UnaryOp::Softplus)
    return softplus_formula(x);
  else if constexpr (op == UnaryOp::Square)
    return x * x;
  else if constexpr (op == UnaryOp::Clamp)
    return m_select(x < low, low, m_select(x > high, high, x));
  else
    return x;
}

template <BinaryOp op, class V>
NDL_HD V binary_formula(V a, V b) {
  if constexpr (op == BinaryOp::Add)
    return a + b;
  else if constexpr (op == BinaryOp::Sub)
    return a - b;
  else if constexpr (op == BinaryOp::Mul)
    return a * b;
  else if constexpr (op == BinaryOp::Div)
    return a / b;
  else if constexpr (op == BinaryOp::Pow)
    return m_pow(a, b);
  else if constexpr (op == BinaryOp::Maximum)
    return m_select((a > b) | (a != a), a, b);
  else
    return m_select((a < b) | (a != a), a, b);
}

template <CompareOp op, class T>
NDL_HD bool compare_formula(T a, T b) {
  if constexpr (op == CompareOp::Eq)
    return a == b;
  else if constexpr (op == CompareOp::Ne)
    return a != b;
  else if constexpr (op == CompareOp::Lt)
    return a < b;
  else if constexpr (op == CompareOp::Le)
    return a <= b;
  else if constexpr (op == CompareOp::Gt)
    return a > b;
  else
    return a >= b;
}

}  // namespace NDL_ISA
}  // namespace needlecpp
