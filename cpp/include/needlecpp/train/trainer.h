// Trains a field on photographs. The whole loop lives here, so that Python and C++ programs run the same code: random
// pixels over all images -> rays -> occupancy march -> field -> volume rendering -> loss -> tape backwards -> Adam.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "needlecpp/core/config.h"
#include "needlecpp/core/tensor.h"
#include "needlecpp/io/safetensors.h"
#include "needlecpp/render/camera.h"
#include "needlecpp/render/field.h"
#include "needlecpp/render/occupancy.h"
#include "needlecpp/render/scene.h"
#include "needlecpp/train/budget.h"

namespace needlecpp {

// What stands behind the samples: one colour, or another one for every ray.
struct Background {
  bool random = true;
  float color[3] = {1, 1, 1};  // sRGB in [0, 1]; of a random one, what its field is shown on
  static const Background White, Black, Random;
  bool operator==(const Background&) const = default;
};
inline constexpr Background Background::White = {false, {1, 1, 1}};
inline constexpr Background Background::Black = {false, {0, 0, 0}};
inline constexpr Background Background::Random = {true, {1, 1, 1}};
template <class Visitor, MaybeConst<Background> Config>
void describe(Visitor& v, Config& c) {
  v("random", c.random, "another colour for every ray");
  v("color", c.color, 0, 1, "sRGB; of a random one, what its field is shown on");
}

enum class Loss { MSE, Huber };
constexpr std::array<std::pair<const char*, Loss>, 2> names_of(Loss) {
  return {{{"mse", Loss::MSE}, {"huber", Loss::Huber}}};
}

struct TrainerConfig {
  MarchOptions march;  // jitter and key are set by the trainer
  int occupancy_resolution = 128;
  double coarse_fraction = 0.6;
  int64_t samples_per_step = 1 << 15;
  int64_t max_rays = 1 << 14;
  // Random teaches a field with alpha what is empty. Pictures without alpha are taken as opaque: where they show an
  // empty backdrop of one colour, name that colour.
  Background background = Background::Random;
  Loss loss = Loss::MSE;
  double huber_delta = 0.1;
  double lr = 2e-2;
  double final_lr_fraction = 0.2;
  double early_stop = 1e-3;
  double min_weight = 1e-3;
  int occupancy_interval = 16;
  int occupancy_warmup = 256;
  double occupancy_warmup_fraction = 0.25;
  double occupancy_fraction = 0.0625;
  double occupancy_decay = 0.95;
  uint64_t seed = 0;
};
template <class Visitor, MaybeConst<TrainerConfig> Config>
void describe(Visitor& v, Config& c) {
  constexpr double kLeast = 1e-12, kMost = 1e12;  // what stands for positive numbers
  v("march", c.march, "how rays step through the scene");
  v("occupancy_resolution", c.occupancy_resolution, 8, 1024, "cells of the occupancy grid along an axis");
  v("coarse_fraction", c.coarse_fraction, 0, 1,
    "steps along rays are twice as long until this progress: at first more rays teach more than shorter steps");
  v("samples_per_step", c.samples_per_step, 1, int64_t{1} << 32,
    "the number of rays adapts until a step has about this many samples");
  v("max_rays", c.max_rays, 1, int64_t{1} << 30, "of a step");
  v("background", c.background, "behind the samples while training");
  v("loss", c.loss, "of the colour error: its square, or Huber's, linear beyond huber_delta");
  v("huber_delta", c.huber_delta, kLeast, kMost, "colour error from which Huber's loss is linear");
  v("lr", c.lr, kLeast, kMost, "Adam's learning rate at first");
  v("final_lr_fraction", c.final_lr_fraction, kLeast, kMost, "the rate is lr * fraction^progress");
  v("early_stop", c.early_stop, 0, 1, "a ray ends where less light than this would pass");
  v("min_weight", c.min_weight, 0, 1,
    "samples of less weight are left out of a step after their density is known: they cost no colour and no backward "
    "pass; 0 keeps all");
  v("occupancy_interval", c.occupancy_interval, 1, INT32_MAX, "steps between refreshes of the occupancy grid");
  v("occupancy_warmup", c.occupancy_warmup, 0, INT32_MAX,
    "steps in which a refresh probes occupancy_warmup_fraction of the cells");
  v("occupancy_warmup_fraction", c.occupancy_warmup_fraction, kLeast, 1, "of the cells, in the first refreshes");
  v("occupancy_fraction", c.occupancy_fraction, kLeast, 1, "of the cells, in later refreshes");
  v("occupancy_decay", c.occupancy_decay, 0, 1, "of known densities, a refresh");
  v("seed", c.seed, "of all that is drawn");
}

// A moment of a training, copied: it can be written while the training goes on.
class Snapshot {
 public:
  // The scene, as Scene::save writes it.
  void save_model(const std::string& path) const;
  // Everything that the next step depends on besides pictures, cameras and settings: parameters, Adam's moments,
  // occupancy, random state, counts. `notes` are kept beside it and handed out by load_state.
  void save_state(const std::string& path, const std::map<std::string, std::string>& notes = {}) const;
  int64_t step() const { return step_; }

 private:
  friend class Trainer;
  SafetensorsFile model_;
  SafetensorsFile state_;
  int64_t step_ = 0;
};

struct TrainerStep {
  int64_t step = 0;  // steps done, this one included
  double loss = 0;
  double mse = 0;  // mean squared colour error of the batch
  int64_t rays = 0;
  int64_t samples = 0;  // at which the density was evaluated
  int64_t live = 0;     // those that took part in the gradient
};

// One thread at a time may call a trainer or render its scene; other threads may render a scene that was saved and
// loaded. A step that throws leaves the parameters as they were: the next one may be taken.
class Trainer {
 public:
  // images, mask: see PixelSampler. Throws ValueError where they and the cameras do not fit together, for settings out
  // of range, and for a field whose parameters cannot be trained.
  Trainer(std::shared_ptr<Field> field, const Tensor& images, const Cameras& cameras, const TrainerConfig& config = {},
          const Tensor& mask = {});
  ~Trainer();
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  using Step = TrainerStep;
  // One optimizer step; progress in [0, 1] drives the learning rate.
  Step step(double progress);
  // Steps until the budget is spent or `each`, called after every step, returns false. Returns the last step.
  Step run(Budget& budget, const std::function<bool(const Step&)>& each = nullptr);
  int64_t steps() const;
  const TrainerConfig& config() const;
  // A view of the current state (not a copy), to render with or to save.
  Scene scene() const;
  Snapshot snapshot() const;
  // Goes on from a saved state: of a trainer with the same pictures, cameras and settings, the steps that follow are
  // those that would have followed, bit by bit. Returns the notes. Throws ValueError for a state of other shapes, and
  // leaves the trainer as it was.
  std::map<std::string, std::string> load_state(const std::string& path);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace needlecpp
