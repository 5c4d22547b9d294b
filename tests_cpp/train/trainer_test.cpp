// The whole loop on a scene made here: it learns, renders what it learnt, repeats itself for a seed, and refuses
// nonsense.
#include "needlecpp/train/trainer.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "catch.h"
#include "needlecpp/autograd/autograd.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/io/safetensors.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "needlecpp/render/fields/ngp.h"
#include "needlecpp/render/renderer.h"
#include "needlecpp/render/volume.h"
#include "render/live_samples.h"

using namespace needlecpp;

namespace {

constexpr int64_t kViews = 12;
constexpr int64_t kSize = 32;

// Cameras on a circle of radius 3 around the origin, looking at it.
Cameras circle() {
  std::vector<float> poses;
  std::vector<float> intrinsics;
  for (int64_t i = 0; i < kViews; ++i) {
    const float a = 6.2831853f * static_cast<float>(i) / kViews;
    const float c = std::cos(a), s = std::sin(a);
    // Columns: right, down, forward, centre.
    for (float v : {-s, 0.0f, -c, 3 * c, c, 0.0f, -s, 3 * s, 0.0f, -1.0f, 0.0f, 0.0f}) poses.push_back(v);
    for (float v : {40.0f, 40.0f, kSize / 2.0f, kSize / 2.0f, 0.0f, 0.0f, 0.0f, 0.0f}) intrinsics.push_back(v);
  }
  return {Tensor::from_vector(poses, {kViews, 3, 4}), Tensor::from_vector(intrinsics, {kViews, 8}), kSize, kSize};
}

// A ball of radius 0.7, its colour the direction of its normal, opaque, on nothing.
Tensor photographs(const Cameras& cameras) {
  const Tensor images = Tensor::zeros({kViews, kSize, kSize, 4}, DType::UInt8);
  uint8_t* pixel = images.data<uint8_t>();
  for (int64_t view = 0; view < kViews; ++view) {
    const Rays rays = camera_rays(cameras, view, 0, kSize);
    const float* o = rays.origins.data<float>();
    const float* d = rays.directions.data<float>();
    for (int64_t i = 0; i < kSize * kSize; ++i, o += 3, d += 3, pixel += 4) {
      const float b = o[0] * d[0] + o[1] * d[1] + o[2] * d[2];
      const float c = o[0] * o[0] + o[1] * o[1] + o[2] * o[2] - 0.49f;
      if (b * b < c) continue;
      const float t = -b - std::sqrt(b * b - c);
      for (int axis = 0; axis < 3; ++axis)
        pixel[axis] = static_cast<uint8_t>(127.5f + 127.5f * (o[axis] + t * d[axis]) / 0.7f);
      pixel[3] = 255;
    }
  }
  return images;
}

NgpConfig small_field() {
  NgpConfig config;
  config.grid.log2_table_size = 14;
  config.grid.levels = 8;
  config.grid.growth = 1.5;
  return config;
}

TrainerConfig small_config() {
  TrainerConfig config;
  config.march.step = 0.02f;
  config.occupancy_resolution = 64;
  config.samples_per_step = 1 << 13;
  return config;
}

std::shared_ptr<Field> fresh(uint64_t seed = 0) { return std::make_shared<NgpField>(small_field(), seed); }
const VolumeModel& volume(const Scene& scene) { return static_cast<const VolumeModel&>(*scene.model); }
std::vector<float> first_parameter(const Scene& scene) {
  return scene.model->parameters()[0].tensor.to_vector<float>();
}
constexpr Color kWhite = {1, 1, 1};

double psnr_of_view(const Scene& scene, const Cameras& cameras, const Tensor& images, int64_t view) {
  const std::vector<float> got = render_image(scene, cameras, view, kWhite).color.to_vector<float>();
  const uint8_t* pixel = images.data<uint8_t>() + view * kSize * kSize * 4;
  double squares = 0;
  for (int64_t i = 0; i < kSize * kSize; ++i)
    for (int c = 0; c < 3; ++c) {
      const double truth = pixel[4 * i + 3] ? pixel[4 * i + c] / 255.0 : 1.0;
      squares += std::pow(got[static_cast<size_t>(3 * i + c)] - truth, 2);
    }
  return -10 * std::log10(squares / (kSize * kSize * 3));
}

}  // namespace

