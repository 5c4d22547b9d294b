// Which settings suit which scene: the one place where defaults depend on data.
#pragma once

#include <array>

#include "needlecpp/render/fields/ngp.h"
#include "needlecpp/train/trainer.h"

namespace needlecpp {

// What is known of a scene before a training, world units.
struct SceneBounds {
  std::array<double, 3> low = {-1, -1, -1};  // the box around all that is to be learnt
  std::array<double, 3> high = {1, 1, 1};
  // How many times larger the box is than the subject in its middle. Above 1 there is a background: steps are sized
  // for the subject and grow with distance, and a field gains levels of detail in proportion.
  double background_scale = 1;
  double near = 0.05;  // no camera sees anything closer
};

// Throw ValueError for an empty box and numbers out of range.
TrainerConfig trainer_preset(const SceneBounds& bounds);
NgpConfig ngp_preset(const SceneBounds& bounds);

}  // namespace needlecpp
