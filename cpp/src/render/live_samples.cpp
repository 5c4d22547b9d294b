// Packs the samples that matter: count per ray, prefix sum, copy.
#include "render/live_samples.h"

#include "needlecpp/core/allocator.h"
#include "needlecpp/core/parallel.h"

namespace needlecpp {

LiveSamples keep_live(const Samples& samples, const Tensor& weights, double min_weight) {
  OpScope scope("keep_live");
  constexpr int64_t kRays = 256;
  const int64_t n_rays = samples.offsets.size(0) - 1;
  const int64_t* from = samples.offsets.data<int64_t>();
  const float* weight = weights.data<float>();
  const float threshold = static_cast<float>(min_weight);

  LiveSamples live;
  live.samples.offsets = Tensor::empty({n_rays + 1}, DType::Int64);
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
  live.index = Tensor::empty({count}, DType::Int64);
  live.samples.ray_index = Tensor::empty({count}, DType::Int32);
  live.samples.positions = Tensor::empty({count, 3});
  live.samples.t = Tensor::empty({count});
  live.samples.dt = Tensor::empty({count});
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