TEST_CASE("a ball is learnt from its photographs, on any background") {
  const Cameras cameras = circle();
  const Tensor images = photographs(cameras);
  for (Background background : {Background::Random, Background::White}) {
    TrainerConfig config = small_config();
    config.background = background;
    config.loss = background == Background::Random ? Loss::MSE : Loss::Huber;
    Trainer trainer(fresh(), images, cameras, config);
    const double first = trainer.step(0).mse;
    Trainer::Step last{};
    for (int i = 1; i < 250; ++i) last = trainer.step(i / 250.0);
    REQUIRE(last.step == 250);
    REQUIRE(trainer.steps() == 250);
    REQUIRE(last.mse < first / 20);
    REQUIRE(last.live <= last.samples);
    REQUIRE(last.samples < 2 << 13);
    REQUIRE(psnr_of_view(trainer.scene(), cameras, images, 3) > 27);
    REQUIRE(volume(trainer.scene()).occupancy()->occupied_fraction() < 0.5);
    const RenderedImage image = render_image(trainer.scene(), cameras, 0, Color{0, 0, 0});
    const size_t centre = kSize / 2 * kSize + kSize / 2;
    REQUIRE(image.opacity.to_vector<float>()[centre] > 0.9f);
    // A fixed background leaves depth open where the ball has the background's colour; random ones do not.
    if (background == Background::Random) REQUIRE(image.depth.to_vector<float>()[centre] == Approx(2.3).margin(0.1));
    REQUIRE(image.opacity.to_vector<float>()[0] < 0.1f);
  }
}

TEST_CASE("a seed repeats the run bit by bit on any number of threads; another seed does not") {
  const Cameras cameras = circle();
  const Tensor images = photographs(cameras);
  const auto run = [&](uint64_t seed) {
    TrainerConfig config = small_config();
    config.seed = seed;
    Trainer trainer(fresh(seed), images, cameras, config);
    std::vector<double> losses;
    for (int i = 0; i < 40; ++i) losses.push_back(trainer.step(i / 40.0).loss);
    const std::vector<float> table = first_parameter(trainer.scene());
    losses.insert(losses.end(), table.begin(), table.end());
    return losses;
  };
  set_num_threads(1);
  const std::vector<double> alone = run(7);
  for (int threads : {1, 2, 3}) {
    set_num_threads(threads);
    REQUIRE(run(7) == alone);
  }
  REQUIRE(run(8) != alone);
}

