// The training loop and the renderer.
//
// One step. (1) Pixels are drawn over all images by the counter-based generator and turned into rays and target
// colours. (2) The occupancy grid is marched: packed samples, any number a ray. (3) The field's density is evaluated
// off the tape, along each ray until its light is used up (live_samples.cpp), and the volume rendering weights with it;
// only samples that carry weight go on: one in four, the rest lie in front of a surface. (4) Those live samples pass
// the field again, now recorded, and colour, and are composited. (5) The loss goes backwards and Adam steps; of the
// hash table only touched entries move.
//
// Why two density passes: a forward costs a quarter of forward and backward, so evaluating live samples once more is
// cheaper than dragging the dead ones through colour and the backward pass. A dropped sample gets no gradient, so its
// density cannot grow; but its weight was below min_weight to begin with, and a fresh field is thin everywhere and
// drops little.
//
// Coarse to fine: until coarse_fraction of the training, steps along rays are twice as long, so that a step sees twice
// the rays; on Lego that is worth 1.0 dB after 10 s and 0.3 after 40.
//
// The number of rays adapts so that a step evaluates about samples_per_step samples, whatever the grid leaves of a ray.
//
// Invariant: after the field's first weights everything random comes from State::generator, one draw after the other,
// and no sum depends on how work was cut for the threads: a seed fixes the run, bit by bit, whatever their number.
#include "needlecpp/render/trainer.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/autograd/op.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/ops/optim_step.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "needlecpp/render/encoding.h"
#include "needlecpp/render/volume.h"
#include "render/live_samples.h"
#include "render/photographs.h"

namespace needlecpp {
namespace {

// Samples marched at once when rendering: as many as keep the memory near that of a training step.
constexpr int64_t kRenderSamples = 1 << 16;
constexpr double kRenderMinWeight = 1e-4;  // of samples that get a colour

Tensor background_colors(const Background& background, int64_t count, Generator& generator) {
  if (background.random) return rand({count, 3}, 0, 1, DType::Float32, {}, generator);
  const std::vector<float> color(background.color, background.color + 3);
  return contiguous(broadcast_to(Tensor::from_vector(color, {1, 3}), {count, 3}));
}

// 0.5 d^2 near zero, linear with slope delta beyond (Huber, 1964); mean over all elements.
Tensor huber(const Tensor& difference, double delta) {
  const Tensor size = abs(difference);
  return mean(where(lt(size, delta), square(difference) * 0.5, (size - 0.5 * delta) * delta));
}

// Colour, opacity and depth of rays, with only the samples that matter on the tape (if it is on).
struct RayColors {
  VolumeOutput volume;
  int64_t evaluated = 0;  // samples whose density was asked for
  int64_t live = 0;       // those that carry colour
};
RayColors shade(const RadianceField& field, const Samples& samples, const Rays& rays, double early_stop,
                double min_weight) {
  const Samples* kept = &samples;
  LiveSamples live;
  RadianceField::Density density;
  int64_t evaluated = samples.count();
  if (min_weight > 0 && samples.count() > 0) {
    const VisibleDensity visible = visible_density(field, samples, early_stop, !grad_enabled());
    evaluated = visible.evaluated;
    live = keep_live(samples, volume_weights(visible.sigma, samples.dt, samples.offsets, early_stop), min_weight);
    kept = &live.samples;
    if (!grad_enabled()) {  // off the tape the first evaluation serves
      density.sigma = index_select(visible.sigma, 0, live.index);
      density.features = index_select(visible.features, 0, live.index);
    }
  }
  if (!density.sigma.defined()) density = field.density(kept->positions);
  const Tensor harmonics = spherical_harmonics(rays.directions, field.config().sh_degree);
  const Tensor rgb = field.color_encoded(density.features, index_select(harmonics, 0, kept->ray_index));
  // Live samples end where the ray stops already.
  const double stop = kept == &samples ? early_stop : 0;
  return {render_volume(density.sigma, rgb, kept->t, kept->dt, kept->offsets, stop), evaluated, kept->count()};
}

void check(const TrainerConfig& config) {
  NDL_CHECK(config.samples_per_step >= 1 && config.max_rays >= 1, ValueError, "trainer", "bad batch: got ",
            config.samples_per_step, " samples and ", config.max_rays, " rays, expected 1 or more.");
  NDL_CHECK(config.lr > 0 && config.final_lr_fraction > 0, ValueError, "trainer", "bad learning rate: got ", config.lr,
            " decaying to a fraction of ", config.final_lr_fraction, ", expected positive numbers.");
  NDL_CHECK(config.coarse_fraction >= 0 && config.coarse_fraction <= 1, ValueError, "trainer",
            "bad coarse_fraction: got ", config.coarse_fraction, ", expected 0 to 1.");
  for (float channel : config.background.color)
    NDL_CHECK(channel >= 0 && channel <= 1, ValueError, "trainer", "bad background: got a channel of ", channel,
              ", expected 0 to 1.");
  NDL_CHECK(config.occupancy_interval >= 1, ValueError, "trainer", "bad occupancy_interval: got ",
            config.occupancy_interval, ", expected 1 or more.");
}

}  // namespace

struct Trainer::State {
  State(const Tensor& images, const Cameras& cameras, const TrainerConfig& config, const Tensor& mask)
      : photographs(images, cameras, mask), cameras(cameras), config(config) {}

