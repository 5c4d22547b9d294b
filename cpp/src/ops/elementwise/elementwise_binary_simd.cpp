// Loops of elementwise ops on two and three operands.
#include <stdint.h>

#include "ops/elementwise/elementwise_kernels.h"
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
};

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
#define NDL_CASE(op) \
  case BinaryOp::op: \
    return binary_run<BinaryOp::op, T>(args);
    NDL_BINARY_OPS(NDL_CASE)
#undef NDL_CASE
    default:  // of integers alone
      return;
  }
}

void binary_integer(const BinaryArgs& args) {
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

template <TernaryOp op, class T>
void ternary_run(const TernaryArgs& args) {
  using V = typename VecOf<T>::Type;
  constexpr int lanes = VecTraits<V>::lanes;
  T* y = static_cast<T*>(args.y);
  const Operand<T> a{static_cast<const T*>(args.a), args.a_single};
  const Operand<T> b{static_cast<const T*>(args.b), args.b_single};
  const Operand<T> c{static_cast<const T*>(args.c), args.c_single};
  const V value = splat<V>(static_cast<T>(args.value));
  int64_t i = 0;
  for (; i + lanes <= args.count; i += lanes)
    store(y + i, ternary_formula<op>(a.vector(i), b.vector(i), c.vector(i), value));
  if (const int64_t rest = args.count - i; rest > 0)
    store(y + i, ternary_formula<op>(a.vector(i, rest), b.vector(i, rest), c.vector(i, rest), value), rest);
}

template <class T>
void ternary_float(const TernaryArgs& args) {
  switch (args.op) {
#define NDL_CASE(op)  \
  case TernaryOp::op: \
    return ternary_run<TernaryOp::op, T>(args);
    NDL_TERNARY_OPS(NDL_CASE)
#undef NDL_CASE
  }
}

}  // namespace

void binary_loop(const BinaryArgs& args) {
  if (args.compute == Element::I64) return binary_integer(args);
  args.compute == Element::F64 ? binary_float<double>(args) : binary_float<float>(args);
}

void ternary_loop(const TernaryArgs& args) {
  args.compute == Element::F64 ? ternary_float<double>(args) : ternary_float<float>(args);
}

}  // namespace needlecpp::NDL_ISA
