// What the ops of volume.h ask of a device. Samples are packed: those of ray r are offsets[r] .. offsets[r + 1] - 1.
#pragma once

#include "core/run.h"

namespace needlecpp {

// What offsets say, for checks and for how much memory a ray needs.
struct RayOffsets {
  int64_t first, last;        // of the offsets
  int64_t shortest, longest;  // samples of a ray; 0 at most and at least
};
// Contiguous offsets [n_rays + 1] int64.
NDL_DECLARE_RUN(RayOffsets, run_read_offsets, (View offsets))

// Contiguous; float32 but for the offsets. `stop` as VolumeArgs has it.
struct VolumeSamples {
  View sigma;    // [n]
  View rgb;      // [n, 3]; none for run_volume_weights
  View t;        // [n]; none for run_volume_weights
  View dt;       // [n]
  View offsets;  // [n_rays + 1] int64
  int64_t longest;
  float stop;
};
// color [n_rays, 3], opacity and depth [n_rays].
NDL_DECLARE_RUN(void, run_volume, (const VolumeSamples& samples, View color, View opacity, View depth))
// Any of the incoming gradients may be missing (zero), and of those of the samples (not wanted).
NDL_DECLARE_RUN(void, run_volume_backward,
                (const VolumeSamples& samples, View dcolor, View dopacity, View ddepth, View dsigma, View drgb))
NDL_DECLARE_RUN(void, run_volume_weights, (const VolumeSamples& samples, View weights))

// How many samples of each ray lie before its stop, [n_rays] int64, from the optical thickness of all, float32 or
// float64: a ray ends before the sample in front of which more than `stop` lies, both rounded to that type.
NDL_DECLARE_RUN(void, run_count_live, (View thickness, View offsets, double stop, View live))

}  // namespace needlecpp
