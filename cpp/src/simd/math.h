// exp, log, sin, tanh, erf and their relatives on float vectors (polynomials after Cephes, within 2-4 ulp), on double
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
#define NDL_SCALAR(name, function_f, function)             \
  NDL_HD float m_##name(float x) { return function_f(x); } \
  NDL_HD double m_##name(double x) { return function(x); }
NDL_SCALAR(expm1, expm1f, ::expm1)
NDL_SCALAR(exp2, exp2f, ::exp2)
NDL_SCALAR(log2, log2f, ::log2)
NDL_SCALAR(log10, log10f, ::log10)
NDL_SCALAR(tan, tanf, ::tan)
NDL_SCALAR(asin, asinf, ::asin)
NDL_SCALAR(acos, acosf, ::acos)
NDL_SCALAR(atan, atanf, ::atan)
NDL_SCALAR(sinh, sinhf, ::sinh)
NDL_SCALAR(cosh, coshf, ::cosh)
NDL_SCALAR(asinh, asinhf, ::asinh)
NDL_SCALAR(acosh, acoshf, ::acosh)
NDL_SCALAR(atanh, atanhf, ::atanh)
NDL_SCALAR(erf, erff, ::erf)
NDL_SCALAR(erfc, erfcf, ::erfc)
NDL_SCALAR(lgamma, lgammaf, ::lgamma)
NDL_SCALAR(ceil, ceilf, ::ceil)
NDL_SCALAR(trunc, truncf, ::trunc)
NDL_SCALAR(rint, rintf, ::rint)  // halves to even
#undef NDL_SCALAR
NDL_HD float m_atan2(float a, float b) { return atan2f(a, b); }
NDL_HD double m_atan2(double a, double b) { return ::atan2(a, b); }
NDL_HD float m_hypot(float a, float b) { return hypotf(a, b); }
NDL_HD double m_hypot(double a, double b) { return ::hypot(a, b); }
NDL_HD float m_fmod(float a, float b) { return fmodf(a, b); }
NDL_HD double m_fmod(double a, double b) { return ::fmod(a, b); }
NDL_HD float m_copysign(float a, float b) { return copysignf(a, b); }
NDL_HD double m_copysign(double a, double b) { return ::copysign(a, b); }
NDL_HD bool m_sign_bit(float x) { return copysignf(1.0f, x) < 0.0f; }
NDL_HD bool m_sign_bit(double x) { return ::copysign(1.0, x) < 0.0; }
NDL_HD bool m_sign_bit(int64_t x) { return x < 0; }
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

