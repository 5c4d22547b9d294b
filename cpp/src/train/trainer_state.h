// What a trainer holds.
#pragma once

#include <vector>

#include "needlecpp/train/pixels.h"
#include "needlecpp/train/trainer.h"

namespace needlecpp {

struct Trainer::State {
  State(std::shared_ptr<Field> trained, const Tensor& images, const Cameras& seen_by, const TrainerConfig& settings,
        const Tensor& mask);

  PixelSampler photographs;
  Cameras cameras;
  TrainerConfig config;
  std::shared_ptr<Field> field;
  std::shared_ptr<OccupancyGrid> occupancy;
  VolumeModel model;  // of the two
  Generator generator;
  struct Moments {
    Parameter parameter;
    Tensor m, v;
  };
  std::vector<Moments> moments;  // in the order of the field's parameters
  int64_t steps = 0;
  int64_t rays = 0;  // in the next step

  // Moments for the parameters that the field has now; those of before stay where name and shape do.
  void take_parameters();
  void refresh_occupancy();
  void optimize(double progress);
  // Zero again, after a sweep that was broken off.
  void clear_gradients();
};

}  // namespace needlecpp
