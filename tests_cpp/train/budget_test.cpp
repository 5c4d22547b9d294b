// Budgets, the eye on a training, presets, and a field of a program's own in the trainer.
#include "needlecpp/train/budget.h"

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "catch.h"
#include "needlecpp/autograd/autograd.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "needlecpp/render/renderer.h"
#include "needlecpp/train/presets.h"
#include "needlecpp/train/trainer.h"
#include "needlecpp/train/watch.h"

using namespace needlecpp;

TEST_CASE("a budget of steps goes from 0 to 1 and ends") {
  Budget budget = Budget::of_steps(4);
  for (int64_t i = 0; i < 4; ++i) {
    REQUIRE(budget.begin(i) == static_cast<double>(i) / 4);
    budget.end();
  }
  REQUIRE_FALSE(budget.begin(4).has_value());
  REQUIRE(budget.seconds() >= 0);
  for (int64_t bad : {0, -1}) REQUIRE_THROWS_AS(Budget::of_steps(bad), ValueError);
  for (double bad : {0.0, -1.0, std::numeric_limits<double>::infinity(), std::nan("")})
    REQUIRE_THROWS_AS(Budget::of_seconds(bad), ValueError);
}

TEST_CASE("a budget of seconds has one step at least, and counts what was spent before") {
  Budget budget = Budget::of_seconds(1000);
  budget.set_seconds(250);
  REQUIRE(*budget.begin(7) == Approx(0.25).margin(0.01));
  budget.end();
  REQUIRE(budget.seconds() >= 250);
  budget.set_seconds(2000);
  REQUIRE(*budget.begin(0) == 1.0);
  REQUIRE_FALSE(budget.begin(1).has_value());
  REQUIRE_THROWS_AS(budget.set_seconds(-1), ValueError);
}

TEST_CASE("a watch knows a training that teaches nothing") {
  TrainerStep step;
  step.loss = 0.1;
  step.samples = 100;
  step.live = 10;
  Watch good;
  for (int i = 0; i < 1200; ++i) {
    step.loss *= 0.999;
    REQUIRE(good.see(step) == Verdict::Learning);
  }
  REQUIRE(good.end() == Verdict::Learning);
  REQUIRE(good.recent_loss() < good.first_loss());

  step.loss = 0.1;
  Watch still, going_on(false);
  for (int i = 1; i <= 1000; ++i) {
    REQUIRE(still.see(step) == (i == 1000 ? Verdict::StandsStill : Verdict::Learning));
    REQUIRE(going_on.see(step) == Verdict::Learning);
  }
  step.live = 0;
  Watch idle, blind;
  for (int i = 1; i < 200; ++i) REQUIRE(idle.see(step) == Verdict::Idle);
  REQUIRE(idle.end() == Verdict::LearnsNothing);
  REQUIRE(idle.see(step) == Verdict::LearnsNothing);
  step.samples = 0;
  REQUIRE(blind.see(step) == Verdict::Idle);
  REQUIRE(blind.end() == Verdict::SeesNothing);
  step.loss = std::nan("");
  REQUIRE(blind.see(step) == Verdict::Diverged);
}

TEST_CASE("presets follow the bounds") {
  SceneBounds bounds;
  const NgpConfig small = ngp_preset(bounds);
  REQUIRE(small.grid.base_resolution * std::pow(small.grid.growth, small.grid.levels - 1) == Approx(512));
  REQUIRE(trainer_preset(bounds).march.step == Approx(2 * std::sqrt(3.0) / 600));
  REQUIRE(trainer_preset(bounds).march.cone_angle == 0);
  bounds.background_scale = 4;
  const NgpConfig wide = ngp_preset(bounds);
  REQUIRE(wide.grid.base_resolution * std::pow(wide.grid.growth, wide.grid.levels - 1) == Approx(2048));
  REQUIRE(trainer_preset(bounds).march.step == Approx(2 * std::sqrt(3.0) / 2400));
  REQUIRE(trainer_preset(bounds).march.cone_angle > 0);
  bounds.high[1] = bounds.low[1];
  REQUIRE_THROWS_AS(ngp_preset(bounds), ValueError);
}

