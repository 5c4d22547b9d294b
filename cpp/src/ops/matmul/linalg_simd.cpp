// Cross products of a run of vectors with any strides.
#include "ops/matmul/linalg_kernels.h"

namespace needlecpp::NDL_ISA {
namespace {

template <class T>
void cross_typed(const CrossArgs& args) {
  using W = typename Wrapping<T>::Type;
  const T* a = static_cast<const T*>(args.a);
  const T* b = static_cast<const T*>(args.b);
  T* y = static_cast<T*>(args.y);
  for (int64_t i = 0; i < args.count; ++i, a += args.a_step, b += args.b_step, y += args.y_step) {
    const W a0 = static_cast<W>(a[0]), a1 = static_cast<W>(a[args.a_axis]), a2 = static_cast<W>(a[2 * args.a_axis]);
    const W b0 = static_cast<W>(b[0]), b1 = static_cast<W>(b[args.b_axis]), b2 = static_cast<W>(b[2 * args.b_axis]);
    y[0] = static_cast<T>(cross_component(a1, a2, b1, b2));
    y[args.y_axis] = static_cast<T>(cross_component(a2, a0, b2, b0));
    y[2 * args.y_axis] = static_cast<T>(cross_component(a0, a1, b0, b1));
  }
}

}  // namespace

void cross_run(const CrossArgs& args) {
  switch (args.element) {
    case Element::I32:
      return cross_typed<int32_t>(args);
    case Element::I64:
      return cross_typed<int64_t>(args);
    default:
      with_float(args.element, [&]<class T>(T) { cross_typed<T>(args); });
  }
}

}  // namespace needlecpp::NDL_ISA
