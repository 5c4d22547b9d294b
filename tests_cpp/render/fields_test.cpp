// What holds for every kind of field: a row of render/fields/table.cpp gets these tests by being one.
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "catch.h"
#include "needlecpp/autograd/autograd.h"
#include "needlecpp/core/allocator.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/render/renderer.h"
#include "render/fields/table.h"
#include "render/live_samples.h"

using namespace needlecpp;

namespace {

constexpr int64_t kPoints = 300;

struct Batch {
  Tensor positions;
  Rays rays;
  Tensor ray_index;
};
// Points in the box from -1 to 1, ten on each ray.
Batch batch_of(int64_t n) {
  Generator generator(5);
  const int64_t n_rays = std::max<int64_t>(1, n / 10);
  const Tensor toward = randn({n_rays, 3}, 0, 1, DType::Float32, {}, generator);
  std::vector<float> unit = toward.to_vector<float>();
  for (int64_t i = 0; i < n_rays; ++i) {
    float* d = unit.data() + 3 * i;
    const float length = std::sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
    for (int axis = 0; axis < 3; ++axis) d[axis] /= length;
  }
  std::vector<int32_t> index;
  for (int64_t i = 0; i < n; ++i) index.push_back(static_cast<int32_t>(i % n_rays));
  return {rand({n, 3}, -1, 1, DType::Float32, {}, generator),
          {Tensor::zeros({n_rays, 3}), Tensor::from_vector(unit, {n_rays, 3})},
          Tensor::from_vector(index, {n})};
}

// A number that depends on all that a field answers.
Tensor probe(const Field& field, const Batch& batch) {
  const Density density = field.density(batch.positions);
  const Tensor color = field.color(density.features, batch.rays, batch.ray_index);
  return mean(square(density.sigma - 0.5)) + mean(square(color - 0.25));
}

Scene scene_of(std::shared_ptr<Field> field) {
  MarchOptions march;
  march.step = 0.05f;
  Scene scene;
  const Box box = field->box();
  scene.model = std::make_shared<VolumeModel>(std::move(field), std::make_shared<OccupancyGrid>(box, 16), march);
  return scene;
}

Cameras one_camera() {
  return {Tensor::from_vector<float>({1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, -3}, {1, 3, 4}),
          Tensor::from_vector<float>({20, 20, 8, 6, 0, 0, 0, 0}, {1, 8}), 16, 12};
}

// A field whose numbers are large enough to matter everywhere.
std::shared_ptr<Field> lively(const FieldKind& kind) {
  const std::shared_ptr<Field> field = kind.small(3);
  Generator generator(11);
  NoGrad no_grad;
  for (const Parameter& p : field->parameters())
    copy_(p.tensor, p.tensor + randn(p.tensor.shape(), 0, 0.2, DType::Float32, {}, generator));
  return field;
}

template <class Test>
void for_kinds(Test&& test) {
  REQUIRE_FALSE(field_kinds().empty());
  for (const FieldKind& kind : field_kinds()) {
    CAPTURE(std::string(kind.name));
    test(kind);
  }
}

}  // namespace

TEST_CASE("a field answers in the shapes that it has to, for no points too") {
  for_kinds([](const FieldKind& kind) {
    const std::shared_ptr<Field> field = kind.small(1);
    REQUIRE(field->kind() == kind.name);
    REQUIRE(find_field_kind(field->kind()) == &kind);
    for (int64_t n : {int64_t{0}, int64_t{1}, kPoints}) {
      const Batch batch = batch_of(n);
      const Density density = checked_density(*field, batch.positions);
      const Tensor color = checked_color(*field, density.features, batch.rays, batch.ray_index);
      for (float s : density.sigma.to_vector<float>()) REQUIRE(s >= 0);
      for (float c : color.to_vector<float>()) REQUIRE((c >= 0 && c <= 1));
    }
  });
}

TEST_CASE("a field's gradients are those of its numbers") {
  for_kinds([](const FieldKind& kind) {
    const std::shared_ptr<Field> field = lively(kind);
    const Batch batch = batch_of(kPoints);
    probe(*field, batch).backward();
    for (const Parameter& p : field->parameters()) {
      CAPTURE(p.name);
      REQUIRE(p.tensor.grad().defined());
      // Along the gradient itself, where the slope is its length.
      const Tensor gradient = clone(p.tensor.grad());
      NoGrad no_grad;
      const double length = std::sqrt(sum(square(cast(gradient, DType::Float64))).item());
      REQUIRE(length > 0);
      const Tensor before = clone(p.tensor);
      const double step = 2e-3;
      copy_(p.tensor, before + gradient * (step / length));
      const double above = probe(*field, batch).item();
      copy_(p.tensor, before - gradient * (step / length));
      const double below = probe(*field, batch).item();
      copy_(p.tensor, before);
      REQUIRE((above - below) / (2 * step) == Approx(length).epsilon(0.05));
    }
  });
}