  Photographs photographs;
  Cameras cameras;
  TrainerConfig config;
  std::shared_ptr<RadianceField> field;
  std::shared_ptr<OccupancyGrid> occupancy;
  Generator generator;
  struct Moments {
    Tensor parameter, m, v;
  };
  std::vector<Moments> moments;
  int64_t steps = 0;
  int64_t rays = 0;  // in the next step

  void refresh_occupancy() {
    const bool warm = steps < config.occupancy_warmup;
    occupancy->update([this](const Tensor& positions) { return field->density(positions).sigma; }, generator,
                      config.march.step, warm ? config.occupancy_warmup_fraction : config.occupancy_fraction,
                      config.occupancy_decay);
  }

  void optimize(double progress) {
    AdamOptions options;
    options.lr = config.lr * std::pow(config.final_lr_fraction, progress);
    options.beta2 = 0.99;
    options.eps = 1e-15;
    options.step = steps + 1;
    options.clear_gradient = true;  // the sweep adds into the same buffer next time
    for (Moments& p : moments) {
      if (!p.parameter.grad().defined()) continue;
      options.touched_only = p.parameter.is_same(field->table());
      adam_step_(p.parameter, p.parameter.grad(), p.m, p.v, options);
    }
  }
};

Trainer::Trainer(const Tensor& images, const Cameras& cameras, const TrainerConfig& config, const Tensor& mask) {
  check(config);
  cameras.check("trainer");
  state_ = std::make_unique<State>(images, cameras, config, mask);
  state_->field = std::make_shared<RadianceField>(config.field, config.seed);
  state_->occupancy = std::make_shared<OccupancyGrid>(config.field.box, config.occupancy_resolution);
  state_->generator.seed(config.seed ^ 0x9e3779b97f4a7c15ull);
  for (const auto& [parameter_name, parameter] : state_->field->named_parameters())
    state_->moments.push_back({parameter, Tensor::zeros(parameter.shape()), Tensor::zeros(parameter.shape())});
  state_->rays = std::clamp<int64_t>(config.samples_per_step / 128, 1, config.max_rays);
}

Trainer::~Trainer() = default;

Trainer::Step Trainer::step(double progress) {
  State& s = *state_;
  const TrainerConfig& config = s.config;
  NDL_CHECK(progress >= 0 && progress <= 1, ValueError, "trainer", "bad progress: got ", progress,
            ", expected 0 to 1.");
  if (s.steps > 0 && s.steps % config.occupancy_interval == 0) s.refresh_occupancy();

  const PixelBatch batch = s.photographs.draw(s.rays, s.generator);
  const Tensor background = background_colors(config.background, s.rays, s.generator);
  const Rays rays = generate_rays(s.cameras, batch.camera_index, batch.pixels);
  MarchOptions march = config.march;
  if (progress < config.coarse_fraction) march.step = std::min(2 * march.step, march.max_step);
  march.jitter = true;
  march.key = s.generator.next();
  const Samples samples = s.occupancy->march(rays, march);

  const RayColors shaded = shade(*s.field, samples, rays, config.early_stop, config.min_weight);
  const Tensor alpha = slice(batch.rgba, 1, 3);
  const Tensor target = slice(batch.rgba, 1, 0, 3) * alpha + background * (1.0 - alpha);
  const Tensor color = shaded.volume.color + unsqueeze(1.0 - shaded.volume.opacity, 1) * background;
  const Tensor difference = color - target;
  const Tensor loss = config.loss == Loss::MSE ? mean(square(difference)) : huber(difference, config.huber_delta);

  const double value = loss.item();
  const double mse = config.loss == Loss::MSE ? value : mean(square(difference.detach())).item();
  if (loss.requires_grad()) loss.backward();
  s.optimize(progress);
  ++s.steps;
  const Step result{s.steps, value, mse, s.rays, shaded.evaluated, shaded.live};

  // Towards the budget, by at most a factor of two a step.
  const double ratio =
      static_cast<double>(config.samples_per_step) / static_cast<double>(std::max<int64_t>(1, shaded.evaluated));
  const double rays_next = static_cast<double>(s.rays) * std::clamp(ratio, 0.5, 2.0);
  s.rays = std::clamp<int64_t>(static_cast<int64_t>(rays_next), 1, config.max_rays);
  return result;
}

int64_t Trainer::steps() const { return state_->steps; }
const TrainerConfig& Trainer::config() const { return state_->config; }

Checkpoint Trainer::checkpoint() const {
  Checkpoint checkpoint;
  checkpoint.field = state_->field;
  checkpoint.occupancy = state_->occupancy;
  checkpoint.march = state_->config.march;
  checkpoint.march.jitter = false;
  std::copy_n(state_->config.background.color, 3, checkpoint.background);
  checkpoint.step = state_->steps;
  return checkpoint;
}

// What a state file holds. Numbers stand in its metadata, as decimal digits.
namespace {

constexpr const char* kStateFormat = "needlecpp-training-1";
constexpr const char* kStatePrefix = "trainer.";  // of metadata keys; the others are notes
constexpr const char* kParameter = "parameter.";
constexpr const char* kFirstMoment = "first_moment.";
constexpr const char* kSecondMoment = "second_moment.";
constexpr const char* kDensity = "occupancy.density";

[[noreturn]] void malformed(const std::string& path, const std::string& what) {
  detail::fail<ValueError>("training_state", path, ": ", what);
}

uint64_t state_number(const std::string& path, const std::map<std::string, std::string>& metadata, const char* key,
                      uint64_t low, uint64_t high) {
  const auto found = metadata.find(std::string(kStatePrefix) + key);
  if (found == metadata.end()) malformed(path, std::string(key) + " is missing.");
  const std::string& text = found->second;
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < low || value > high)
    malformed(path, detail::concat(key, " is out of bounds: got \"", text.substr(0, 40), "\", expected ", low, " to ",
                                   high, "."));
  return value;
}

}  // namespace

