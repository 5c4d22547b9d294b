// The march against looking up every sample, the grid's refresh against its definition.
#include "needlecpp/render/occupancy.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "support.h"

using namespace needlecpp;

namespace {

Box scene_box() {
  Box box;
  for (int axis = 0; axis < 3; ++axis) {
    box.low[axis] = -1.3f + 0.1f * static_cast<float>(axis);
    box.high[axis] = 1.3f;
  }
  return box;
}

// A grid whose cells are occupied at random: `fraction` of them, in clumps of `clump`^3.
OccupancyGrid random_grid(int resolution, double fraction, int clump, uint64_t seed) {
  OccupancyGrid grid(scene_box(), resolution);
  Generator generator(seed);
  const int n = (resolution + clump - 1) / clump;
  const std::vector<float> draw = rand({int64_t{n} * n * n}, 0, 1, DType::Float32, {}, generator).to_vector<float>();
  std::vector<float> density;
  for (int z = 0; z < resolution; ++z)
    for (int y = 0; y < resolution; ++y)
      for (int x = 0; x < resolution; ++x)
        density.push_back(draw[static_cast<size_t>(x / clump + n * (y / clump + n * (z / clump)))] < fraction ? 100.f
                                                                                                              : 0.f);
  grid.set_density(Tensor::from_vector(density, grid.density().shape()), 0.01f);
  return grid;
}

// Rays from a sphere around the box towards points in it; every eighth runs along an axis, some miss.
Rays random_rays(int64_t n, uint64_t seed) {
  Generator generator(seed);
  std::vector<float> from = randn({n, 3}, 0, 1, DType::Float32, {}, generator).to_vector<float>();
  const std::vector<float> to = rand({n, 3}, -1.5, 1.5, DType::Float32, {}, generator).to_vector<float>();
  std::vector<float> directions(from.size());
  for (size_t i = 0; i < static_cast<size_t>(n); ++i) {
    float* o = &from[3 * i];
    float* d = &directions[3 * i];
    const float scale = 4 / std::sqrt(o[0] * o[0] + o[1] * o[1] + o[2] * o[2]);
    for (int axis = 0; axis < 3; ++axis) o[axis] *= scale;
    for (size_t axis = 0; axis < 3; ++axis) d[axis] = to[3 * i + axis] - o[axis];
    if (i % 8 == 0) {
      const size_t axis = i / 8 % 3;
      for (size_t other = 0; other < 3; ++other)
        if (other != axis) {
          d[other] = 0;
          o[other] = to[3 * i + other];
        }
      if (i % 16 == 0) o[(axis + 1) % 3] = 0;  // on a plane between cells
    }
    if (i % 8 == 1) d[0] *= 1e-5f;  // grazes planes of cells
    if (i % 8 == 2)                 // starts inside
      for (size_t axis = 0; axis < 3; ++axis) o[axis] = 0.3f * to[3 * i + axis];
    const float length = std::sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
    for (int axis = 0; axis < 3; ++axis) d[axis] /= length;
  }
  return {Tensor::from_vector(from, {n, 3}), Tensor::from_vector(directions, {n, 3})};
}

struct Kept {
  std::vector<float> t;
  std::vector<float> dt;
  std::vector<bool> sure;  // not within rounding of a cell's face or of the end of the ray
};

// Looks up every sample of the ray.
Kept brute_force(const OccupancyGrid& grid, const float* o, const float* d, const MarchOptions& options) {
  const Box& box = grid.box();
  const int resolution = grid.resolution();
  const uint8_t* bits = grid.bits().data<uint8_t>();
  double near = options.near, far = std::numeric_limits<double>::infinity();
  for (int axis = 0; axis < 3; ++axis) {
    if (d[axis] == 0) {
      if (o[axis] < box.low[axis] || o[axis] > box.high[axis]) return {};
      continue;
    }
    const double a = (double(box.low[axis]) - o[axis]) / d[axis], b = (double(box.high[axis]) - o[axis]) / d[axis];
    near = std::max(near, std::min(a, b));
    far = std::min(far, std::max(a, b));
  }
  const auto length = [&](double t) {
    return std::clamp<double>(t * options.cone_angle, options.step, options.max_step);
  };
  Kept kept;
  double t = near + 0.5 * length(near);
  for (int k = 0; t < far + 1e-5; ++k) {
    int64_t cell[3];
    double margin = std::abs(far - t) / 0.02;
    for (int axis = 0; axis < 3; ++axis) {
      const double x = (o[axis] + t * d[axis] - box.low[axis]) / (double(box.high[axis]) - box.low[axis]) * resolution;
      cell[axis] = std::clamp<int64_t>(static_cast<int64_t>(std::floor(x)), 0, resolution - 1);
      if (x > 0.5 && x < resolution - 0.5) margin = std::min(margin, std::abs(x - std::round(x)));
    }
    const int64_t i = cell[0] + resolution * (cell[1] + resolution * cell[2]);
    const bool sure = margin > 2e-3;
    if (!sure || (t < far && bits[i / 8] >> (i % 8) & 1)) {
      kept.t.push_back(static_cast<float>(t));
      kept.dt.push_back(static_cast<float>(length(t)));
      kept.sure.push_back(sure);
    }
    t = options.cone_angle > 0 ? t + length(t) : near + (k + 1.5) * double(options.step);
  }
  return kept;
}

// Every sure sample of the brute force must be kept, and nothing but its samples. Returns how many were compared.
int64_t compare(const OccupancyGrid& grid, const Rays& rays, const MarchOptions& options) {
  const Samples samples = grid.march(rays, options);
  const int64_t* offsets = samples.offsets.data<int64_t>();
  const float* t = samples.t.data<float>();
  const float* dt = samples.dt.data<float>();
  const float* positions = samples.positions.data<float>();
  const int64_t n = rays.origins.size(0);
  int64_t compared = 0;
  for (int64_t ray = 0; ray < n; ++ray) {
    const float* o = rays.origins.data<float>() + 3 * ray;
    const float* d = rays.directions.data<float>() + 3 * ray;
    const Kept expected = brute_force(grid, o, d, options);
    int64_t i = offsets[ray];
    for (size_t k = 0; k < expected.t.size(); ++k) {
      const bool same = i < offsets[ray + 1] && std::abs(t[i] - expected.t[k]) < 2e-5f * (1 + expected.t[k]);
      if (expected.sure[k]) {
        INFO("ray " << ray << " sample " << k << " t " << expected.t[k]);
        REQUIRE(same);
        ++compared;
      }
      if (!same) continue;
      REQUIRE(dt[i] == Approx(expected.dt[k]));
      for (int axis = 0; axis < 3; ++axis)
        REQUIRE(positions[3 * i + axis] == Approx(o[axis] + t[i] * d[axis]).margin(1e-6));
      REQUIRE(samples.ray_index.data<int32_t>()[i] == ray);
      ++i;
    }
    REQUIRE(i == offsets[ray + 1]);
  }
  return compared;
}

std::vector<float> all_of(const Samples& samples) {
  std::vector<float> values = samples.positions.to_vector<float>();
  for (const Tensor* x : {&samples.t, &samples.dt})
    for (const float value : x->to_vector<float>()) values.push_back(value);
  for (const int64_t value : samples.offsets.to_vector<int64_t>()) values.push_back(static_cast<float>(value));
  return values;
}

}  // namespace

