// Hash grid formulas of one point on one level, and the loops over points that instantiate them.
#pragma once

#include <math.h>
#include <stdint.h>

#include "simd/element.h"
#include "simd/hd.h"
#include "simd/isa.h"

namespace needlecpp {

// One level of the pyramid. `size` entries of `features` floats start `offset` entries into the table.
struct HashGridLevelArgs {
  float scale;
  uint32_t resolution;
  uint32_t size;  // a power of two when hashed
  bool hashed;
  int64_t offset;
  int features;
};

// Points axis by axis: x, y, z are `count` floats each.
struct HashGridPoints {
  const float* x;
  const float* y;
  const float* z;
  int64_t count;
};

// positions[i * stride_point + axis * stride_axis] * scale[axis] + shift[axis] -> x, y, z [count].
struct HashGridSplitPositionsArgs {
  const float* positions;
  int64_t stride_point, stride_axis, count;
  float scale[3], shift[3];
  float *x, *y, *z;
};

// table[...] at the points -> out [count, features].
struct HashGridEncodeArgs {
  HashGridLevelArgs level;
  HashGridPoints points;
  const void* table;
  Element element;  // F32 or BF16
  float* out;
};

// table_grad[...] += dy [count, features] spread over the corners; `zero` clears the level's entries first.
struct HashGridScatterArgs {
  HashGridLevelArgs level;
  HashGridPoints points;
  const float* dy;
  float* table_grad;
  bool zero;
};

// grad [count, 3] += the derivative of sum(dy * encoding) by the position.
struct HashGridPositionArgs {
  HashGridLevelArgs level;
  HashGridPoints points;
  const void* table;
  Element element;
  const float* dy;
  float* grad;
};

NDL_DECLARE_KERNEL(void, hashgrid_split_positions, (const HashGridSplitPositionsArgs& args));
NDL_DECLARE_KERNEL(void, hashgrid_encode, (const HashGridEncodeArgs& args));
NDL_DECLARE_KERNEL(void, hashgrid_scatter, (const HashGridScatterArgs& args));
NDL_DECLARE_KERNEL(void, hashgrid_position_grad, (const HashGridPositionArgs& args));

namespace NDL_ISA {

inline constexpr uint32_t kHashY = 2654435761u;
inline constexpr uint32_t kHashZ = 805459861u;
inline constexpr int kCorners = 8;  // corner c: bit 0 is the step in x, bit 1 in y, bit 2 in z

// Where a coordinate in [0,1] stands on the lattice. Rounded once: on fine levels an ulp here is a visible part of a
// cell, and all instruction sets must agree.
NDL_HD float lattice_position(float x, float scale) { return fmaf(x, scale, 0.5f); }
NDL_HD double lattice_position(double x, double scale) { return x * scale + 0.5; }

// The cell of a lattice coordinate that was rounded down. NaN and what no int32 holds give INT32_MIN, as the vector
// conversion does; the table wraps it like any other number.
NDL_HD uint32_t lattice_cell(double floored) {
  return floored >= -2147483648.0 && floored < 2147483648.0 ? static_cast<uint32_t>(static_cast<int32_t>(floored))
                                                            : 0x80000000u;
}

// Entry of a lattice point, before it is wrapped into the level.
template <class U>
NDL_HD U hashed_entry(U x, U y, U z) {
  return x ^ (y * kHashY) ^ (z * kHashZ);
}
template <class U>
NDL_HD U dense_entry(U x, U y, U z, uint32_t resolution) {
  return x + y * resolution + z * (resolution * resolution);
}
NDL_HD uint32_t corner_entry(const HashGridLevelArgs& level, int corner, uint32_t x, uint32_t y, uint32_t z) {
  x += corner & 1;
  y += corner >> 1 & 1;
  z += corner >> 2;
  return level.hashed ? hashed_entry(x, y, z) & (level.size - 1) : dense_entry(x, y, z, level.resolution) % level.size;
}

// Linear weights of the two lattice points around a coordinate with fraction f.
template <class V>
struct AxisWeights {
  V low, high;
};
template <class V>
NDL_HD AxisWeights<V> axis_weights(V f) {
  return {1.0f - f, f};
}
// Of the four corners with one x: index bit 0 is the step in y, bit 1 in z.
template <class V>
NDL_HD void face_weights(const AxisWeights<V>& y, const AxisWeights<V>& z, V out[4]) {
  out[0] = y.low * z.low;
  out[1] = y.high * z.low;
  out[2] = y.low * z.high;
  out[3] = y.high * z.high;
}

// Derivative of sum_c weight_c * value_c by the fractions (x, y, z). V is one feature or a vector of them.
template <class W, class V>
NDL_HD void trilinear_slope(const AxisWeights<W>& x, const AxisWeights<W>& y, const AxisWeights<W>& z,
                            const V value[kCorners], V slope[3]) {
  V along_x[4];  // differences of the corners in x, and below their means
  V mean[4];
  for (int k = 0; k < 4; ++k) {
    along_x[k] = value[2 * k + 1] - value[2 * k];
    mean[k] = value[2 * k] * x.low + value[2 * k + 1] * x.high;
  }
  slope[0] = (along_x[0] * y.low + along_x[1] * y.high) * z.low + (along_x[2] * y.low + along_x[3] * y.high) * z.high;
  slope[1] = (mean[1] - mean[0]) * z.low + (mean[3] - mean[2]) * z.high;
  slope[2] = (mean[2] - mean[0]) * y.low + (mean[3] - mean[1]) * y.high;
}

}  // namespace NDL_ISA
}  // namespace needlecpp
