// Rays against hand-computed cases, the lens against its own forward model, the slab test on its corner cases.
#include "needlecpp/render/camera.h"

#include <cmath>
#include <limits>
#include <vector>

#include "catch.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/core/random.h"
#include "needlecpp/ops/shape.h"

using namespace needlecpp;

namespace {

const std::vector<float> kIdentity = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0};

Cameras one_camera(const std::vector<float>& pose, const std::vector<float>& intrinsics, int64_t width,
                   int64_t height) {
  return {Tensor::from_vector(pose, {1, 3, 4}), Tensor::from_vector(intrinsics, {1, 8}), width, height};
}

Rays rays_through(const Cameras& cameras, const std::vector<float>& pixels) {
  const int64_t n = static_cast<int64_t>(pixels.size()) / 2;
  return generate_rays(cameras, Tensor::zeros({n}, DType::Int32), Tensor::from_vector(pixels, {n, 2}));
}

// OpenCV's model in double, written from its documentation.
void opencv_distort(const double k[4], double x, double y, double& xd, double& yd) {
  const double r2 = x * x + y * y;
  const double radial = 1 + k[0] * r2 + k[1] * r2 * r2;
  xd = x * radial + 2 * k[2] * x * y + k[3] * (r2 + 2 * x * x);
  yd = y * radial + k[2] * (r2 + 2 * y * y) + 2 * k[3] * x * y;
}

Interval one_interval(const std::vector<float>& origin, const std::vector<float>& direction) {
  return intersect_box({Tensor::from_vector(origin, {1, 3}), Tensor::from_vector(direction, {1, 3})}, Box());
}

}  // namespace

TEST_CASE("a pinhole looks along +z, x right and y down") {
  const Cameras cameras = one_camera(kIdentity, {100, 50, 32, 24, 0, 0, 0, 0}, 64, 48);
  const Rays rays = rays_through(cameras, {32, 24, 132, 24, 32, 74});
  const std::vector<float> d = rays.directions.to_vector<float>();
  const float h = std::sqrt(0.5f);
  const float expected[9] = {0, 0, 1, h, 0, h, 0, h, h};
  for (int i = 0; i < 9; ++i) REQUIRE(d[i] == Approx(expected[i]).margin(1e-6));
  for (const float o : rays.origins.to_vector<float>()) REQUIRE(o == 0);
}

TEST_CASE("poses turn and move rays, and a scaled pose still gives unit directions") {
  // Camera +z is world -x, camera +x is world +z; twice the size.
  const Cameras cameras = one_camera({0, 0, -2, 4, 0, 2, 0, 5, 2, 0, 0, 6}, {10, 10, 0, 0, 0, 0, 0, 0}, 8, 8);
  const Rays rays = rays_through(cameras, {0, 0, 10, 0});
  const std::vector<float> d = rays.directions.to_vector<float>();
  const float h = std::sqrt(0.5f);
  const float expected[6] = {-1, 0, 0, -h, 0, h};
  for (int i = 0; i < 6; ++i) REQUIRE(d[i] == Approx(expected[i]).margin(1e-6));
  REQUIRE(rays.origins.to_vector<float>() == std::vector<float>{4, 5, 6, 4, 5, 6});
}

TEST_CASE("each ray takes the pose and lens of its camera") {
  std::vector<float> poses = kIdentity;
  poses.insert(poses.end(), {1, 0, 0, 7, 0, 1, 0, 8, 0, 0, 1, 9});
  const Cameras cameras = {
      Tensor::from_vector(poses, {2, 3, 4}),
      Tensor::from_vector(std::vector<float>{1, 1, 0, 0, 0.1f, 0, 0, 0, 2, 2, 0, 0, 0, 0, 0, 0}, {2, 8}), 4, 4};
  const Rays rays = generate_rays(cameras, Tensor::from_vector(std::vector<int32_t>{1, 0}, {2}),
                                  Tensor::from_vector(std::vector<float>{2, 0, 1.1f, 0}, {2, 2}));
  // (1, 0) through k1 = 0.1 lands on 1.1; both rays leave at 45 degrees.
  const std::vector<float> d = rays.directions.to_vector<float>();
  for (int ray = 0; ray < 2; ++ray) {
    REQUIRE(d[3 * ray] == Approx(std::sqrt(0.5f)));
    REQUIRE(d[3 * ray + 2] == Approx(std::sqrt(0.5f)));
  }
  REQUIRE(rays.origins.to_vector<float>() == std::vector<float>{7, 8, 9, 0, 0, 0});
}

