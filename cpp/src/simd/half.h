// Conversions between stored element types inside kernels: binary16, bfloat16 and bool as their own types.
#pragma once

#include <stdint.h>
#include <string.h>

#include "simd/hd.h"

namespace needlecpp::NDL_ISA {

struct HalfBits {
  uint16_t bits;
};
struct BrainBits {
  uint16_t bits;
};
struct BoolByte {
  uint8_t byte;
};

NDL_HD uint32_t float_bits(float x) {
  uint32_t b;
  memcpy(&b, &x, sizeof b);
  return b;
}
NDL_HD float bits_float(uint32_t b) {
  float x;
  memcpy(&x, &b, sizeof x);
  return x;
}

NDL_HD float half_to_float(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000u) << 16;
  const uint32_t exponent = (h >> 10) & 0x1fu;
  const uint32_t mantissa = h & 0x3ffu;
  if (exponent == 31) return bits_float(sign | 0x7f800000u | (mantissa << 13));
  if (exponent != 0) return bits_float(sign | ((exponent + 112) << 23) | (mantissa << 13));
  const float magnitude = static_cast<float>(mantissa) * 5.9604644775390625e-8f;  // 2^-24
  return sign ? -magnitude : magnitude;
}
NDL_HD uint16_t float_to_half(float x) {
  const uint32_t b = float_bits(x);
  const uint16_t sign = static_cast<uint16_t>((b >> 16) & 0x8000u);
  const uint32_t magnitude = b & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u);
  if (magnitude >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);
  if (magnitude < 0x38800000u)  // denormal: adding 0.5 aligns the mantissa to steps of 2^-24 and rounds to even
    return static_cast<uint16_t>(sign | (float_bits(bits_float(magnitude) + 0.5f) - float_bits(0.5f)));
  const uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return static_cast<uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
}
NDL_HD float brain_to_float(uint16_t h) { return bits_float(static_cast<uint32_t>(h) << 16); }
NDL_HD uint16_t float_to_brain(float x) {
  const uint32_t b = float_bits(x);
  if ((b & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((b >> 16) | 0x40u);
  return static_cast<uint16_t>((b + 0x7fffu + ((b >> 16) & 1u)) >> 16);
}

// value(x): the number behind a stored element.
template <class T>
NDL_HD T value(T x) {
  return x;
}
NDL_HD float value(HalfBits x) { return half_to_float(x.bits); }
NDL_HD float value(BrainBits x) { return brain_to_float(x.bits); }
NDL_HD int32_t value(BoolByte x) { return x.byte != 0; }

template <class T>
struct Is {
  static constexpr bool integer = false;
};
template <>
struct Is<int32_t> {
  static constexpr bool integer = true;
  static constexpr double limit = 2147483648.0;
};
template <>
struct Is<int64_t> {
  static constexpr bool integer = true;
  static constexpr double limit = 9223372036854775808.0;
};

template <class Y>
struct Convert {
  template <class N>
  static NDL_HD Y from(N x) {
    // A float outside the integer's range (or NaN) has no defined conversion in C++: it becomes the lowest integer.
    if constexpr (Is<Y>::integer && static_cast<N>(0.5) != static_cast<N>(0))
      return x >= static_cast<N>(-Is<Y>::limit) && x < static_cast<N>(Is<Y>::limit) ? static_cast<Y>(x)
                                                                                    : static_cast<Y>(-Is<Y>::limit);
    else
      return static_cast<Y>(x);
  }
};
template <>
struct Convert<uint8_t> {
  template <class N>
  static NDL_HD uint8_t from(N x) {
    return static_cast<uint8_t>(Convert<int64_t>::from(x));
  }
};
template <>
struct Convert<HalfBits> {
  template <class N>
  static NDL_HD HalfBits from(N x) {
    return {float_to_half(static_cast<float>(x))};
  }
};
template <>
struct Convert<BrainBits> {
  template <class N>
  static NDL_HD BrainBits from(N x) {
    return {float_to_brain(static_cast<float>(x))};
  }
};
template <>
struct Convert<BoolByte> {
  template <class N>
  static NDL_HD BoolByte from(N x) {
    return {static_cast<uint8_t>(x != 0)};
  }
};

template <class Y, class X>
NDL_HD Y convert(X x) {
  return Convert<Y>::from(value(x));
}

}  // namespace needlecpp::NDL_ISA