Snapshot Trainer::snapshot() const {
  const State& s = *state_;
  NoGrad no_grad;
  Snapshot snapshot;
  snapshot.step_ = s.steps;
  snapshot.model_ = to_safetensors(checkpoint(), "model");
  for (auto& [tensor_name, tensor] : snapshot.model_.tensors) tensor = clone(tensor.detach());

  NamedTensors& tensors = snapshot.state_.tensors;
  const auto parameters = s.field->named_parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const std::string& parameter_name = parameters[i].first;
    tensors.emplace_back(kParameter + parameter_name, snapshot.model_.tensors[i].second);  // in the same order
    tensors.emplace_back(kFirstMoment + parameter_name, clone(s.moments[i].m));
    tensors.emplace_back(kSecondMoment + parameter_name, clone(s.moments[i].v));
  }
  tensors.emplace_back(kDensity, clone(s.occupancy->density()));
  const auto note = [&](const char* key, const std::string& text) {
    snapshot.state_.metadata[std::string(kStatePrefix) + key] = text;
  };
  note("format", kStateFormat);
  note("step", std::to_string(s.steps));
  note("rays", std::to_string(s.rays));
  note("seed", std::to_string(s.generator.seed()));
  note("draw", std::to_string(s.generator.draw()));
  return snapshot;
}

