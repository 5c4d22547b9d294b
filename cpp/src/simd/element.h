// The types of elements, once for everything below the tape: DType for code that includes C headers alone. core/run.h
// asserts that the two agree.
#pragma once

#include <stdint.h>

#include "simd/half.h"
#include "simd/hd.h"

namespace needlecpp {

enum class Element : uint8_t { F32, F64, F16, BF16, I32, I64, U8, Bool };

NDL_HD constexpr int64_t element_bytes(Element element) {
  switch (element) {
    case Element::F64:
    case Element::I64:
      return 8;
    case Element::F32:
    case Element::I32:
      return 4;
    case Element::F16:
    case Element::BF16:
      return 2;
    case Element::U8:
    case Element::Bool:
      return 1;
  }
  return 0;
}

}  // namespace needlecpp

namespace needlecpp::NDL_ISA {

// How a kernel with one entry reaches the loop of a type: fn(zero) gets a zero of it.
//
//   void axpy(const AxpyArgs& args, int64_t begin, int64_t end) {
//     with_float(args.element, [&](auto zero) { axpy_of<decltype(zero)>(args, begin, end); });
//   }

// float or double.
template <class Fn>
NDL_HD auto with_float(Element element, Fn&& fn) {
  if (element == Element::F64) return fn(double{});
  return fn(float{});
}
// float, double, int32_t, int64_t, or uint8_t for single bytes, those of bool too.
template <class Fn>
NDL_HD auto with_number(Element element, Fn&& fn) {
  switch (element) {
    case Element::F64:
      return fn(double{});
    case Element::I32:
      return fn(int32_t{});
    case Element::I64:
      return fn(int64_t{});
    case Element::U8:
    case Element::Bool:
      return fn(uint8_t{});
    default:
      return fn(float{});
  }
}
// Every type as it is stored: 16-bit floats as HalfBits and BrainBits, bool as BoolByte (half.h).
template <class Fn>
NDL_HD auto with_element(Element element, Fn&& fn) {
  switch (element) {
    case Element::F16:
      return fn(HalfBits{});
    case Element::BF16:
      return fn(BrainBits{});
    case Element::Bool:
      return fn(BoolByte{});
    default:
      return with_number(element, fn);
  }
}

// The type that sums and products of T are computed in: unsigned for integers, whose overflow is undefined otherwise.
template <class T>
struct Wrapping {
  using Type = T;
};
template <>
struct Wrapping<int32_t> {
  using Type = uint32_t;
};
template <>
struct Wrapping<int64_t> {
  using Type = uint64_t;
};

}  // namespace needlecpp::NDL_ISA
