// Rays against hand-computed cases, the lens against its own forward model, the slab test on its corner cases.
#include "needlecpp/render/camera.h"

#include <cmath>
#include <limits>
#include <vector>

#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/shape.h"
#include "render/ops/camera_kernels.h"
#include "support.h"

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
    const Tensor x = rand({1001, 1}, 0, width, DType::Float32, {}, generator);
    const Tensor y = rand({1001, 1}, 0, height, DType::Float32, {}, generator);
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

namespace {

// The formulas of camera_kernels.h in double: one compiled for no instruction set in particular.
using portable_lens = portable::PlaneLens<double>;

// A point of the plane through a lens with all of OpenCV's terms.
portable_lens plane_lens(const std::vector<double>& k) {
  std::vector<double> all = k;
  all.resize(12);
  return {all[0], all[1], all[2], all[3], all[4], all[5], all[6], all[7], all[8], all[9], all[10], all[11]};
}

const std::vector<std::vector<double>> kPlaneLenses = {
    {0.0578421, -0.0805099, -0.000980296, 0.00015575},
    {-0.28, 0.09, 0.0004, -0.0007, -0.013},
    {5.1, 2.3, 1e-4, -2e-5, 0.12, 5.4, 3.9, 0.63},
    {-0.1, 0.01, 1e-3, 2e-3, 0, 0, 0, 0, 0.01, -0.002, -0.01, 0.003},
    {-0.2, 0, 0, 0},    // nearly folds over at the far end of the points below
    {0.9, 0.8, 0, 0}};  // far from where it puts a point

}  // namespace

TEST_CASE("the slopes of a lens are the differences of its distortion") {
  for (const auto& k : kPlaneLenses) {
    const portable_lens lens = plane_lens(k);
    const double h = 1e-6;
    for (double x : {-0.6, 0.0, 0.35})
      for (double y : {-0.4, 0.2}) {
        double xx, xy, yx, yy, right[2], left[2], up[2], down[2];
        lens.slopes(x, y, xx, xy, yx, yy);
        lens.distort(x + h, y, right[0], right[1]);
        lens.distort(x - h, y, left[0], left[1]);
        lens.distort(x, y + h, up[0], up[1]);
        lens.distort(x, y - h, down[0], down[1]);
        REQUIRE(xx == Approx((right[0] - left[0]) / (2 * h)).margin(1e-8));
        REQUIRE(yx == Approx((right[1] - left[1]) / (2 * h)).margin(1e-8));
        REQUIRE(xy == Approx((up[0] - down[0]) / (2 * h)).margin(1e-8));
        REQUIRE(yy == Approx((up[1] - down[1]) / (2 * h)).margin(1e-8));
      }
  }
}

TEST_CASE("a lens with the first four terms is OpenCV's smaller one") {
  const portable_lens all = plane_lens({0.1, -0.05, 0.01, 0.02});
  const portable::BrownLens<double> four{0.1, -0.05, 0.01, 0.02};
  double a[6], b[6];
  all.distort(0.4, -0.3, a[0], a[1]);
  four.distort(0.4, -0.3, b[0], b[1]);
  all.slopes(0.4, -0.3, a[2], a[3], a[4], a[5]);
  four.slopes(0.4, -0.3, b[2], b[3], b[4], b[5]);
  for (int i = 0; i < 6; ++i) REQUIRE(a[i] == Approx(b[i]));
}

TEST_CASE("undoing a distortion gives back the point, both ways") {
  for (const auto& k : kPlaneLenses) {
    const portable_lens lens = plane_lens(k);
    for (double x = -0.7; x < 0.75; x += 0.1)
      for (double y = -0.6; y < 0.65; y += 0.1) {
        double to_x, to_y, back_x, back_y;
        lens.distort(x, y, to_x, to_y);
        portable::undistort_in_stages(lens, to_x, to_y, back_x, back_y);
        REQUIRE(back_x == Approx(x).margin(1e-8));
        REQUIRE(back_y == Approx(y).margin(1e-8));
        REQUIRE(portable::undistort_error(lens, to_x, to_y, x, y) == Approx(0).margin(1e-12));
      }
  }
  REQUIRE(std::isinf(portable::undistort_error(plane_lens({-0.3}), 0.5, 0.0, 2.0, 0.0)));  // beyond the fold
}

