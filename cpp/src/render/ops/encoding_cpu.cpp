// Encodings cut for threads.
#include "needlecpp/core/parallel.h"
#include "render/ops/encoding_kernels.h"
#include "render/ops/encoding_run.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kGrain = 2048;

}  // namespace

void run_spherical_harmonics(int degree, View directions, View y) {
  const float* from = data<float>(directions);
  float* to = data<float>(y);
  const int64_t point = directions.stride[0], axis = directions.stride[1], width = y.size[1];
  parallel_for(y.size[0], kGrain, [&](int64_t begin, int64_t end) {
    NDL_KERNEL(spherical_harmonics_rows)({from + begin * point, point, axis, end - begin, degree, to + begin * width});
  });
}

void run_spherical_harmonics_backward(int degree, View directions, View dy, View gradient) {
  const float* from = data<float>(directions);
  const float* behind = data<float>(dy);
  float* to = data<float>(gradient);
  const int64_t point = directions.stride[0], axis = directions.stride[1], width = int64_t{degree} * degree;
  parallel_for(gradient.size[0], kGrain, [&](int64_t begin, int64_t end) {
    NDL_KERNEL(spherical_harmonics_backward)
    ({from + begin * point, point, axis, end - begin, degree, behind + begin * width, to + begin * 3});
  });
}

void run_frequency_encoding(int frequencies, View x, View y) {
  const float* from = data<float>(x);
  float* to = data<float>(y);
  const int64_t width = 2 * int64_t{frequencies};
  parallel_for(x.count, kGrain, [&](int64_t begin, int64_t end) {
    NDL_KERNEL(frequency_rows)({from + begin, end - begin, frequencies, to + begin * width});
  });
}

void run_frequency_encoding_backward(int frequencies, View y, View dy, View gradient) {
  const float* waves = data<float>(y);
  const float* behind = data<float>(dy);
  float* to = data<float>(gradient);
  const int64_t width = 2 * int64_t{frequencies};
  parallel_for(gradient.count, kGrain, [&](int64_t begin, int64_t end) {
    NDL_KERNEL(frequency_backward)
    ({waves + begin * width, behind + begin * width, end - begin, frequencies, to + begin});
  });
}

}  // namespace needlecpp::cpu
