// What the optimizers' kernels take, and the update of one element.
#pragma once

#include "simd/isa.h"
#include "simd/math.h"

namespace needlecpp {

template <class T>
struct AdamArgs {
  T* parameter;
  T* gradient;
  T* m;
  T* v;
  T step_size;  // lr / (1 - beta1^t)
  T v_scale;    // 1 / (1 - beta2^t)
  T beta1, beta2;
  T one_minus_beta1, one_minus_beta2;
  T eps, weight_decay;
  bool touched_only, clear_gradient;
};

template <class T>
struct SgdArgs {
  T* parameter;
  const T* gradient;
  T* momentum_buffer;  // null: none
  T lr, momentum, weight_decay;
};

NDL_DECLARE_KERNEL(void, adam_step_f32, (const AdamArgs<float>& args, int64_t begin, int64_t end))
NDL_DECLARE_KERNEL(void, adam_step_f64, (const AdamArgs<double>& args, int64_t begin, int64_t end))
NDL_DECLARE_KERNEL(void, sgd_step_f32, (const SgdArgs<float>& args, int64_t begin, int64_t end))
NDL_DECLARE_KERNEL(void, sgd_step_f64, (const SgdArgs<double>& args, int64_t begin, int64_t end))

namespace NDL_ISA {

// Updates the moments m and v and returns the new parameter.
template <class V, class T>
NDL_HD V adam_update(const AdamArgs<T>& args, V p, V gradient, V& m, V& v) {
  const V g = gradient + args.weight_decay * p;
  m = args.beta1 * m + args.one_minus_beta1 * g;
  v = args.beta2 * v + args.one_minus_beta2 * (g * g);
  return p - args.step_size * m / (m_sqrt(v * args.v_scale) + args.eps);
}

// Updates the velocity u and returns the new parameter.
template <class V, class T>
NDL_HD V sgd_update(const SgdArgs<T>& args, V p, V gradient, V& u) {
  u = args.momentum * u + (gradient + args.weight_decay * p);
  return p - args.lr * u;
}

}  // namespace NDL_ISA
}  // namespace needlecpp