TEST_CASE("a field's files bring it back, and its form for rendering shows the same") {
  const std::string file = (std::filesystem::temp_directory_path() / ("fields_" + std::to_string(getpid()))).string();
  for_kinds([&](const FieldKind& kind) {
    const Scene scene = scene_of(lively(kind));
    scene.save(file);
    const Scene again = Scene::load(file);
    const auto a = scene.model->parameters(), b = again.model->parameters();
    REQUIRE(a.size() == b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      REQUIRE(a[i].name == b[i].name);
      REQUIRE(a[i].lr_scale == b[i].lr_scale);
      REQUIRE(a[i].touched_only == b[i].touched_only);
      REQUIRE(a[i].tensor.to_vector<float>() == b[i].tensor.to_vector<float>());
    }
    const std::vector<float> picture = render_image(scene, one_camera(), 0).color.to_vector<float>();
    REQUIRE(render_image(again, one_camera(), 0).color.to_vector<float>() == picture);

    // Into a field of the caller's: by the names of parameters.
    const std::shared_ptr<Field> mine = kind.small(99);
    const Scene into = Scene::load(file, mine);
    REQUIRE(mine->parameters()[0].tensor.to_vector<float>() == a[0].tensor.to_vector<float>());
    REQUIRE(into.model->parameters()[0].tensor.is_same(mine->parameters()[0].tensor));

    NoGrad no_grad;
    const Field& field = *static_cast<const VolumeModel&>(*scene.model).field();
    const Rays rays = camera_rays(one_camera(), 0, 0, 12);
    const auto shown = scene.model->for_rendering()->render(rays, {});
    const auto plain = scene.model->render(rays, {});
    const std::vector<float> x = shown.seen.color.to_vector<float>(), y = plain.seen.color.to_vector<float>();
    for (size_t i = 0; i < x.size(); ++i) REQUIRE(x[i] == Approx(y[i]).margin(1e-2));
    REQUIRE(field.for_rendering()->kind() == field.kind());
  });
  std::filesystem::remove(file);
}

TEST_CASE("bytes() bounds what a field allocates, and not by far") {
  for_kinds([](const FieldKind& kind) {
    const std::shared_ptr<Field> field = kind.small(1);
    for (int threads : {1, 2}) {
      set_num_threads(threads);
      for (int64_t n : {int64_t{1000}, int64_t{100'000}})
        for (bool training : {false, true}) {
          CAPTURE(threads, n, training);
          const Batch batch = batch_of(n);
          for (const Parameter& p : field->parameters()) p.tensor.set_grad({});
          const size_t before = memory_stats().current;
          reset_peak_memory();
          if (training) {
            probe(*field, batch).backward();
          } else {
            NoGrad no_grad;
            const Density density = field->density(batch.positions);
            field->color(density.features, batch.rays, batch.ray_index);
          }
          const size_t held = memory_stats().peak - before;
          REQUIRE(held <= field->bytes(n, training));
          if (n > 10'000) REQUIRE(field->bytes(n, training) <= 3 * held);
        }
    }
  });
}

TEST_CASE("a renderer makes the form for rendering anew when a parameter has changed") {
  for_kinds([](const FieldKind& kind) {
    const std::shared_ptr<Field> field = lively(kind);
    const Scene scene = scene_of(field);
    Renderer renderer(scene);
    const std::vector<float> before = renderer.render(one_camera(), 0).color.to_vector<float>();
    std::vector<float> mine(before.size());
    renderer.render_into(one_camera(), 0, mine.data());
    REQUIRE(mine == before);
    {
      NoGrad no_grad;
      for (const Parameter& p : field->parameters()) copy_(p.tensor, p.tensor * 0.5);
    }
    const std::vector<float> after = renderer.render(one_camera(), 0).color.to_vector<float>();
    REQUIRE(after != before);
    REQUIRE(after == render_image(scene, one_camera(), 0).color.to_vector<float>());
  });
}