TEST_CASE("undistorted rays land on the pixel they came from") {
  const double lens[2][4] = {{0.0578421, -0.0805099, -0.000980296, 0.00015575}, {-0.3, 0.1, 0.002, -0.003}};
  for (const auto& k : lens) {
    const int64_t width = 1080, height = 1920;
    const std::vector<float> intrinsics = {1375.52f,    1374.49f,    554.558f,    965.268f,
                                           float(k[0]), float(k[1]), float(k[2]), float(k[3])};
    const Cameras cameras = one_camera(kIdentity, intrinsics, width, height);
    Generator generator(3);
    const Tensor x = rand({1001, 1}, 0, width, DType::Float32, generator);
    const Tensor y = rand({1001, 1}, 0, height, DType::Float32, generator);
    const std::vector<float> pixels = concat({x, y}, 1).to_vector<float>();
    const std::vector<float> d = rays_through(cameras, pixels).directions.to_vector<float>();
    for (size_t i = 0; i < 1001; ++i) {
      double xd, yd;
      opencv_distort(k, double(d[3 * i]) / d[3 * i + 2], double(d[3 * i + 1]) / d[3 * i + 2], xd, yd);
      REQUIRE(xd * intrinsics[0] + intrinsics[2] == Approx(pixels[2 * i]).margin(2e-3));
      REQUIRE(yd * intrinsics[1] + intrinsics[3] == Approx(pixels[2 * i + 1]).margin(2e-3));
      const double length2 =
          double(d[3 * i]) * d[3 * i] + double(d[3 * i + 1]) * d[3 * i + 1] + double(d[3 * i + 2]) * d[3 * i + 2];
      REQUIRE(length2 == Approx(1).margin(1e-6));
    }
  }
}

TEST_CASE("a lens that folds over gives finite rays") {
  const Cameras cameras = one_camera(kIdentity, {10, 10, 50, 50, -2, 0, 0, 0}, 100, 100);
  for (const float d : camera_rays(cameras, 0, 0, 100).directions.to_vector<float>()) REQUIRE(std::isfinite(d));
}

TEST_CASE("camera_rays are the rays through pixel centres, row by row") {
  const Cameras cameras =
      one_camera({0, 0, 1, 1, 1, 0, 0, 2, 0, 1, 0, 3}, {30, 31, 8.5f, 3.5f, 0.1f, 0, 0, 0.01f}, 17, 7);
  std::vector<float> pixels;
  for (int y = 2; y < 6; ++y)
    for (int x = 0; x < 17; ++x) {
      pixels.push_back(static_cast<float>(x) + 0.5f);
      pixels.push_back(static_cast<float>(y) + 0.5f);
    }
  const Rays rays = camera_rays(cameras, 0, 2, 6);
  const Rays expected = rays_through(cameras, pixels);
  REQUIRE(rays.directions.shape() == Shape{68, 3});
  REQUIRE(rays.directions.to_vector<float>() == expected.directions.to_vector<float>());
  REQUIRE(rays.origins.to_vector<float>() == expected.origins.to_vector<float>());
  REQUIRE(camera_rays(cameras, 0, 3, 3).directions.size(0) == 0);
}

TEST_CASE("strided inputs give the same rays") {
  const Cameras cameras = one_camera(kIdentity, {30, 31, 8, 3, 0.1f, 0, 0, 0}, 16, 6);
  const Tensor pixels = Tensor::from_vector(std::vector<float>{1, 2, 3, 4, 5, 6}, {3, 2});
  const Tensor backwards = flip(pixels, {0});
  const std::vector<float> d =
      generate_rays(cameras, Tensor::zeros({3}, DType::Int32), backwards).directions.to_vector<float>();
  REQUIRE(d == rays_through(cameras, {5, 6, 3, 4, 1, 2}).directions.to_vector<float>());
}

TEST_CASE("cameras refuse what they cannot use") {
  const Cameras good = one_camera(kIdentity, {10, 10, 4, 4, 0, 0, 0, 0}, 8, 8);
  const Tensor none = Tensor::zeros({1}, DType::Int32);
  const Tensor pixel = Tensor::zeros({1, 2});
  REQUIRE_THROWS_AS(generate_rays(good, Tensor::full({1}, 1, DType::Int32), pixel), IndexError);
  REQUIRE_THROWS_AS(generate_rays(good, Tensor::full({1}, -1, DType::Int32), pixel), IndexError);
  REQUIRE_THROWS_AS(generate_rays(good, Tensor::zeros({1}, DType::Int64), pixel), TypeError);
  REQUIRE_THROWS_AS(generate_rays(good, none, Tensor::zeros({2, 2})), ValueError);
  REQUIRE_THROWS_AS(generate_rays(good, none, Tensor::zeros({1, 3})), ValueError);
  REQUIRE_THROWS_AS(generate_rays(good, Tensor(), pixel), ValueError);
  REQUIRE_THROWS_AS(camera_rays(good, 1, 0, 1), IndexError);
  REQUIRE_THROWS_AS(camera_rays(good, 0, 0, 9), ValueError);
  REQUIRE_THROWS_AS(camera_rays(good, 0, 3, 2), ValueError);
  Cameras bad = good;
  bad.poses = Tensor::zeros({1, 4, 4});
  REQUIRE_THROWS_AS(bad.check("test"), ValueError);
  bad = good;
  bad.intrinsics = Tensor::full({1, 8}, NAN);
  REQUIRE_THROWS_AS(bad.check("test"), ValueError);
  bad.intrinsics = Tensor::zeros({1, 8});
  REQUIRE_THROWS_AS(bad.check("test"), ValueError);
  bad.intrinsics = Tensor::ones({1, 8}, DType::Float64);
  REQUIRE_THROWS_AS(bad.check("test"), TypeError);
  bad = good;
  bad.width = 0;
  REQUIRE_THROWS_AS(bad.check("test"), ValueError);
}

