// Multiresolution hash grid encoding (Mueller et al., "Instant Neural Graphics Primitives", 2022, section 3), laid out
// as in tiny-cuda-nn: level l has scale s = base * growth^l - 1 and resolution ceil(s) + 1; a position x in [0,1]^3
// stands at x * s + 0.5 on its lattice; levels whose resolution^3 fits the table are stored densely (x fastest), the
// others hash their corners with the primes 1, 2654435761, 805459861.
#pragma once

#include <vector>

#include "needlecpp/core/tensor.h"

namespace needlecpp {

struct HashGridConfig {
  int levels = 16;
  int features = 2;          // per level: 1, 2, 4 or 8
  int log2_table_size = 17;  // entries of a hashed level
  int base_resolution = 16;
  double growth = 1.3819128800392342;  // per level; 16 -> 2048 over 16 levels
};

struct HashGridLevel {
  float scale;
  int resolution;
  int64_t offset;  // first entry in the table
  int64_t size;    // entries, a multiple of 8
  bool hashed;
};

std::vector<HashGridLevel> hashgrid_levels(const HashGridConfig& config);
int64_t hashgrid_entries(const HashGridConfig& config);  // rows of the table
// A table uniform in [-1e-4, 1e-4): [entries, features] float32.
Tensor hashgrid_init(const HashGridConfig& config, uint64_t seed);

// Encoding of positions: trilinear interpolation of the 8 corners' features on every level, level-major in a row.
// Differentiable in table and positions.
Tensor hashgrid(
    const Tensor& positions,        // [n, 3] float32, meant in [0,1]; outside, lattice coordinates wrap or hash on
    const Tensor& table,            // [entries, features] float32 (or float64, through the twin)
    const HashGridConfig& config);  // -> [n, levels * features]
// The composed twin, from plain ops; also for float64.
Tensor hashgrid_composed(const Tensor& positions, const Tensor& table, const HashGridConfig& config);

}  // namespace needlecpp
