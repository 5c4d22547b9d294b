// Loops of elementwise ops: integers, comparisons, choices and conversions.
#include <stdint.h>
#include <string.h>

#include "ops/elementwise/elementwise_kernels.h"
#include "simd/half.h"

namespace needlecpp::NDL_ISA {
namespace {

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
#define NDL_CASE(op)  \
  case CompareOp::op: \
    return compare_run<CompareOp::op, T>(args);
    NDL_COMPARE_OPS(NDL_CASE)
#undef NDL_CASE
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

template <class T, class Bits>
void nextafter_run(const NextafterArgs& args) {
  const int64_t a_step = !args.a_single;
  const int64_t b_step = !args.b_single;
  Bits* y = static_cast<Bits*>(args.y);
  for (int64_t i = 0; i < args.count; ++i) {
    T a;
    T b;
    Bits a_bits;
    Bits b_bits;
    memcpy(&a, static_cast<const T*>(args.a) + i * a_step, sizeof a);
    memcpy(&b, static_cast<const T*>(args.b) + i * b_step, sizeof b);
    memcpy(&a_bits, &a, sizeof a);
    memcpy(&b_bits, &b, sizeof b);
    const Bits next = nextafter_formula(a_bits, b_bits, value(a), value(b));
    memcpy(y + i, &next, sizeof next);
  }
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

void unary_int_loop(const UnaryArgs& args) {
  int64_t* y = static_cast<int64_t*>(args.y);
  const int64_t* x = static_cast<const int64_t*>(args.x);
  switch (args.op) {
#define NDL_CASE(op)                                                                                 \
  case UnaryOp::op:                                                                                  \
    for (int64_t i = 0; i < args.count; ++i) y[i] = integer_formula<UnaryOp::op>(x[i], args.params); \
    return;
    NDL_UNARY_OPS(NDL_CASE)
#undef NDL_CASE
  }
}

void binary_int_loop(const BinaryArgs& args) {
  int64_t* y = static_cast<int64_t*>(args.y);
  const int64_t* a = static_cast<const int64_t*>(args.a);
  const int64_t* b = static_cast<const int64_t*>(args.b);
  const int64_t a_step = !args.a_single;
  const int64_t b_step = !args.b_single;
  switch (args.op) {
#define NDL_CASE(op)                                                                                             \
  case BinaryOp::op:                                                                                             \
    for (int64_t i = 0; i < args.count; ++i) y[i] = integer_formula<BinaryOp::op>(a[i * a_step], b[i * b_step]); \
    return;
    NDL_BINARY_OPS(NDL_CASE)
    NDL_INTEGER_OPS(NDL_CASE)
#undef NDL_CASE
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

void nextafter_loop(const NextafterArgs& args) {
  switch (args.dtype) {  // the order of the dtype enum
    case 0:
      return nextafter_run<float, uint32_t>(args);
    case 1:
      return nextafter_run<double, uint64_t>(args);
    case 2:
      return nextafter_run<HalfBits, uint16_t>(args);
    default:
      return nextafter_run<BrainBits, uint16_t>(args);
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