namespace {

// One density and one colour everywhere.
class Fog : public Field {
 public:
  std::string kind() const override { return "fog"; }
  const Box& box() const override { return box_; }
  Density density(const Tensor& positions) const override {
    if (fails) detail::fail<Error>("fog", "as told.");
    const int64_t n = wrong ? positions.size(0) + 1 : positions.size(0);
    return {exp(broadcast_to(level_, {n})), positions};
  }
  Tensor color(const Tensor& features, const Rays&, const Tensor&) const override {
    return sigmoid(broadcast_to(tint_, {features.size(0), 3}));
  }
  std::vector<Parameter> parameters() const override {
    return {{.name = "level", .tensor = level_, .lr_scale = 2}, {.name = "tint", .tensor = tint_}};
  }
  size_t bytes(int64_t samples, bool) const override { return static_cast<size_t>(samples) * 100; }
  std::shared_ptr<const Field> for_rendering() const override { return std::make_shared<Fog>(*this); }
  Tensor penalty() const override { return penalised ? sum(square(level_)) : Tensor(); }

  bool fails = false, wrong = false, penalised = false;

 private:
  Box box_;
  Tensor level_ = Tensor::ones({1}).set_requires_grad(true);
  Tensor tint_ = Tensor::zeros({1, 3}).set_requires_grad(true);
};

Cameras one_camera() {
  return {Tensor::from_vector<float>({1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, -3}, {1, 3, 4}),
          Tensor::from_vector<float>({20, 20, 8, 6, 0, 0, 0, 0}, {1, 8}), 16, 12};
}

}  // namespace

TEST_CASE("a trainer takes any field, and a step that fails costs nothing") {
  const auto fog = std::make_shared<Fog>();
  TrainerConfig config;
  config.march.step = 0.1f;
  config.occupancy_resolution = 16;
  config.samples_per_step = 2048;
  const Tensor red = Tensor::zeros({1, 12, 16, 4}, DType::UInt8);
  for (int64_t i = 0; i < 12 * 16; ++i) red.data<uint8_t>()[4 * i] = red.data<uint8_t>()[4 * i + 3] = 255;
  Trainer trainer(fog, red, one_camera(), config);
  const double first = trainer.step(0).mse;
  const auto numbers = [&] {
    std::vector<float> all;
    for (const Parameter& p : fog->parameters())
      for (float x : p.tensor.to_vector<float>()) all.push_back(x);
    return all;
  };
  const std::vector<float> before = numbers();
  fog->fails = true;
  REQUIRE_THROWS_AS(trainer.step(0), Error);
  fog->fails = false;
  fog->wrong = true;
  REQUIRE_THROWS_AS(trainer.step(0), ValueError);
  fog->wrong = false;
  REQUIRE(trainer.steps() == 1);
  REQUIRE(numbers() == before);
  Budget budget = Budget::of_steps(200);
  REQUIRE(trainer.run(budget).mse < first / 4);
  REQUIRE(trainer.run(budget).step == 200);
  int calls = 0;
  Budget more = Budget::of_steps(300);
  trainer.run(more, [&](const TrainerStep&) { return ++calls < 3; });
  REQUIRE(trainer.steps() == 203);
  fog->penalised = true;
  const TrainerStep step = trainer.step(1);
  REQUIRE(step.loss > step.mse);

  const std::string file = (std::filesystem::temp_directory_path() / ("fog_" + std::to_string(getpid()))).string();
  trainer.scene().save(file);
  REQUIRE_THROWS_AS(Scene::load(file), ValueError);  // no kind of this library's
  const auto other = std::make_shared<Fog>();
  const Scene again = Scene::load(file, other);
  REQUIRE(render_image(again, one_camera(), 0).color.to_vector<float>() ==
          render_image(trainer.scene(), one_camera(), 0).color.to_vector<float>());
  std::filesystem::remove(file);
}
