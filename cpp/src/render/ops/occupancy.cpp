// The occupancy grid's tables, their refresh, and the march; how it works is told in occupancy_simd.cpp.
#include "needlecpp/render/occupancy.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/autograd/op.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "render/ops/occupancy_kernels.h"

namespace needlecpp {

namespace {

constexpr int64_t kChunk = 1 << 14;  // cells a task sums: fixed, so that the mean does not depend on the threads
constexpr int64_t kBatch = 1 << 16;  // positions a call of sigma_of gets at most

GridArgs grid_args(const OccupancyGrid& grid, const Tensor& distance) {
  GridArgs args = {};
  for (int axis = 0; axis < 3; ++axis) {
    args.low[axis] = grid.box().low[axis];
    args.high[axis] = grid.box().high[axis];
  }
  args.resolution = grid.resolution();
  args.bits = grid.bits().data<uint8_t>();
  args.distance = distance.data<uint8_t>();
  return args;
}

void check_ray_tensor(const char* what, const Tensor& x) {
  NDL_CHECK(x.defined(), ValueError, "march", what, " are undefined: expected a tensor.");
  NDL_CHECK(x.dtype() == DType::Float32 && x.device().type == DeviceType::CPU, TypeError, "march", what,
            " have the wrong type: got ", name(x.dtype()), " on ", to_string(x.device()), ", expected float32 on cpu.");
  NDL_CHECK(x.rank() == 2 && x.size(1) == 3 && x.size(0) < (int64_t{1} << 31), ValueError, "march", what,
            " have the wrong shape: got ", x.shape(), ", expected [n, 3] with n below 2^31.");
}

void check_threshold(const char* op, float step, double threshold) {
  NDL_CHECK(std::isfinite(step) && step > 0, ValueError, op, "bad step: got ", step, ", expected a positive length.");
  NDL_CHECK(threshold >= 0, ValueError, op, "bad threshold: got ", threshold, ", expected 0 or more.");
}

}  // namespace

OccupancyGrid::OccupancyGrid(const Box& box, int resolution) : box_(box), resolution_(resolution) {
  Op op("occupancy_grid");
  check_config(op, OccupancyConfig{box, resolution});
  const int64_t blocks = resolution / kBlock;
  const int64_t cells = static_cast<int64_t>(resolution) * resolution * resolution;
  density_ = Tensor::full({cells}, -1);
  bits_ = Tensor::full({cells / 8}, 255, DType::UInt8);
  distance_ = Tensor::zeros({blocks * blocks * blocks}, DType::UInt8);
}

double OccupancyGrid::occupied_fraction() const {
  const int64_t occupied = NDL_KERNEL(count_bits)(bits_.data<uint8_t>(), 0, bits_.numel());
  return static_cast<double>(occupied) / static_cast<double>(density_.numel());
}

void OccupancyGrid::refresh_bits(float step, double threshold) {
  const float* density = density_.data<float>();
  const int64_t cells = density_.numel();
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
  const double mean = probed > 0 ? sum / static_cast<double>(probed) : 0;
  const float limit = static_cast<float>(std::min(threshold / step, mean));
  uint8_t* bits = bits_.data<uint8_t>();
  parallel_for(cells / 8, kChunk, [&](int64_t begin, int64_t end) {
    NDL_KERNEL(write_bits)(density, limit, bits, begin, end);
  });
  NDL_KERNEL(block_distances)(bits, resolution_, distance_.data<uint8_t>());
}

void OccupancyGrid::update(const std::function<Tensor(const Tensor&)>& sigma_of, Generator& generator, float step,
                           double fraction, double decay, double threshold) {
  Op op("occupancy_update");
  NDL_CHECK(fraction > 0 && fraction <= 1, ValueError, "occupancy_update", "bad fraction: got ", fraction,
            ", expected above 0 and up to 1.");
  NDL_CHECK(decay >= 0 && decay <= 1, ValueError, "occupancy_update", "bad decay: got ", decay, ", expected 0 to 1.");
  check_threshold("occupancy_update", step, threshold);
  NoGrad no_grad;
  const int64_t cells = density_.numel();
  const int64_t count = std::clamp<int64_t>(std::llround(fraction * static_cast<double>(cells)), 1, cells);
  const Generator::Key key = generator.next();
  const ProbeArgs args = {grid_args(*this, distance_), cells, count, key.seed, key.draw};
  const Tensor merged = density_;  // sigma_of is a stranger: it may call set_density
  float* density = merged.data<float>();
  for (int64_t start = 0; start < count; start += kBatch) {
    const int64_t n = std::min(kBatch, count - start);
    const Tensor cell = Tensor::empty({n}, DType::Int32);
    const Tensor positions = Tensor::empty({n, 3});
    int32_t* cell_of = cell.data<int32_t>();
    float* position = positions.data<float>();
    parallel_for(n, 1024, [&](int64_t begin, int64_t end) {
      NDL_KERNEL(choose_probes)(args, start + begin, start + end, cell_of + begin, position + 3 * begin);
    });
    const Tensor answer = sigma_of(positions);
    NDL_CHECK(answer.defined() && answer.rank() == 1 && answer.size(0) == n, ValueError, "occupancy_update",
              "sigma_of gave the wrong shape: got ", answer.defined() ? to_string(answer.shape()) : "nothing",
              ", expected (", n, ").");
    const Tensor sigma = contiguous(cast(answer, DType::Float32));
    const float* found = sigma.data<float>();
    // No cell is probed twice, so threads never meet.
    parallel_for(n, 4096, [&](int64_t begin, int64_t end) {
      NDL_KERNEL(merge_density)(density, cell_of, found, static_cast<float>(decay), begin, end);
    });
  }
  NDL_CHECK(density_.is_same(merged), Error, "occupancy_update",
            "the grid was set by sigma_of: got new densities during an update, expected none.");
  density_.bump_version("occupancy_update");
  refresh_bits(step, threshold);
}

void OccupancyGrid::set_density(const Tensor& density, float step, double threshold) {
  Op op("occupancy_set_density", density);
  NDL_CHECK(density.defined() && density.dtype() == DType::Float32, TypeError, "occupancy_set_density",
            "density is not float32: got ", density.defined() ? name(density.dtype()) : "nothing",
            ", expected float32.");
  NDL_CHECK(density.shape() == density_.shape(), ValueError, "occupancy_set_density",
            "density has the wrong shape: got ", density.shape(), ", expected ", density_.shape(), ".");
  check_threshold("occupancy_set_density", step, threshold);
  density_ = clone(density.detach());
  refresh_bits(step, threshold);
}

void OccupancyGrid::set_bits(const Tensor& bits) {
  Op op("occupancy_set_bits", bits);
  NDL_CHECK(bits.defined() && bits.dtype() == DType::UInt8, TypeError, "occupancy_set_bits", "bits are not uint8: got ",
            bits.defined() ? name(bits.dtype()) : "nothing", ", expected uint8.");
  NDL_CHECK(bits.shape() == bits_.shape(), ValueError, "occupancy_set_bits", "bits have the wrong shape: got ",
            bits.shape(), ", expected ", bits_.shape(), ".");
  bits_ = clone(bits);
  density_ = op.empty(density_.shape());
  const uint8_t* bit = bits_.data<uint8_t>();
  float* density = density_.data<float>();
  parallel_for(density_.numel(), kChunk, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) density[i] = (bit[i / 8] >> (i % 8)) & 1 ? -1.0f : 0.0f;
  });
  NDL_KERNEL(block_distances)(bit, resolution_, distance_.data<uint8_t>());
}

