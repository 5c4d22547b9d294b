// Volume rendering of packed samples (Max, "Optical Models for Direct Volume Rendering", 1995; NeRF equation 3):
//   tau_i = sigma_i dt_i,  T_i = exp(-(tau_0 + ... + tau_{i-1})),  w_i = T_i (1 - exp(-tau_i)),
//   color = sum w_i c_i,  opacity = sum w_i,  depth = sum w_i t_i.
#pragma once

#include "needlecpp/core/tensor.h"

namespace needlecpp {

struct VolumeOutput {
  Tensor color;    // [n_rays, 3]
  Tensor opacity;  // [n_rays]
  Tensor depth;    // [n_rays]; not divided by opacity
};

// One pass forward, one pass backward, nothing stored per sample. A ray stops before the sample at which T_i falls
// below early_stop; later samples get no gradient. Differentiable in sigma and rgb.
VolumeOutput render_volume(const Tensor& sigma,    // [n] float32 (float64 goes through the twin), >= 0
                           const Tensor& rgb,      // [n, 3]
                           const Tensor& t,        // [n]
                           const Tensor& dt,       // [n]
                           const Tensor& offsets,  // [n_rays + 1] int64, see Samples
                           double early_stop = 1e-4);
VolumeOutput render_volume_composed(const Tensor& sigma, const Tensor& rgb, const Tensor& t, const Tensor& dt,
                                    const Tensor& offsets, double early_stop = 1e-4);
// The weights w_i alone (0 after the stop), off the tape: [n].
Tensor volume_weights(const Tensor& sigma, const Tensor& dt, const Tensor& offsets, double early_stop = 1e-4);

}  // namespace needlecpp