TEST_CASE("pictures of several sizes and masks") {
  const Cameras cameras = circle();
  const Tensor images = photographs(cameras);
  const auto run = [&](const Tensor& pixels, const Cameras& seen_by, const Tensor& mask) {
    Trainer trainer(fresh(), pixels, seen_by, small_config(), mask);
    std::vector<double> losses;
    for (int i = 0; i < 10; ++i) losses.push_back(trainer.step(i / 10.0).loss);
    return losses;
  };
  // Packed, the same; under a mask that hides nothing, too.
  const std::vector<double> plain = run(images, cameras, {});
  const Tensor packed = reshape(images, {kViews * kSize * kSize, 4});
  REQUIRE(run(packed, cameras, {}) == plain);
  REQUIRE(run(packed, cameras, Tensor::ones({kViews, kSize, kSize}, DType::Bool)) == plain);

  // The upper half of every second picture, as a smaller picture of its own.
  const int64_t half = kSize / 2;
  std::vector<uint8_t> cut;
  std::vector<int64_t> sizes;
  const uint8_t* from = images.data<uint8_t>();
  for (int64_t i = 0; i < kViews; ++i) {
    const int64_t rows = i % 2 ? half : kSize;
    cut.insert(cut.end(), from + i * kSize * kSize * 4, from + (i * kSize + rows) * kSize * 4);
    sizes.insert(sizes.end(), {kSize, rows});
  }
  const int64_t pixels = static_cast<int64_t>(cut.size()) / 4;
  const Tensor small = Tensor::from_vector(cut, {pixels, 4});
  const Cameras two_sizes(cameras.poses, cameras.intrinsics, Tensor::from_vector(sizes, {kViews, 2}));
  REQUIRE(run(small, two_sizes, {}) == run(small, two_sizes, Tensor::ones({pixels}, DType::UInt8)));
  // A mask over the lower halves leaves the same pixels to draw from.
  const Tensor mask = Tensor::ones({kViews, kSize, kSize}, DType::Bool);
  for (int64_t i = 1; i < kViews; i += 2)
    std::fill_n(mask.data<bool>() + (i * kSize + half) * kSize, half * kSize, false);
  REQUIRE(run(small, two_sizes, {}) == run(images, cameras, mask));
  REQUIRE(run(small, two_sizes, {}) != plain);

  Trainer trainer(fresh(), small, two_sizes, small_config());
  REQUIRE(render_image(trainer.scene(), two_sizes, 1, kWhite).color.shape() == Shape{half, kSize, 3});
  REQUIRE(render_image(trainer.scene(), two_sizes, 2, kWhite).color.shape() == Shape{kSize, kSize, 3});

  const TrainerConfig config = small_config();
  REQUIRE_THROWS_AS(Trainer(fresh(), small, cameras, config), ValueError);
  REQUIRE_THROWS_AS(Trainer(fresh(), images, two_sizes, config), ValueError);
  REQUIRE_THROWS_AS(Trainer(fresh(), slice(small, 0, 1), two_sizes, config), ValueError);
  REQUIRE_THROWS_AS(Trainer(fresh(), images, cameras, config, Tensor::zeros({kViews, kSize, kSize}, DType::Bool)),
                    ValueError);
  REQUIRE_THROWS_AS(Trainer(fresh(), images, cameras, config, Tensor::ones({kViews}, DType::Bool)), ValueError);
  REQUIRE_THROWS_AS(Trainer(fresh(), images, cameras, config, Tensor::ones({kViews, kSize, kSize})), ValueError);
}

TEST_CASE("images without alpha train too, and an image of one pixel") {
  const Tensor images = Tensor::full({1, 1, 1, 3}, 128, DType::UInt8);
  const Cameras cameras{Tensor::from_vector<float>({1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, -3}, {1, 3, 4}),
                        Tensor::from_vector<float>({1, 1, 0.5f, 0.5f, 0, 0, 0, 0}, {1, 8}), 1, 1};
  Trainer trainer(fresh(), images, cameras, small_config());
  for (int i = 0; i < 5; ++i) REQUIRE(std::isfinite(trainer.step(0).loss));
}

TEST_CASE("rays that meet nothing leave the background and no gradient") {
  Cameras cameras = circle();
  cameras.poses = cameras.poses * 1.0;
  for (int64_t i = 0; i < kViews; ++i)  // far away, looking elsewhere
    cameras.poses.data<float>()[i * 12 + 11] = 100;
  Trainer trainer(fresh(), Tensor::zeros({kViews, kSize, kSize, 4}, DType::UInt8), cameras, small_config());
  const Trainer::Step step = trainer.step(0);
  REQUIRE(step.samples == 0);
  REQUIRE(step.mse == 0);
  const std::vector<float> color =
      render_image(trainer.scene(), cameras, 0, Color{0.5f, 0.25f, 1.0f}).color.to_vector<float>();
  REQUIRE(color[0] == 0.5f);
  REQUIRE(color[1] == 0.25f);
}

TEST_CASE("the table and the weights of a field are different numbers") {
  const auto parameters = NgpField(small_field(), 3).parameters();
  const std::vector<float> table = parameters[0].tensor.to_vector<float>();
  const std::vector<float> weight = parameters[1].tensor.to_vector<float>();
  double products = 0, a = 0, b = 0;
  for (size_t i = 0; i < weight.size(); ++i) {
    products += static_cast<double>(table[i]) * weight[i];
    a += static_cast<double>(table[i]) * table[i];
    b += static_cast<double>(weight[i]) * weight[i];
  }
  REQUIRE(std::abs(products) < 0.2 * std::sqrt(a * b));
}