TEST_CASE("the march keeps what looking up every sample keeps") {
  MarchOptions options;
  options.step = 0.0044f;
  options.max_samples = 100000;
  const Rays rays = random_rays(400, 7);
  SECTION("scattered cells") { REQUIRE(compare(random_grid(32, 0.02, 1, 1), rays, options) > 1000); }
  SECTION("clumps with wide gaps") { REQUIRE(compare(random_grid(128, 0.01, 8, 2), rays, options) > 1000); }
  SECTION("dense") { REQUIRE(compare(random_grid(16, 0.7, 1, 3), rays, options) > 10000); }
  SECTION("a single cell") {
    OccupancyGrid grid(scene_box(), 64);
    Tensor density = Tensor::zeros(grid.density().shape());
    density.data<float>()[40 + 64 * (30 + 64 * 33)] = 50;
    grid.set_density(density, 0.01f);
    MarchOptions fine = options;
    fine.step = 0.001f;
    REQUIRE(compare(grid, random_rays(2000, 8), fine) > 10);
  }
  SECTION("nothing") {
    OccupancyGrid grid(scene_box(), 64);
    grid.set_density(Tensor::zeros(grid.density().shape()), 0.01f);
    REQUIRE(grid.march(rays, options).count() == 0);
  }
  SECTION("everything") { REQUIRE(compare(OccupancyGrid(scene_box(), 8), rays, options) > 50000); }
  SECTION("steps longer than blocks") {
    options.step = 0.7f;
    REQUIRE(compare(random_grid(64, 0.3, 4, 4), rays, options) > 50);
  }
  SECTION("a cone") {
    options.cone_angle = 1.0f / 256;
    options.max_step = 0.015f;
    REQUIRE(compare(random_grid(64, 0.05, 2, 5), rays, options) > 1000);
  }
  SECTION("far near plane") {
    options.near = 4;
    REQUIRE(compare(random_grid(64, 0.05, 2, 6), rays, options) > 500);
  }
}

