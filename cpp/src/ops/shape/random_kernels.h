// Random bits to numbers: uniform, normal (Box-Muller) and integers in a range.
#pragma once

#include <stdint.h>

#include "simd/element.h"
#include "simd/hd.h"
#include "simd/isa.h"
#include "simd/math.h"
#include "simd/philox.h"

namespace needlecpp {

// Block b of a draw is one Philox call, and serves elements 4b..4b+3 of 32 random bits or 2b, 2b+1 of 64.
inline constexpr int kRandom32 = 4;
inline constexpr int kRandom64 = 2;

struct RandomFloatsArgs {
  void* y;
  Element element;  // F32 or F64
  int64_t count;    // elements of y; the last block may be cut
  uint64_t seed;
  uint64_t draw;
  double a;  // low or mean
  double b;  // high or standard deviation
};

struct RandomIntegersArgs {
  void* y;
  Element element;  // I64 or I32
  int64_t count;
  uint64_t seed;
  uint64_t draw;
  int64_t low;
  uint64_t range;  // high - low, at least 1
};

// All fill the blocks begin to end.
NDL_DECLARE_KERNEL(void, uniform_floats, (const RandomFloatsArgs& args, int64_t begin, int64_t end))
NDL_DECLARE_KERNEL(void, normal_floats, (const RandomFloatsArgs& args, int64_t begin, int64_t end))
NDL_DECLARE_KERNEL(void, random_integers, (const RandomIntegersArgs& args, int64_t begin, int64_t end))

namespace NDL_ISA {

inline constexpr double kTwoPi = 6.283185307179586476925;

// Rounding may reach `high`, which the range excludes: those few become low.
template <class T>
NDL_HD T in_range(T u, T low, T high) {
  const T y = low + u * (high - low);
  return y < high ? y : low;
}

// In (0, 1], so that its logarithm is finite.
NDL_HD float positive_uniform(uint32_t bits) {
  return (static_cast<float>(static_cast<int32_t>(bits >> 1)) + 1.0f) * 0x1p-31f;
}
NDL_HD double positive_uniform(uint32_t low, uint32_t high) { return uniform53(low, high) + 0x1p-53; }

// Box and Muller (1958): two independent standard normals from u in (0, 1] and v in [0, 1).
template <class V, class Scalar>
NDL_HD void box_muller(V u, V v, Scalar two_pi, V* first, V* second) {
  const V radius = m_sqrt(m_log(u) * Scalar(-2));
  const V angle = v * two_pi;
  *first = radius * m_cos(angle);
  *second = radius * m_sin(angle);
}

NDL_HD uint64_t multiply_high(uint64_t a, uint64_t b) {
  const uint64_t a0 = static_cast<uint32_t>(a), a1 = a >> 32;
  const uint64_t b0 = static_cast<uint32_t>(b), b1 = b >> 32;
  const uint64_t middle = a1 * b0 + (a0 * b0 >> 32);
  const uint64_t other = a0 * b1 + static_cast<uint32_t>(middle);
  return a1 * b1 + (middle >> 32) + (other >> 32);
}

// 64 random bits scaled to the range (Lemire 2019, without the rejection: the bias is below range / 2^64).
NDL_HD int64_t integer_in_range(uint32_t low_bits, uint32_t high_bits, int64_t low, uint64_t range) {
  const uint64_t bits = static_cast<uint64_t>(high_bits) << 32 | low_bits;
  return static_cast<int64_t>(static_cast<uint64_t>(low) + multiply_high(bits, range));
}

}  // namespace NDL_ISA
}  // namespace needlecpp
