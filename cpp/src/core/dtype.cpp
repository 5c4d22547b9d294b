// Names, promotion, and the 16-bit floats, whose conversions the kernels share (simd/half.h).
#include "needlecpp/core/dtype.h"

#include <cstring>

#include "simd/half.h"

namespace needlecpp {
namespace {

constexpr const char* kNames[kNumDTypes] = {"float32", "float64", "float16", "bfloat16",
                                            "int32",   "int64",   "uint8",   "bool"};

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

float to_float(Float16 x) { return portable::half_to_float(x.bits); }
float to_float(BFloat16 x) { return portable::brain_to_float(x.bits); }
Float16 to_float16(float x) { return {portable::float_to_half(x)}; }
BFloat16 to_bfloat16(float x) { return {portable::float_to_brain(x)}; }

}  // namespace needlecpp