TEST_CASE("what does not fit together is refused") {
  const Cameras cameras = circle();
  const Tensor images = photographs(cameras);
  const TrainerConfig config = small_config();
  REQUIRE_THROWS_AS(Trainer(fresh(), cast(images, DType::Float32), cameras, config), TypeError);
  REQUIRE_THROWS_AS(Trainer(fresh(), Tensor::zeros({kViews, kSize, kSize, 2}, DType::UInt8), cameras, config),
                    ValueError);
  REQUIRE_THROWS_AS(Trainer(fresh(), Tensor::zeros({3, kSize, kSize, 4}, DType::UInt8), cameras, config), ValueError);
  TrainerConfig bad = config;
  bad.lr = 0;
  REQUIRE_THROWS_AS(Trainer(fresh(), images, cameras, bad), ValueError);
  NgpConfig bad_field = small_field();
  bad_field.box.high[1] = bad_field.box.low[1];
  REQUIRE_THROWS_AS(NgpField(bad_field), ValueError);
  bad_field = small_field();
  bad_field.density_hidden = 0;
  REQUIRE_THROWS_AS(NgpField(bad_field), ValueError);
  REQUIRE_THROWS_AS(Trainer(nullptr, images, cameras, config), ValueError);
  bad = config;
  bad.march.step = std::numeric_limits<float>::quiet_NaN();
  REQUIRE_THROWS_AS(Trainer(fresh(), images, cameras, bad).step(0), ValueError);
  Trainer trainer(fresh(), images, cameras, config);
  REQUIRE_THROWS_AS(trainer.step(1.5), ValueError);
  REQUIRE_THROWS_AS(render_image(trainer.scene(), cameras, kViews, kWhite), IndexError);
}

TEST_CASE("live samples are those above the weight, ray by ray") {
  Samples samples;
  samples.offsets = Tensor::from_vector<int64_t>({0, 3, 3, 5}, {4});
  samples.ray_index = Tensor::from_vector<int32_t>({0, 0, 0, 2, 2}, {5});
  samples.positions = Tensor::from_vector<float>({0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4}, {5, 3});
  samples.t = Tensor::from_vector<float>({0, 1, 2, 3, 4}, {5});
  samples.dt = Tensor::from_vector<float>({5, 6, 7, 8, 9}, {5});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const LiveSamples live = keep_live(samples, Tensor::from_vector<float>({0.5f, 0.1f, 0.2f, nan, 0.3f}, {5}), 0.1);
  REQUIRE(live.index.to_vector<int64_t>() == std::vector<int64_t>{0, 2, 4});
  REQUIRE(live.samples.offsets.to_vector<int64_t>() == std::vector<int64_t>{0, 2, 2, 3});
  REQUIRE(live.samples.ray_index.to_vector<int32_t>() == std::vector<int32_t>{0, 0, 2});
  REQUIRE(live.samples.positions.to_vector<float>() == std::vector<float>{0, 0, 0, 2, 2, 2, 4, 4, 4});
  REQUIRE(live.samples.t.to_vector<float>() == std::vector<float>{0, 2, 4});
  REQUIRE(live.samples.dt.to_vector<float>() == std::vector<float>{5, 7, 9});
}

