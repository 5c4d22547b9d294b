// Multiresolution hash grid encoding (Mueller et al., "Instant Neural Graphics Primitives", 2022, section 3), laid out
// as in tiny-cuda-nn: level l has scale s = base * growth^l - 1 and resolution ceil(s) + 1; a position x in [0,1]^3
// stands at x * s + 0.5 on its lattice; levels whose resolution^3 fits the table are stored densely (x fastest), the
// others hash their corners with the primes 1, 2654435761, 805459861.
#pragma once

#include <cmath>
#include <vector>

#include "needlecpp/core/config.h"
#include "needlecpp/core/tensor.h"

namespace needlecpp {

struct HashGridConfig {
  int levels = 16;
  int features = 2;          // per level: 1, 2, 4 or 8
  int log2_table_size = 17;  // entries of a hashed level
  int base_resolution = 16;
  double growth = 1.3819128800392342;  // per level; 16 -> 2048 over 16 levels
};

template <class Visitor, MaybeConst<HashGridConfig> Config>
void describe(Visitor& v, Config& c) {
  v("levels", c.levels, 1, 64, "levels of detail");
  v("features", c.features, 1, 8, "numbers an entry: 1, 2, 4 or 8");
  v("log2_table_size", c.log2_table_size, 3, 24, "logarithm of the entries of a hashed level");
  v("base_resolution", c.base_resolution, 1, 1 << 24, "cells along an axis of the coarsest level");
  v("growth", c.growth, 1, 1e6, "of the resolution from level to level");
  v.must((c.features & (c.features - 1)) == 0, "features", "is no power of two: got ", c.features,
         ", expected 1, 2, 4 or 8.");
  // Finer than this, positions in float32 do not tell cells apart.
  const double finest = c.base_resolution * std::pow(c.growth, c.levels - 1);
  v.must(finest <= 1 << 24, "growth", "makes the finest level too fine for float32 positions: got a resolution of ",
         finest, ", expected at most 2^24. Lower growth, levels or base_resolution.");
}

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
