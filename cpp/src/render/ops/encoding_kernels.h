// Spherical harmonics and sinusoids: formulas of one point, and the loops that instantiate them.
#pragma once

#include <stdint.h>

#include "simd/hd.h"
#include "simd/isa.h"
#include "simd/math.h"

namespace needlecpp {

// directions[i * stride_point + axis * stride_axis] -> y [count, degree^2].
struct HarmonicsArgs {
  const float* directions;
  int64_t stride_point, stride_axis, count;
  int degree;
  float* y;
};
// dy [count, degree^2] -> grad [count, 3].
struct HarmonicsBackwardArgs {
  const float* directions;
  int64_t stride_point, stride_axis, count;
  int degree;
  const float* dy;
  float* grad;
};
// x [count] -> y [count, frequencies, 2].
struct FrequencyArgs {
  const float* x;
  int64_t count;
  int frequencies;
  float* y;
};
// y and dy [count, frequencies, 2] -> grad [count].
struct FrequencyBackwardArgs {
  const float* y;
  const float* dy;
  int64_t count;
  int frequencies;
  float* grad;
};

NDL_DECLARE_KERNEL(void, spherical_harmonics_rows, (const HarmonicsArgs& args));
NDL_DECLARE_KERNEL(void, spherical_harmonics_backward, (const HarmonicsBackwardArgs& args));
NDL_DECLARE_KERNEL(void, frequency_rows, (const FrequencyArgs& args));
NDL_DECLARE_KERNEL(void, frequency_backward, (const FrequencyBackwardArgs& args));

namespace NDL_ISA {

inline constexpr int kMaxDegree = 4;
inline constexpr int kMaxHarmonics = kMaxDegree * kMaxDegree;
inline constexpr double kPi = 3.14159265358979323846;

// Normalisations, named by the polynomial they stand before.
inline constexpr float kOne = 0.28209479177387814f;   // 1/2 sqrt(1/pi)
inline constexpr float kX = 0.48860251190291987f;     // 1/2 sqrt(3/pi)
inline constexpr float kXY = 1.0925484305920792f;     // 1/2 sqrt(15/pi)
inline constexpr float kZZ = 0.94617469575755997f;    // 3/4 sqrt(5/pi)
inline constexpr float kZZ1 = 0.31539156525251999f;   // 1/4 sqrt(5/pi)
inline constexpr float kXXYY = 0.54627421529603959f;  // 1/4 sqrt(15/pi)
inline constexpr float kX3 = 0.59004358992664352f;    // 1/4 sqrt(35/(2 pi))
inline constexpr float kXYZ = 2.8906114426405538f;    // 1/2 sqrt(105/pi)
inline constexpr float kXZZ = 0.45704579946446572f;   // 1/4 sqrt(21/(2 pi))
inline constexpr float kZZZ = 0.3731763325901154f;    // 1/4 sqrt(7/pi)
inline constexpr float kXXZ = 1.4453057213202769f;    // 1/4 sqrt(105/pi)

// Y_lm for l < degree at (x, y, z), as polynomials: off the unit sphere they are what they are.
template <class V>
NDL_HD void harmonics(int degree, V x, V y, V z, V* out) {
  out[0] = x * 0.0f + kOne;
  if (degree == 1) return;
  out[1] = y * -kX;
  out[2] = z * kX;
  out[3] = x * -kX;
  if (degree == 2) return;
  const V xx = x * x, yy = y * y, zz = z * z;
  out[4] = x * y * kXY;
  out[5] = y * z * -kXY;
  out[6] = zz * kZZ - kZZ1;
  out[7] = x * z * -kXY;
  out[8] = (xx - yy) * kXXYY;
  if (degree == 3) return;
  out[9] = y * (yy - xx * 3.0f) * kX3;
  out[10] = x * y * z * kXYZ;
  out[11] = y * (1.0f - zz * 5.0f) * kXZZ;
  out[12] = z * (zz * 5.0f - 3.0f) * kZZZ;
  out[13] = x * (1.0f - zz * 5.0f) * kXZZ;
  out[14] = z * (xx - yy) * kXXZ;
  out[15] = x * (yy * 3.0f - xx) * kX3;
}

// Gradient of sum(d * harmonics) by (x, y, z).
template <class V>
NDL_HD void harmonics_slope(int degree, V x, V y, V z, const V* d, V slope[3]) {
  slope[0] = slope[1] = slope[2] = x * 0.0f;
  if (degree == 1) return;
  slope[0] = d[3] * -kX;
  slope[1] = d[1] * -kX;
  slope[2] = d[2] * kX;
  if (degree == 2) return;
  slope[0] += (d[4] * y - d[7] * z) * kXY + d[8] * x * (2 * kXXYY);
  slope[1] += (d[4] * x - d[5] * z) * kXY - d[8] * y * (2 * kXXYY);
  slope[2] += d[6] * z * (2 * kZZ) - (d[5] * y + d[7] * x) * kXY;
  if (degree == 3) return;
  const V xx = x * x, yy = y * y, zz = z * z;
  const V difference = (yy - xx) * (3 * kX3);
  const V ring = (1.0f - zz * 5.0f) * kXZZ;
  slope[0] +=
      d[10] * y * z * kXYZ - d[9] * x * y * (6 * kX3) + d[13] * ring + d[14] * x * z * (2 * kXXZ) + d[15] * difference;
  slope[1] +=
      d[9] * difference + d[10] * x * z * kXYZ + d[11] * ring - d[14] * y * z * (2 * kXXZ) + d[15] * x * y * (6 * kX3);
  slope[2] += d[10] * x * y * kXYZ - (d[11] * y + d[13] * x) * z * (10 * kXZZ) + d[12] * (zz * 15.0f - 3.0f) * kZZZ +
              d[14] * (xx - yy) * kXXZ;
}

// sin and cos of scale * pi * x for a power of two `scale`. Whole turns are taken off before the multiplication with
// pi, exactly, so that high frequencies keep full accuracy.
template <class V>
NDL_HD void sinusoid(V x, float scale, V& sine, V& cosine) {
  const V turns = x * (0.5f * scale);
  const V rest = turns - m_floor(turns + 0.5f);
  const V angle = rest * static_cast<float>(2 * kPi);
  sine = m_sin(angle);
  cosine = m_cos(angle);
}

}  // namespace NDL_ISA
}  // namespace needlecpp
