// Loops of elementwise ops: comparisons and choices.
#include <stdint.h>
#include <string.h>

#include "ops/elementwise/elementwise_kernels.h"
#include "simd/half.h"

namespace needlecpp::NDL_ISA {
namespace {

// fn(zero) with a zero of the type that loops compute in.
template <class Fn>
NDL_HD void with_compute(Element compute, Fn&& fn) {
  if (compute == Element::I64) return fn(int64_t{});
  with_float(compute, fn);
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

}  // namespace

void compare_loop(const CompareArgs& args) {
  with_compute(args.compute, [&](auto zero) { compare_typed<decltype(zero)>(args); });
}

void where_loop(const WhereArgs& args) {
  with_compute(args.compute, [&](auto zero) { where_run<decltype(zero)>(args); });
}

void nextafter_loop(const NextafterArgs& args) {
  switch (args.type) {
    case Element::F64:
      return nextafter_run<double, uint64_t>(args);
    case Element::F16:
      return nextafter_run<HalfBits, uint16_t>(args);
    case Element::BF16:
      return nextafter_run<BrainBits, uint16_t>(args);
    default:
      return nextafter_run<float, uint32_t>(args);
  }
}

}  // namespace needlecpp::NDL_ISA
