// Trains a radiance field on photographs, and renders it. The whole loop lives here, so that Python and C++ programs
// run the same code: random pixels over all images -> rays -> occupancy march -> field -> volume rendering -> loss ->
// tape backwards -> Adam.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "needlecpp/core/random.h"
#include "needlecpp/core/tensor.h"
#include "needlecpp/io/checkpoint.h"
#include "needlecpp/io/safetensors.h"
#include "needlecpp/render/camera.h"
#include "needlecpp/render/field.h"
#include "needlecpp/render/occupancy.h"

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
enum class Loss { MSE, Huber };

struct TrainerConfig {
  FieldConfig field;
  MarchOptions march;  // jitter and key are set by the trainer
  int occupancy_resolution = 128;
  // Steps along rays are twice as long until this progress: at first more rays teach more than shorter steps.
  double coarse_fraction = 0.6;
  int64_t samples_per_step = 1 << 15;  // the number of rays adapts until a step has about this many samples
  int64_t max_rays = 1 << 14;
  // Behind the samples while training. Random teaches a field with alpha what is empty. Pictures without alpha are
  // taken as opaque: where they show an empty backdrop of one colour, name that colour.
  Background background = Background::Random;
  Loss loss = Loss::MSE;
  double huber_delta = 0.1;
  double lr = 2e-2;
  double final_lr_fraction = 0.2;  // lr * fraction^progress
  double early_stop = 1e-3;
  // Samples of less weight than this are left out of a step after their density is known: they cost no colour and no
  // backward pass. 0 keeps all.
  double min_weight = 1e-3;
  int occupancy_interval = 16;  // steps between refreshes
  int occupancy_warmup = 256;   // steps in which a refresh probes occupancy_warmup_fraction of the cells
  double occupancy_warmup_fraction = 0.25;
  double occupancy_fraction = 0.0625;  // of the cells, in later refreshes
  double occupancy_decay = 0.95;
  uint64_t seed = 0;
};

// A moment of a training, copied: it can be written while the training goes on.
class Snapshot {
 public:
  // The field, as save_checkpoint writes it.
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

// One thread at a time may call a trainer or render its checkpoint; other threads may render a checkpoint that was
// saved and loaded.
class Trainer {
 public:
  // images: [n, height, width, 3 or 4] uint8, sRGB, straight alpha; kept as they are. Pictures of several sizes: their
  // pixels [pixels, 3 or 4], row by row, one picture behind the other, of the cameras' sizes. mask: bool or uint8, one
  // a pixel; where it is 0 a pixel is not learnt from. Throws ValueError when images, cameras and mask do not fit
  // together.
  Trainer(const Tensor& images, const Cameras& cameras, const TrainerConfig& config, const Tensor& mask = {});
  ~Trainer();
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  struct Step {
    int64_t step;  // steps done, this one included
    double loss;
    double mse;  // mean squared colour error of the batch
    int64_t rays;
    int64_t samples;  // samples at which the density was evaluated
    int64_t live;     // those that took part in the gradient
  };
  // One optimizer step; progress in [0, 1] drives the learning rate.
  Step step(double progress);
  int64_t steps() const;
  const TrainerConfig& config() const;
  // A view of the current state (not a copy), to render with or to save.
  Checkpoint checkpoint() const;
  Snapshot snapshot() const;
  // Goes on from a saved state: of a trainer with the same pictures, cameras and settings, the steps that follow are
  // those that would have followed, bit by bit. Returns the notes. Throws ValueError for a state of other shapes, and
  // leaves the trainer as it was.
  std::map<std::string, std::string> load_state(const std::string& path);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct RenderedImage {
  Tensor color;    // [height, width, 3] float32 sRGB, background filled in
  Tensor opacity;  // [height, width]
  Tensor depth;    // [height, width] world units: expected distance along the ray (0 where opacity is 0)
};
// Renders one camera at full quality, off the tape.
RenderedImage render_image(const Checkpoint& scene, const Cameras& cameras, int64_t camera, const float background[3],
                           double early_stop = 1e-3);
// The same, coarse to fine, for a preview: first one ray for every block of `coarsest`^2 pixels (a power of two), which
// it fills, then the pixels between with half the block, down to single pixels; no ray is rendered twice. After each
// pass `show` gets the picture so far and the size of its blocks; it may return false to stop there.
RenderedImage render_progressive(const Checkpoint& scene, const Cameras& cameras, int64_t camera,
                                 const float background[3], int64_t coarsest,
                                 const std::function<bool(const RenderedImage& so_far, int64_t block)>& show,
                                 double early_stop = 1e-3);

}  // namespace needlecpp
