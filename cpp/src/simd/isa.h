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

#if defined(__x86_64__) && !defined(__CUDACC__)
#define NDL_DECLARE_KERNEL(result, kernel, params) \
  namespace baseline {                             \
  result kernel params;                            \
  }                                                \
  namespace avx2 {                                 \
  result kernel params;                            \
  }                                                \
  namespace avx512 {                               \
  result kernel params;                            \
  }
#define NDL_KERNEL(kernel)                                                     \
  (::needlecpp::kIsa == ::needlecpp::Isa::Avx512 ? ::needlecpp::avx512::kernel \
   : ::needlecpp::kIsa == ::needlecpp::Isa::Avx2 ? ::needlecpp::avx2::kernel   \
                                                 : ::needlecpp::baseline::kernel)
#else
#define NDL_DECLARE_KERNEL(result, kernel, params) \
  namespace baseline {                             \
  result kernel params;                            \
  }
#define NDL_KERNEL(kernel) (::needlecpp::baseline::kernel)
#endif
