// Products of bfloat16 numbers summed in float32, by the unit of the processor that does it faster: pairs by vdpbf16ps,
// or numbers widened to float32 by multiply-adds. kFastBf16Dot (isa.h) chooses; both give the same numbers, but that
// vdpbf16ps takes numbers below 2^-126 for zero. The instruction adds the products of a pair to a sum one after the
// other, the odd one first, with one rounding each (so it is on Emerald Rapids, a million random sums); for_words()
// walks k in that order.
//
// A Dot says what the operands of a product are made of:
//   Word      what one step of k multiplies: a pair of neighbours in k, or one number
//   Kept      one bfloat16 number in a row of activations
//   kNumbers  of k in a word
#pragma once

#include "simd/half.h"
#include "simd/vec.h"

namespace needlecpp::NDL_ISA {

// Two bfloat16 numbers, the even one below; rows of numbers are read as rows of these.
typedef uint32_t BrainPair __attribute__((may_alias));
typedef uint16_t BrainV __attribute__((vector_size(kFloats * 2)));

NDL_HD UIntV widen(BrainV x) { return __builtin_convertvector(x, UIntV); }
NDL_HD FloatV brain_floats(BrainV x) { return bits<FloatV>(widen(x) << 16); }
// The bits of x rounded to bfloat16 (to nearest even; NaN stays NaN) in the upper half of each lane.
NDL_HD UIntV brain_bits(FloatV x) {
  const UIntV b = bits<UIntV>(x);
  return (x != x ? b | 0x400000u : b + 0x7fffu + ((b >> 16) & 1u)) & 0xffff0000u;
}
NDL_HD BrainV narrow(FloatV x) { return __builtin_convertvector(brain_bits(x) >> 16, BrainV); }

// Each number as the float that it is.
struct FloatDot {
  using Word = float;
  using Kept = float;
  static constexpr int64_t kNumbers = 1;
  static NDL_HD Word word(uint16_t number, uint16_t) { return brain_to_float(number); }
  static NDL_HD void keep(Kept* to, FloatV x) { store(to, bits<FloatV>(brain_bits(x))); }
  static NDL_HD FloatV kept(const Kept* from) { return load<FloatV>(from); }
  static NDL_HD const Word* words(const Kept* row) { return row; }
  using Words = FloatV;
  static NDL_HD Words load_words(const Word* from) { return load<FloatV>(from); }
  using Spread = float;
  static NDL_HD Spread spread(const Word* from) { return *from; }
  static NDL_HD void add(FloatV& sum, Words b, Spread a) { sum += b * a; }
};

#if defined(__AVX512F__)
// Written out, so that an object needs no flag that older processors with AVX-512 lack: kHasBf16Dot decides.
struct PairDot {
  using Word = BrainPair;
  using Kept = uint16_t;
  static constexpr int64_t kNumbers = 2;
  static NDL_HD Word word(uint16_t even, uint16_t odd) { return even | static_cast<uint32_t>(odd) << 16; }
  static NDL_HD void keep(Kept* to, FloatV x) {
    BrainV y;
    asm("vcvtneps2bf16 %1, %0" : "=v"(y) : "v"(x));
    store(to, y);
  }
  static NDL_HD FloatV kept(const Kept* from) { return brain_floats(load<BrainV>(from)); }
  static NDL_HD const Word* words(const Kept* row) { return reinterpret_cast<const Word*>(row); }
  using Words = UIntV;
  static NDL_HD Words load_words(const Word* from) { return load<UIntV>(from); }
  using Spread = UIntV;
  static NDL_HD Spread spread(const Word* from) { return UIntV{} + *from; }
  static NDL_HD void add(FloatV& sum, Words b, Spread a) { asm("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(b), "v"(a)); }
};
#else
using PairDot = FloatDot;  // never chosen
#endif

// step(a, b) for `count` words of two operands, whose steps from one word to the next are given.
template <class Dot, class Step>
NDL_HD void for_words(int64_t count, const typename Dot::Word* a, int64_t a_step, const typename Dot::Word* b,
                      int64_t b_step, Step step) {
  if constexpr (Dot::kNumbers == 1)
    for (; count >= 2; count -= 2, a += 2 * a_step, b += 2 * b_step) {
      step(a + a_step, b + b_step);
      step(a, b);
    }
  for (; count > 0; --count, a += a_step, b += b_step) step(a, b);
}

}  // namespace needlecpp::NDL_ISA