TEST_CASE("rays through all lenses land on the pixel they came from") {
  const int64_t width = 800, height = 600;
  for (const auto& k : kPlaneLenses) {
    std::vector<float> intrinsics = {620, 610, 405, 298};
    for (size_t i = 0; i < 12; ++i) intrinsics.push_back(i < k.size() ? static_cast<float>(k[i]) : 0.0f);
    const Cameras cameras{Tensor::from_vector(kIdentity, {1, 3, 4}), Tensor::from_vector(intrinsics, {1, 16}), width,
                          height};
    std::vector<double> exact;
    for (size_t i = 4; i < 16; ++i) exact.push_back(intrinsics[i]);
    const portable_lens lens = plane_lens(exact);
    std::vector<float> pixels;
    for (int64_t y = 0; y <= height; y += 20)
      for (int64_t x = 0; x <= width; x += 20) pixels.insert(pixels.end(), {float(x), float(y)});
    const std::vector<float> d = rays_through(cameras, pixels).directions.to_vector<float>();
    for (size_t i = 0; i < pixels.size() / 2; ++i) {
      double x, y;
      lens.distort(double(d[3 * i]) / d[3 * i + 2], double(d[3 * i + 1]) / d[3 * i + 2], x, y);
      REQUIRE(x * intrinsics[0] + intrinsics[2] == Approx(pixels[2 * i]).margin(4e-4));
      REQUIRE(y * intrinsics[1] + intrinsics[3] == Approx(pixels[2 * i + 1]).margin(4e-4));
    }
  }
}

TEST_CASE("a fisheye sees to its side and behind itself") {
  const auto project = [](const std::vector<double>& k, double x, double y, double z, double& u, double& v) {
    const double side = std::hypot(x, y), a = std::atan2(side, z), a2 = a * a;
    const double bent = a * (1 + a2 * (k[0] + a2 * (k[1] + a2 * (k[2] + a2 * k[3]))));
    u = side > 0 ? x * bent / side : 0;
    v = side > 0 ? y * bent / side : 0;
  };
  for (const auto& k : std::vector<std::vector<double>>{
           {0, 0, 0, 0}, {-0.0163, 0.0131, -0.0116, 0.0021}, {0.01, -0.002, 0.0003, -1e-5}, {0.3, 0.2, 0.1, 0.01}})
    for (double angle = 0; angle < 3.1; angle += 0.05) {
      // Only up to where the lens folds over.
      const double a2 = angle * angle;
      if (1 + a2 * (3 * k[0] + a2 * (5 * k[1] + a2 * (7 * k[2] + a2 * 9 * k[3]))) < 0.02) break;
      double u, v, x, y, z;
      project(k, std::sin(angle) * 0.6, std::sin(angle) * -0.8, std::cos(angle), u, v);
      portable::fisheye_ray<double>(k[0], k[1], k[2], k[3], u, v, x, y, z);
      REQUIRE(x == Approx(std::sin(angle) * 0.6).margin(1e-6));
      REQUIRE(y == Approx(std::sin(angle) * -0.8).margin(1e-6));
      REQUIRE(z == Approx(std::cos(angle)).margin(1e-6));
    }
  // 180 degrees across 640 pixels: the corners look backwards, and all lands where it came from.
  const std::vector<float> k = {0.01f, -0.002f, 0.0003f, -1e-5f};
  const Cameras cameras{Tensor::from_vector(kIdentity, {1, 3, 4}),
                        Tensor::from_vector(std::vector<float>{204, 203, 319, 241, k[0], k[1], k[2], k[3]}, {1, 8}),
                        640, 480, Tensor::ones({1}, DType::Int32)};
  std::vector<float> pixels;
  for (int64_t y = 0; y <= 480; y += 16)
    for (int64_t x = 0; x <= 640; x += 16) pixels.insert(pixels.end(), {float(x), float(y)});
  const std::vector<float> d = rays_through(cameras, pixels).directions.to_vector<float>();
  REQUIRE(d[2] < 0);
  for (size_t i = 0; i < pixels.size() / 2; ++i) {
    double u, v;
    project({k[0], k[1], k[2], k[3]}, d[3 * i], d[3 * i + 1], d[3 * i + 2], u, v);
    REQUIRE(u * 204 + 319 == Approx(pixels[2 * i]).margin(2e-4));
    REQUIRE(v * 203 + 241 == Approx(pixels[2 * i + 1]).margin(2e-4));
  }
}

