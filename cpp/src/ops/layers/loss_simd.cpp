// The gradient of the cross entropy, in one pass over the scores.
#include <stdint.h>

#include "ops/layers/loss_kernels.h"
#include "simd/math.h"
#include "simd/vec.h"

namespace needlecpp::NDL_ISA {
namespace {

template <class T>
void rows(const CrossEntropyArgs& args, int64_t begin, int64_t end) {
  using V = typename VecOf<T>::Type;
  constexpr int64_t lanes = VecTraits<V>::lanes;
  constexpr T vanishing = sizeof(T) == 4 ? -104 : -746;  // exp of less is zero
  const T* const weights = static_cast<const T*>(args.weight);
  const T* const spreads = static_cast<const T*>(args.spread);
  const T* const scales = static_cast<const T*>(args.scale);
  const T total = args.total ? *static_cast<const T*>(args.total) : static_cast<T>(args.classes);
  for (int64_t row = begin; row < end; ++row) {
    const T* x = static_cast<const T*>(args.x) + row * args.classes;
    T* dx = static_cast<T*>(args.dx) + row * args.classes;
    const T top = static_cast<const T*>(args.top)[row];
    const T log_sum = static_cast<const T*>(args.log_sum)[row];
    const T spread = spreads ? spreads[row] : T(0);
    const T scale = scales[row] + spread * total;
    for (int64_t c = 0; c < args.classes; c += lanes) {
      const int64_t n = args.classes - c < lanes ? args.classes - c : lanes;
      const V d = ((n == lanes ? load<V>(x + c) : load<V>(x + c, n)) - top) - log_sum;
      // Exponentials that vanish would be slow: they are denormal.
      const V e = select(d < vanishing, V{}, m_exp(select(d < vanishing, V{}, d)));
      V gradient = e * scale;
      if (spreads) {
        const V weight = !weights ? splat<V>(T(1)) : n == lanes ? load<V>(weights + c) : load<V>(weights + c, n);
        gradient -= weight * spread;
      }
      if (n == lanes)
        store(dx + c, gradient);
      else
        store(dx + c, gradient, n);
    }
    dx[args.target[row]] -= scales[row];
  }
}

}  // namespace

void cross_entropy_dx(const CrossEntropyArgs& args, int64_t begin, int64_t end) {
  with_float(args.element, [&](auto zero) { rows<decltype(zero)>(args, begin, end); });
}

}  // namespace needlecpp::NDL_ISA
