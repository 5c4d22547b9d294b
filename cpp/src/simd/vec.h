// Vectors on the compilers' vector extensions: +, -, *, /, comparisons, &, |, << and ?: work on them as they are.
// kFloats is the number of float lanes of the set being compiled (4, 8 or 16). Intrinsics appear only where the
// extensions end: square root, gathers, rounding, horizontal sums.
#pragma once

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "simd/hd.h"

namespace needlecpp::NDL_ISA {

#if defined(__AVX512F__)
inline constexpr int kFloats = 16;
#elif defined(__AVX2__)
inline constexpr int kFloats = 8;
#else
inline constexpr int kFloats = 4;
#endif
inline constexpr int kDoubles = kFloats / 2;

typedef float FloatV __attribute__((vector_size(kFloats * 4)));
typedef int32_t IntV __attribute__((vector_size(kFloats * 4)));
typedef uint32_t UIntV __attribute__((vector_size(kFloats * 4)));
typedef double DoubleV __attribute__((vector_size(kFloats * 4)));  // kDoubles lanes
typedef int64_t LongV __attribute__((vector_size(kFloats * 4)));   // kDoubles lanes

template <class V>
struct VecTraits;
template <>
struct VecTraits<FloatV> {
  using Scalar = float;
  using Mask = IntV;
  static constexpr int lanes = kFloats;
};
template <>
struct VecTraits<DoubleV> {
  using Scalar = double;
  using Mask = LongV;
  static constexpr int lanes = kDoubles;
};
template <class T>
struct VecOf;
template <>
struct VecOf<float> {
  using Type = FloatV;
};
template <>
struct VecOf<double> {
  using Type = DoubleV;
};

template <class To, class From>
NDL_HD To bits(const From& from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}
// True (all bits) in the first `count` lanes of an integer vector.
template <class M>
NDL_HD M first_lanes(int64_t count) {
  M lane = {};
  for (int i = 0; i < static_cast<int>(sizeof(M) / sizeof(lane[0])); ++i) lane[i] = i;
  return lane < (M{} + static_cast<decltype(lane[0] + 0)>(count));
}

// Unaligned loads and stores; the `count` forms touch the first `count` lanes only (the rest load as zero).
template <class V, class T>
NDL_HD V load(const T* from) {
  V v;
  memcpy(&v, from, sizeof v);
  return v;
}
template <class V, class T>
NDL_HD void store(T* to, const V& v) {
  memcpy(to, &v, sizeof v);
}
// Masked instructions here, because a copy of variable length is a call of the C library.
template <class V, class T>
NDL_HD V load(const T* from, int64_t count) {
  static_assert(sizeof(V) == kFloats * 4);
#if defined(__AVX512F__)
  const unsigned mask = (1u << count) - 1;
  if constexpr (sizeof(T) == 4) return bits<V>(_mm512_maskz_loadu_epi32(static_cast<__mmask16>(mask), from));
  if constexpr (sizeof(T) == 8) return bits<V>(_mm512_maskz_loadu_epi64(static_cast<__mmask8>(mask), from));
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4)
    return bits<V>(_mm256_maskload_epi32((const int*)from, (__m256i)first_lanes<IntV>(count)));
  if constexpr (sizeof(T) == 8)
    return bits<V>(_mm256_maskload_epi64((const long long*)from, (__m256i)first_lanes<LongV>(count)));
#endif
  V v = {};
  for (int64_t i = 0; i < count; ++i) v[i] = from[i];
  return v;
}
template <class V, class T>
NDL_HD void store(T* to, const V& v, int64_t count) {
  static_assert(sizeof(V) == kFloats * 4);
#if defined(__AVX512F__)
  const unsigned mask = (1u << count) - 1;
  if constexpr (sizeof(T) == 4) return _mm512_mask_storeu_epi32(to, static_cast<__mmask16>(mask), bits<__m512i>(v));
  if constexpr (sizeof(T) == 8) return _mm512_mask_storeu_epi64(to, static_cast<__mmask8>(mask), bits<__m512i>(v));
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4)
    return _mm256_maskstore_epi32((int*)to, (__m256i)first_lanes<IntV>(count), bits<__m256i>(v));
  if constexpr (sizeof(T) == 8)
    return _mm256_maskstore_epi64((long long*)to, (__m256i)first_lanes<LongV>(count), bits<__m256i>(v));
