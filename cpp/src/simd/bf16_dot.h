// Products of bfloat16 pairs summed in float32: the processor's own, and the same numbers without. The processor's
// takes numbers below 2^-126 for zero.
#pragma once

#include "simd/half.h"
#include "simd/vec.h"

namespace needlecpp::NDL_ISA {

// Two bfloat16 numbers, the even one below; rows of numbers are read as rows of these.
typedef uint32_t BrainPair __attribute__((may_alias));
typedef uint16_t BrainV __attribute__((vector_size(kFloats * 2)));

NDL_HD UIntV widen(BrainV x) { return __builtin_convertvector(x, UIntV); }
NDL_HD FloatV low_half(UIntV pairs) { return bits<FloatV>(pairs << 16); }
NDL_HD FloatV high_half(UIntV pairs) { return bits<FloatV>(pairs & 0xffff0000u); }

struct EmulatedDot {
  // Round to nearest even; NaN stays NaN.
  static NDL_HD BrainV narrow(FloatV x) {
    const UIntV b = bits<UIntV>(x);
    const UIntV rounded = (b + 0x7fffu + ((b >> 16) & 1u)) >> 16;
    const UIntV quiet = (b >> 16) | 0x40u;
    return __builtin_convertvector((b & 0x7fffffffu) > 0x7f800000u ? quiet : rounded, BrainV);
  }
  struct Pairs {
    FloatV low, high;
  };
  static NDL_HD Pairs pairs(const BrainPair* from) {
    const UIntV words = load<UIntV>(from);
    return {low_half(words), high_half(words)};
  }
  struct Pair {
    float low, high;
  };
  static NDL_HD Pair pair(const BrainPair* from) { return {bits_float(*from << 16), bits_float(*from & 0xffff0000u)}; }
  static NDL_HD void add_dot(FloatV& sum, const Pairs& b, const Pair& a) {
    sum += b.low * a.low;
    sum += b.high * a.high;
  }
};

#if defined(__AVX512F__)
// Written out, so that an object needs no flag that older processors with AVX-512 lack: kHasBf16Dot decides.
struct NativeDot {
  static NDL_HD BrainV narrow(FloatV x) {
    BrainV y;
    asm("vcvtneps2bf16 %1, %0" : "=v"(y) : "v"(x));
    return y;
  }
  using Pairs = UIntV;
  static NDL_HD Pairs pairs(const BrainPair* from) { return load<UIntV>(from); }
  using Pair = UIntV;
  static NDL_HD Pair pair(const BrainPair* from) { return UIntV{} + *from; }
  static NDL_HD void add_dot(FloatV& sum, const Pairs& b, const Pair& a) {
    asm("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(b), "v"(a));
  }
};
#else
using NativeDot = EmulatedDot;
#endif

}  // namespace needlecpp::NDL_ISA