TEST_CASE("density is asked for until a ray is opaque, and the picture is the same") {
  TrainerConfig config = small_config();
  Trainer trainer(fresh(), photographs(circle()), circle(), config);
  for (int i = 0; i < 200; ++i) trainer.step(i / 200.0);
  const Scene scene = trainer.scene();
  const Rays rays = camera_rays(circle(), 1, 0, kSize);
  const Samples samples = volume(scene).occupancy()->march(rays, volume(scene).march());
  NoGrad no_grad;
  const Density all = volume(scene).field()->density(samples.positions);
  for (double early_stop : {0.0, 1e-3, 0.1}) {
    CAPTURE(early_stop);
    const VisibleDensity visible = visible_density(*volume(scene).field(), samples, early_stop, true);
    const std::vector<float> weights =
        volume_weights(all.sigma, samples.dt, samples.offsets, early_stop).to_vector<float>();
    REQUIRE(volume_weights(visible.sigma, samples.dt, samples.offsets, early_stop).to_vector<float>() == weights);
    if (early_stop == 0) {
      REQUIRE(visible.evaluated == samples.count());
    } else {
      REQUIRE(visible.evaluated < samples.count());
    }
    const int64_t width = small_field().features;
    const std::vector<float> got = visible.features.to_vector<float>(), expected = all.features.to_vector<float>();
    for (size_t i = 0; i < weights.size(); ++i)
      if (weights[i] > 0)
        for (int64_t k = 0; k < width; ++k)
          REQUIRE(got[i * width + k] == Approx(expected[i * width + k]).epsilon(1e-5).margin(1e-5));
  }
  Samples none =
      volume(scene).occupancy()->march({Tensor::zeros({0, 3}), Tensor::zeros({0, 3})}, volume(scene).march());
  REQUIRE(visible_density(*volume(scene).field(), none, 1e-3, true).evaluated == 0);
}

TEST_CASE("a preview goes from coarse to fine, ends in the picture, and stops when told") {
  Trainer trainer(fresh(), photographs(circle()), circle(), small_config());
  for (int i = 0; i < 30; ++i) trainer.step(i / 30.0);
  const Scene scene = trainer.scene();
  const std::vector<float> whole = render_image(scene, circle(), 2, kWhite).color.to_vector<float>();
  std::vector<int64_t> blocks;
  const RenderedImage last =
      Renderer(scene).render_progressive(circle(), 2, 4, [&](const RenderedImage& so_far, int64_t block) {
        blocks.push_back(block);
        const std::vector<float> color = so_far.color.to_vector<float>();
        for (int64_t y = 0; y < kSize; ++y)
          for (int64_t x = 0; x < kSize; ++x)
            for (int64_t c = 0; c < 3; ++c) {
              const float exact = whole[static_cast<size_t>(((y - y % block) * kSize + x - x % block) * 3 + c)];
              REQUIRE(color[static_cast<size_t>((y * kSize + x) * 3 + c)] == Approx(exact).margin(1e-4));
            }
        return true;
      });
  REQUIRE(blocks == std::vector<int64_t>{4, 2, 1});
  int calls = 0;
  Renderer(scene).render_progressive(circle(), 2, 8, [&](const RenderedImage&, int64_t) { return ++calls < 2; });
  REQUIRE(calls == 2);
  REQUIRE_THROWS_AS(Renderer(scene).render_progressive(circle(), 2, 3, nullptr), ValueError);
}

TEST_CASE("a training that goes on from its saved state takes the same steps, bit by bit") {
  const Cameras cameras = circle();
  const Tensor images = photographs(cameras);
  const std::string file = (std::filesystem::temp_directory_path() / ("state_" + std::to_string(getpid()))).string();
  constexpr int kSteps = 60;
  for (int stop : {0, 1, 16, 41}) {  // before and after refreshes of the occupancy grid
    CAPTURE(stop);
    TrainerConfig config = small_config();
    config.seed = 3;
    Trainer whole(fresh(), images, cameras, config);
    for (int i = 0; i < stop; ++i) whole.step(static_cast<double>(i) / kSteps);
    const Snapshot snapshot = whole.snapshot();
    REQUIRE(snapshot.step() == stop);
    std::vector<double> expected;
    for (int i = stop; i < kSteps; ++i) expected.push_back(whole.step(static_cast<double>(i) / kSteps).loss);
    snapshot.save_state(file, {{"seconds", "1.5"}});  // after the steps: it is a copy

    config.seed = 4;  // whatever the new one has drawn is replaced
    Trainer resumed(fresh(), images, cameras, config);
    resumed.step(0);
    REQUIRE(resumed.load_state(file) == std::map<std::string, std::string>{{"seconds", "1.5"}});
    REQUIRE(resumed.steps() == stop);
    for (size_t i = 0; i < expected.size(); ++i)
      REQUIRE(resumed.step(static_cast<double>(i + static_cast<size_t>(stop)) / kSteps).loss == expected[i]);
    const auto a = whole.scene().model->parameters(), b = resumed.scene().model->parameters();
    for (size_t i = 0; i < a.size(); ++i) REQUIRE(a[i].tensor.to_vector<float>() == b[i].tensor.to_vector<float>());
    REQUIRE(volume(whole.scene()).occupancy()->bits().to_vector<uint8_t>() ==
            volume(resumed.scene()).occupancy()->bits().to_vector<uint8_t>());
  }
  std::filesystem::remove(file);
}

