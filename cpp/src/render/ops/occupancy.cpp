// The occupancy grid's tables, their refresh, and the march; how it works is told in occupancy_simd.cpp.
#include "needlecpp/render/occupancy.h"

#include <algorithm>
#include <cmath>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "render/ops/occupancy_kernels.h"
#include "render/ops/occupancy_run.h"

namespace needlecpp {

namespace {

constexpr int64_t kBatch = 1 << 16;  // positions a call of sigma_of gets at most

void check_ray_tensor(const char* what, const Tensor& x) {
  NDL_CHECK(x.defined(), ValueError, "march", what, " are undefined: expected a tensor.");
  NDL_CHECK(x.dtype() == DType::Float32, TypeError, "march", what, " have the wrong type: got ", name(x.dtype()),
            ", expected float32.");
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
  density_ = op.full({cells}, -1);
  bits_ = op.full({cells / 8}, 255, DType::UInt8);
  distance_ = op.zeros({blocks * blocks * blocks}, DType::UInt8);
}

double OccupancyGrid::occupied_fraction() const {
  const int64_t occupied = NDL_ON(bits_.device(), run_count_bits)(bits_);
  return static_cast<double>(occupied) / static_cast<double>(density_.numel());
}

void OccupancyGrid::refresh_bits(float step, double threshold) {
  NDL_ON(density_.device(), run_refresh_bits)(views(), step, threshold);
}

GridViews OccupancyGrid::views() const { return {box_, resolution_, density_, bits_, distance_}; }

void OccupancyGrid::update(const std::function<Tensor(const Tensor&)>& sigma_of, Generator& generator, float step,
                           double fraction, double decay, double threshold) {
  Op op("occupancy_update", density_);
  NDL_CHECK(fraction > 0 && fraction <= 1, ValueError, op, "bad fraction: got ", fraction,
            ", expected above 0 and up to 1.");
  NDL_CHECK(decay >= 0 && decay <= 1, ValueError, op, "bad decay: got ", decay, ", expected 0 to 1.");
  check_threshold(op, step, threshold);
  NoGrad no_grad;
  const int64_t cells = density_.numel();
  const int64_t count = std::clamp<int64_t>(std::llround(fraction * static_cast<double>(cells)), 1, cells);
  const Probes probes = {count, generator.next()};
  const Tensor merged = density_;  // sigma_of is a stranger: it may call set_density
  for (int64_t first = 0; first < count; first += kBatch) {
    const int64_t n = std::min(kBatch, count - first);
    const Tensor cell = op.empty({n}, DType::Int32);
    const Tensor positions = op.empty({n, 3});
    NDL_ON(op.device(), run_choose_probes)(views(), probes, first, cell, positions);
    const Tensor answer = sigma_of(positions);
    NDL_CHECK(answer.defined() && answer.rank() == 1 && answer.size(0) == n, ValueError, op,
              "sigma_of gave the wrong shape: got ", answer.defined() ? to_string(answer.shape()) : "nothing",
              ", expected (", n, ").");
    NDL_CHECK(answer.device() == op.device(), TypeError, op, "sigma_of answered on another device: got ",
              to_string(answer.device()), ", expected ", to_string(op.device()), ".");
    const Tensor sigma = contiguous(cast(answer, DType::Float32));
    NDL_ON(op.device(), run_merge_density)(merged, cell, sigma, static_cast<float>(decay));
  }
  NDL_CHECK(density_.is_same(merged), Error, op,
            "the grid was set by sigma_of: got new densities during an update, expected none.");
  density_.bump_version(op);
  refresh_bits(step, threshold);
}

void OccupancyGrid::set_density(const Tensor& density, float step, double threshold) {
  Op op("occupancy_set_density", density, density_);
  NDL_CHECK(density.defined() && density.dtype() == DType::Float32, TypeError, op, "density is not float32: got ",
            density.defined() ? name(density.dtype()) : "nothing", ", expected float32.");
  NDL_CHECK(density.shape() == density_.shape(), ValueError, op, "density has the wrong shape: got ", density.shape(),
            ", expected ", density_.shape(), ".");
  check_threshold(op, step, threshold);
  density_ = clone(density.detach());
  refresh_bits(step, threshold);
}

void OccupancyGrid::set_bits(const Tensor& bits) {
  Op op("occupancy_set_bits", bits, bits_);
  NDL_CHECK(bits.defined() && bits.dtype() == DType::UInt8, TypeError, op, "bits are not uint8: got ",
            bits.defined() ? name(bits.dtype()) : "nothing", ", expected uint8.");
  NDL_CHECK(bits.shape() == bits_.shape(), ValueError, op, "bits have the wrong shape: got ", bits.shape(),
            ", expected ", bits_.shape(), ".");
  bits_ = clone(bits);
  density_ = op.empty(density_.shape());
  NDL_ON(op.device(), run_density_from_bits)(views());
  NDL_ON(op.device(), run_block_distances)(views());
}

Samples OccupancyGrid::march(const Rays& rays, const MarchOptions& options) const {
  Op op("march", rays.origins, rays.directions, bits_);
  check_ray_tensor("origins", rays.origins);
  check_ray_tensor("directions", rays.directions);
  check_config("march", options);
  const int64_t n = rays.origins.size(0);
  NDL_CHECK(rays.directions.size(0) == n, ValueError, op, "lengths differ: got ", n, " origins and ",
            rays.directions.size(0), " directions, expected as many.");
  Samples samples;
  samples.offsets = op.empty({n + 1}, DType::Int64);
  const auto make_samples = [&](int64_t count) -> SampleViews {
    samples.ray_index = op.empty({count}, DType::Int32);
    samples.positions = op.empty({count, 3});
    samples.t = op.empty({count});
    samples.dt = op.empty({count});
    return {samples.ray_index, samples.positions, samples.t, samples.dt};
  };
  NDL_ON(op.device(), run_march)
  (views(), options, contiguous(rays.origins.detach()), contiguous(rays.directions.detach()), samples.offsets,
   make_samples);
  return samples;
}

}  // namespace needlecpp