// exp(r) - 1 for |r| <= log(2)/2.
NDL_HD FloatV expm1_polynomial(FloatV r) {
  FloatV p = splat<FloatV>(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  return p * (r * r) + r;
}
// 2^n
NDL_HD FloatV power_of_two(IntV n) { return bits<FloatV>((n + 127) << 23); }
// p 2^n for p near 1 and -151 <= n <= 128. n goes into the exponent in two halves, for the largest floats; denormal
// results are put together as integers, because arithmetic on denormals takes the processor a hundred times longer.
NDL_HD FloatV scale_by_power(FloatV p, IntV n) {
  const IntV smallest = IntV{} - 125;
  const IntV below = n < smallest;
  const IntV exponent = below ? smallest : n;
  const IntV half = exponent >> 1;
  FloatV y = (p * power_of_two(half)) * power_of_two(exponent - half);
  if (any(below)) {
    const FloatV steps = p * power_of_two((below ? n : smallest) + 149);  // of the smallest denormal
    y = below ? bits<FloatV>(to_int(steps + 0.5f)) : y;
  }
  return y;
}

// exp: x = n log 2 + r, a polynomial for exp(r), and n added to the exponent.
NDL_HD FloatV m_exp(FloatV x) {
  const FloatV clamped = min_fast(max_fast(x, splat<FloatV>(-105.0f)), splat<FloatV>(89.0f));
  const FloatV n = floor(clamped * 1.44269504088896341f + 0.5f);
  const FloatV r = (clamped - n * 0.693359375f) - n * -2.12194440e-4f;
  const FloatV y = scale_by_power(expm1_polynomial(r) + 1.0f, to_int(n));
  return x != x ? x : y;
}
// 2^x: the same, with the fraction of x times log 2 as r.
NDL_HD FloatV m_exp2(FloatV x) {
  const FloatV clamped = min_fast(max_fast(x, splat<FloatV>(-151.0f)), splat<FloatV>(128.0f));
  const FloatV n = floor(clamped + 0.5f);
  const FloatV r = (clamped - n) * 0.69314718055994531f;
  const FloatV y = scale_by_power(expm1_polynomial(r) + 1.0f, to_int(n));
  return x != x ? x : y;
}
// exp(x) - 1 = 2 (2^(n-1) (exp(r) - 1) + 2^(n-1) - 1/2), which is exp(r) - 1 itself for n = 0.
NDL_HD FloatV m_expm1(FloatV x) {
  const FloatV clamped = min_fast(max_fast(x, splat<FloatV>(-30.0f)), splat<FloatV>(89.0f));
  const FloatV n = floor(clamped * 1.44269504088896341f + 0.5f);
  const FloatV r = (clamped - n * 0.693359375f) - n * -2.12194440e-4f;
  const FloatV half = power_of_two(to_int(n) - 1);
  const FloatV y = 2.0f * (half * expm1_polynomial(r) + (half - 0.5f));
  return ((x != x) | (m_abs(x) < 1e-10f)) ? x : y;
}

// x = m 2^e with m in [sqrt(1/2), sqrt(2)); log(m) = m1 + tail with m1 = m - 1.
struct LogParts {
  FloatV e, m1, tail;
};
NDL_HD LogParts log_parts(FloatV x) {
  const IntV denormal = x < 1.17549435e-38f;
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
  return {to_float(e) - (denormal ? splat<FloatV>(23.0f) : FloatV{}), m, p * m * z - 0.5f * z};
}
// What every logarithm gives at infinity, zero and below.
NDL_HD FloatV log_limits(FloatV x, FloatV y) {
  const FloatV infinity = splat<FloatV>(__builtin_inff());
  y = x == infinity ? infinity : y;
  y = x == 0.0f ? -infinity : y;
  return ((x < 0.0f) | (x != x)) ? splat<FloatV>(__builtin_nanf("")) : y;
}
NDL_HD FloatV m_log(FloatV x) {
  const LogParts l = log_parts(x);
  const FloatV y = l.m1 + (l.tail + l.e * -2.12194440e-4f);
  return log_limits(x, y + l.e * 0.693359375f);
}
// log(m) in another base, its factor split as 1.4375 + the rest (0.4375 + the rest) for the exact product with m1.
NDL_HD FloatV m_log2(FloatV x) {
  const LogParts l = log_parts(x);
  const FloatV rest = (l.m1 + l.tail) * 5.1950408889634074e-3f + l.tail * 1.4375f;
  return log_limits(x, (rest + l.m1 * 1.4375f) + l.e);
}
NDL_HD FloatV m_log10(FloatV x) {
  const LogParts l = log_parts(x);
  const FloatV rest = (l.m1 + l.tail) * -3.2055180967481724e-3f + l.tail * 0.4375f + l.e * 4.6050389811952113e-6f;
  return log_limits(x, (rest + l.m1 * 0.4375f) + l.e * 0.301025390625f);
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
  const FloatV turned = (quarter & 2) != 0 ? -y : y;
  return Cos ? turned : (x == 0.0f ? x : turned);  // -0 stays
}
NDL_HD FloatV m_sin(FloatV x) { return sin_or_cos<false>(x); }
NDL_HD FloatV m_cos(FloatV x) { return sin_or_cos<true>(x); }
// tan: the same reduction, a polynomial on an eighth of a turn to either side, -1/tan in odd quarters.
NDL_HD FloatV m_tan(FloatV x) {
  if (any(~(m_abs(x) <= 8192.0f))) return by_lane<tanf>(x);
  const FloatV q = floor(x * 0.63661977236758134f + 0.5f);
  const FloatV r = ((x - q * 1.5703125f) - q * 4.837512969970703125e-4f) - q * 7.549789948768648e-8f;
  const FloatV z = r * r;
  FloatV p = splat<FloatV>(9.38540185543e-3f);
  p = p * z + 3.11992232697e-3f;
  p = p * z + 2.44301354525e-2f;
  p = p * z + 5.34112807005e-2f;
  p = p * z + 1.33387994085e-1f;
  p = p * z + 3.33331568548e-1f;
  const FloatV y = p * z * r + r;
  return (to_int(q) & 1) != 0 ? -1.0f / y : y;
}

NDL_HD FloatV m_copysign(FloatV a, FloatV b) {
  const int32_t sign = static_cast<int32_t>(0x80000000);
  return bits<FloatV>((bits<IntV>(a) & ~sign) | (bits<IntV>(b) & sign));
}
// asin(x) for 0 <= x <= 1/2.
NDL_HD FloatV asin_polynomial(FloatV x) {
  const FloatV z = x * x;
  FloatV p = splat<FloatV>(4.2163199048e-2f);
  p = p * z + 2.4181311049e-2f;
  p = p * z + 4.5470025998e-2f;
  p = p * z + 7.4953002686e-2f;
  p = p * z + 1.6666752422e-1f;
  return p * z * x + x;
}
// Beyond 1/2 by asin(x) = pi/2 - 2 asin(sqrt((1 - x) / 2)).
NDL_HD FloatV m_asin(FloatV x) {
  const FloatV a = m_abs(x);
  const IntV far = a > 0.5f;
  const FloatV p = asin_polynomial(far ? sqrt(0.5f * (1.0f - a)) : a);
  return m_copysign(far ? 1.57079632679489662f - (p + p) : p, x);
}
NDL_HD FloatV m_acos(FloatV x) {
  const FloatV a = m_abs(x);
  const IntV far = a > 0.5f;
  const FloatV p = asin_polynomial(far ? sqrt(0.5f * (1.0f - a)) : a);
  const FloatV outer = x < 0.0f ? 3.14159265358979324f - (p + p) : p + p;
  return far ? outer : 1.57079632679489662f - m_copysign(p, x);
}
// atan(x) for 0 <= x <= 1, halved once more by atan(x) = pi/4 + atan((x - 1) / (x + 1)).
NDL_HD FloatV atan_polynomial(FloatV x) {
  const IntV far = x > 0.41421356237309505f;
  const FloatV t = far ? (x - 1.0f) / (x + 1.0f) : x;
  const FloatV z = t * t;
  FloatV p = splat<FloatV>(8.05374449538e-2f);
  p = p * z + -1.38776856032e-1f;
  p = p * z + 1.99777106478e-1f;
  p = p * z + -3.33329491539e-1f;
  p = p * z * t + t;
  return far ? p + 0.78539816339744831f : p;
}
NDL_HD FloatV m_atan(FloatV x) {
  const FloatV a = m_abs(x);
  const IntV far = a > 1.0f;
  const FloatV p = atan_polynomial(far ? 1.0f / a : a);
  return m_copysign(far ? 1.57079632679489662f - p : p, x);
}
NDL_HD FloatV m_atan2(FloatV y, FloatV x) {
  const FloatV a = m_abs(y);
  const FloatV b = m_abs(x);
  const IntV steep = a > b;
  FloatV t = (steep ? b : a) / (steep ? a : b);
  t = a == b ? ((a == 0.0f) ? FloatV{} : splat<FloatV>(1.0f)) : t;  // two zeros, two infinities
  FloatV p = atan_polynomial(t);
  p = steep ? 1.57079632679489662f - p : p;
  p = bits<IntV>(x) < 0 ? 3.14159265358979324f - p : p;
  return x != x ? x : m_copysign(p, y);
}
// sqrt(a^2 + b^2), both scaled by the power of two of the larger, so that no square overflows or vanishes.
NDL_HD FloatV m_hypot(FloatV a, FloatV b) {
  const FloatV infinity = splat<FloatV>(__builtin_inff());
  const FloatV x = m_abs(a);
  const FloatV y = m_abs(b);
  const FloatV larger = x > y ? x : y;
  const IntV big = larger > 1e18f;
  const IntV small = larger < 1e-18f;
  const FloatV up = big ? splat<FloatV>(1.2621774e-29f) : small ? splat<FloatV>(1.2379401e27f) : FloatV{} + 1.0f;
  const FloatV down = big ? splat<FloatV>(7.9228163e28f) : small ? splat<FloatV>(8.0779357e-28f) : FloatV{} + 1.0f;
  const FloatV u = x * up;
  const FloatV v = y * up;
  const FloatV h = sqrt(u * u + v * v) * down;
  return ((x == infinity) | (y == infinity)) ? infinity : h;
}

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
  return x != x ? x : m_copysign(a < 0.625f ? small : large, x);
}
// sinh: a polynomial near zero; (e^2 - e^-2) / 2 with e = exp(|x|/2) elsewhere, which overflows only with the result.
NDL_HD FloatV m_sinh(FloatV x) {
  const FloatV z = x * x;
  const FloatV small = ((2.03721912945e-4f * z + 8.33028376239e-3f) * z + 1.66667160211e-1f) * z * x + x;
  const FloatV e = m_exp(0.5f * m_abs(x));
  const FloatV large = (0.5f * e) * e - (0.5f / e) / e;
  return m_abs(x) < 1.0f ? small : m_copysign(large, x);
}
NDL_HD FloatV m_cosh(FloatV x) {
  const FloatV e = m_exp(0.5f * m_abs(x));
  return (0.5f * e) * e + (0.5f / e) / e;
}
// The inverse hyperbolic functions by log(1 + u), with a u that keeps its precision near zero.
NDL_HD FloatV m_asinh(FloatV x) {
  const FloatV a = m_abs(x);
  const IntV far = a > 1e9f;
  const FloatV b = far ? FloatV{} : a;
  const FloatV near = m_log1p(b + b * b / (1.0f + sqrt(b * b + 1.0f)));
  const FloatV y = m_copysign(far ? m_log(a) + 0.69314718055994531f : near, x);
  return x != x ? x : y;
}
NDL_HD FloatV m_acosh(FloatV x) {
  const IntV far = x > 1e9f;
  const FloatV t = far ? FloatV{} : x - 1.0f;
  const FloatV near = m_log1p(t + sqrt(t + t + t * t));
  const FloatV y = far ? m_log(x) + 0.69314718055994531f : near;
  return x < 1.0f ? splat<FloatV>(__builtin_nanf("")) : y;
}
NDL_HD FloatV m_atanh(FloatV x) {
  const FloatV a = m_abs(x);
  return m_copysign(0.5f * m_log1p((a + a) / (1.0f - a)), x);
}
// erf: x plus an odd polynomial near zero, 1 - exp(polynomial) elsewhere.
NDL_HD FloatV m_erf(FloatV x) {
  const FloatV a = m_abs(x);
  const FloatV z = x * x;
  FloatV p = splat<FloatV>(-5.96761703e-4f);
  p = p * z + 4.99119423e-3f;
  p = p * z + -2.67681349e-2f;
  p = p * z + 1.12819925e-1f;
  p = p * z + -3.76125336e-1f;
  p = p * z + 1.28379166e-1f;
  const FloatV near = p * x + x;
  FloatV q = splat<FloatV>(-1.72853470e-5f);
  q = q * a + 3.83197126e-4f;
  q = q * a + -3.88396438e-3f;
  q = q * a + 2.42546219e-2f;
  q = q * a + -1.06777877e-1f;
  q = q * a + -6.34846687e-1f;
  q = q * a + -1.28717512e-1f;
  const FloatV b = a < 4.0f ? a : splat<FloatV>(4.0f);  // 1 in float from there on
  const FloatV far = a < 4.0f ? 1.0f - m_exp(q * b - b) : splat<FloatV>(1.0f);
  const FloatV y = a < 0.921875f ? near : m_copysign(far, x);
  return x != x ? x : y;
}
NDL_HD FloatV m_erfc(FloatV x) { return by_lane<erfcf>(x); }
NDL_HD FloatV m_lgamma(FloatV x) { return by_lane<lgammaf>(x); }