TEST_CASE("the samples of a ray lie on one sequence whatever is occupied") {
  MarchOptions options;
  options.step = 0.01f;
  options.jitter = true;
  options.key = {3, 4};
  const Rays rays = random_rays(200, 9);
  for (const float cone : {0.0f, 0.01f}) {
    options.cone_angle = cone;
    const Samples all = OccupancyGrid(scene_box(), 64).march(rays, options);
    const Samples some = random_grid(64, 0.05, 2, 10).march(rays, options);
    REQUIRE(some.count() > 100);
    for (int64_t ray = 0; ray < 200; ++ray) {
      std::set<float> sequence;
      for (int64_t i = all.offsets.data<int64_t>()[ray]; i < all.offsets.data<int64_t>()[ray + 1]; ++i)
        sequence.insert(all.t.data<float>()[i]);
      for (int64_t i = some.offsets.data<int64_t>()[ray]; i < some.offsets.data<int64_t>()[ray + 1]; ++i)
        REQUIRE(sequence.count(some.t.data<float>()[i]) == 1);
    }
  }
}

TEST_CASE("jitter moves a ray's samples by one uniform fraction of a step") {
  const OccupancyGrid grid(scene_box(), 8);
  const int64_t n = 4000;
  const Rays rays = {broadcast_to(Tensor::from_vector(std::vector<float>{-2, 0, 0}, {1, 3}), {n, 3}),
                     broadcast_to(Tensor::from_vector(std::vector<float>{1, 0, 0}, {1, 3}), {n, 3})};
  MarchOptions options;
  options.step = 0.5f;
  options.jitter = true;
  options.key = {11, 5};
  const Samples samples = grid.march(rays, options);
  double sum = 0;
  std::set<float> different;
  for (int64_t ray = 0; ray < n; ++ray) {
    const float* t = samples.t.data<float>() + samples.offsets.data<int64_t>()[ray];
    const float shift = (t[0] - 0.7f) / 0.5f;
    REQUIRE(shift >= -1e-6f);
    REQUIRE(shift <= 1);
    REQUIRE(t[1] - t[0] == Approx(0.5));
    sum += shift;
    different.insert(shift);
  }
  REQUIRE(sum / n == Approx(0.5).margin(0.02));
  REQUIRE(different.size() > 3900);
  options.key.draw = 6;
  REQUIRE(all_of(grid.march(rays, options)) != all_of(samples));
  options.jitter = false;
  REQUIRE(grid.march(rays, options).t.data<float>()[0] == Approx(0.95));
}

