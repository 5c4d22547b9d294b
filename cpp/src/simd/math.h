// exp, log, sin, cos, tanh and their relatives on float vectors (polynomials after Cephes, within 2-4 ulp), on double
// vectors (the C library lane by lane) and, for CUDA and scalar code, on float and double. A formula in *_kernels.h
// calls them by these names and so compiles for every kind of number.
#pragma once

#include <math.h>
#include <stdint.h>

#include "simd/hd.h"
#ifndef __CUDACC__
#include "simd/vec.h"
#endif

namespace needlecpp::NDL_ISA {

// Scalars.
NDL_HD float m_exp(float x) { return expf(x); }
NDL_HD double m_exp(double x) { return ::exp(x); }
NDL_HD float m_log(float x) { return logf(x); }
NDL_HD double m_log(double x) { return ::log(x); }
NDL_HD float m_log1p(float x) { return log1pf(x); }
NDL_HD double m_log1p(double x) { return ::log1p(x); }
NDL_HD float m_sin(float x) { return sinf(x); }
NDL_HD double m_sin(double x) { return ::sin(x); }
NDL_HD float m_cos(float x) { return cosf(x); }
NDL_HD double m_cos(double x) { return ::cos(x); }
NDL_HD float m_tanh(float x) { return tanhf(x); }
NDL_HD double m_tanh(double x) { return ::tanh(x); }
NDL_HD float m_sqrt(float x) { return sqrtf(x); }
NDL_HD double m_sqrt(double x) { return ::sqrt(x); }
NDL_HD float m_floor(float x) { return floorf(x); }
NDL_HD double m_floor(double x) { return ::floor(x); }
NDL_HD float m_pow(float a, float b) { return powf(a, b); }
NDL_HD double m_pow(double a, double b) { return ::pow(a, b); }
NDL_HD float m_abs(float x) { return fabsf(x); }
NDL_HD double m_abs(double x) { return fabs(x); }
NDL_HD float m_select(bool mask, float a, float b) { return mask ? a : b; }
NDL_HD double m_select(bool mask, double a, double b) { return mask ? a : b; }

#ifndef __CUDACC__

NDL_HD FloatV m_abs(FloatV x) { return bits<FloatV>(bits<IntV>(x) & 0x7fffffff); }
NDL_HD FloatV m_sqrt(FloatV x) { return sqrt(x); }
NDL_HD FloatV m_floor(FloatV x) { return floor(x); }
NDL_HD FloatV m_select(IntV mask, FloatV a, FloatV b) { return mask ? a : b; }
NDL_HD DoubleV m_select(LongV mask, DoubleV a, DoubleV b) { return mask ? a : b; }

// exp: x = n log 2 + r, |r| <= log(2)/2, a polynomial for exp(r), and n added to the exponent in two halves so that
// results down to the smallest denormal and up to the largest float come out right.
NDL_HD FloatV m_exp(FloatV x) {
  const FloatV clamped = min_fast(max_fast(x, splat<FloatV>(-105.0f)), splat<FloatV>(89.0f));
  const FloatV n = floor(clamped * 1.44269504088896341f + 0.5f);
  const FloatV r = (clamped - n * 0.693359375f) - n * -2.12194440e-4f;
  FloatV p = splat<FloatV>(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  const IntV exponent = to_int(n);
  const IntV half = exponent >> 1;
  const FloatV scale_a = bits<FloatV>((half + 127) << 23);
  const FloatV scale_b = bits<FloatV>((exponent - half + 127) << 23);
  const FloatV y = (p * scale_a) * scale_b;
  return x != x ? x : y;
}

// log: x = m 2^e with m in [sqrt(1/2), sqrt(2)), a polynomial for log(m).
NDL_HD FloatV m_log(FloatV x) {
  const FloatV smallest = splat<FloatV>(1.17549435e-38f);
  const IntV denormal = x < smallest;
  const FloatV scaled = denormal ? x * 8388608.0f : x;
  const IntV raw = bits<IntV>(scaled);
  IntV e = ((raw >> 23) & 0xff) - 126;
  FloatV m = bits<FloatV>((raw & 0x007fffff) | 0x3f000000);
  const IntV low = m < 0.70710678118654752f;
  e = e + low;  // a true lane is -1
  m = (low ? m + m : m) - 1.0f;
  FloatV p = splat<FloatV>(7.0376836292e-2f);
  p = p * m + -1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m + -1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m + -1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m + -2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  const FloatV z = m * m;
  const FloatV ef = to_float(e) - (denormal ? splat<FloatV>(23.0f) : FloatV{});
  FloatV y = p * m * z + ef * -2.12194440e-4f - 0.5f * z;
  y = m + y + ef * 0.693359375f;
  const FloatV infinity = splat<FloatV>(__builtin_inff());
  y = x == infinity ? infinity : y;
  y = x == 0.0f ? -infinity : y;
  return ((x < 0.0f) | (x != x)) ? splat<FloatV>(__builtin_nanf("")) : y;
}

// log(1 + x) with the rounding error of 1 + x given back.
NDL_HD FloatV m_log1p(FloatV x) {
  const FloatV u = 1.0f + x;
  const FloatV d = u - 1.0f;
  const FloatV y = m_log(u) + (x - d) / u;
  const IntV tiny = m_abs(x) < 1e-4f;
  const FloatV infinity = splat<FloatV>(__builtin_inff());
  return tiny ? x - 0.5f * x * x : (x == infinity ? infinity : (u == 0.0f ? -infinity : y));
}

// The C library lane by lane, for lanes whose argument is too large for the fast range reduction.
template <float (*Fn)(float), class V>
NDL_HD V by_lane(V x) {
  for (int i = 0; i < VecTraits<V>::lanes; ++i) x[i] = Fn(x[i]);
  return x;
}

// sin and cos: x = q pi/2 + r with a three-part pi/2 (good to |x| of 8192), a polynomial for each quarter turn.
template <bool Cos>
NDL_HD FloatV sin_or_cos(FloatV x) {
  if (any(~(m_abs(x) <= 8192.0f))) return Cos ? by_lane<cosf>(x) : by_lane<sinf>(x);
  const FloatV q = floor(x * 0.63661977236758134f + 0.5f);
  const FloatV r = ((x - q * 1.5703125f) - q * 4.837512969970703125e-4f) - q * 7.549789948768648e-8f;
  const IntV quarter = to_int(q) + (Cos ? 1 : 0);
  const FloatV z = r * r;
  const FloatV s = ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * r + r;
  const FloatV c =
      ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * z * z - 0.5f * z + 1.0f;
  const FloatV y = (quarter & 1) != 0 ? c : s;
  return (quarter & 2) != 0 ? -y : y;
}
NDL_HD FloatV m_sin(FloatV x) { return sin_or_cos<false>(x); }
NDL_HD FloatV m_cos(FloatV x) { return sin_or_cos<true>(x); }

// tanh: odd polynomial near zero, 1 - 2 / (exp(2|x|) + 1) elsewhere.
NDL_HD FloatV m_tanh(FloatV x) {
  const FloatV a = m_abs(x);
  const FloatV z = x * x;
  const FloatV small =
      ((((-5.70498872745e-3f * z + 2.06390887954e-2f) * z - 5.37397155531e-2f) * z + 1.33314422036e-1f) * z -
       3.33332819422e-1f) *
          z * x +
      x;
  const FloatV large = 1.0f - 2.0f / (m_exp(a + a) + 1.0f);
  const FloatV sign = bits<FloatV>(bits<IntV>(x) & static_cast<int32_t>(0x80000000));
  const FloatV y = a < 0.625f ? small : bits<FloatV>(bits<IntV>(large) | bits<IntV>(sign));
  return x != x ? x : y;
}
NDL_HD FloatV m_pow(FloatV a, FloatV b) {
  for (int i = 0; i < kFloats; ++i) a[i] = powf(a[i], b[i]);
  return a;
}

// Doubles serve gradient checks and exact work: the C library's accuracy matters there, not the last factor of speed.
#define NDL_BY_LANE(name, function)                           \
  NDL_HD DoubleV name(DoubleV x) {                            \
    for (int i = 0; i < kDoubles; ++i) x[i] = function(x[i]); \
    return x;                                                 \
  }
NDL_BY_LANE(m_exp, ::exp)
NDL_BY_LANE(m_log, ::log)
NDL_BY_LANE(m_log1p, ::log1p)
NDL_BY_LANE(m_sin, ::sin)
NDL_BY_LANE(m_cos, ::cos)
NDL_BY_LANE(m_tanh, ::tanh)
NDL_BY_LANE(m_floor, ::floor)
#undef NDL_BY_LANE
NDL_HD DoubleV m_abs(DoubleV x) { return bits<DoubleV>(bits<LongV>(x) & 0x7fffffffffffffffll); }
NDL_HD DoubleV m_sqrt(DoubleV x) { return sqrt(x); }
NDL_HD DoubleV m_pow(DoubleV a, DoubleV b) {
  for (int i = 0; i < kDoubles; ++i) a[i] = ::pow(a[i], b[i]);
  return a;
}

#endif  // __CUDACC__

}  // namespace needlecpp::NDL_ISA