// ceil, trunc and rint (halves to even) by instruction where there is one.
#if defined(__AVX512F__)
#define NDL_ROUND(v, mode) (FloatV) _mm512_roundscale_ps((__m512)v, mode | _MM_FROUND_NO_EXC)
#elif defined(__AVX2__)
#define NDL_ROUND(v, mode) (FloatV) _mm256_round_ps((__m256)v, mode | _MM_FROUND_NO_EXC)
#endif
#ifdef NDL_ROUND
NDL_HD FloatV m_ceil(FloatV x) { return NDL_ROUND(x, _MM_FROUND_TO_POS_INF); }
NDL_HD FloatV m_trunc(FloatV x) { return NDL_ROUND(x, _MM_FROUND_TO_ZERO); }
NDL_HD FloatV m_rint(FloatV x) { return NDL_ROUND(x, _MM_FROUND_TO_NEAREST_INT); }
#undef NDL_ROUND
#else
NDL_HD FloatV m_ceil(FloatV x) { return by_lane<ceilf>(x); }
NDL_HD FloatV m_trunc(FloatV x) { return by_lane<truncf>(x); }
NDL_HD FloatV m_rint(FloatV x) { return by_lane<rintf>(x); }
#endif

// Doubles serve gradient checks and exact work: the C library's accuracy matters there, not the last factor of speed.
#define NDL_BY_LANE(name)                                     \
  NDL_HD DoubleV m_##name(DoubleV x) {                        \
    for (int i = 0; i < kDoubles; ++i) x[i] = m_##name(x[i]); \
    return x;                                                 \
  }
