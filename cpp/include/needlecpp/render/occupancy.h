// Occupancy grid: which of the cells of the scene box may hold matter, and the march that visits only those
// (Mueller et al. 2022, appendix E).
#pragma once

#include <functional>

#include "needlecpp/core/config.h"
#include "needlecpp/core/random.h"
#include "needlecpp/core/tensor.h"
#include "needlecpp/render/camera.h"

namespace needlecpp {

// Samples of many rays, packed: those of ray r stand at offsets[r] .. offsets[r + 1] - 1, in order of t.
struct Samples {
  Tensor offsets;    // [n_rays + 1] int64
  Tensor ray_index;  // [n] int32
  Tensor positions;  // [n, 3] float32 world units
  Tensor t;          // [n] float32: distance of the sample from the ray's origin
  Tensor dt;         // [n] float32: length of the step it stands for
  int64_t count() const { return t.defined() ? t.size(0) : 0; }
};

struct MarchOptions {
  float step = 0.005f;   // world units; the shortest step
  float cone_angle = 0;  // a step is clamp(t * cone_angle, step, max_step)
  float max_step = 1e9f;
  float near = 0.05f;      // no sample closer than this
  int max_samples = 1024;  // per ray
  // Moves each ray's samples by one uniform fraction of a step drawn from this key; without, by half a step.
  bool jitter = false;
  Generator::Key key = {0, 0};
};

struct GridViews;  // the tables as a device sees them, in the sources

template <class Visitor, MaybeConst<MarchOptions> Config>
void describe(Visitor& v, Config& c) {
  v("step", c.step, 1e-20, kMaxWorld, "the shortest step, world units");
  v("cone_angle", c.cone_angle, 0, 1e6, "growth of steps with the distance t: clamp(t * cone_angle, step, max_step)");
  v("max_step", c.max_step, 1e-20, kMaxWorld, "the longest step, world units");
  v("near", c.near, 0, kMaxWorld, "no sample is closer to the ray's origin, world units");
  v("max_samples", c.max_samples, 1, 1 << 20, "of a ray");
  v.must(c.max_step >= c.step, "max_step", "is below march.step: got ", c.max_step, ", expected at least ", c.step,
         ".");
}

// What a grid is made from.
struct OccupancyConfig {
  Box box;
  int resolution = 128;
};
template <class Visitor, MaybeConst<OccupancyConfig> Config>
void describe(Visitor& v, Config& c) {
  v("box", c.box, "what the grid covers");
  v("resolution", c.resolution, 8, 1024, "cells along an axis, a multiple of 8");
  v.must(c.resolution % 8 == 0, "resolution", "is wrong: got ", c.resolution, ", expected a multiple of 8.");
}

class OccupancyGrid {
 public:
  // resolution: a multiple of 8, at most 1024. All cells are occupied, their density -1: not probed yet.
  explicit OccupancyGrid(const Box& box, int resolution = 128);

  const Box& box() const { return box_; }
  int resolution() const { return resolution_; }
  // To be read, not edited: the march relies on tables made from them.
  const Tensor& density() const { return density_; }  // [resolution^3] float32, x fastest; negative: not probed yet
  const Tensor& bits() const { return bits_; }        // [resolution^3 / 8] uint8, bit i % 8 of byte i / 8
  double occupied_fraction() const;

  // density = max(density * decay, sigma) on a random `fraction` of the cells (all when fraction is 1), each probed at
  // a random point inside it; then a cell is occupied where density * step > min(threshold, mean(density * step)), or
  // where it was never probed (such cells do not count in the mean). sigma_of maps [n, 3] world positions to [n]
  // densities; it runs off the tape, on 2^16 positions at most at a time.
  void update(const std::function<Tensor(const Tensor&)>& sigma_of, Generator& generator, float step, double fraction,
              double decay = 0.95, double threshold = 0.01);
  void set_density(const Tensor& density, float step, double threshold = 0.01);
  // Takes the bits as they are, from a file say. Densities are then 0 in empty cells and -1, not probed, in occupied
  // ones.
  void set_bits(const Tensor& bits);  // [resolution^3 / 8] uint8

  // Steps each ray through the box and keeps the samples in occupied cells, leaping over runs of empty ones. The
  // positions of samples do not depend on the thread count.
  Samples march(const Rays& rays, const MarchOptions& options) const;

 private:
  GridViews views() const;
  void refresh_bits(float step, double threshold);
  Box box_;
  int resolution_;
  Tensor density_;
  Tensor bits_;
  Tensor distance_;  // [(resolution / 8)^3] uint8: blocks from each block to the nearest one with an occupied cell
};

}  // namespace needlecpp
