// Which of a march's samples matter, and the samples that remain.
#pragma once

#include "needlecpp/render/occupancy.h"

namespace needlecpp {

struct LiveSamples {
  Samples samples;  // those kept, packed again
  Tensor index;     // [n_kept] int64: where each stood before
};

// Keeps the samples with weights[i] > min_weight.
LiveSamples keep_live(const Samples& samples, const Tensor& weights /* [n] float32 */, double min_weight);

}  // namespace needlecpp
