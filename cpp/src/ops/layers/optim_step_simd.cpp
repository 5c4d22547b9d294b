// One pass over parameter, gradient and moments. All of it is bound by memory (64 GB/s from one Zen 5 core, reads and
// writes together), so what counts is to touch little: with touched_only a group of vectors without a gradient costs
// one read of the gradient and nothing else.
#include "ops/layers/optim_step_kernels.h"

namespace needlecpp::NDL_ISA {
namespace {

// Elements tested at once for a gradient.
constexpr int kGroup = 4;

// The arguments by type. The loops get them by reference and are not inlined: where a compiler knows that no store
// meets them, it makes vectors of the last elements too, and fuses other multiply-adds there.
template <class T>
struct Adam {
  T* parameter;
  T* gradient;
  T* m;
  T* v;
  AdamRates<T> rates;
  bool touched_only, clear_gradient;
  explicit Adam(const AdamArgs& args)
      : parameter(static_cast<T*>(args.parameter)),
        gradient(static_cast<T*>(args.gradient)),
        m(static_cast<T*>(args.m)),
        v(static_cast<T*>(args.v)),
        rates(args),
        touched_only(args.touched_only),
        clear_gradient(args.clear_gradient) {}
};
template <class T>
struct Sgd {
  T* parameter;
  const T* gradient;
  T* momentum_buffer;
  SgdRates<T> rates;
  explicit Sgd(const SgdArgs& args)
      : parameter(static_cast<T*>(args.parameter)),
        gradient(static_cast<const T*>(args.gradient)),
        momentum_buffer(static_cast<T*>(args.momentum_buffer)),
        rates(args) {}
};

template <class V, class T>
void adam_vector(const Adam<T>& args, int64_t i) {
  const V g = load<V>(args.gradient + i);
  const auto touched = g != T{0};
  const bool some = (args.touched_only || args.clear_gradient) && any(touched);
  if (args.touched_only && !some) return;
  const V p = load<V>(args.parameter + i);
  const V m_before = load<V>(args.m + i), v_before = load<V>(args.v + i);
  V m = m_before, v = v_before;
  V updated = adam_update(args.rates, p, g, m, v);
  if (args.touched_only) {
    updated = touched ? updated : p;
    m = touched ? m : m_before;
    v = touched ? v : v_before;
  }
  store(args.parameter + i, updated);
  store(args.m + i, m);
  store(args.v + i, v);
  if (args.clear_gradient && some) store(args.gradient + i, V{});
}

template <class T>
void adam_element(const Adam<T>& args, int64_t i) {
  const T g = args.gradient[i];
  if (args.touched_only && g == T{0}) return;
  args.parameter[i] = adam_update(args.rates, args.parameter[i], g, args.m[i], args.v[i]);
  if (args.clear_gradient && g != T{0}) args.gradient[i] = T{0};
}

template <class T>
__attribute__((noinline)) void adam_range(const Adam<T>& args, int64_t begin, int64_t end) {
  using V = typename VecOf<T>::Type;
  constexpr int kLanes = VecTraits<V>::lanes;
  int64_t i = begin;
  for (; i + kGroup * kLanes <= end; i += kGroup * kLanes) {
    if (args.touched_only) {
      auto touched = load<V>(args.gradient + i) != T{0};
      for (int j = 1; j < kGroup; ++j) touched |= load<V>(args.gradient + i + j * kLanes) != T{0};
      if (!any(touched)) continue;
    }
    for (int j = 0; j < kGroup; ++j) adam_vector<V>(args, i + j * kLanes);
  }
  for (; i < end; ++i) adam_element(args, i);
}

template <class T>
__attribute__((noinline)) void sgd_range(const Sgd<T>& args, int64_t begin, int64_t end) {
  using V = typename VecOf<T>::Type;
  constexpr int kLanes = VecTraits<V>::lanes;
  int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes) {
    V u = args.momentum_buffer ? load<V>(args.momentum_buffer + i) : V{};
    store(args.parameter + i, sgd_update(args.rates, load<V>(args.parameter + i), load<V>(args.gradient + i), u));
    if (args.momentum_buffer) store(args.momentum_buffer + i, u);
  }
  for (; i < end; ++i) {
    T u = args.momentum_buffer ? args.momentum_buffer[i] : T{0};
    args.parameter[i] = sgd_update(args.rates, args.parameter[i], args.gradient[i], u);
    if (args.momentum_buffer) args.momentum_buffer[i] = u;
  }
}

}  // namespace

void adam_step(const AdamArgs& args, int64_t begin, int64_t end) {
  with_float(args.element, [&](auto zero) { adam_range(Adam<decltype(zero)>(args), begin, end); });
}
void sgd_step(const SgdArgs& args, int64_t begin, int64_t end) {
  with_float(args.element, [&](auto zero) { sgd_range(Sgd<decltype(zero)>(args), begin, end); });
}

}  // namespace needlecpp::NDL_ISA
