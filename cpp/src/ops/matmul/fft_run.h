// Fourier transforms on a device.
#pragma once

#include "core/run.h"

namespace needlecpp {

enum class FftKind {
  Complex,   // complex numbers, pairs on the last axis, to complex ones
  ToHalf,    // real numbers to the first n / 2 + 1 complex ones
  FromHalf,  // back: n / 2 + 1 complex numbers are enough, the others are theirs, conjugated and backwards
};

struct FftCall {
  FftKind kind;
  bool inverse;
  int64_t n;  // points
  int axis;   // of x, counted from its front
  double scale;
};

// y[j] = scale times the sum over k < n of x[k] exp(-+2 pi i j k / n) along an axis, + if `inverse`, for every j that y
// has; x is cut or filled with zeros to n numbers, or those of a half. float32 or float64, any strides.
NDL_DECLARE_RUN(void, run_fft, (const FftCall& call, const View& x, const View& y));

}  // namespace needlecpp