TEST_CASE("pictures of several sizes, and lenses of both kinds, side by side") {
  std::vector<float> poses = kIdentity;
  poses.insert(poses.end(), kIdentity.begin(), kIdentity.end());
  const std::vector<float> intrinsics = {30, 30, 8, 3, 0.1f, 0, 0, 0, 30, 30, 3, 8, 0.1f, 0, 0, 0};
  const Cameras both{Tensor::from_vector(poses, {2, 3, 4}), Tensor::from_vector(intrinsics, {2, 8}),
                     Tensor::from_vector(std::vector<int64_t>{16, 6, 6, 16}, {2, 2}),
                     Tensor::from_vector(std::vector<int32_t>{0, 1}, {2})};
  REQUIRE(both.width(1) == 6);
  REQUIRE(both.height(1) == 16);
  const Cameras first = one_camera(kIdentity, {intrinsics.begin(), intrinsics.begin() + 8}, 16, 6);
  Cameras second = one_camera(kIdentity, {intrinsics.begin() + 8, intrinsics.end()}, 6, 16);
  second.lenses = Tensor::ones({1}, DType::Int32);
  REQUIRE(camera_rays(both, 0, 1, 6).directions.to_vector<float>() ==
          camera_rays(first, 0, 1, 6).directions.to_vector<float>());
  REQUIRE(camera_rays(both, 1, 0, 16).directions.to_vector<float>() ==
          camera_rays(second, 0, 0, 16).directions.to_vector<float>());
  REQUIRE_THROWS_AS(camera_rays(both, 0, 0, 7), ValueError);
  // Ray by ray in one batch, whatever stands beside a ray.
  std::vector<int32_t> index;
  std::vector<float> pixels;
  for (int i = 0; i < 96; ++i) {
    index.insert(index.end(), {0, 1});
    pixels.insert(pixels.end(), {float(i % 16) + 0.5f, float(i / 16) + 0.5f, float(i % 6) + 0.5f, float(i / 6) + 0.5f});
  }
  const std::vector<float> mixed =
      generate_rays(both, Tensor::from_vector(index, {192}), Tensor::from_vector(pixels, {192, 2}))
          .directions.to_vector<float>();
  const std::vector<float> a = camera_rays(first, 0, 0, 6).directions.to_vector<float>();
  const std::vector<float> b = camera_rays(second, 0, 0, 16).directions.to_vector<float>();
  for (size_t i = 0; i < 96; ++i)
    for (size_t axis = 0; axis < 3; ++axis) {
      REQUIRE(mixed[6 * i + axis] == Approx(a[3 * i + axis]).margin(1e-6));
      REQUIRE(mixed[6 * i + 3 + axis] == Approx(b[3 * i + axis]).margin(1e-6));
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
  bad.sizes = Tensor::from_vector(std::vector<int64_t>{0, 8}, {1, 2});
  REQUIRE_THROWS_AS(bad.check("test"), ValueError);
  bad.sizes = Tensor::from_vector(std::vector<int64_t>{8, 8, 8, 8}, {2, 2});
  REQUIRE_THROWS_AS(bad.check("test"), ValueError);
  bad.sizes = Tensor();
  REQUIRE_THROWS_AS(bad.check("test"), ValueError);
  bad = good;
  bad.intrinsics = Tensor::ones({1, 10});
  REQUIRE_THROWS_AS(bad.check("test"), ValueError);
  for (const int64_t columns : {8, 9, 12, 16}) {
    bad.intrinsics = Tensor::ones({1, columns});
    bad.check("test");
  }
  bad = good;
  bad.lenses = Tensor::full({1}, 2, DType::Int32);
  REQUIRE_THROWS_AS(bad.check("test"), ValueError);
  bad.lenses = Tensor::zeros({1}, DType::Int64);
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
    const Tensor origins = rand({500, 3}, -3, 3, DType::Float32, {}, generator);
    const Tensor directions = randn({500, 3}, 0, 1, DType::Float32, {}, generator);
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
  const Threads restored;
  set_num_threads(1);
  const std::vector<float> one = camera_rays(cameras, 0, 0, 83).directions.to_vector<float>();
  set_num_threads(2);
  const std::vector<float> two = camera_rays(cameras, 0, 0, 83).directions.to_vector<float>();
  REQUIRE(one == two);
}