std::map<std::string, std::string> Trainer::load_state(const std::string& path) {
  State& s = *state_;
  NoGrad no_grad;
  SafetensorsFile file = load_safetensors(path);
  const auto format = file.metadata.find(std::string(kStatePrefix) + "format");
  if (format == file.metadata.end() || format->second != kStateFormat)
    malformed(path, std::string("this is no training state: got another format, expected ") + kStateFormat + ".");
  const uint64_t steps = state_number(path, file.metadata, "step", 0, INT64_MAX);
  const uint64_t rays = state_number(path, file.metadata, "rays", 1, static_cast<uint64_t>(s.config.max_rays));
  const uint64_t seed = state_number(path, file.metadata, "seed", 0, UINT64_MAX);
  const uint64_t draw = state_number(path, file.metadata, "draw", 0, UINT64_MAX);
  const std::map<std::string, Tensor> tensors(file.tensors.begin(), file.tensors.end());
  const auto find = [&](const std::string& wanted, const Tensor& like) {
    const auto found = tensors.find(wanted);
    if (found == tensors.end()) malformed(path, "the tensor '" + wanted + "' is missing.");
    if (found->second.shape() != like.shape() || found->second.dtype() != like.dtype())
      malformed(path, detail::concat("the tensor '", wanted, "' does not fit: got ", name(found->second.dtype()), " ",
                                     found->second.shape(), ", expected ", name(like.dtype()), " ", like.shape(),
                                     ". The state is of other settings."));
    return found->second;
  };
  std::vector<std::pair<Tensor, Tensor>> copies;  // to, from; nothing is written before all have been found
  const auto parameters = s.field->named_parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const auto& [parameter_name, parameter] = parameters[i];
    copies.emplace_back(parameter, find(kParameter + parameter_name, parameter));
    copies.emplace_back(s.moments[i].m, find(kFirstMoment + parameter_name, s.moments[i].m));
    copies.emplace_back(s.moments[i].v, find(kSecondMoment + parameter_name, s.moments[i].v));
  }
  const Tensor density = find(kDensity, s.occupancy->density());
  for (const auto& [to, from] : copies) copy_(to, from);
  s.occupancy->set_density(density, s.config.march.step);
  s.generator.seed(seed);
  s.generator.set_draw(draw);
  s.steps = static_cast<int64_t>(steps);
  s.rays = static_cast<int64_t>(rays);
  // A trainer that has stepped holds gradients of zero, which Adam's moments go on fading with.
  if (steps > 0)
    for (const auto& [parameter_name, parameter] : parameters) parameter.set_grad(Tensor::zeros(parameter.shape()));
  std::erase_if(file.metadata, [](const auto& entry) { return entry.first.rfind(kStatePrefix, 0) == 0; });
  return file.metadata;
}

void Snapshot::save_model(const std::string& path) const { save_safetensors(path, model_.tensors, model_.metadata); }

void Snapshot::save_state(const std::string& path, const std::map<std::string, std::string>& notes) const {
  std::map<std::string, std::string> metadata = state_.metadata;
  metadata.insert(notes.begin(), notes.end());
  save_safetensors(path, state_.tensors, metadata);
}