#define NDL_BY_LANE_2(name, V)                                                 \
  NDL_HD V m_##name(V a, V b) {                                                \
    for (int i = 0; i < VecTraits<V>::lanes; ++i) a[i] = m_##name(a[i], b[i]); \
    return a;                                                                  \
  }
NDL_BY_LANE(exp)
NDL_BY_LANE(exp2)
NDL_BY_LANE(expm1)
NDL_BY_LANE(log)
NDL_BY_LANE(log1p)
NDL_BY_LANE(log2)
NDL_BY_LANE(log10)
NDL_BY_LANE(sin)
NDL_BY_LANE(cos)
NDL_BY_LANE(tan)
NDL_BY_LANE(asin)
NDL_BY_LANE(acos)
NDL_BY_LANE(atan)
NDL_BY_LANE(sinh)
NDL_BY_LANE(cosh)
NDL_BY_LANE(tanh)
NDL_BY_LANE(asinh)
NDL_BY_LANE(acosh)
NDL_BY_LANE(atanh)
NDL_BY_LANE(erf)
NDL_BY_LANE(erfc)
NDL_BY_LANE(lgamma)
NDL_BY_LANE(floor)
NDL_BY_LANE(ceil)
NDL_BY_LANE(trunc)
NDL_BY_LANE(rint)
NDL_BY_LANE_2(pow, FloatV)
NDL_BY_LANE_2(pow, DoubleV)
NDL_BY_LANE_2(fmod, DoubleV)
NDL_BY_LANE_2(atan2, DoubleV)
NDL_BY_LANE_2(hypot, DoubleV)
NDL_BY_LANE_2(copysign, DoubleV)
#undef NDL_BY_LANE
#undef NDL_BY_LANE_2
// fmod where the quotient has fewer than 24 bits: its product with b, and the difference from a, are exact in double.
NDL_HD FloatV m_fmod(FloatV a, FloatV b) {
  typedef double Wide __attribute__((vector_size(2 * sizeof(FloatV))));
  const FloatV ratio = a / b;
  if (any(~((m_abs(ratio) < 8388608.0f) & (m_abs(b) < __builtin_inff())))) {
    for (int i = 0; i < kFloats; ++i) a[i] = fmodf(a[i], b[i]);
    return a;
  }
  const Wide x = __builtin_convertvector(a, Wide);
  const Wide y = __builtin_convertvector(m_copysign(b, a), Wide);
  const Wide rest = x - __builtin_convertvector(m_abs(m_trunc(ratio)), Wide) * y;
  const Wide r = rest * x < 0.0 ? rest + y : rest;  // the ratio was rounded up to an integer
  return m_copysign(__builtin_convertvector(r, FloatV), a);
}
NDL_HD DoubleV m_abs(DoubleV x) { return bits<DoubleV>(bits<LongV>(x) & 0x7fffffffffffffffll); }
NDL_HD DoubleV m_sqrt(DoubleV x) { return sqrt(x); }

