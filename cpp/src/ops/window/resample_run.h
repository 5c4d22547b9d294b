// What the ops of resample.cpp ask of a device.
#pragma once

#include <array>
#include <vector>

#include "core/run.h"

namespace needlecpp {

// One axis: output i is the sum of weight[t] * input[index[t]] over t in [start[i], start[i + 1]).
struct ResampleTaps {
  int64_t in = 1, out = 1;
  std::vector<int64_t> start = {0};
  std::vector<int64_t> index;
  std::vector<double> weight;
  std::vector<float> weight_f32;
};
using ResampleTables = std::array<ResampleTaps, 3>;  // of the last three axes

// y [..., out, out, out] from x [..., in, in, in], contiguous, of one type, float32 or float64; y is not empty.
NDL_DECLARE_RUN(void, run_resample, (const ResampleTables& tables, const View& x, const View& y));

}  // namespace needlecpp