TEST_CASE("slab test") {
  SECTION("from outside, and the reversed ray behind") {
    const Interval hit = one_interval({-3, 0.5f, 0.5f}, {1, 0, 0});
    REQUIRE(hit.near.item() == Approx(2));
    REQUIRE(hit.far.item() == Approx(4));
    const Interval behind = one_interval({-3, 0.5f, 0.5f}, {-1, 0, 0});
    REQUIRE(behind.near.item() > behind.far.item());
  }
  SECTION("from inside near is 0") {
    const Interval hit = one_interval({0, 0, 0}, {0, 0.6f, 0.8f});
    REQUIRE(hit.near.item() == 0);
    REQUIRE(hit.far.item() == Approx(1.25));
  }
  SECTION("a diagonal miss") {
    const Interval miss = one_interval({-3, 0, 0}, {0.6f, 0.8f, 0});
    REQUIRE(miss.near.item() > miss.far.item());
  }
  SECTION("along a face, inside it and beside it") {
    for (const float sign : {0.0f, -0.0f}) {
      const Interval face = one_interval({-2, 1, -1}, {1, sign, sign});
      REQUIRE(face.near.item() == Approx(1));
      REQUIRE(face.far.item() == Approx(3));
      const Interval beside = one_interval({-2, 1.001f, 0}, {1, sign, sign});
      REQUIRE(beside.near.item() > beside.far.item());
    }
  }
  SECTION("an origin on a face, going in and going out") {
    const Interval in = one_interval({-1, 0, 0}, {1, 0, 0});
    REQUIRE(in.near.item() == 0);
    REQUIRE(in.far.item() == Approx(2));
    const Interval out = one_interval({-1, 0, 0}, {-1, 0, 0});
    REQUIRE(out.near.item() == 0);
    REQUIRE(out.far.item() == 0);
  }
  SECTION("a NaN anywhere never looks like a hit") {
    for (size_t i = 0; i < 6; ++i) {
      std::vector<float> ray = {-2, 0.1f, 0.2f, 0.9f, 0.1f, 0.1f};
      ray[i] = NAN;
      const Interval interval = one_interval({ray[0], ray[1], ray[2]}, {ray[3], ray[4], ray[5]});
      REQUIRE_FALSE(interval.near.item() < interval.far.item());
    }
  }
  SECTION("against points sampled along random rays") {
    Generator generator(1);
    const Tensor origins = rand({500, 3}, -3, 3, DType::Float32, generator);
    const Tensor directions = randn({500, 3}, 0, 1, DType::Float32, generator);
    const Interval interval = intersect_box({origins, directions}, Box());
    const std::vector<float> o = origins.to_vector<float>(), d = directions.to_vector<float>();
    const std::vector<float> near = interval.near.to_vector<float>(), far = interval.far.to_vector<float>();
    int hits = 0;
    for (size_t i = 0; i < 500; ++i) {
      hits += near[i] < far[i];
      for (int k = 0; k < 200; ++k) {
        const float t = 0.05f * static_cast<float>(k);
        if (std::abs(t - near[i]) < 1e-4f || std::abs(t - far[i]) < 1e-4f) continue;
        bool inside = true;
        for (size_t axis = 0; axis < 3; ++axis) inside = inside && std::abs(o[3 * i + axis] + t * d[3 * i + axis]) <= 1;
        REQUIRE(inside == (t >= near[i] && t <= far[i]));
      }
    }
    REQUIRE(hits > 50);
    REQUIRE(hits < 450);
  }
  SECTION("no rays, and a box without inside") {
    REQUIRE(intersect_box({Tensor::empty({0, 3}), Tensor::empty({0, 3})}, Box()).near.size(0) == 0);
    Box box;
    box.low[1] = 1;
    REQUIRE_THROWS_AS(intersect_box({Tensor::zeros({1, 3}), Tensor::zeros({1, 3})}, box), ValueError);
    REQUIRE_THROWS_AS(intersect_box({Tensor::zeros({2, 3}), Tensor::zeros({1, 3})}, Box()), ValueError);
  }
}

TEST_CASE("rays do not depend on the number of threads") {
  const Cameras cameras = one_camera(kIdentity, {80, 80, 50, 40, 0.05f, -0.08f, 1e-3f, 1e-4f}, 101, 83);
  const int before = num_threads();
  set_num_threads(1);
  const std::vector<float> one = camera_rays(cameras, 0, 0, 83).directions.to_vector<float>();
  set_num_threads(2);
  const std::vector<float> two = camera_rays(cameras, 0, 0, 83).directions.to_vector<float>();
  set_num_threads(before);
  REQUIRE(one == two);
}
