// The gradient of the cross entropy, in one pass over the scores.
#include <stdint.h>

#include "ops/layers/loss_kernels.h"
#include "simd/math.h"
#include "simd/vec.h"

namespace needlecpp::NDL_ISA {
namespace {

template <class T>
void rows(const CrossEntropyArgs<T>& args, int64_t begin, int64_t end) {
  using V = typename VecOf<T>::Type;
  constexpr int64_t lanes = VecTraits<V>::lanes;
  constexpr T vanishing = sizeof(T) == 4 ? -104 : -746;  // exp of less is zero
  for (int64_t row = begin; row < end; ++row) {
    const T* x = args.x + row * args.classes;
    T* dx = args.dx + row * args.classes;
    const T top = args.top[row];
    const T log_sum = args.log_sum[row];
    const T spread = args.spread ? args.spread[row] : T(0);
    const T scale = args.scale[row] + spread * static_cast<T>(args.total);
    for (int64_t c = 0; c < args.classes; c += lanes) {
      const int64_t n = args.classes - c < lanes ? args.classes - c : lanes;
      const V d = ((n == lanes ? load<V>(x + c) : load<V>(x + c, n)) - top) - log_sum;
      // Exponentials that vanish would be slow: they are denormal.
      const V e = select(d < vanishing, V{}, m_exp(select(d < vanishing, V{}, d)));
      V gradient = e * scale;
      if (args.spread) {
        const V weight = !args.weight ? splat<V>(T(1))
                         : n == lanes ? load<V>(args.weight + c)
                                      : load<V>(args.weight + c, n);
        gradient -= weight * spread;
      }
      if (n == lanes)
        store(dx + c, gradient);
      else
        store(dx + c, gradient, n);
    }
    dx[args.target[row]] -= args.scale[row];
  }
}

}  // namespace

void cross_entropy_dx_f32(const CrossEntropyArgs<float>& args, int64_t begin, int64_t end) { rows(args, begin, end); }
void cross_entropy_dx_f64(const CrossEntropyArgs<double>& args, int64_t begin, int64_t end) { rows(args, begin, end); }

}  // namespace needlecpp::NDL_ISA