namespace {

// The pixels of a pass over the picture: every `block`-th of every block-th row, less those of a pass with twice the
// block before. [n, 2] int32, (x, y), row by row.
Tensor pass_pixels(int64_t width, int64_t height, int64_t block, bool first) {
  std::vector<int32_t> pixels;
  for (int64_t y = 0; y < height; y += block)
    for (int64_t x = 0; x < width; x += block)
      if (first || x % (2 * block) != 0 || y % (2 * block) != 0) {
        pixels.push_back(static_cast<int32_t>(x));
        pixels.push_back(static_cast<int32_t>(y));
      }
  return Tensor::from_vector(pixels, {static_cast<int64_t>(pixels.size()) / 2, 2});
}

// Writes channels [n, c] to the pixels' blocks of an image [height, width, c].
void fill_blocks(const Tensor& values, const int32_t* pixels, int64_t block, const Tensor& image) {
  const int64_t n = values.size(0), channels = values.numel() / std::max<int64_t>(1, n);
  const int64_t height = image.size(0), width = image.size(1);
  const float* from = values.data<float>();
  float* to = image.data<float>();
  parallel_for(n, 1024, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      for (int64_t y = pixels[2 * i + 1]; y < std::min(height, pixels[2 * i + 1] + block); ++y)
        for (int64_t x = pixels[2 * i]; x < std::min(width, pixels[2 * i] + block); ++x)
          std::copy_n(from + i * channels, channels, to + (y * width + x) * channels);
  });
}

}  // namespace

RenderedImage render_progressive(const Checkpoint& scene, const Cameras& cameras, int64_t camera,
                                 const float background[3], int64_t coarsest,
                                 const std::function<bool(const RenderedImage&, int64_t)>& show, double early_stop) {
  Op op("render_image");
  cameras.check("render_image");
  NDL_CHECK(camera >= 0 && camera < cameras.count(), IndexError, "render_image", "no such camera: got ", camera,
            ", expected 0 to ", cameras.count() - 1, ".");
  NDL_CHECK(coarsest >= 1 && (coarsest & (coarsest - 1)) == 0, ValueError, "render_image", "bad coarsest block: got ",
            coarsest, ", expected a power of two.");
  NoGrad no_grad;
  const RadianceField field = scene.field->for_rendering();
  const int64_t height = cameras.height(camera), width = cameras.width(camera);
  const RenderedImage image{Tensor::empty({height, width, 3}), Tensor::empty({height, width}),
                            Tensor::empty({height, width})};
  const Tensor behind = Tensor::from_vector(std::vector<float>(background, background + 3), {1, 3});
  for (int64_t block = coarsest; block >= 1; block /= 2) {
    const Tensor pixels = pass_pixels(width, height, block, block == coarsest);
    const Tensor centres = cast(pixels, DType::Float32) + 0.5;
    const int64_t n = pixels.size(0);
    int64_t rays_at_once = width;  // grows and shrinks with the samples of the rays before
    for (int64_t first = 0, end = 0; first < n; first = end) {
      end = std::min(n, first + rays_at_once);
      const Tensor index = Tensor::full({end - first}, static_cast<double>(camera), DType::Int32);
      const Rays rays = generate_rays(cameras, index, slice(centres, 0, first, end));
      const Samples samples = scene.occupancy->march(rays, scene.march);
      const VolumeOutput volume = shade(field, samples, rays, early_stop, kRenderMinWeight).volume;
      const Tensor depth =
          where(gt(volume.opacity, 0.0), volume.depth / clamp(volume.opacity, 1e-10, 1), Tensor::zeros({}));
      const int32_t* at = pixels.data<int32_t>() + 2 * first;
      fill_blocks(volume.color + unsqueeze(1.0 - volume.opacity, 1) * behind, at, block, image.color);
      fill_blocks(volume.opacity, at, block, image.opacity);
      fill_blocks(depth, at, block, image.depth);
      rays_at_once = std::clamp<int64_t>((end - first) * kRenderSamples / std::max<int64_t>(1, samples.count()), 64,
                                         2 * rays_at_once);
    }
    if (show && !show(image, block)) break;
  }
  return image;
}

RenderedImage render_image(const Checkpoint& scene, const Cameras& cameras, int64_t camera, const float background[3],
                           double early_stop) {
  return render_progressive(scene, cameras, camera, background, 1, nullptr, early_stop);
}

}  // namespace needlecpp