#endif  // __CUDACC__

// erfinv: Giles' polynomials in w = -log(1 - x^2), good to float's precision.
template <class V>
NDL_HD V erfinv_estimate(V x) {
  const V a = m_abs(x);
  const V w = -m_select(a > 0.5f, m_log((1.0f - a) * (1.0f + a)), m_log1p(-x * x));
  const V t = w - 2.5f;
  V p = V{} + 2.81022636e-08f;
  p = p * t + 3.43273939e-07f;
  p = p * t + -3.5233877e-06f;
  p = p * t + -4.39150654e-06f;
  p = p * t + 0.00021858087f;
  p = p * t + -0.00125372503f;
  p = p * t + -0.00417768164f;
  p = p * t + 0.246640727f;
  p = p * t + 1.50140941f;
  const V s = m_sqrt(w) - 3.0f;
  V q = V{} + -0.000200214257f;
  q = q * s + 0.000100950558f;
  q = q * s + 0.00134934322f;
  q = q * s + -0.00367342844f;
  q = q * s + 0.00573950773f;
  q = q * s + -0.0076224613f;
  q = q * s + 0.00943887047f;
  q = q * s + 1.00167406f;
  q = q * s + 2.83297682f;
  const V y = m_select(w < 5.0f, p, q) * x;
  const V outside = V{} + __builtin_nanf("");
  const V end = m_copysign(V{} + __builtin_inff(), x);
  return m_select(a < 1.0f, y, m_select(a == 1.0f, end, outside));
}
NDL_HD float m_erfinv(float x) { return erfinv_estimate(x); }
// Doubles: Halley's steps on erfc(y) = 1 - |x|, or on erf(y) = |x| in the middle, from the estimate.
NDL_HD double m_erfinv(double x) {
  const double a = ::fabs(x);
  if (!(a < 1.0)) return erfinv_estimate(x);
  const double w = -::log1p(-a * a);
  double y = w < 16.0 ? erfinv_estimate(a) : ::sqrt(w - 0.5 * ::log(w) - 0.6);
  for (int step = 0; step < 3; ++step) {
    const double error = a < 0.5 ? ::erf(y) - a : (1.0 - a) - ::erfc(y);
    const double u = error / (1.1283791670955126 * ::exp(-y * y));
    y = y - u / (1.0 + y * u);
  }
  return ::copysign(y, x);
}

