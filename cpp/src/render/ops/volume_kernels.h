// Arguments and formulas of the volume rendering kernels; the essay is in volume_simd.cpp.
#pragma once

#include <stdint.h>

#include "simd/hd.h"
#include "simd/isa.h"
#include "simd/math.h"

namespace needlecpp {

struct VolumeArgs {
  const float* sigma;      // [n]
  const float* rgb;        // [n, 3]
  const float* t;          // [n]
  const float* dt;         // [n]
  const int64_t* offsets;  // [n_rays + 1]
  float stop;              // a ray ends before the sample in front of which more optical thickness lies; finite
  float* scratch;          // volume_backward: 2 * (longest + kVolumePadding) floats, one set a thread
  int64_t longest;         // samples of the longest ray
};

// What VolumeArgs::stop is: the thickness at which transmittance falls below early_stop.
double stop_thickness(double early_stop);

inline constexpr int64_t kVolumePadding = 16;  // vectors run over the end of a ray

// Rays [begin, end): color [n_rays, 3], opacity and depth [n_rays].
NDL_DECLARE_KERNEL(void, volume_forward,
                   (const VolumeArgs& args, int64_t begin, int64_t end, float* color, float* opacity, float* depth))
// Gradients of the samples of rays [begin, end); any of the incoming ones may be null (zero), and of the outgoing ones
// (not wanted).
struct VolumeGradients {
  const float* dcolor;    // [n_rays, 3]
  const float* dopacity;  // [n_rays]
  const float* ddepth;    // [n_rays]
  float* dsigma;          // [n]
  float* drgb;            // [n, 3]
};
NDL_DECLARE_KERNEL(void, volume_backward,
                   (const VolumeArgs& args, int64_t begin, int64_t end, const VolumeGradients& gradients))
// w of the samples of rays [begin, end); reads sigma and dt alone.
NDL_DECLARE_KERNEL(void, volume_weights, (const VolumeArgs& args, int64_t begin, int64_t end, float* weights))

namespace NDL_ISA {

// T (1 - exp(-tau)), given T in front of a sample and T exp(-tau) behind it. Their difference cancels for a thin
// sample, where the series of -expm1(-tau) steps in: below 1/8 its first neglected term is 1e-8 of the sum.
template <class V>
NDL_HD V sample_weight(V tau, V before, V behind) {
  const V series =
      tau * (1.0f - tau * (0.5f - tau * (1.0f / 6 - tau * (1.0f / 24 - tau * (1.0f / 120 - tau * (1.0f / 720))))));
  return m_select(tau < 0.125f, before * series, before - behind);
}

}  // namespace NDL_ISA
}  // namespace needlecpp
