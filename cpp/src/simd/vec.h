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
// Either, as `count` says: all lanes or fewer.
template <class V, class T>
NDL_HD V load_lanes(const T* from, int64_t count) {
  constexpr int64_t kLanes = sizeof(V) / sizeof(T);
  return count >= kLanes ? load<V>(from) : load<V>(from, count);
}
template <class V, class T>
NDL_HD void store_lanes(T* to, const V& v, int64_t count) {
  constexpr int64_t kLanes = sizeof(V) / sizeof(T);
  if (count >= kLanes)
    store(to, v);
  else
    store(to, v, count);
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

// The numbers of the lanes as constants, for shuffles.
template <int... I>
struct LaneList {};
template <int N, int... I>
struct CountLanes : CountLanes<N - 1, N - 1, I...> {};
template <int... I>
struct CountLanes<0, I...> {
  typedef LaneList<I...> Type;
};
typedef CountLanes<kFloats>::Type AllLanes;

typedef CountLanes<kDoubles>::Type DoubleLanes;

// Rows into columns: kDoubles rows, each a vector. As often as a lane's number has bits, rows i and i + kDoubles / 2
// interleave into rows 2 i and 2 i + 1.
template <int... I>
NDL_HD void transpose(DoubleV (&row)[kDoubles], LaneList<I...>) {
#pragma GCC unroll 3
  for (int bit = 1; bit < kDoubles; bit *= 2) {
    DoubleV next[kDoubles];
#pragma GCC unroll 4
    for (int i = 0; i < kDoubles / 2; ++i) {
      next[2 * i] = __builtin_shufflevector(row[i], row[i + kDoubles / 2], (I / 2 + I % 2 * kDoubles)...);
      next[2 * i + 1] =
          __builtin_shufflevector(row[i], row[i + kDoubles / 2], (kDoubles / 2 + I / 2 + I % 2 * kDoubles)...);
    }
#pragma GCC unroll 8
    for (int i = 0; i < kDoubles; ++i) row[i] = next[i];
  }
}
NDL_HD void transpose(DoubleV (&row)[kDoubles]) { transpose(row, DoubleLanes()); }

// a0 b0 a1 b1 ...: the lower half of the lanes, and the upper.
template <int... I>
NDL_HD void interleave(FloatV a, FloatV b, FloatV& lower, FloatV& upper, LaneList<I...>) {
  lower = __builtin_shufflevector(a, b, (I / 2 + I % 2 * kFloats)...);
  upper = __builtin_shufflevector(a, b, (kFloats / 2 + I / 2 + I % 2 * kFloats)...);
}
NDL_HD void interleave(FloatV a, FloatV b, FloatV& lower, FloatV& upper) { interleave(a, b, lower, upper, AllLanes()); }
// x moved up by N lanes over the last ones of `below`, and moved down by N under the first ones of `above`.
template <int N, int... I>
NDL_HD FloatV lanes_up(FloatV x, FloatV below, LaneList<I...>) {
  return __builtin_shufflevector(below, x, (kFloats - N + I)...);
}
template <int N>
NDL_HD FloatV lanes_up(FloatV x, FloatV below) {
  return lanes_up<N>(x, below, AllLanes());
}
template <int N, int... I>
NDL_HD FloatV lanes_down(FloatV x, FloatV above, LaneList<I...>) {
  return __builtin_shufflevector(x, above, (N + I)...);
}
template <int N>
NDL_HD FloatV lanes_down(FloatV x, FloatV above) {
  return lanes_down<N>(x, above, AllLanes());
}
// Lane i: the sum of lanes 0 to i, and of lanes i to the last (Hillis and Steele, 1986).
NDL_HD FloatV prefix_sum(FloatV x) {
  x += lanes_up<1>(x, FloatV{});
  x += lanes_up<2>(x, FloatV{});
  if constexpr (kFloats > 4) x += lanes_up<4>(x, FloatV{});
  if constexpr (kFloats > 8) x += lanes_up<8>(x, FloatV{});
  return x;
}
NDL_HD FloatV suffix_sum(FloatV x) {
  x += lanes_down<1>(x, FloatV{});
  x += lanes_down<2>(x, FloatV{});
  if constexpr (kFloats > 4) x += lanes_down<4>(x, FloatV{});
  if constexpr (kFloats > 8) x += lanes_down<8>(x, FloatV{});
  return x;
}
// The sums over all lanes of a, b, c, d, in the first four lanes.
template <int... I>
NDL_HD FloatV four_sums(FloatV a, FloatV b, FloatV c, FloatV d, LaneList<I...>) {
  FloatV low, high;
  interleave(a, b, low, high);
  const FloatV ab = low + high;  // a b a b ...
  interleave(c, d, low, high);
  const FloatV cd = low + high;
  FloatV sum = __builtin_shufflevector(ab, cd, (I / 4 * 2 + I % 2 + I / 2 % 2 * kFloats)...) +  // a b c d a b c d ...
               __builtin_shufflevector(ab, cd, (kFloats / 2 + I / 4 * 2 + I % 2 + I / 2 % 2 * kFloats)...);
  if constexpr (kFloats > 8) sum += lanes_down<kFloats / 2>(sum, FloatV{});
  if constexpr (kFloats > 4) sum += lanes_down<4>(sum, FloatV{});
  return sum;
}
NDL_HD FloatV four_sums(FloatV a, FloatV b, FloatV c, FloatV d) { return four_sums(a, b, c, d, AllLanes()); }
// Component S of triples that lie one behind the other in v[0], v[1], v[2]; and the other way: vector S of the triples
// x0 x0 x0 x1 x1 x1 ...
template <int S, int... I>
NDL_HD FloatV component(const FloatV v[3], LaneList<I...>) {
  const FloatV two = __builtin_shufflevector(v[0], v[1], (3 * I + S < 2 * kFloats ? 3 * I + S : 0)...);
  return __builtin_shufflevector(two, v[2], (3 * I + S < 2 * kFloats ? I : 3 * I + S - kFloats)...);
}
template <int S>
NDL_HD FloatV component(const FloatV v[3]) {
  return component<S>(v, AllLanes());
}
template <int S, int... I>
NDL_HD FloatV thrice(FloatV x, LaneList<I...>) {
  return __builtin_shufflevector(x, x, ((S * kFloats + I) / 3)...);
}
template <int S>
NDL_HD FloatV thrice(FloatV x) {
  return thrice<S>(x, AllLanes());
}
// The pairs base[index[lane]], base[index[lane] + 1] of kFloats / 2 lanes. Loads and inserts, which take 0.85 of the
// time of the gather instruction on a Zen 5.
NDL_HD FloatV gather_pairs(const float* base, const uint32_t* index) {
#if defined(__x86_64__)
  const auto two = [&](int i) {
    const __m128d low = _mm_load_sd(reinterpret_cast<const double*>(base + index[i]));
    return _mm_loadh_pd(low, reinterpret_cast<const double*>(base + index[i + 1]));
  };
#if defined(__AVX2__)
  const auto four = [&](int i) { return _mm256_insertf128_pd(_mm256_castpd128_pd256(two(i)), two(i + 2), 1); };
#endif
#if defined(__AVX512F__)
  return (FloatV)_mm512_insertf64x4(_mm512_castpd256_pd512(four(0)), four(4), 1);
#elif defined(__AVX2__)
  return (FloatV)four(0);
#else
  return (FloatV)two(0);
#endif
#else
  FloatV pairs;
  for (int i = 0; i < kFloats / 2; ++i) {
    pairs[2 * i] = base[index[i]];
    pairs[2 * i + 1] = base[index[i] + 1];
  }
  return pairs;
#endif
}
// The 32 bits at base + index[lane].
NDL_HD UIntV gather_words(const uint16_t* base, const uint32_t* index) {
#if defined(__AVX512F__)
  return (UIntV)_mm512_i32gather_epi32(_mm512_loadu_si512(index), base, 2);
#else
  UIntV words;
  for (int i = 0; i < kFloats; ++i) {
    uint32_t word;
    memcpy(&word, base + index[i], sizeof word);
    words[i] = word;
  }
  return words;
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

// x * a + b with one rounding.
NDL_HD FloatV multiply_add(FloatV x, float a, float b) {
#if defined(__AVX512F__)
  return (FloatV)_mm512_fmadd_ps((__m512)x, _mm512_set1_ps(a), _mm512_set1_ps(b));
#elif defined(__FMA__)
  return (FloatV)_mm256_fmadd_ps((__m256)x, _mm256_set1_ps(a), _mm256_set1_ps(b));
#else
  typedef double WideV __attribute__((vector_size(kFloats * 8)));  // the product is exact there
  return __builtin_convertvector(__builtin_convertvector(x, WideV) * static_cast<double>(a) + static_cast<double>(b),
                                 FloatV);
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