TEST_CASE("max_samples keeps the first ones of each ray") {
  const OccupancyGrid grid = random_grid(32, 0.2, 2, 1);
  const Rays rays = random_rays(300, 3);
  MarchOptions options;
  options.max_samples = 100000;
  const Samples all = grid.march(rays, options);
  options.max_samples = 7;
  const Samples some = grid.march(rays, options);
  for (int64_t ray = 0; ray < 300; ++ray) {
    const int64_t from = all.offsets.data<int64_t>()[ray], to = some.offsets.data<int64_t>()[ray];
    const int64_t count = some.offsets.data<int64_t>()[ray + 1] - to;
    REQUIRE(count == std::min<int64_t>(7, all.offsets.data<int64_t>()[ray + 1] - from));
    for (int64_t i = 0; i < count; ++i) REQUIRE(some.t.data<float>()[to + i] == all.t.data<float>()[from + i]);
  }
}

TEST_CASE("the march does not depend on the number of threads") {
  const OccupancyGrid grid = random_grid(64, 0.05, 2, 1);
  const Rays rays = random_rays(3001, 4);
  MarchOptions options;
  options.jitter = true;
  options.key = {1, 2};
  const Threads restored;
  set_num_threads(1);
  const std::vector<float> one = all_of(grid.march(rays, options));
  set_num_threads(2);
  const std::vector<float> two = all_of(grid.march(rays, options));
  REQUIRE(one == two);
}

TEST_CASE("rays that cannot be marched have no samples") {
  const OccupancyGrid grid(scene_box(), 8);
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const std::vector<float> origins = {0, 0, 0, nan, 0, 0, inf, 0, 0, 1e20f, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0};
  const std::vector<float> directions = {0, 0, 0, 1, 0, 0, -1, 0, 0, -1, 0, 0, nan, 1, 0, 0, inf, 0, 1, 0, 0};
  const Samples samples =
      grid.march({Tensor::from_vector(origins, {7, 3}), Tensor::from_vector(directions, {7, 3})}, {});
  REQUIRE(samples.count() == 0);
  REQUIRE(samples.offsets.to_vector<int64_t>() == std::vector<int64_t>(8, 0));
  const Samples none = grid.march({Tensor::empty({0, 3}), Tensor::empty({0, 3})}, {});
  REQUIRE(none.offsets.to_vector<int64_t>() == std::vector<int64_t>{0});
  MarchOptions tiny;  // ends although a step is nothing beside the box
  tiny.step = 1e-12f;
  grid.march({Tensor::from_vector(std::vector<float>{-2, 0, 0}, {1, 3}),
              Tensor::from_vector(std::vector<float>{1, 0, 0}, {1, 3})},
             tiny);
}

TEST_CASE("march and grid refuse what they cannot use") {
  const OccupancyGrid grid(scene_box(), 8);
  const Rays rays = {Tensor::zeros({2, 3}), Tensor::ones({2, 3})};
  MarchOptions options;
  options.step = 0;
  REQUIRE_THROWS_AS(grid.march(rays, options), ValueError);
  options = {};
  options.cone_angle = -1;
  REQUIRE_THROWS_AS(grid.march(rays, options), ValueError);
  options = {};
  options.max_step = 0.001f;
  REQUIRE_THROWS_AS(grid.march(rays, options), ValueError);
  options = {};
  options.max_samples = 0;
  REQUIRE_THROWS_AS(grid.march(rays, options), ValueError);
  options = {};
  options.near = NAN;
  REQUIRE_THROWS_AS(grid.march(rays, options), ValueError);
  REQUIRE_THROWS_AS(grid.march({Tensor::zeros({2, 3}), Tensor::zeros({3, 3})}, {}), ValueError);
  REQUIRE_THROWS_AS(grid.march({Tensor::zeros({2, 2}), Tensor::zeros({2, 2})}, {}), ValueError);
  REQUIRE_THROWS_AS(grid.march({Tensor::zeros({2, 3}, DType::Float64), Tensor::zeros({2, 3})}, {}), TypeError);
  REQUIRE_THROWS_AS(grid.march({Tensor(), Tensor()}, {}), ValueError);
  REQUIRE_THROWS_AS(OccupancyGrid(scene_box(), 12), ValueError);
  REQUIRE_THROWS_AS(OccupancyGrid(scene_box(), 0), ValueError);
  Box flat = scene_box();
  flat.high[2] = flat.low[2];
  REQUIRE_THROWS_AS(OccupancyGrid(flat, 8), ValueError);
}

