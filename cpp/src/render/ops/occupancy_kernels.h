// Arguments and formulas of the occupancy march and of the grid's refresh; the essay is in occupancy_simd.cpp.
#pragma once

#include "render/ops/camera_kernels.h"
#include "simd/hd.h"
#include "simd/isa.h"
#include "simd/philox.h"

namespace needlecpp {

inline constexpr int kBlock = 8;  // cells along the edge of a block

// Scene box and tables of a grid of resolution^3 cells.
struct OccupancyArgs {
  float low[3];
  float high[3];
  int resolution;
  const uint8_t* bits;      // [resolution^3 / 8]
  const uint8_t* distance;  // [(resolution / 8)^3]
};

struct MarchArgs {
  OccupancyArgs grid;
  const float* origins;     // [n, 3]
  const float* directions;  // [n, 3]
  float step;
  float cone_angle;
  float max_step;
  float near;
  int64_t max_samples;
  bool jitter;
  uint64_t seed;
  uint64_t draw;
};
// Packs the kept t of rays [begin, end) one after the other into `kept`, which has room for max_samples a ray and
// kMarchSlack more, and writes how many each ray has to counts[ray]. Returns their sum.
inline constexpr int64_t kMarchSlack = 16;
NDL_DECLARE_KERNEL(int64_t, march_rays,
                   (const MarchArgs& args, int64_t begin, int64_t end, float* kept, int64_t* counts))

struct ExpandArgs {
  const float* origins;
  const float* directions;
  float step;
  float cone_angle;
  float max_step;
  const int64_t* offsets;  // [n_rays + 1]
  int32_t* ray_index;
  float* positions;
  float* t;
  float* dt;
};
// Everything about the samples of rays [begin, end) from their packed t.
NDL_DECLARE_KERNEL(void, expand_samples, (const ExpandArgs& args, int64_t begin, int64_t end, const float* kept))

struct ProbeArgs {
  OccupancyArgs grid;
  int64_t cells;
  int64_t count;  // probes over all cells
  uint64_t seed;
  uint64_t draw;
};
// Probes [begin, end): which cell each one takes and where in the cell it stands.
NDL_DECLARE_KERNEL(void, choose_probes,
                   (const ProbeArgs& args, int64_t begin, int64_t end, int32_t* cell, float* positions))
NDL_DECLARE_KERNEL(void, merge_density,
                   (float* density, const int32_t* cell, const float* sigma, float decay, int64_t begin, int64_t end))

struct DensitySum {
  double sum;
  int64_t count;
};
// Over the cells [begin, end) that were probed.
NDL_DECLARE_KERNEL(DensitySum, sum_density, (const float* density, int64_t begin, int64_t end))
// Bytes [begin, end) of the bits: cells with density above `limit` or not probed.
NDL_DECLARE_KERNEL(void, write_bits, (const float* density, float limit, uint8_t* bits, int64_t begin, int64_t end))
NDL_DECLARE_KERNEL(int64_t, count_bits, (const uint8_t* bits, int64_t begin, int64_t end))
NDL_DECLARE_KERNEL(void, block_distances, (const uint8_t* bits, int resolution, uint8_t* distance))

namespace NDL_ISA {

// Length of the step at distance t.
NDL_HD float step_length(float t, float step, float cone_angle, float max_step) {
  const float wanted = t * cone_angle;
  return wanted < step ? step : (wanted > max_step ? max_step : wanted);
}

// Probe i of `count` takes one cell of the i-th of `count` equal runs of cells: no cell twice, and in the order of
// memory. Sets the cell and the point in it, in cells.
NDL_HD int64_t probe(int64_t i, int64_t count, int64_t cells, int resolution, uint64_t seed, uint64_t draw,
                     float* point) {
  const Philox4 random = philox(seed, draw, static_cast<uint64_t>(i));
  const int64_t first = i * cells / count;
  const int64_t length = (i + 1) * cells / count - first;
  const int64_t cell = first + static_cast<int64_t>((static_cast<uint64_t>(random.x) * length) >> 32);
  point[0] = static_cast<float>(cell % resolution) + uniform24(random.y);
  point[1] = static_cast<float>(cell / resolution % resolution) + uniform24(random.z);
  point[2] = static_cast<float>(cell / resolution / resolution) + uniform24(random.w);
  return cell;
}

}  // namespace NDL_ISA
}  // namespace needlecpp
