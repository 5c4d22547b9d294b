// The occupancy grid's loops cut for threads; how they work is told in occupancy_simd.cpp.
#include <algorithm>
#include <vector>

#include "needlecpp/core/parallel.h"
#include "render/ops/occupancy_kernels.h"
#include "render/ops/occupancy_run.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kChunk = 1 << 14;  // cells a task sums: fixed, so that the mean does not depend on the threads

OccupancyArgs grid_args(const GridViews& grid) {
  OccupancyArgs args = {};
  std::copy_n(grid.box.low, 3, args.low);
  std::copy_n(grid.box.high, 3, args.high);
  args.resolution = grid.resolution;
  args.bits = data<uint8_t>(grid.bits);
  args.distance = data<uint8_t>(grid.distance);
  return args;
}

// The mean over the cells probed, 0 where none was.
double mean_density(const float* density, int64_t cells) {
  std::vector<DensitySum> sums(static_cast<size_t>((cells + kChunk - 1) / kChunk));
  parallel_for(static_cast<int64_t>(sums.size()), 4, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      sums[static_cast<size_t>(i)] = NDL_KERNEL(sum_density)(density, i * kChunk, std::min(cells, (i + 1) * kChunk));
  });
  double sum = 0;
  int64_t probed = 0;
  for (const DensitySum& part : sums) {
    sum += part.sum;
    probed += part.count;
  }
  return probed > 0 ? sum / static_cast<double>(probed) : 0;
}

}  // namespace

int64_t run_count_bits(View bits) { return NDL_KERNEL(count_bits)(data<uint8_t>(bits), 0, bits.count); }

void run_block_distances(const GridViews& grid) {
  NDL_KERNEL(block_distances)(data<uint8_t>(grid.bits), grid.resolution, data<uint8_t>(grid.distance));
}

void run_refresh_bits(const GridViews& grid, float step, double threshold) {
  const float* density = data<float>(grid.density);
  uint8_t* bits = data<uint8_t>(grid.bits);
  const float limit = static_cast<float>(std::min(threshold / step, mean_density(density, grid.density.count)));
  parallel_for(grid.bits.count, kChunk, [&](int64_t begin, int64_t end) {
    NDL_KERNEL(write_bits)(density, limit, bits, begin, end);
  });
  run_block_distances(grid);
}

void run_density_from_bits(const GridViews& grid) {
  const uint8_t* bits = data<uint8_t>(grid.bits);
  float* density = data<float>(grid.density);
  parallel_for(grid.density.count, kChunk, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) density[i] = (bits[i / 8] >> (i % 8)) & 1 ? -1.0f : 0.0f;
  });
}

void run_choose_probes(const GridViews& grid, const Probes& probes, int64_t first, View cell, View positions) {
  const ProbeArgs args = {grid_args(grid), grid.density.count, probes.count, probes.key.seed, probes.key.draw};
  int32_t* cell_of = data<int32_t>(cell);
  float* position = data<float>(positions);
  parallel_for(cell.count, 1024, [&](int64_t begin, int64_t end) {
    NDL_KERNEL(choose_probes)(args, first + begin, first + end, cell_of + begin, position + 3 * begin);
  });
}

// Without a cell twice threads never meet.
void run_merge_density(View density, View cell, View sigma, float decay) {
  float* merged = data<float>(density);
  const int32_t* cell_of = data<int32_t>(cell);
  const float* found = data<float>(sigma);
  parallel_for(cell.count, 4096, [&](int64_t begin, int64_t end) {
    NDL_KERNEL(merge_density)(merged, cell_of, found, decay, begin, end);
  });
}

void run_march(const GridViews& grid, const MarchOptions& options, View origins, View directions, View offset_view,
               const MakeSamples& make_samples) {
  const int64_t n = origins.size[0];
  MarchArgs args = {};
  args.grid = grid_args(grid);
  args.origins = data<float>(origins);
  args.directions = data<float>(directions);
  args.step = options.step;
  args.cone_angle = options.cone_angle;
  args.max_step = options.max_step;
  args.near = options.near;
  args.max_samples = options.max_samples;
  args.jitter = options.jitter;
  args.seed = options.key.seed;
  args.draw = options.key.draw;

  int64_t* offsets = data<int64_t>(offset_view);
  const int64_t rays_per_task = std::clamp<int64_t>((int64_t{1} << 16) / options.max_samples, 1, 64);
  const int64_t tasks = (n + rays_per_task - 1) / rays_per_task;
  std::vector<std::vector<float>> kept(static_cast<size_t>(tasks));
  parallel_tasks(tasks, [&](int64_t task) {
    static thread_local std::vector<float> scratch;
    scratch.resize(static_cast<size_t>(rays_per_task * options.max_samples + kMarchSlack));
    const int64_t begin = task * rays_per_task;
    const int64_t end = std::min(n, begin + rays_per_task);
    const int64_t count = NDL_KERNEL(march_rays)(args, begin, end, scratch.data(), offsets + 1);
    kept[static_cast<size_t>(task)].assign(scratch.data(), scratch.data() + count);
  });
  offsets[0] = 0;
  for (int64_t ray = 0; ray < n; ++ray) offsets[ray + 1] += offsets[ray];

  const SampleViews samples = make_samples(offsets[n]);
  ExpandArgs expand = {};
  expand.origins = args.origins;
  expand.directions = args.directions;
  expand.step = options.step;
  expand.cone_angle = options.cone_angle;
  expand.max_step = options.max_step;
  expand.offsets = offsets;
  expand.ray_index = data<int32_t>(samples.ray_index);
  expand.positions = data<float>(samples.positions);
  expand.t = data<float>(samples.t);
  expand.dt = data<float>(samples.dt);
  parallel_tasks(tasks, [&](int64_t task) {
    const int64_t begin = task * rays_per_task;
    NDL_KERNEL(expand_samples)
    (expand, begin, std::min(n, begin + rays_per_task), kept[static_cast<size_t>(task)].data());
  });
}

}  // namespace needlecpp::cpu
