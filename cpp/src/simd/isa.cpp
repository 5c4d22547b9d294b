// Picks the instruction set at load.
#include "simd/isa.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace needlecpp {
namespace {

Isa best_isa() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512cd");
  if (NDL_AVX512 && avx512) return Isa::Avx512;
  if (NDL_AVX2 && avx2) return Isa::Avx2;
#endif
  return Isa::Baseline;
}

// A request for more than there is falls back to the best below: the variable can only lower the choice.
Isa choose_isa() {
  const Isa best = best_isa();
  const char* wish = std::getenv("NEEDLECPP_ISA");
  if (wish == nullptr) return best;
  if (std::strcmp(wish, "baseline") == 0) return Isa::Baseline;
  if (std::strcmp(wish, "avx2") == 0) return best < Isa::Avx2 ? best : NDL_AVX2 ? Isa::Avx2 : Isa::Baseline;
  if (std::strcmp(wish, "avx512") != 0)  // nothing can be thrown while a program loads
    std::fprintf(stderr, "needlecpp: NEEDLECPP_ISA is ignored: got \"%s\", expected baseline, avx2 or avx512.\n", wish);
  return best;
}

bool has_bf16_dot() {
#if defined(__x86_64__)
  return kIsa == Isa::Avx512 && __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

bool choose_bf16_dot() {
#if defined(__x86_64__)
  const bool fast = kHasBf16Dot && __builtin_cpu_is("amd");
#else
  const bool fast = false;
#endif
  const char* wish = std::getenv("NEEDLECPP_BF16");
  if (wish == nullptr) return fast;
  if (std::strcmp(wish, "vdpbf16ps") == 0) return kHasBf16Dot;
  if (std::strcmp(wish, "float32") == 0) return false;
  std::fprintf(stderr, "needlecpp: NEEDLECPP_BF16 is ignored: got \"%s\", expected float32 or vdpbf16ps.\n", wish);
  return fast;
}

}  // namespace

const Isa kIsa = choose_isa();
const bool kHasBf16Dot = has_bf16_dot();
const bool kFastBf16Dot = choose_bf16_dot();

}  // namespace needlecpp
