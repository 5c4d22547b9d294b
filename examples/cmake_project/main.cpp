// Trains a radiance field on pictures of three spheres that it makes itself, renders an unseen view, compares it with
// the truth and writes both side by side to view.ppm. Everything a C++ renderer needs to embed needlecpp is here.
//
//   train_field [steps]
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <vector>

#include "needlecpp/core/error.h"
#include "needlecpp/render/fields/ngp.h"
#include "needlecpp/render/renderer.h"
#include "needlecpp/train/presets.h"
#include "needlecpp/train/trainer.h"

namespace ndl = needlecpp;

namespace {

using Vec = std::array<float, 3>;
Vec operator*(float s, const Vec& a) { return {s * a[0], s * a[1], s * a[2]}; }
Vec operator+(const Vec& a, const Vec& b) { return {a[0] + b[0], a[1] + b[1], a[2] + b[2]}; }
Vec operator-(const Vec& a, const Vec& b) { return a + -1.0f * b; }
float dot(const Vec& a, const Vec& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
Vec cross(const Vec& a, const Vec& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}
Vec unit(const Vec& a) { return 1 / std::sqrt(dot(a, a)) * a; }

// Camera i of n on a spiral around the origin, looking at it. needlecpp's cameras look along +Z with +Y down.
void place_camera(float* pose, int i, int n) {
  const float angle = 2.4f * static_cast<float>(i);
  const float height = 1.6f * (static_cast<float>(i) + 0.5f) / static_cast<float>(n) - 0.6f;
  const Vec position = 3.0f * unit({std::cos(angle), std::sin(angle), height});
  const Vec forward = -1.0f * unit(position);
  const Vec right = unit(cross(forward, {0, 0, 1}));
  const Vec down = cross(forward, right);
  for (size_t row = 0; row < 3; ++row, pose += 4) {
    pose[0] = right[row];
    pose[1] = down[row];
    pose[2] = forward[row];
    pose[3] = position[row];
  }
}

ndl::Cameras make_cameras(int count, int first, int of, int64_t size) {
  const ndl::Cameras cameras(ndl::Tensor::empty({count, 3, 4}), ndl::Tensor::zeros({count, 8}), size, size);
  for (int i = 0; i < count; ++i) {
    place_camera(cameras.poses.data<float>() + 12 * i, first + i, of);
    float* k = cameras.intrinsics.data<float>() + 8 * i;
    k[0] = k[1] = 1.4f * static_cast<float>(size);  // focal lengths in pixels
    k[2] = k[3] = 0.5f * static_cast<float>(size);  // principal point
  }
  return cameras;
}

// The truth along a ray, as red, green, blue and alpha: the nearest sphere in a soft light from above, or nothing.
std::array<float, 4> trace(const Vec& origin, const Vec& direction) {
  struct Sphere {
    Vec center;
    float radius;
    Vec color;
  };
  static const Sphere spheres[] = {{{0, 0, 0}, 0.5f, {0.9f, 0.3f, 0.2f}},
                                   {{0.6f, 0.3f, -0.2f}, 0.3f, {0.2f, 0.7f, 0.3f}},
                                   {{-0.4f, -0.5f, 0.3f}, 0.25f, {0.2f, 0.4f, 0.9f}}};
  float nearest = 1e9f;
  std::array<float, 4> result = {0, 0, 0, 0};
  for (const Sphere& sphere : spheres) {
    const Vec offset = origin - sphere.center;
    const float b = dot(offset, direction);
    const float discriminant = b * b - dot(offset, offset) + sphere.radius * sphere.radius;
    const float t = -b - std::sqrt(std::fmax(discriminant, 0));
    if (discriminant < 0 || t < 0 || t > nearest) continue;
    nearest = t;
    const Vec normal = 1 / sphere.radius * (offset + t * direction);
    const Vec color = (0.6f + 0.4f * normal[2]) * sphere.color;
    result = {color[0], color[1], color[2], 1};
  }
  return result;
}

// [n, size, size, 4] uint8: the spheres as these cameras see them, through the engine's own ray generation.
ndl::Tensor photograph(const ndl::Cameras& cameras) {
  const int64_t n = cameras.count();
  const int64_t height = cameras.height(0), width = cameras.width(0);
  ndl::Tensor images = ndl::Tensor::empty({n, height, width, 4}, ndl::DType::UInt8);
  uint8_t* out = images.data<uint8_t>();
  for (int64_t i = 0; i < n; ++i) {
    const ndl::Rays rays = ndl::camera_rays(cameras, i, 0, height);
    const float* o = rays.origins.data<float>();
    const float* d = rays.directions.data<float>();
    for (int64_t pixel = 0; pixel < height * width; ++pixel, o += 3, d += 3)
      for (float channel : trace({o[0], o[1], o[2]}, {d[0], d[1], d[2]}))
        *out++ = static_cast<uint8_t>(std::lround(255 * channel));
  }
  return images;
}

int run(int steps) {
  constexpr int kViews = 40;
  constexpr size_t kSize = 100;
  const ndl::Cameras cameras = make_cameras(kViews, 0, kViews, kSize);

  // What suits a scene of this box; smaller, since the pictures are.
  const ndl::SceneBounds bounds;
  ndl::NgpConfig field = ndl::ngp_preset(bounds);
  field.grid.log2_table_size = 15;
  ndl::TrainerConfig config = ndl::trainer_preset(bounds);
  config.march.step = 0.01f;
  config.occupancy_resolution = 64;
  config.samples_per_step = 1 << 14;
  ndl::Trainer trainer(std::make_shared<ndl::NgpField>(field), photograph(cameras), cameras, config);
  ndl::Budget budget = ndl::Budget::of_steps(steps);
  trainer.run(budget, [&](const ndl::Trainer::Step& step) {
    if (step.step % 50 == 0 || step.step == steps)
      std::printf("step %4lld  loss %.5f  batch PSNR %.2f dB\n", static_cast<long long>(step.step), step.loss,
                  -10 * std::log10(step.mse));
    return true;  // go on
  });

  // A view between those it was trained on. A scene is all that rendering needs; it can go through a file.
  trainer.scene().save("field.safetensors");
  const ndl::Cameras unseen = make_cameras(1, kViews / 2, 2 * kViews, kSize);
  ndl::Renderer renderer(ndl::Scene::load("field.safetensors"), {}, ndl::Color{1, 1, 1});
  std::vector<float> color(kSize * kSize * 3);
  renderer.render_into(unseen, 0, color.data());

  const std::vector<uint8_t> truth = photograph(unseen).to_vector<uint8_t>();
  double squared = 0;
  std::ofstream ppm("view.ppm", std::ios::binary);
  ppm << "P6\n" << 2 * kSize << " " << kSize << "\n255\n";
  for (size_t row = 0; row < kSize; ++row) {
    std::array<std::vector<char>, 2> halves;  // of one row: rendered, true
    for (size_t pixel = row * kSize; pixel < (row + 1) * kSize; ++pixel)
      for (size_t channel = 0; channel < 3; ++channel) {
        const float rendered_here = std::fmin(std::fmax(color[3 * pixel + channel], 0.0f), 1.0f);
        const float true_here = (truth[4 * pixel + 3] == 0 ? 255 : truth[4 * pixel + channel]) / 255.0f;
        squared += std::pow(rendered_here - true_here, 2);
        halves[0].push_back(static_cast<char>(std::lround(255 * rendered_here)));
        halves[1].push_back(static_cast<char>(std::lround(255 * true_here)));
      }
    for (const std::vector<char>& half : halves) ppm.write(half.data(), static_cast<std::streamsize>(half.size()));
  }
  const double psnr = -10 * std::log10(squared / static_cast<double>(color.size()));
  std::printf("unseen view: PSNR %.2f dB; rendered and true side by side in view.ppm\n", psnr);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc > 1 ? std::atoi(argv[1]) : 400);
  } catch (const ndl::Error& error) {
    std::fprintf(stderr, "train_field: %s\n", error.what());
    return 1;
  }
}
