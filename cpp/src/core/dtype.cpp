// Names, promotion and the two 16-bit float conversions.
#include "needlecpp/core/dtype.h"

#include <cstring>

namespace needlecpp {
namespace {

constexpr const char* kNames[kNumDTypes] = {"float32", "float64", "float16", "bfloat16",
                                            "int32",   "int64",   "uint8",   "bool"};

uint32_t bits_of(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}
float float_of(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

}  // namespace

const char* name(DType dtype) { return kNames[static_cast<int>(dtype)]; }

DType dtype_from_name(const char* dtype_name) {
  for (int i = 0; i < kNumDTypes; ++i)
    if (std::strcmp(kNames[i], dtype_name) == 0) return static_cast<DType>(i);
  detail::fail<TypeError>("dtype", "unknown element type: got \"", dtype_name,
                          "\", expected float32, float64, float16, bfloat16, int32, int64, uint8 or bool.");
}

// Floats rank by width, with the two 16-bit formats meeting in float32; a float absorbs any integer.
DType promote_types(DType a, DType b) {
  if (a == b) return a;
  if (is_floating(a) != is_floating(b)) return is_floating(a) ? a : b;
  if (is_floating(a)) return a == DType::Float64 || b == DType::Float64 ? DType::Float64 : DType::Float32;
  constexpr DType by_width[] = {DType::Int64, DType::Int32, DType::UInt8};
  for (DType dtype : by_width)
    if (a == dtype || b == dtype) return dtype;
  return DType::Bool;
}

float to_float(Float16 x) {
  const uint32_t sign = static_cast<uint32_t>(x.bits & 0x8000u) << 16;
  const uint32_t exponent = (x.bits >> 10) & 0x1fu;
  const uint32_t mantissa = x.bits & 0x3ffu;
  if (exponent == 31) return float_of(sign | 0x7f800000u | (mantissa << 13));
  if (exponent != 0) return float_of(sign | ((exponent + 112) << 23) | (mantissa << 13));
  const float magnitude = static_cast<float>(mantissa) * 5.9604644775390625e-8f;  // 2^-24
  return sign ? -magnitude : magnitude;
}

float to_float(BFloat16 x) { return float_of(static_cast<uint32_t>(x.bits) << 16); }

Float16 to_float16(float x) {
  const uint32_t bits = bits_of(x);
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return {static_cast<uint16_t>(sign | 0x7e00u)};
  if (magnitude >= 0x477ff000u) return {static_cast<uint16_t>(sign | 0x7c00u)};  // rounds to 65536 or beyond
  if (magnitude < 0x38800000u) {  // denormal: adding 0.5 aligns the mantissa to steps of 2^-24 and rounds to even
    const float shifted = float_of(magnitude) + 0.5f;
    return {static_cast<uint16_t>(sign | (bits_of(shifted) - bits_of(0.5f)))};
  }
  const uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return {static_cast<uint16_t>(sign | ((rounded - 0x38000000u) >> 13))};
}

BFloat16 to_bfloat16(float x) {
  const uint32_t bits = bits_of(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return {static_cast<uint16_t>((bits >> 16) | 0x40u)};
  return {static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16)};
}

}  // namespace needlecpp
