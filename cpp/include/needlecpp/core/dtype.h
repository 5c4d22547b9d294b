// Element types: the enum, its C++ twins, sizes, names and the promotion of two types.
#pragma once

#include <cstddef>
#include <cstdint>

#include "needlecpp/core/error.h"

namespace needlecpp {

enum class DType : uint8_t { Float32, Float64, Float16, BFloat16, Int32, Int64, UInt8, Bool };
inline constexpr int kNumDTypes = 8;

// IEEE binary16 and bfloat16 as stored: bits only, arithmetic happens in float.
struct Float16 {
  uint16_t bits;
};
struct BFloat16 {
  uint16_t bits;
};

float to_float(Float16 x);
float to_float(BFloat16 x);
Float16 to_float16(float x);    // round to nearest even
BFloat16 to_bfloat16(float x);  // round to nearest even, NaN stays NaN

constexpr size_t itemsize(DType dtype) {
  constexpr size_t sizes[kNumDTypes] = {4, 8, 2, 2, 4, 8, 1, 1};
  return sizes[static_cast<int>(dtype)];
}
const char* name(DType dtype);                  // "float32", "bool", ...
DType dtype_from_name(const char* dtype_name);  // throws TypeError for an unknown name
constexpr bool is_floating(DType dtype) { return dtype <= DType::BFloat16; }
// The 16-bit floats, which ops compute in float32.
constexpr bool is_half(DType dtype) { return dtype == DType::Float16 || dtype == DType::BFloat16; }
// The result type of an operation on both (array-API table; an integer with a float gives the float).
DType promote_types(DType a, DType b);

template <class T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::Float32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::Float64;
};
template <>
struct DTypeOf<Float16> {
  static constexpr DType value = DType::Float16;
};
template <>
struct DTypeOf<BFloat16> {
  static constexpr DType value = DType::BFloat16;
};
template <>
struct DTypeOf<int32_t> {
  static constexpr DType value = DType::Int32;
};
template <>
struct DTypeOf<int64_t> {
  static constexpr DType value = DType::Int64;
};
template <>
struct DTypeOf<uint8_t> {
  static constexpr DType value = DType::UInt8;
};
template <>
struct DTypeOf<bool> {
  static constexpr DType value = DType::Bool;
};

}  // namespace needlecpp
