// Encodings without parameters: real spherical harmonics and sinusoids.
#pragma once

#include "needlecpp/core/tensor.h"

namespace needlecpp {

// Real spherical harmonics Y_lm of unit directions up to degree `degree` - 1 (degree 4: 16 coefficients), ordered and
// signed as in Sloan, "Efficient Spherical Harmonic Evaluation" (2013) and tiny-cuda-nn. Differentiable.
Tensor spherical_harmonics(const Tensor& directions,  // [n, 3]
                           int degree = 4);           // 1..4 -> [n, degree^2]
Tensor spherical_harmonics_composed(const Tensor& directions, int degree = 4);

// sin(2^k pi x), cos(2^k pi x) for k = 0..frequencies-1 (Mildenhall et al., "NeRF", 2020, equation 4), per input axis
// d and k: sin, cos adjacent. Differentiable.
Tensor frequency_encoding(const Tensor& x,   // [n, d]
                          int frequencies);  // -> [n, d * frequencies * 2]
Tensor frequency_encoding_composed(const Tensor& x, int frequencies);

}  // namespace needlecpp
