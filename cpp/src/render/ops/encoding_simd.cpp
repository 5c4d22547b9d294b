// Spherical harmonics and sinusoids over points, kFloats at a time, with small transposes between lanes and rows.
#include "render/ops/encoding_kernels.h"

namespace needlecpp::NDL_ISA {
namespace {

NDL_HD void load_directions(const float* from, int64_t stride_point, int64_t stride_axis, int64_t count,
                            FloatV direction[3]) {
  float lanes[3][kFloats] = {};
  for (int64_t p = 0; p < count; ++p)
    for (int axis = 0; axis < 3; ++axis) lanes[axis][p] = from[p * stride_point + axis * stride_axis];
  for (int axis = 0; axis < 3; ++axis) direction[axis] = load<FloatV>(lanes[axis]);
}

NDL_HD int64_t lanes_left(int64_t count, int64_t first) { return count - first < kFloats ? count - first : kFloats; }

template <int Degree>
void harmonics_rows(const HarmonicsArgs& args) {
  constexpr int kCount = Degree * Degree;
  for (int64_t i = 0; i < args.count; i += kFloats) {
    const int64_t count = lanes_left(args.count, i);
    FloatV direction[3], y[kMaxHarmonics];
    load_directions(args.directions + i * args.stride_point, args.stride_point, args.stride_axis, count, direction);
    harmonics(Degree, direction[0], direction[1], direction[2], y);
    float lanes[kCount][kFloats];
    for (int k = 0; k < kCount; ++k) store(lanes[k], y[k]);
    float* row = args.y + i * kCount;
    for (int64_t p = 0; p < count; ++p)
      for (int k = 0; k < kCount; ++k) row[p * kCount + k] = lanes[k][p];
  }
}

template <int Degree>
void harmonics_backward(const HarmonicsBackwardArgs& args) {
  constexpr int kCount = Degree * Degree;
  for (int64_t i = 0; i < args.count; i += kFloats) {
    const int64_t count = lanes_left(args.count, i);
    FloatV direction[3], dy[kCount], slope[3];
    load_directions(args.directions + i * args.stride_point, args.stride_point, args.stride_axis, count, direction);
    float lanes[kCount][kFloats] = {};
    const float* row = args.dy + i * kCount;
    for (int64_t p = 0; p < count; ++p)
      for (int k = 0; k < kCount; ++k) lanes[k][p] = row[p * kCount + k];
    for (int k = 0; k < kCount; ++k) dy[k] = load<FloatV>(lanes[k]);
    harmonics_slope(Degree, direction[0], direction[1], direction[2], dy, slope);
    for (int axis = 0; axis < 3; ++axis) {
      float out[kFloats];
      store(out, slope[axis]);
      for (int64_t p = 0; p < count; ++p) args.grad[(i + p) * 3 + axis] = out[p];
    }
  }
}

}  // namespace

void spherical_harmonics_rows(const HarmonicsArgs& args) {
  switch (args.degree) {
    case 1:
      return harmonics_rows<1>(args);
    case 2:
      return harmonics_rows<2>(args);
    case 3:
      return harmonics_rows<3>(args);
    default:
      return harmonics_rows<4>(args);
  }
}

void spherical_harmonics_backward(const HarmonicsBackwardArgs& args) {
  switch (args.degree) {
    case 1:
      return harmonics_backward<1>(args);
    case 2:
      return harmonics_backward<2>(args);
    case 3:
      return harmonics_backward<3>(args);
    default:
      return harmonics_backward<4>(args);
  }
}

void frequency_rows(const FrequencyArgs& args) {
  const int64_t width = 2 * int64_t{args.frequencies};
  for (int64_t i = 0; i < args.count; i += kFloats) {
    const int64_t count = lanes_left(args.count, i);
    const FloatV x = load<FloatV>(args.x + i, count);
    float scale = 1;
    for (int k = 0; k < args.frequencies; ++k, scale *= 2) {
      FloatV sine, cosine;
      sinusoid(x, scale, sine, cosine);
      float* y = args.y + i * width + 2 * k;
      for (int64_t p = 0; p < count; ++p) {
        y[p * width] = sine[p];
        y[p * width + 1] = cosine[p];
      }
    }
  }
}

// d sin = scale pi cos and d cos = -scale pi sin, and both are in y.
void frequency_backward(const FrequencyBackwardArgs& args) {
  const int64_t width = 2 * int64_t{args.frequencies};
  for (int64_t i = 0; i < args.count; ++i) {
    const float* y = args.y + i * width;
    const float* dy = args.dy + i * width;
    float sum = 0;
    float scale = static_cast<float>(kPi);
    for (int k = 0; k < args.frequencies; ++k, scale *= 2)
      sum += scale * (y[2 * k + 1] * dy[2 * k] - y[2 * k] * dy[2 * k + 1]);
    args.grad[i] = sum;
  }
}

}  // namespace needlecpp::NDL_ISA
