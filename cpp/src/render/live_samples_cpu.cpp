// Rounds and live samples on the CPU: rays are shared among threads.
#include <algorithm>
#include <cstring>

#include "needlecpp/core/parallel.h"
#include "render/live_samples_run.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kRays = 256;  // worth waking a thread for

struct Run {
  int64_t ray, from, count, packed;
};
static_assert(sizeof(Run) == 4 * sizeof(int64_t));
Run* runs_in(const View& runs) { return reinterpret_cast<Run*>(data<int64_t>(runs)); }

template <class Body>
void for_runs(const View& runs, const Round& round, Body&& body) {
  const Run* all = runs_in(runs);
  parallel_for(round.runs, kRays, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(all[i]);
  });
}

// Floats of a row.
int64_t width_of(const View& rows) { return rows.rank < 2 ? 1 : rows.size[1]; }
void copy(float* to, const float* from, int64_t floats) {
  std::memcpy(to, from, static_cast<size_t>(floats) * sizeof(float));
}

}  // namespace

Round run_start_rays(View offsets, View runs) {
  const int64_t n_rays = runs.size[0];
  const int64_t* first = data<int64_t>(offsets);
  for (int64_t ray = 0; ray < n_rays; ++ray) runs_in(runs)[ray] = {ray, first[ray], 0, 0};
  return {n_rays, 0};
}

Round run_next_round(View offsets, View thickness, float stop, int64_t most, const Round& before, View runs) {
  const int64_t* first = data<int64_t>(offsets);
  const double* passed = data<double>(thickness);
  Run* all = runs_in(runs);
  Round round = {0, 0};
  for (int64_t i = 0; i < before.runs; ++i) {
    const Run run = all[i];
    const int64_t from = run.from + run.count, left = first[run.ray + 1] - from;
    if (left == 0 || static_cast<float>(passed[run.ray]) > stop) continue;
    all[round.runs++] = {run.ray, from, std::min(left, most), round.samples};
    round.samples += std::min(left, most);
  }
  return round;
}

void run_gather_runs(View from, View runs, const Round& round, View packed) {
  const int64_t width = width_of(from);
  const float* rows = data<float>(from);
  float* to = data<float>(packed);
  for_runs(runs, round,
           [&](const Run& run) { copy(to + width * run.packed, rows + width * run.from, width * run.count); });
}

void run_scatter_runs(View packed, View runs, const Round& round, View to) {
  const int64_t width = width_of(to);
  const float* rows = data<float>(packed);
  float* all = data<float>(to);
  for_runs(runs, round,
           [&](const Run& run) { copy(all + width * run.from, rows + width * run.packed, width * run.count); });
}

void run_add_thickness(View found, View dt, View runs, const Round& round, View thickness) {
  const float* sigma = data<float>(found);
  const float* step = data<float>(dt);
  double* passed = data<double>(thickness);
  for_runs(runs, round, [&](const Run& run) {
    double sum = passed[run.ray];
    for (int64_t i = 0; i < run.count; ++i) sum += static_cast<double>(sigma[run.packed + i] * step[run.from + i]);
    passed[run.ray] = sum;
  });
}

int64_t run_count_live(View offsets, View weights, float threshold, View live_offsets) {
  const int64_t n_rays = offsets.count - 1;
  const int64_t* from = data<int64_t>(offsets);
  const float* weight = data<float>(weights);
  int64_t* to = data<int64_t>(live_offsets);
  parallel_for(n_rays, kRays, [&](int64_t begin, int64_t end) {
    for (int64_t ray = begin; ray < end; ++ray) {
      int64_t count = 0;
      for (int64_t i = from[ray]; i < from[ray + 1]; ++i) count += weight[i] > threshold;
      to[ray + 1] = count;
    }
  });
  to[0] = 0;
  for (int64_t ray = 0; ray < n_rays; ++ray) to[ray + 1] += to[ray];
  return to[n_rays];
}

void run_pack_live(View offsets, View weights, float threshold, const SampleViews& from, View live_offsets, View index,
                   const SampleViews& to) {
  const int64_t* old_first = data<int64_t>(offsets);
  const int64_t* first = data<int64_t>(live_offsets);
  const float* weight = data<float>(weights);
  int64_t* old = data<int64_t>(index);
  int32_t* ray_index = data<int32_t>(to.ray_index);
  float* positions = data<float>(to.positions);
  float* t = data<float>(to.t);
  float* dt = data<float>(to.dt);
  const float* old_positions = data<float>(from.positions);
  const float* old_t = data<float>(from.t);
  const float* old_dt = data<float>(from.dt);
  parallel_for(offsets.count - 1, kRays, [&](int64_t begin, int64_t end) {
    for (int64_t ray = begin; ray < end; ++ray) {
      int64_t k = first[ray];
      for (int64_t i = old_first[ray]; i < old_first[ray + 1]; ++i) {
        if (!(weight[i] > threshold)) continue;
        old[k] = i;
        ray_index[k] = static_cast<int32_t>(ray);
        for (int axis = 0; axis < 3; ++axis) positions[3 * k + axis] = old_positions[3 * i + axis];
        t[k] = old_t[i];
        dt[k] = old_dt[i];
        ++k;
      }
    }
  });
}

}  // namespace needlecpp::cpu
