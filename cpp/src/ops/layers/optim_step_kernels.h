// What the optimizers' kernels take, and the update of one element.
#pragma once

#include "simd/element.h"
#include "simd/isa.h"
#include "simd/math.h"

namespace needlecpp {

struct AdamArgs {
  Element element;  // of all arrays: F32 or F64
  void* parameter;
  void* gradient;
  void* m;
  void* v;
  double step_size;  // lr / (1 - beta1^t)
  double v_scale;    // 1 / (1 - beta2^t)
  double beta1, beta2;
  double eps, weight_decay;
  bool touched_only, clear_gradient;
};

struct SgdArgs {
  Element element;
  void* parameter;
  const void* gradient;
  void* momentum_buffer;  // null: none
  double lr, momentum, weight_decay;
};

NDL_DECLARE_KERNEL(void, adam_step, (const AdamArgs& args, int64_t begin, int64_t end))
NDL_DECLARE_KERNEL(void, sgd_step, (const SgdArgs& args, int64_t begin, int64_t end))

namespace NDL_ISA {

// The rates, rounded once to the type that is computed in.
template <class T>
struct AdamRates {
  T step_size, v_scale, beta1, beta2, one_minus_beta1, one_minus_beta2, eps, weight_decay;
  NDL_HD explicit AdamRates(const AdamArgs& args)
      : step_size(static_cast<T>(args.step_size)),
        v_scale(static_cast<T>(args.v_scale)),
        beta1(static_cast<T>(args.beta1)),
        beta2(static_cast<T>(args.beta2)),
        one_minus_beta1(static_cast<T>(1 - args.beta1)),
        one_minus_beta2(static_cast<T>(1 - args.beta2)),
        eps(static_cast<T>(args.eps)),
        weight_decay(static_cast<T>(args.weight_decay)) {}
};
template <class T>
struct SgdRates {
  T lr, momentum, weight_decay;
  NDL_HD explicit SgdRates(const SgdArgs& args)
      : lr(static_cast<T>(args.lr)),
        momentum(static_cast<T>(args.momentum)),
        weight_decay(static_cast<T>(args.weight_decay)) {}
};

// Updates the moments m and v and returns the new parameter.
template <class V, class T>
NDL_HD V adam_update(const AdamRates<T>& rates, V p, V gradient, V& m, V& v) {
  const V g = gradient + rates.weight_decay * p;
  m = rates.beta1 * m + rates.one_minus_beta1 * g;
  v = rates.beta2 * v + rates.one_minus_beta2 * (g * g);
  return p - rates.step_size * m / (m_sqrt(v * rates.v_scale) + rates.eps);
}

// Updates the velocity u and returns the new parameter.
template <class V, class T>
NDL_HD V sgd_update(const SgdRates<T>& rates, V p, V gradient, V& u) {
  u = rates.momentum * u + (gradient + rates.weight_decay * p);
  return p - rates.lr * u;
}

}  // namespace NDL_ISA
}  // namespace needlecpp