TEST_CASE("a state is believed in nothing, and a refused one changes nothing") {
  const std::string file = (std::filesystem::temp_directory_path() / ("state_" + std::to_string(getpid()))).string();
  Trainer trainer(fresh(), photographs(circle()), circle(), small_config());
  for (int i = 0; i < 3; ++i) trainer.step(0);
  const std::vector<float> before = first_parameter(trainer.scene());
  trainer.snapshot().save_state(file);
  const SafetensorsFile good = load_safetensors(file);
  const auto refused = [&](const NamedTensors& tensors, const std::map<std::string, std::string>& metadata) {
    save_safetensors(file, tensors, metadata);
    try {
      trainer.load_state(file);
      return std::string("accepted");
    } catch (const ValueError& error) {
      return std::string(error.what());
    }
  };
  for (const auto& [key, value] : good.metadata)
    for (const char* text : {"", "-1", "x", "99999999999999999999999", "1.5", " 1"}) {
      auto metadata = good.metadata;
      metadata[key] = text;
      CAPTURE(key, text);
      REQUIRE(refused(good.tensors, metadata).rfind("[training_state] " + file, 0) == 0);
    }
  for (size_t i = 0; i < good.tensors.size(); ++i) {
    NamedTensors fewer = good.tensors;
    fewer.erase(fewer.begin() + static_cast<int64_t>(i));
    REQUIRE(refused(fewer, good.metadata).find("is missing") != std::string::npos);
    NamedTensors other = good.tensors;
    other[i].second = Tensor::zeros({3});
    REQUIRE(refused(other, good.metadata).find("does not fit") != std::string::npos);
  }
  REQUIRE(refused(good.tensors, {}).find("no training state") != std::string::npos);
  trainer.snapshot().save_model(file);
  REQUIRE_THROWS_AS(trainer.load_state(file), ValueError);
  REQUIRE(Scene::load(file).step == 3);
  REQUIRE(first_parameter(trainer.scene()) == before);
  std::filesystem::remove(file);
}

TEST_CASE("a background of any colour is learnt as empty space") {
  const Cameras cameras = circle();
  const Tensor images = photographs(cameras);
  const Tensor opaque = Tensor::empty({kViews, kSize, kSize, 3}, DType::UInt8);  // the ball before a green wall
  for (int64_t i = 0; i < kViews * kSize * kSize; ++i)
    for (int64_t c = 0; c < 3; ++c) {
      const uint8_t* from = images.data<uint8_t>() + 4 * i;
      const uint8_t wall[3] = {0, 255, 0};
      opaque.data<uint8_t>()[3 * i + c] = from[3] ? from[c] : wall[c];
    }
  TrainerConfig config = small_config();
  config.background = {false, {0, 1, 0}};
  Trainer trainer(fresh(), opaque, cameras, config);
  for (int i = 0; i < 250; ++i) trainer.step(i / 250.0);
  const Scene scene = trainer.scene();
  REQUIRE(scene.background[0] == 0);
  REQUIRE(scene.background[1] == 1);
  const RenderedImage image = render_image(scene, cameras, 0, Color{0, 0, 0});
  REQUIRE(image.opacity.to_vector<float>()[0] < 0.1f);
  REQUIRE(image.opacity.to_vector<float>()[kSize / 2 * kSize + kSize / 2] > 0.9f);
  config.background.color[2] = 1.5f;
  REQUIRE_THROWS_AS(Trainer(fresh(), images, cameras, config), ValueError);
}