Samples OccupancyGrid::march(const Rays& rays, const MarchOptions& options) const {
  Op op("march");
  check_ray_tensor("origins", rays.origins);
  check_ray_tensor("directions", rays.directions);
  check_config("march", options);
  const int64_t n = rays.origins.size(0);
  NDL_CHECK(rays.directions.size(0) == n, ValueError, "march", "lengths differ: got ", n, " origins and ",
            rays.directions.size(0), " directions, expected as many.");
  const Tensor origins = contiguous(rays.origins.detach());
  const Tensor directions = contiguous(rays.directions.detach());

  MarchArgs args = {};
  args.grid = grid_args(*this, distance_);
  args.origins = origins.data<float>();
  args.directions = directions.data<float>();
  args.step = options.step;
  args.cone_angle = options.cone_angle;
  args.max_step = options.max_step;
  args.near = options.near;
  args.max_samples = options.max_samples;
  args.jitter = options.jitter;
  args.seed = options.key.seed;
  args.draw = options.key.draw;

  Samples samples;
  samples.offsets = Tensor::empty({n + 1}, DType::Int64);
  int64_t* offsets = samples.offsets.data<int64_t>();
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

  const int64_t count = offsets[n];
  samples.ray_index = Tensor::empty({count}, DType::Int32);
  samples.positions = Tensor::empty({count, 3});
  samples.t = Tensor::empty({count});
  samples.dt = Tensor::empty({count});
  ExpandArgs expand = {};
  expand.origins = args.origins;
  expand.directions = args.directions;
  expand.step = options.step;
  expand.cone_angle = options.cone_angle;
  expand.max_step = options.max_step;
  expand.offsets = offsets;
  expand.ray_index = samples.ray_index.data<int32_t>();
  expand.positions = samples.positions.data<float>();
  expand.t = samples.t.data<float>();
  expand.dt = samples.dt.data<float>();
  parallel_tasks(tasks, [&](int64_t task) {
    const int64_t begin = task * rays_per_task;
    NDL_KERNEL(expand_samples)
    (expand, begin, std::min(n, begin + rays_per_task), kept[static_cast<size_t>(task)].data());
  });
  return samples;
}

}  // namespace needlecpp
