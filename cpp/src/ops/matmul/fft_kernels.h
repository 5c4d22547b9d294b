// What fft_cpu.cpp hands to the kernels of fft_simd.cpp. A block of `lanes` transforms lies side by side, real and
// imaginary parts apart: element i of transform l at re[i * lanes + l] and im[i * lanes + l].
#pragma once

#include <stdint.h>

#include "simd/hd.h"
#include "simd/isa.h"

namespace needlecpp {

inline constexpr int64_t kFftLanes = 16;  // transforms of a block, at most

// One pass of Stockham's algorithm over transforms of `length` numbers that stand `stride` (times the lanes) apart:
// with m = length / radix, for p < m and q < stride
//
//   out[q + stride (radix p + j)] = w^(j p) sum over k < radix of in[q + stride (p + m k)] exp(-2 pi i j k / radix)
//
// where w^i = cosines[i * step] - i sines[i * step] = exp(-2 pi i i / length).
template <class T>
struct FftPassArgs {
  int radix;  // 2, 3, 4, 5 or 7
  int64_t length, stride;
  const T *cosines, *sines;
  int64_t step;
  const T *re, *im;
  T *out_re, *out_im;
};

// Between a tensor and a block. Lane l of the tensor begins at offsets[l], elements stand `axis` apart. `pairs`: the
// imaginary part stands `part` behind the real one; otherwise numbers are real.
template <class T>
struct FftMoveArgs {
  T *re, *im;
  int64_t lanes;
  T* x;
  const int64_t* offsets;  // [lanes]
  int64_t axis, part;
  bool pairs;
  int64_t count;  // elements moved
};

// Row i of (re, im) times number i of a table.
template <class T>
struct FftMultiplyArgs {
  T *re, *im;
  int64_t lanes, count;
  const T *table_re, *table_im;
};

// Kernels are there for float and double: NDL_KERNEL(fft_load<T>)(args).
// p in [begin, end), q in [first, last).
NDL_DECLARE_KERNEL(template <class T> void, fft_pass,
                   (const FftPassArgs<T>& args, int64_t begin, int64_t end, int64_t first, int64_t last));
// From the tensor; a part that is not there is 0.
NDL_DECLARE_KERNEL(template <class T> void, fft_load, (const FftMoveArgs<T>& args));
// To the tensor, times scale.
NDL_DECLARE_KERNEL(template <class T> void, fft_store, (const FftMoveArgs<T>& args, T scale));
NDL_DECLARE_KERNEL(template <class T> void, fft_multiply, (const FftMultiplyArgs<T>& args));

}  // namespace needlecpp