TEST_CASE("a fresh grid is occupied, and cells stay so until they are probed") {
  OccupancyGrid grid(scene_box(), 16);
  REQUIRE(grid.occupied_fraction() == 1);
  Generator generator(1);
  grid.update([](const Tensor& x) { return Tensor::zeros({x.size(0)}); }, generator, 0.01f, 0.25);
  REQUIRE(grid.occupied_fraction() == Approx(0.75));
}

TEST_CASE("update probes each cell once, inside it") {
  const int resolution = 64;
  OccupancyGrid grid(scene_box(), resolution);
  const Box box = grid.box();
  Generator generator(2);
  std::vector<int> probes(static_cast<size_t>(resolution) * resolution * resolution);
  const auto cell_of = [&](const float* p) {
    int64_t cell[3];
    for (int axis = 0; axis < 3; ++axis)
      cell[axis] = static_cast<int64_t>((p[axis] - box.low[axis]) / (box.high[axis] - box.low[axis]) * resolution);
    return static_cast<size_t>(cell[0] + resolution * (cell[1] + resolution * cell[2]));
  };
  std::vector<float> first, within;
  // The density at a probe says which cell it is meant for, so a probe outside its cell would be seen.
  const auto sigma_of = [&](const Tensor& x) {
    const int64_t n = x.size(0);
    const Tensor sigma = Tensor::empty({n});
    for (int64_t i = 0; i < n; ++i) {
      const size_t cell = cell_of(x.data<float>() + 3 * i);
      ++probes[cell];
      sigma.data<float>()[i] = static_cast<float>(cell);
      within.push_back(x.data<float>()[3 * i]);
    }
    return sigma;
  };
  grid.update(sigma_of, generator, 0.01f, 1.0);
  const std::vector<float> density = grid.density().to_vector<float>();
  size_t wrong = 0;
  for (size_t i = 0; i < probes.size(); ++i) wrong += probes[i] != 1 || density[i] != static_cast<float>(i);
  REQUIRE(wrong < 20);  // rounding at faces
  first = within;
  within.clear();
  grid.update(sigma_of, generator, 0.01f, 1.0);
  REQUIRE(within != first);  // another point each time

  std::fill(probes.begin(), probes.end(), 0);
  for (int round = 0; round < 16; ++round) grid.update(sigma_of, generator, 0.01f, 1.0 / 16);
  int64_t total = 0, hit = 0, most = 0;
  for (const int count : probes) {
    total += count;
    hit += count > 0;
    most = std::max<int64_t>(most, count);
  }
  REQUIRE(total == resolution * resolution * resolution);
  // 1 - (15/16)^16 of the cells.
  REQUIRE(static_cast<double>(hit) / static_cast<double>(total) == Approx(0.644).margin(0.01));
  REQUIRE(most < 12);
}

TEST_CASE("update decays, keeps the larger and calls in batches off the tape") {
  OccupancyGrid grid(scene_box(), 80);
  Generator generator(5);
  const float high = 3;
  const Tensor weight = Tensor::full({1}, high).set_requires_grad(true);
  int64_t calls = 0, largest = 0;
  const auto constant = [&](const Tensor& x) {
    ++calls;
    largest = std::max(largest, x.size(0));
    const Tensor y = broadcast_to(weight, {x.size(0)}) * 1.0;
    REQUIRE_FALSE(y.requires_grad());
    return y;
  };
  grid.update(constant, generator, 0.01f, 1.0, 0.5);
  REQUIRE(calls == 8);  // 512000 cells
  REQUIRE(largest == 1 << 16);
  REQUIRE(max(grid.density()).item() == high);
  REQUIRE(min(grid.density()).item() == high);
  const auto zero = [](const Tensor& x) { return Tensor::zeros({x.size(0)}); };
  grid.update(zero, generator, 0.01f, 1.0, 0.5);
  REQUIRE(max(grid.density()).item() == 1.5);
  REQUIRE(min(grid.density()).item() == 1.5);
  const auto nan = [](const Tensor& x) { return Tensor::full({x.size(0)}, NAN); };
  grid.update(nan, generator, 0.01f, 1.0, 0.5);
  REQUIRE(max(grid.density()).item() == 0.75);
  const auto wrong = [](const Tensor& x) { return Tensor::zeros({x.size(0), 1}); };
  REQUIRE_THROWS_AS(grid.update(wrong, generator, 0.01f, 1.0), ValueError);
  REQUIRE_THROWS_AS(grid.update(zero, generator, 0.01f, 0.0), ValueError);
  REQUIRE_THROWS_AS(grid.update(zero, generator, 0.01f, 1.5), ValueError);
  REQUIRE_THROWS_AS(grid.update(zero, generator, 0.0f, 1.0), ValueError);
}

