// What the occupancy grid asks of a device. Everything is contiguous.
#pragma once

#include <functional>

#include "core/run.h"
#include "needlecpp/core/random.h"
#include "needlecpp/render/occupancy.h"

namespace needlecpp {

// The tables of a grid of resolution^3 cells, see OccupancyGrid.
struct GridViews {
  Box box;
  int resolution;
  View density;   // [resolution^3] float32
  View bits;      // [resolution^3 / 8] uint8
  View distance;  // [(resolution / 8)^3] uint8
};

// How many bits are set.
NDL_DECLARE_RUN(int64_t, run_count_bits, (View bits))
// distance from bits.
NDL_DECLARE_RUN(void, run_block_distances, (const GridViews& grid))
// bits and distance from density: a cell is occupied where density > min(threshold / step, mean over the cells probed),
// or where it was not probed.
NDL_DECLARE_RUN(void, run_refresh_bits, (const GridViews& grid, float step, double threshold))
// density from bits: 0 in empty cells, -1 in occupied ones.
NDL_DECLARE_RUN(void, run_density_from_bits, (const GridViews& grid))

// Probes of one update: `count` over all cells, drawn from `key`.
struct Probes {
  int64_t count;
  Generator::Key key;
};
// Probes [first, first + n): which cell each takes, [n] int32, and where in the cell it stands, [n, 3] float32.
NDL_DECLARE_RUN(void, run_choose_probes,
                (const GridViews& grid, const Probes& probes, int64_t first, View cell, View positions))
// density = max(density * decay, sigma) at `cell`, among which is no cell twice.
NDL_DECLARE_RUN(void, run_merge_density, (View density, View cell, View sigma, float decay))

// What Samples has, but for the offsets.
struct SampleViews {
  View ray_index, positions, t, dt;
};
// Memory for so many samples, which the march asks for once, when it knows their number.
using MakeSamples = std::function<SampleViews(int64_t count)>;
// Rays [n, 3] float32; writes offsets [n + 1] int64 and the samples.
NDL_DECLARE_RUN(void, run_march,
                (const GridViews& grid, const MarchOptions& options, View origins, View directions, View offsets,
                 const MakeSamples& make_samples))

}  // namespace needlecpp
