// Rays cut for threads, and what is read of offsets.
#include <algorithm>
#include <vector>

#include "needlecpp/core/parallel.h"
#include "render/ops/volume_kernels.h"
#include "render/ops/volume_run.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kRaysPerTask = 128;

const float* given(const View& x) { return x.given() ? data<float>(x) : nullptr; }

// Runs body(args, first ray, last ray) over all rays with a scratch for each thread.
template <class Body>
void for_rays(const VolumeSamples& samples, Body&& body) {
  VolumeArgs args = {};
  args.sigma = data<float>(samples.sigma);
  args.rgb = given(samples.rgb);
  args.t = given(samples.t);
  args.dt = data<float>(samples.dt);
  args.offsets = data<int64_t>(samples.offsets);
  args.stop = samples.stop;
  args.longest = samples.longest;
  const int64_t n_rays = samples.offsets.count - 1;
  parallel_tasks((n_rays + kRaysPerTask - 1) / kRaysPerTask, [&](int64_t task) {
    static thread_local std::vector<float> scratch;
    const size_t needed = static_cast<size_t>(2 * (args.longest + kVolumePadding));
    if (scratch.size() < needed) scratch.resize(needed);
    VolumeArgs mine = args;
    mine.scratch = scratch.data();
    body(mine, task * kRaysPerTask, std::min(n_rays, (task + 1) * kRaysPerTask));
  });
}

template <class T>
void count_live(const T* thickness, const int64_t* offsets, int64_t n_rays, T stop, int64_t* live) {
  for (int64_t ray = 0; ray < n_rays; ++ray) {
    double sum = 0;
    int64_t i = offsets[ray];
    for (; i < offsets[ray + 1] && !(static_cast<T>(sum) > stop); ++i) sum += static_cast<double>(thickness[i]);
    live[ray] = i - offsets[ray];
  }
}

}  // namespace

RayOffsets run_read_offsets(View offsets) {
  const int64_t* offset = data<int64_t>(offsets);
  const int64_t n_rays = offsets.count - 1;
  RayOffsets found = {offset[0], offset[n_rays], 0, 0};
  for (int64_t ray = 0; ray < n_rays; ++ray) {
    const int64_t length = offset[ray + 1] - offset[ray];
    found.longest = std::max(found.longest, length);
    found.shortest = std::min(found.shortest, length);
  }
  return found;
}

void run_volume(const VolumeSamples& samples, View color, View opacity, View depth) {
  float *colors = data<float>(color), *opacities = data<float>(opacity), *depths = data<float>(depth);
  for_rays(samples, [&](const VolumeArgs& mine, int64_t begin, int64_t end) {
    NDL_KERNEL(volume_forward)(mine, begin, end, colors, opacities, depths);
  });
}

void run_volume_backward(const VolumeSamples& samples, View dcolor, View dopacity, View ddepth, View dsigma,
                         View drgb) {
  const VolumeGradients gradients = {given(dcolor), given(dopacity), given(ddepth),
                                     dsigma.given() ? data<float>(dsigma) : nullptr,
                                     drgb.given() ? data<float>(drgb) : nullptr};
  for_rays(samples, [&](const VolumeArgs& mine, int64_t begin, int64_t end) {
    NDL_KERNEL(volume_backward)(mine, begin, end, gradients);
  });
}

void run_volume_weights(const VolumeSamples& samples, View weights) {
  float* weight = data<float>(weights);
  for_rays(samples, [&](const VolumeArgs& mine, int64_t begin, int64_t end) {
    NDL_KERNEL(volume_weights)(mine, begin, end, weight);
  });
}

void run_count_live(View thickness, View offsets, double stop, View live) {
  const int64_t* offset = data<int64_t>(offsets);
  int64_t* counts = data<int64_t>(live);
  if (thickness.element == Element::F64)
    count_live(data<double>(thickness), offset, live.count, stop, counts);
  else
    count_live(data<float>(thickness), offset, live.count, static_cast<float>(stop), counts);
}

}  // namespace needlecpp::cpu