TEST_CASE("bits follow min(threshold, mean)") {
  const int resolution = 24;
  OccupancyGrid grid(scene_box(), resolution);
  Generator generator(6);
  const int64_t cells = resolution * resolution * resolution;
  const Tensor density = mul(square(rand({cells}, 0, 1, DType::Float32, {}, generator)), 10);
  for (const double threshold : {0.01, 1e9}) {
    const float step = 0.02f;
    grid.set_density(density, step, threshold);
    double mean = 0;
    for (const float d : density.to_vector<float>()) mean += d / static_cast<double>(cells);
    const double limit = std::min(threshold / step, mean);
    const std::vector<uint8_t> bits = grid.bits().to_vector<uint8_t>();
    int64_t occupied = 0;
    for (int64_t i = 0; i < cells; ++i) {
      const float d = density.data<float>()[i];
      const bool bit = bits[static_cast<size_t>(i / 8)] >> (i % 8) & 1;
      occupied += bit;
      if (std::abs(d - limit) > 1e-5) REQUIRE(bit == (d > limit));
    }
    REQUIRE(grid.occupied_fraction() == Approx(static_cast<double>(occupied) / static_cast<double>(cells)));
  }
  REQUIRE_THROWS_AS(grid.set_density(Tensor::zeros({5}), 0.01f), ValueError);
  REQUIRE_THROWS_AS(grid.set_density(Tensor::zeros({cells}, DType::Float64), 0.01f), TypeError);
  // The grid keeps its own copy.
  const Tensor mine = Tensor::zeros({cells});
  grid.set_density(mine, 0.01f);
  fill_(mine, 5);
  REQUIRE(max(grid.density()).item() == 0);
}

TEST_CASE("bits set from elsewhere march as those of a density") {
  const OccupancyGrid made = random_grid(64, 0.02, 4, 9);
  OccupancyGrid grid(scene_box(), 64);
  grid.set_bits(made.bits());
  REQUIRE(grid.occupied_fraction() == made.occupied_fraction());
  const Rays rays = random_rays(300, 2);
  REQUIRE(made.march(rays, {}).count() > 1000);
  REQUIRE(all_of(grid.march(rays, {})) == all_of(made.march(rays, {})));
  REQUIRE_THROWS_AS(grid.set_bits(Tensor::zeros({3}, DType::UInt8)), ValueError);
  REQUIRE_THROWS_AS(grid.set_bits(made.density()), TypeError);
}

TEST_CASE("an update does not depend on the number of threads") {
  const auto sigma_of = [](const Tensor& x) { return abs(sum(sin(x * 9.0), {1})); };
  std::vector<std::vector<float>> densities;
  std::vector<std::vector<uint8_t>> bits;
  const Threads restored;
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    OccupancyGrid grid(scene_box(), 32);
    Generator generator(8);
    grid.update(sigma_of, generator, 0.004f, 1.0);
    grid.update(sigma_of, generator, 0.004f, 0.3);
    densities.push_back(grid.density().to_vector<float>());
    bits.push_back(grid.bits().to_vector<uint8_t>());
  }
  REQUIRE(densities[0] == densities[1]);
  REQUIRE(bits[0] == bits[1]);
}
