// Which of a march's samples matter: the density up to where rays become opaque, and the samples of some weight.
#pragma once

#include "needlecpp/render/field.h"
#include "needlecpp/render/occupancy.h"

namespace needlecpp {

// field.density(positions); throws ValueError or TypeError where that is not what a density has to be.
Density checked_density(const Field& field, const Tensor& positions);
// field.color(...), so.
Tensor checked_color(const Field& field, const Tensor& features, const Rays& rays, const Tensor& ray_index);

struct VisibleDensity {
  Tensor sigma;           // [n] float32; zero where it was not evaluated
  Tensor features;        // [n, f], anything where they were not evaluated; undefined unless wanted
  int64_t evaluated = 0;  // samples
};
// The field's density at the samples, a few of every ray at a time: a ray whose light is used up (transmittance below
// early_stop) takes no part in later rounds. What volume rendering makes of it with the same early_stop is what it
// would make of all densities.
VisibleDensity visible_density(const Field& field, const Samples& samples, double early_stop, bool want_features);

struct LiveSamples {
  Samples samples;  // those kept, packed again
  Tensor index;     // [n_kept] int64: where each stood before
};

// Keeps the samples with weights[i] > min_weight.
LiveSamples keep_live(const Samples& samples, const Tensor& weights /* [n] float32 */, double min_weight);

}  // namespace needlecpp