// digamma and trigamma in double: up by the recurrence to where the asymptotic series is good, reflected below zero.
NDL_HD double digamma(double x) {
  const double pi = 3.14159265358979323846;
  if (x == 0.0) return ::copysign(__builtin_inf(), -x);
  double y = 0.0;
  if (x < 0.0) {
    if (x == ::floor(x)) return __builtin_nan("");
    y = -pi / ::tan(pi * (x - ::rint(x)));
    x = 1.0 - x;
  }
  for (; x < 10.0; x = x + 1.0) y = y - 1.0 / x;
  const double z = 1.0 / (x * x);
  const double series =
      z * (1.0 / 12 - z * (1.0 / 120 - z * (1.0 / 252 - z * (1.0 / 240 - z * (1.0 / 132 - z * (691.0 / 32760))))));
  return y + ::log(x) - 0.5 / x - (x < 1e17 ? series : 0.0);
}
NDL_HD double trigamma(double x) {
  const double pi = 3.14159265358979323846;
  double y = 0.0;
  double sign = 1.0;
  if (x < 0.5) {
    const double s = ::sin(pi * (x - ::rint(x)));
    y = -(pi * pi) / (s * s);
    x = 1.0 - x;
    sign = -1.0;
  }
  for (; x < 10.0; x = x + 1.0) y = y + 1.0 / (x * x);
  const double z = 1.0 / (x * x);
  y = y +
      (1.0 + (1.0 / (x + x)) + z * (1.0 / 6 - z * (1.0 / 30 - z * (1.0 / 42 - z * (1.0 / 30 - z * (5.0 / 66)))))) / x;
  return sign * y;
}
NDL_HD float m_digamma(float x) { return static_cast<float>(digamma(x)); }
NDL_HD double m_digamma(double x) { return digamma(x); }
NDL_HD float m_trigamma(float x) { return static_cast<float>(trigamma(x)); }
NDL_HD double m_trigamma(double x) { return trigamma(x); }

#ifndef __CUDACC__
NDL_HD FloatV m_erfinv(FloatV x) { return erfinv_estimate(x); }
NDL_HD DoubleV m_erfinv(DoubleV x) {
  for (int i = 0; i < kDoubles; ++i) x[i] = m_erfinv(x[i]);
  return x;
}
template <class V>
NDL_HD V m_digamma(V x) {
  for (int i = 0; i < VecTraits<V>::lanes; ++i) x[i] = m_digamma(x[i]);
  return x;
}
template <class V>
NDL_HD V m_trigamma(V x) {
  for (int i = 0; i < VecTraits<V>::lanes; ++i) x[i] = m_trigamma(x[i]);
  return x;
}
#endif

}  // namespace needlecpp::NDL_ISA
