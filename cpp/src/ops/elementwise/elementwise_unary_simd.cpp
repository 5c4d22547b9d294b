// Loops of elementwise ops on one operand. Of floating type: whole vectors, then one partial vector, so that every
// element takes the same path.
#include <stdint.h>

#include "ops/elementwise/elementwise_kernels.h"
#include "simd/vec.h"

namespace needlecpp::NDL_ISA {
namespace {

template <UnaryOp op, class T>
void unary_run(const UnaryArgs& args) {
  using V = typename VecOf<T>::Type;
  constexpr int lanes = VecTraits<V>::lanes;
  T* y = static_cast<T*>(args.y);
  const T* x = static_cast<const T*>(args.x);
  const V a = splat<V>(static_cast<T>(args.params.a));
  const V b = splat<V>(static_cast<T>(args.params.b));
  const V c = splat<V>(static_cast<T>(args.params.c));
  int64_t i = 0;
  for (; i + lanes <= args.count; i += lanes) store(y + i, unary_formula<op>(load<V>(x + i), a, b, c));
  if (i < args.count) store(y + i, unary_formula<op>(load<V>(x + i, args.count - i), a, b, c), args.count - i);
}

template <class T>
void unary_float(const UnaryArgs& args) {
  switch (args.op) {
#define NDL_CASE(op) \
  case UnaryOp::op:  \
    return unary_run<UnaryOp::op, T>(args);
    NDL_UNARY_OPS(NDL_CASE)
#undef NDL_CASE
  }
}

void unary_integer(const UnaryArgs& args) {
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

}  // namespace

void unary_loop(const UnaryArgs& args) {
  if (args.compute == Element::I64) return unary_integer(args);
  args.compute == Element::F64 ? unary_float<double>(args) : unary_float<float>(args);
}

}  // namespace needlecpp::NDL_ISA
