// What choosing live samples asks of a device.
#pragma once

#include "core/run.h"

namespace needlecpp {

// Rounds of visible_density(). A run is a piece of a ray's samples: which ray, where it starts among all samples, how
// many it has, and where it starts among those of its round. The runs of a round stand one behind the other at the
// start of `runs`, [n_rays, 4] int64.
struct Round {
  int64_t runs;
  int64_t samples;
};
// One run of no samples for each ray of offsets [n_rays + 1], before the first round.
NDL_DECLARE_RUN(Round, run_start_rays, (View offsets, View runs))
// The next round: of the rays that the one before had and that have samples left, and light to see them (thickness
// [n_rays] float64 not beyond `stop`), the next samples, `most` at most.
NDL_DECLARE_RUN(Round, run_next_round,
                (View offsets, View thickness, float stop, int64_t most, const Round& before, View runs))
// The rows of `from` [n, c] float32 that the runs name, packed.
NDL_DECLARE_RUN(void, run_gather_runs, (View from, View runs, const Round& round, View packed))
// And back: packed rows to their places.
NDL_DECLARE_RUN(void, run_scatter_runs, (View packed, View runs, const Round& round, View to))
// thickness += sigma dt, sample after sample of each run; found: sigma of the round's samples, packed.
NDL_DECLARE_RUN(void, run_add_thickness, (View found, View dt, View runs, const Round& round, View thickness))

// keep_live(): the offsets of those samples whose weight is above the threshold; returns how many there are.
NDL_DECLARE_RUN(int64_t, run_count_live, (View offsets, View weights, float threshold, View live_offsets))
// Samples as memory: see Samples. `index`: where each stood before.
struct SampleViews {
  View ray_index, positions, t, dt;
};
NDL_DECLARE_RUN(void, run_pack_live,
                (View offsets, View weights, float threshold, const SampleViews& from, View live_offsets, View index,
                 const SampleViews& to))

}  // namespace needlecpp
