// The loops of elementwise ops: whole vectors, then one partial vector, so that every element takes the same path.
#include <stdint.h>

#include "ops/elementwise_kernels.h"
#include "simd/half.h"
#include "simd/vec.h"

namespace needlecpp::NDL_ISA {
namespace {

template <class T>
struct Operand {
  using V = typename VecOf<T>::Type;
  const T* data;
  bool single;
  V vector(int64_t i) const { return single ? splat<V>(data[0]) : load<V>(data + i); }
  V vector(int64_t i, int64_t count) const { return single ? splat<V>(data[0]) : load<V>(data + i, count); }
  T scalar(int64_t i) const { return data[single ? 0 : i]; }
};

template <UnaryOp op, class T>
void unary_run(const UnaryArgs& args) {
  using V = typename VecOf<T>::Type;
  constexpr int lanes = VecTraits<V>::lanes;
  T* y = static_cast<T*>(args.y);
  const T* x = static_cast<const T*>(args.x);
  const V low = splat<V>(static_cast<T>(args.low));
  const V high = splat<V>(static_cast<T>(args.high));
  int64_t i = 0;
  for (; i + lanes <= args.count; i += lanes) store(y + i, unary_formula<op>(load<V>(x + i), low, high));
  if (i < args.count) store(y + i, unary_formula<op>(load<V>(x + i, args.count - i), low, high), args.count - i);
}

template <class T>
void unary_float(const UnaryArgs& args) {
  switch (args.op) {
    case UnaryOp::Copy:
      return unary_run<UnaryOp::Copy, T>(args);
    case UnaryOp::Neg:
      return unary_run<UnaryOp::Neg, T>(args);
    case UnaryOp::Abs:
      return unary_run<UnaryOp::Abs, T>(args);
    case UnaryOp::Sign:
      return unary_run<UnaryOp::Sign, T>(args);
    case UnaryOp::Exp:
      return unary_run<UnaryOp::Exp, T>(args);
    case UnaryOp::Log:
      return unary_run<UnaryOp::Log, T>(args);
    case UnaryOp::Sqrt:
      return unary_run<UnaryOp::Sqrt, T>(args);
    case UnaryOp::Rsqrt:
      return unary_run<UnaryOp::Rsqrt, T>(args);
    case UnaryOp::Sin:
      return unary_run<UnaryOp::Sin, T>(args);
    case UnaryOp::Cos:
      return unary_run<UnaryOp::Cos, T>(args);
    case UnaryOp::Tanh:
      return unary_run<UnaryOp::Tanh, T>(args);
    case UnaryOp::Sigmoid:
      return unary_run<UnaryOp::Sigmoid, T>(args);
    case UnaryOp::Relu:
      return unary_run<UnaryOp::Relu, T>(args);
    case UnaryOp::Softplus:
      return unary_run<UnaryOp::Softplus, T>(args);
    case UnaryOp::Square:
      return unary_run<UnaryOp::Square, T>(args);
    case UnaryOp::Clamp:
      return unary_run<UnaryOp::Clamp, T>(args);
  }
}

// Integers wrap around like NumPy's; unsigned arithmetic keeps that defined.
void unary_int(const UnaryArgs& args) {
  int64_t* y = static_cast<int64_t*>(args.y);
  const int64_t* x = static_cast<const int64_t*>(args.x);
  for (int64_t i = 0; i < args.count; ++i) {
    const int64_t v = x[i];
    const uint64_t u = static_cast<uint64_t>(v);
    switch (args.op) {
      case UnaryOp::Neg:
        y[i] = static_cast<int64_t>(0 - u);
        break;
      case UnaryOp::Abs:
        y[i] = v < 0 ? static_cast<int64_t>(0 - u) : v;
        break;
      case UnaryOp::Sign:
        y[i] = (v > 0) - (v < 0);
        break;
      case UnaryOp::Relu:
        y[i] = v > 0 ? v : 0;
        break;
      case UnaryOp::Square:
        y[i] = static_cast<int64_t>(u * u);
        break;
      case UnaryOp::Clamp: {
        const double d = static_cast<double>(v);
        y[i] = d < args.low ? static_cast<int64_t>(args.low) : d > args.high ? static_cast<int64_t>(args.high) : v;
        break;
      }
      default:
        y[i] = v;
    }
  }
}

template <BinaryOp op, class T>
void binary_run(const BinaryArgs& args) {
  using V = typename VecOf<T>::Type;
  constexpr int lanes = VecTraits<V>::lanes;
  T* y = static_cast<T*>(args.y);
  const Operand<T> a{static_cast<const T*>(args.a), args.a_single};
  const Operand<T> b{static_cast<const T*>(args.b), args.b_single};
  int64_t i = 0;
  for (; i + lanes <= args.count; i += lanes) store(y + i, binary_formula<op>(a.vector(i), b.vector(i)));
  if (const int64_t rest = args.count - i; rest > 0)
    store(y + i, binary_formula<op>(a.vector(i, rest), b.vector(i, rest)), rest);
}

template <class T>
void binary_float(const BinaryArgs& args) {
  switch (args.op) {
    case BinaryOp::Add:
      return binary_run<BinaryOp::Add, T>(args);
    case BinaryOp::Sub:
      return binary_run<BinaryOp::Sub, T>(args);
    case BinaryOp::Mul:
      return binary_run<BinaryOp::Mul, T>(args);
    case BinaryOp::Div:
      return binary_run<BinaryOp::Div, T>(args);
    case BinaryOp::Pow:
      return binary_run<BinaryOp::Pow, T>(args);
    case BinaryOp::Maximum:
      return binary_run<BinaryOp::Maximum, T>(args);
    case BinaryOp::Minimum:
      return binary_run<BinaryOp::Minimum, T>(args);
  }
}

// Negative exponents truncate towards zero as an integer division would; the caller converts where that is unwanted.
int64_t int_pow(int64_t base, int64_t exponent) {
  if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
  uint64_t result = 1;
  for (uint64_t power = static_cast<uint64_t>(base); exponent > 0; exponent >>= 1, power *= power)
    if (exponent & 1) result *= power;
  return static_cast<int64_t>(result);
}

void binary_int(const BinaryArgs& args) {
  int64_t* y = static_cast<int64_t*>(args.y);
  const int64_t* a_data = static_cast<const int64_t*>(args.a);
  const int64_t* b_data = static_cast<const int64_t*>(args.b);
  for (int64_t i = 0; i < args.count; ++i) {
    const int64_t a = a_data[args.a_single ? 0 : i];
    const int64_t b = b_data[args.b_single ? 0 : i];
    const uint64_t ua = static_cast<uint64_t>(a);
    const uint64_t ub = static_cast<uint64_t>(b);
    switch (args.op) {
      case BinaryOp::Add:
        y[i] = static_cast<int64_t>(ua + ub);
        break;
      case BinaryOp::Sub:
        y[i] = static_cast<int64_t>(ua - ub);
        break;
      case BinaryOp::Mul:
        y[i] = static_cast<int64_t>(ua * ub);
        break;
      case BinaryOp::Pow:
        y[i] = int_pow(a, b);
        break;
      case BinaryOp::Maximum:
        y[i] = a > b ? a : b;
        break;
      case BinaryOp::Minimum:
        y[i] = a < b ? a : b;
        break;
      case BinaryOp::Div:
        y[i] = 0;
        break;  // div() of integers computes in float32
    }
  }
}

template <CompareOp op, class T>
void compare_run(const CompareArgs& args) {
  const T* a = static_cast<const T*>(args.a);
  const T* b = static_cast<const T*>(args.b);
  uint8_t* y = args.y;
  if (args.b_single) {
    const T other = *b;
    if (args.a_single) {
      for (int64_t i = 0; i < args.count; ++i) y[i] = compare_formula<op>(*a, other);
    } else {
      for (int64_t i = 0; i < args.count; ++i) y[i] = compare_formula<op>(a[i], other);
    }
  } else if (args.a_single) {
    const T other = *a;
    for (int64_t i = 0; i < args.count; ++i) y[i] = compare_formula<op>(other, b[i]);
  } else {
    for (int64_t i = 0; i < args.count; ++i) y[i] = compare_formula<op>(a[i], b[i]);
  }
}

template <class T>
void compare_typed(const CompareArgs& args) {
  switch (args.op) {
    case CompareOp::Eq:
      return compare_run<CompareOp::Eq, T>(args);
    case CompareOp::Ne:
      return compare_run<CompareOp::Ne, T>(args);
    case CompareOp::Lt:
      return compare_run<CompareOp::Lt, T>(args);
    case CompareOp::Le:
      return compare_run<CompareOp::Le, T>(args);
    case CompareOp::Gt:
      return compare_run<CompareOp::Gt, T>(args);
    case CompareOp::Ge:
      return compare_run<CompareOp::Ge, T>(args);
  }
}

template <class T>
void where_run(const WhereArgs& args) {
  T* y = static_cast<T*>(args.y);
  const T* a = static_cast<const T*>(args.a);
  const T* b = static_cast<const T*>(args.b);
  const int64_t c_step = !args.condition_single;
  const int64_t a_step = !args.a_single;
  const int64_t b_step = !args.b_single;
  for (int64_t i = 0; i < args.count; ++i) y[i] = args.condition[i * c_step] ? a[i * a_step] : b[i * b_step];
}

template <class Y, class X>
void convert_run(const ConvertArgs& args) {
  Y* y = static_cast<Y*>(args.y);
  const X* x = static_cast<const X*>(args.x);
  if (args.y_stride == 1 && args.x_stride == 1) {
    for (int64_t i = 0; i < args.count; ++i) y[i] = convert<Y>(x[i]);
  } else if (args.y_stride == 1 && args.x_stride == 0) {
    const Y value = convert<Y>(x[0]);
    for (int64_t i = 0; i < args.count; ++i) y[i] = value;
  } else {
    for (int64_t i = 0; i < args.count; ++i) y[i * args.y_stride] = convert<Y>(x[i * args.x_stride]);
  }
}

// The order of the dtype enum.
template <class Y>
void convert_to(const ConvertArgs& args) {
  switch (args.x_dtype) {
    case 0:
      return convert_run<Y, float>(args);
    case 1:
      return convert_run<Y, double>(args);
    case 2:
      return convert_run<Y, HalfBits>(args);
    case 3:
      return convert_run<Y, BrainBits>(args);
    case 4:
      return convert_run<Y, int32_t>(args);
    case 5:
      return convert_run<Y, int64_t>(args);
    case 6:
      return convert_run<Y, uint8_t>(args);
    default:
      return convert_run<Y, BoolByte>(args);
  }
}

}  // namespace

void unary_loop(const UnaryArgs& args) {
  switch (args.compute) {
    case Compute::F32:
      return unary_float<float>(args);
    case Compute::F64:
      return unary_float<double>(args);
    case Compute::I64:
      return unary_int(args);
  }
}

void binary_loop(const BinaryArgs& args) {
  switch (args.compute) {
    case Compute::F32:
      return binary_float<float>(args);
    case Compute::F64:
      return binary_float<double>(args);
    case Compute::I64:
      return binary_int(args);
  }
}

void compare_loop(const CompareArgs& args) {
  switch (args.compute) {
    case Compute::F32:
      return compare_typed<float>(args);
    case Compute::F64:
      return compare_typed<double>(args);
    case Compute::I64:
      return compare_typed<int64_t>(args);
  }
}

void where_loop(const WhereArgs& args) {
  switch (args.compute) {
    case Compute::F32:
      return where_run<float>(args);
    case Compute::F64:
      return where_run<double>(args);
    case Compute::I64:
      return where_run<int64_t>(args);
  }
}

void convert_loop(const ConvertArgs& args) {
  switch (args.y_dtype) {
    case 0:
      return convert_to<float>(args);
    case 1:
      return convert_to<double>(args);
    case 2:
      return convert_to<HalfBits>(args);
    case 3:
      return convert_to<BrainBits>(args);
    case 4:
      return convert_to<int32_t>(args);
    case 5:
      return convert_to<int64_t>(args);
    case 6:
      return convert_to<uint8_t>(args);
    default:
      return convert_to<BoolByte>(args);
  }
}

}  // namespace needlecpp::NDL_ISA
