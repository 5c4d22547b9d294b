// Packs the samples that matter: count per ray, prefix sum, copy.
//
// Rounds of visible_density: once a scene has surfaces, six samples in ten of a march lie behind one. Rounds of 8, 8,
// 16, 32, 64, ... samples a ray evaluate half of a march (of trained Lego views), rounds of 4 two fifths, but they are
// up to thirty; each costs a pass over the rays that are left and a call of the field.
#include "render/live_samples.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/autograd/op.h"
#include "needlecpp/core/parallel.h"
#include "render/ops/volume_kernels.h"

namespace needlecpp {
namespace {

constexpr int64_t kFirstRound = 8;  // samples of a ray
constexpr int64_t kRays = 256;      // worth waking a thread for

// A run of a ray's samples: where it starts among all, and among those of the round.
struct Run {
  int64_t ray, from, count, packed;
};

}  // namespace

VisibleDensity visible_density(const RadianceField& field, const Samples& samples, double early_stop,
                               bool want_features) {
  Op op("visible_density");
  NoGrad no_grad;
  const int64_t n = samples.count();
  const int64_t n_rays = samples.offsets.size(0) - 1;
  const int64_t* offsets = samples.offsets.data<int64_t>();
  const float* positions = samples.positions.data<float>();
  const float* dt = samples.dt.data<float>();
  const float stop = static_cast<float>(stop_thickness(early_stop));

  VisibleDensity visible;
  visible.sigma = Tensor::zeros({n});
  const int64_t width = field.config().features;
  if (want_features) visible.features = Tensor::empty({n, width});
  float* sigma = visible.sigma.data<float>();
  std::vector<double> thickness(static_cast<size_t>(n_rays), 0.0);
  std::vector<Run> runs;
  runs.reserve(static_cast<size_t>(n_rays));
  for (int64_t ray = 0; ray < n_rays; ++ray) runs.push_back({ray, offsets[ray], 0, 0});

  for (int64_t round = 0, most = kFirstRound;; ++round) {
    if (round > 1) most *= 2;
    if (early_stop <= 0) most = n;
    // The rays that go on: with samples left and light to see them.
    int64_t count = 0;
    size_t kept = 0;
    for (const Run& run : runs) {
      const int64_t from = run.from + run.count, left = offsets[run.ray + 1] - from;
      if (left == 0 || static_cast<float>(thickness[static_cast<size_t>(run.ray)]) > stop) continue;
      runs[kept++] = {run.ray, from, std::min(left, most), count};
      count += std::min(left, most);
    }
    runs.resize(kept);
    if (count == 0) break;
    visible.evaluated += count;
    const Tensor packed = Tensor::empty({count, 3});
    const auto for_runs = [&](auto&& body) {
      parallel_for(static_cast<int64_t>(kept), kRays, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) body(runs[static_cast<size_t>(i)]);
      });
    };
    const auto copy = [](float* to, const float* from, int64_t floats) {
      std::memcpy(to, from, static_cast<size_t>(floats) * sizeof(float));
    };
    float* at = packed.data<float>();
    for_runs([&](const Run& run) { copy(at + 3 * run.packed, positions + 3 * run.from, 3 * run.count); });
    const RadianceField::Density density = field.density(packed);
    const float* found = density.sigma.data<float>();
    const float* features = density.features.data<float>();
    for_runs([&](const Run& run) {
      double sum = thickness[static_cast<size_t>(run.ray)];
      for (int64_t i = 0; i < run.count; ++i) {
        sigma[run.from + i] = found[run.packed + i];
        sum += static_cast<double>(found[run.packed + i] * dt[run.from + i]);
      }
      thickness[static_cast<size_t>(run.ray)] = sum;
      if (want_features)
        copy(visible.features.data<float>() + run.from * width, features + run.packed * width, run.count * width);
    });
  }
  return visible;
}

LiveSamples keep_live(const Samples& samples, const Tensor& weights, double min_weight) {
  Op op("keep_live", weights);
  const int64_t n_rays = samples.offsets.size(0) - 1;
  const int64_t* from = samples.offsets.data<int64_t>();
  const float* weight = weights.data<float>();
  const float threshold = static_cast<float>(min_weight);

  LiveSamples live;
  live.samples.offsets = op.empty({n_rays + 1}, DType::Int64);
  int64_t* to = live.samples.offsets.data<int64_t>();
  parallel_for(n_rays, kRays, [&](int64_t begin, int64_t end) {
    for (int64_t ray = begin; ray < end; ++ray) {
      int64_t count = 0;
      for (int64_t i = from[ray]; i < from[ray + 1]; ++i) count += weight[i] > threshold;
      to[ray + 1] = count;
    }
  });
  to[0] = 0;
  for (int64_t ray = 0; ray < n_rays; ++ray) to[ray + 1] += to[ray];

  const int64_t count = to[n_rays];
  live.index = op.empty({count}, DType::Int64);
  live.samples.ray_index = op.empty({count}, DType::Int32);
  live.samples.positions = op.empty({count, 3});
  live.samples.t = op.empty({count});
  live.samples.dt = op.empty({count});
  int64_t* index = live.index.data<int64_t>();
  int32_t* ray_index = live.samples.ray_index.data<int32_t>();
  float* positions = live.samples.positions.data<float>();
  float* t = live.samples.t.data<float>();
  float* dt = live.samples.dt.data<float>();
  const float* old_positions = samples.positions.data<float>();
  const float* old_t = samples.t.data<float>();
  const float* old_dt = samples.dt.data<float>();
  parallel_for(n_rays, kRays, [&](int64_t begin, int64_t end) {
    for (int64_t ray = begin; ray < end; ++ray) {
      int64_t k = to[ray];
      for (int64_t i = from[ray]; i < from[ray + 1]; ++i) {
        if (!(weight[i] > threshold)) continue;
        index[k] = i;
        ray_index[k] = static_cast<int32_t>(ray);
        for (int axis = 0; axis < 3; ++axis) positions[3 * k + axis] = old_positions[3 * i + axis];
        t[k] = old_t[i];
        dt[k] = old_dt[i];
        ++k;
      }
    }
  });
  return live;
}

}  // namespace needlecpp