#endif
  for (int64_t i = 0; i < count; ++i) to[i] = v[i];
}
template <class V, class T>
NDL_HD V splat(T x) {
  return x - V{};  // not +, which would turn -0 into 0 and so could not be left out
}
NDL_HD IntV to_int(FloatV x) { return __builtin_convertvector(x, IntV); }  // truncates
NDL_HD FloatV to_float(IntV x) { return __builtin_convertvector(x, FloatV); }
NDL_HD IntV lane_numbers() {
  IntV v;
  for (int i = 0; i < kFloats; ++i) v[i] = i;
  return v;
}

// base[index[lane]].
NDL_HD FloatV gather(const float* base, IntV index) {
#if defined(__AVX512F__)
  return (FloatV)_mm512_i32gather_ps((__m512i)index, base, 4);
#elif defined(__AVX2__)
  return (FloatV)_mm256_i32gather_ps(base, (__m256i)index, 4);
#else
  FloatV v;
  for (int i = 0; i < kFloats; ++i) v[i] = base[index[i]];
  return v;
#endif
}

NDL_HD FloatV sqrt(FloatV x) {
#if defined(__AVX512F__)
  return (FloatV)_mm512_sqrt_ps((__m512)x);
#elif defined(__AVX2__)
  return (FloatV)_mm256_sqrt_ps((__m256)x);
#elif defined(__x86_64__)
  return (FloatV)_mm_sqrt_ps((__m128)x);
#else
  for (int i = 0; i < kFloats; ++i) x[i] = __builtin_sqrtf(x[i]);
  return x;
#endif
}
NDL_HD DoubleV sqrt(DoubleV x) {
#if defined(__AVX512F__)
  return (DoubleV)_mm512_sqrt_pd((__m512d)x);
#elif defined(__AVX2__)
  return (DoubleV)_mm256_sqrt_pd((__m256d)x);
#elif defined(__x86_64__)
  return (DoubleV)_mm_sqrt_pd((__m128d)x);
#else
  for (int i = 0; i < kDoubles; ++i) x[i] = __builtin_sqrt(x[i]);
  return x;
#endif
}
NDL_HD FloatV floor(FloatV x) {
#if defined(__AVX512F__)
  return (FloatV)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
#elif defined(__AVX2__)
  return (FloatV)_mm256_floor_ps((__m256)x);
#else
  for (int i = 0; i < kFloats; ++i) x[i] = __builtin_floorf(x[i]);
  return x;
#endif
}

template <class V>
NDL_HD V select(typename VecTraits<V>::Mask mask, V a, V b) {
  return mask ? a : b;
}
// As the array libraries do it: a NaN on either side gives NaN.
template <class V>
NDL_HD V max_nan(V a, V b) {
  return ((a > b) | (a != a)) ? a : b;
}
template <class V>
NDL_HD V min_nan(V a, V b) {
  return ((a < b) | (a != a)) ? a : b;
}
// Where no NaN can be: one instruction.
template <class V>
NDL_HD V max_fast(V a, V b) {
  return a > b ? a : b;
}
template <class V>
NDL_HD V min_fast(V a, V b) {
  return a < b ? a : b;
}

template <class V>
NDL_HD typename VecTraits<V>::Scalar horizontal_sum(V v) {
  typename VecTraits<V>::Scalar total[VecTraits<V>::lanes];
  memcpy(total, &v, sizeof v);
  for (int width = VecTraits<V>::lanes / 2; width > 0; width /= 2)
    for (int i = 0; i < width; ++i) total[i] += total[i + width];
  return total[0];
}
// Whether any lane of a comparison's result is true.
template <class M>
NDL_HD bool any(const M& mask) {
  static_assert(sizeof(M) == kFloats * 4);
#if defined(__AVX512F__)
  return _mm512_test_epi32_mask((__m512i)mask, (__m512i)mask) != 0;
#elif defined(__AVX2__)
  return !_mm256_testz_si256((__m256i)mask, (__m256i)mask);
#elif defined(__x86_64__)
  return _mm_movemask_epi8((__m128i)mask) != 0;
#else
  const M zero = {};
  return memcmp(&mask, &zero, sizeof mask) != 0;
#endif
}

}  // namespace needlecpp::NDL_ISA
