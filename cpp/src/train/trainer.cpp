// The training loop.
//
// One step. (1) Pixels are drawn over all images by the counter-based generator and turned into rays and target
// colours. (2) The model renders the rays: it marches the occupancy grid and sends the samples that matter through the
// field, on the tape (render/models/volume.cpp). (3) The loss goes backwards and Adam steps; of a table only touched
// entries move.
//
// Coarse to fine: until coarse_fraction of the training, steps along rays are twice as long, so that a step sees twice
// the rays; on Lego that is worth 1.0 dB after 10 s and 0.3 after 40.
//
// The number of rays adapts so that a step evaluates about samples_per_step samples, whatever the grid leaves of a ray.
//
// Invariant: after the field's first weights everything random comes from State::generator, one draw after the other,
// and no sum depends on how work was cut for the threads: a seed fixes the run, bit by bit, whatever their number.
#include "needlecpp/train/trainer.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/optim_step.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "render/live_samples.h"
#include "train/trainer_state.h"

namespace needlecpp {
namespace {

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

const Field& given(const std::shared_ptr<Field>& field) {
  NDL_CHECK(field, ValueError, "trainer", "no field: got nothing, expected one.");
  return *field;
}

const TrainerConfig& checked(const TrainerConfig& config) {
  check_config("trainer", config);
  return config;
}

void check_parameters(const std::vector<Parameter>& parameters) {
  NDL_CHECK(!parameters.empty(), ValueError, "trainer", "nothing to train: got a field without parameters.");
  std::set<std::string> names;
  for (const Parameter& p : parameters) {
    NDL_CHECK(names.insert(p.name).second, ValueError, "trainer", "two parameters of one name: got '", p.name,
              "' twice, expected it once.");
    const Tensor& x = p.tensor;
    NDL_CHECK(x.defined() && x.dtype() == DType::Float32 && x.is_leaf() && x.requires_grad() && x.is_contiguous(),
              ValueError, "trainer", "the parameter '", p.name, "' cannot be trained: got ",
              x.defined() ? name(x.dtype()) : "nothing", ", expected a contiguous float32 leaf that requires grad.");
  }
}

}  // namespace

Trainer::State::State(std::shared_ptr<Field> trained, const Tensor& images, const Cameras& seen_by,
                      const TrainerConfig& settings, const Tensor& mask)
    : photographs(images, seen_by, mask),
      cameras(seen_by),
      config(checked(settings)),
      field(std::move(trained)),
      occupancy(std::make_shared<OccupancyGrid>(given(field).box(), config.occupancy_resolution)),
      model(field, occupancy, config.march),
      generator(config.seed ^ 0x9e3779b97f4a7c15ull),
      rays(std::clamp<int64_t>(config.samples_per_step / 128, 1, config.max_rays)) {
  take_parameters();
}

void Trainer::State::take_parameters() {
  const std::vector<Parameter> parameters = field->parameters();
  check_parameters(parameters);
  std::vector<Moments> taken;
  for (const Parameter& parameter : parameters) {
    const auto before = std::find_if(moments.begin(), moments.end(), [&](const Moments& each) {
      return each.parameter.name == parameter.name && each.m.shape() == parameter.tensor.shape();
    });
    if (before != moments.end()) {
      taken.push_back({parameter, before->m, before->v});
      continue;
    }
    const Shape& shape = parameter.tensor.shape();
    const Device device = parameter.tensor.device();
    taken.push_back(
        {parameter, Tensor::zeros(shape, DType::Float32, device), Tensor::zeros(shape, DType::Float32, device)});
  }
  moments = std::move(taken);
}

void Trainer::State::refresh_occupancy() {
  const bool warm = steps < config.occupancy_warmup;
  occupancy->update([this](const Tensor& positions) { return checked_density(*field, positions).sigma; }, generator,
                    config.march.step, warm ? config.occupancy_warmup_fraction : config.occupancy_fraction,
                    config.occupancy_decay);
}

void Trainer::State::optimize(double progress) {
  AdamOptions options;
  options.beta2 = 0.99;
  options.eps = 1e-15;
  options.step = steps + 1;
  options.clear_gradient = true;  // the sweep adds into the same buffer next time
  const double lr = config.lr * std::pow(config.final_lr_fraction, progress);
  for (const Moments& p : moments) {
    const Tensor gradient = p.parameter.tensor.grad();
    if (!gradient.defined()) continue;
    options.lr = lr * p.parameter.lr_scale;
    options.touched_only = p.parameter.touched_only;
    adam_step_(p.parameter.tensor, gradient, p.m, p.v, options);
  }
}

void Trainer::State::clear_gradients() {
  for (const Moments& p : moments)
    if (const Tensor& x = p.parameter.tensor; x.grad().defined())
      x.set_grad(Tensor::zeros(x.shape(), x.dtype(), x.device()));
}

Trainer::Trainer(std::shared_ptr<Field> field, const Tensor& images, const Cameras& cameras,
                 const TrainerConfig& config, const Tensor& mask)
    : state_(std::make_unique<State>(std::move(field), images, cameras, config, mask)) {}

Trainer::~Trainer() = default;

Trainer::Step Trainer::step(double progress) {
  State& s = *state_;
  const TrainerConfig& config = s.config;
  NDL_CHECK(progress >= 0 && progress <= 1, ValueError, "trainer", "bad progress: got ", progress,
            ", expected 0 to 1.");
  if (s.field->refine(progress)) s.take_parameters();
  if (s.steps > 0 && s.steps % config.occupancy_interval == 0) s.refresh_occupancy();

  const PixelBatch batch = s.photographs.draw(s.rays, s.generator);
  const Tensor background = background_colors(config.background, s.rays, s.generator);
  const Rays rays = generate_rays(s.cameras, batch.camera_index, batch.pixels);
  MarchOptions march = config.march;
  if (progress < config.coarse_fraction) march.step = std::min(2 * march.step, march.max_step);
  march.jitter = true;
  march.key = s.generator.next();

  const RenderedRays rendered = s.model.render(rays, march, {config.early_stop, config.min_weight});
  const Tensor alpha = slice(batch.rgba, 1, 3);
  const Tensor target = slice(batch.rgba, 1, 0, 3) * alpha + background * (1.0 - alpha);
  const Tensor color = rendered.seen.color + unsqueeze(1.0 - rendered.seen.opacity, 1) * background;
  const Tensor difference = color - target;
  const Tensor error = config.loss == Loss::MSE ? mean(square(difference)) : huber(difference, config.huber_delta);
  const Tensor penalty = s.field->penalty();
  const Tensor loss = penalty.defined() ? error + penalty : error;

  const double value = loss.item();
  const double mse = config.loss == Loss::MSE && !penalty.defined() ? value : mean(square(difference.detach())).item();
  if (loss.requires_grad()) {
    try {
      loss.backward();
    } catch (...) {
      s.clear_gradients();
      throw;
    }
  }
  s.optimize(progress);
  ++s.steps;
  const Step result{s.steps, value, mse, s.rays, rendered.samples, rendered.live};

  // Towards the budget, by at most a factor of two a step.
  const double ratio =
      static_cast<double>(config.samples_per_step) / static_cast<double>(std::max<int64_t>(1, rendered.samples));
  const double rays_next = static_cast<double>(s.rays) * std::clamp(ratio, 0.5, 2.0);
  s.rays = std::clamp<int64_t>(static_cast<int64_t>(rays_next), 1, config.max_rays);
  return result;
}

Trainer::Step Trainer::run(Budget& budget, const std::function<bool(const Step&)>& each) {
  Step last;
  last.step = steps();
  while (const std::optional<double> progress = budget.begin(steps())) {
    last = step(*progress);
    budget.end();
    if (each && !each(last)) break;
  }
  return last;
}

int64_t Trainer::steps() const { return state_->steps; }
const TrainerConfig& Trainer::config() const { return state_->config; }

Scene Trainer::scene() const {
  Scene scene;
  scene.model = std::make_shared<VolumeModel>(state_->model);
  std::copy_n(state_->config.background.color, 3, scene.background);
  scene.step = state_->steps;
  return scene;
}

}  // namespace needlecpp
