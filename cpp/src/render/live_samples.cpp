// Packs the samples that matter: count per ray, prefix sum, copy.
//
// Rounds of visible_density: once a scene has surfaces, six samples in ten of a march lie behind one. Rounds of 8, 8,
// 16, 32, 64, ... samples a ray evaluate half of a march (of trained Lego views), rounds of 4 two fifths, but they are
// up to thirty; each costs a pass over the rays that are left and a call of the field.
#include "render/live_samples.h"

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "render/live_samples_run.h"
#include "render/ops/volume_kernels.h"

namespace needlecpp {
namespace {

constexpr int64_t kFirstRound = 8;  // samples of a ray

// One of a field's answers about n points: [n] or [n, width], any width where it is -1.
void check_answer(const char* function, const char* what, const Tensor& answer, int64_t n, int rank, int64_t width) {
  const std::string expected = rank == 1 ? detail::concat("(", n, ")")
                                         : detail::concat("(", n, ", ", width < 0 ? "f" : std::to_string(width), ")");
  NDL_CHECK(answer.defined(), ValueError, "field", function, " gave no ", what, ": got nothing, expected ", expected,
            ".");
  NDL_CHECK(answer.dtype() == DType::Float32, TypeError, "field", function, " gave ", what, " of a wrong dtype: got ",
            name(answer.dtype()), ", expected float32.");
  NDL_CHECK(answer.rank() == rank && answer.size(0) == n && (width < 0 || answer.size(1) == width), ValueError, "field",
            function, " gave ", what, " of a wrong shape: got ", answer.shape(), ", expected ", expected, ".");
}

}  // namespace

Density checked_density(const Field& field, const Tensor& positions) {
  Density density = field.density(positions);
  check_answer("density", "sigma", density.sigma, positions.size(0), 1, -1);
  check_answer("density", "features", density.features, positions.size(0), 2, -1);
  return density;
}

Tensor checked_color(const Field& field, const Tensor& features, const Rays& rays, const Tensor& ray_index) {
  Tensor color = field.color(features, rays, ray_index);
  check_answer("color", "colours", color, features.size(0), 2, 3);
  return color;
}

VisibleDensity visible_density(const Field& field, const Samples& samples, double early_stop, bool want_features) {
  Op op("visible_density", samples.offsets, samples.positions, samples.dt);
  NoGrad no_grad;
  const int64_t n = samples.count();
  const int64_t n_rays = samples.offsets.size(0) - 1;
  const float stop = static_cast<float>(stop_thickness(early_stop));
  const Tensor thickness = op.zeros({n_rays}, DType::Float64);
  const Tensor runs = op.empty({n_rays, 4}, DType::Int64);

  VisibleDensity visible;
  visible.sigma = op.zeros({n});
  Round round = NDL_ON(op.device(), run_start_rays)(samples.offsets, runs);
  for (int64_t number = 0, most = early_stop > 0 ? kFirstRound : n;; ++number) {
    if (number > 1 && early_stop > 0) most *= 2;
    round = NDL_ON(op.device(), run_next_round)(samples.offsets, thickness, stop, most, round, runs);
    if (round.samples == 0) return visible;
    visible.evaluated += round.samples;
    const Tensor packed = op.empty({round.samples, 3});
    NDL_ON(op.device(), run_gather_runs)(samples.positions, runs, round, packed);
    const Density density = checked_density(field, packed);
    const Tensor found = contiguous(density.sigma);
    NDL_ON(op.device(), run_scatter_runs)(found, runs, round, visible.sigma);
    NDL_ON(op.device(), run_add_thickness)(found, samples.dt, runs, round, thickness);
    if (!want_features) continue;
    const int64_t width = density.features.size(1);
    if (!visible.features.defined()) visible.features = op.empty({n, width});
    NDL_CHECK(visible.features.size(1) == width, ValueError, "field", "density gave another number of features: got ",
              width, ", expected ", visible.features.size(1), ", as before.");
    NDL_ON(op.device(), run_scatter_runs)(contiguous(density.features), runs, round, visible.features);
  }
}

LiveSamples keep_live(const Samples& samples, const Tensor& weights, double min_weight) {
  Op op("keep_live", samples.offsets, weights);
  const float threshold = static_cast<float>(min_weight);
  LiveSamples live;
  live.samples.offsets = op.empty(samples.offsets.shape(), DType::Int64);
  const int64_t count = NDL_ON(op.device(), run_count_live)(samples.offsets, weights, threshold, live.samples.offsets);
  live.index = op.empty({count}, DType::Int64);
  live.samples.ray_index = op.empty({count}, DType::Int32);
  live.samples.positions = op.empty({count, 3});
  live.samples.t = op.empty({count});
  live.samples.dt = op.empty({count});
  const auto views = [](const Samples& s) { return SampleViews{s.ray_index, s.positions, s.t, s.dt}; };
  NDL_ON(op.device(), run_pack_live)
  (samples.offsets, weights, threshold, views(samples), live.samples.offsets, live.index, views(live.samples));
  return live;
}

}  // namespace needlecpp
