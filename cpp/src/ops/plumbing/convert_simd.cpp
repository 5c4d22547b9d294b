// Copies that change the type of elements: one loop for each pair of types.
#include "ops/plumbing/copy_kernels.h"
#include "simd/half.h"

namespace needlecpp::NDL_ISA {
namespace {

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

}  // namespace

void convert_loop(const ConvertArgs& args) {
  with_element(args.y_type, [&](auto y) {
    with_element(args.x_type, [&](auto x) { convert_run<decltype(y), decltype(x)>(args); });
  });
}

}  // namespace needlecpp::NDL_ISA
