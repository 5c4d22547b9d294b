// Which instruction set runs, and the macros by which kernels are declared once and called for it.
//
//   x_kernels.h   NDL_DECLARE_KERNEL(void, axpy, (const AxpyArgs& args, int64_t begin, int64_t end));
//   x_simd.cpp     namespace needlecpp::NDL_ISA { void axpy(const AxpyArgs& args, ...) { ... } }     built once per set
//   x.cpp         NDL_KERNEL(axpy)(args, begin, end);
#pragma once

namespace needlecpp {

enum class Isa { Baseline, Avx2, Avx512 };
extern const Isa kIsa;  // picked once at load; the environment variable NEEDLECPP_ISA=baseline|avx2|avx512 overrides
extern const bool kHasBf16Dot;  // vdpbf16ps is there, beside Avx512
// It is faster than multiply-adds of float32: on AMD's processors at twice their rate. Intel's have it at half their
// rate (Emerald Rapids: 88 against 180 GFLOP/s a core). NEEDLECPP_BF16=float32|vdpbf16ps overrides.
extern const bool kFastBf16Dot;

}  // namespace needlecpp

// The sets that this build has, besides the baseline: all of the processor's, less what NEEDLECPP_ISAS leaves out.
#if !defined(__x86_64__) || defined(__CUDACC__)
#undef NDL_AVX2
#undef NDL_AVX512
#define NDL_AVX2 0
#define NDL_AVX512 0
#else
#ifndef NDL_AVX2
#define NDL_AVX2 1
#endif
#ifndef NDL_AVX512
#define NDL_AVX512 1
#endif
#endif

#if NDL_AVX2
#define NDL_DECLARE_AVX2(result, kernel, params) \
  namespace avx2 {                               \
  result kernel params;                          \
  }
#define NDL_AVX2_OR(kernel) ::needlecpp::kIsa == ::needlecpp::Isa::Avx2 ? ::needlecpp::avx2::kernel:
#else
#define NDL_DECLARE_AVX2(result, kernel, params)
#define NDL_AVX2_OR(kernel)
#endif

#if NDL_AVX512
#define NDL_DECLARE_AVX512(result, kernel, params) \
  namespace avx512 {                               \
  result kernel params;                            \
  }
#define NDL_AVX512_OR(kernel) ::needlecpp::kIsa == ::needlecpp::Isa::Avx512 ? ::needlecpp::avx512::kernel:
#else
#define NDL_DECLARE_AVX512(result, kernel, params)
#define NDL_AVX512_OR(kernel)
#endif

#define NDL_DECLARE_KERNEL(result, kernel, params) \
  namespace baseline {                             \
  result kernel params;                            \
  }                                                \
  NDL_DECLARE_AVX2(result, kernel, params)         \
  NDL_DECLARE_AVX512(result, kernel, params)
#define NDL_KERNEL(kernel) (NDL_AVX512_OR(kernel) NDL_AVX2_OR(kernel)::needlecpp::baseline::kernel)
