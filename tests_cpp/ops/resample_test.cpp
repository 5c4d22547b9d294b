// Resizing: known values, the adjoint, integers, and what is refused. Modes are compared with NumPy in op_table.
#include "needlecpp/ops/resample.h"

#include <cmath>

#include "catch.h"
#include "needlecpp/autograd/autograd.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/reduce.h"

using namespace needlecpp;

namespace {

InterpolateOptions to_size(std::vector<int64_t> size, bool corners = false) {
  InterpolateOptions options;
  options.size = std::move(size);
  options.align_corners = corners;
  return options;
}

}  // namespace

TEST_CASE("the backward of resizing is its transpose") {
  const Interpolation mode = GENERATE(Interpolation::Nearest, Interpolation::NearestExact, Interpolation::Linear,
                                      Interpolation::Cubic, Interpolation::Area);
  const auto size = GENERATE(std::vector<int64_t>{3, 17, 2}, std::vector<int64_t>{9, 1, 33}, std::vector<int64_t>{1});
  Tensor x = randn({2, 3, 4, 5, 6}, 0, 1, DType::Float64);
  x.set_requires_grad(true);
  const Tensor y = interpolate(x, mode, to_size(size));
  const Tensor dy = randn(y.shape(), 0, 1, DType::Float64);
  const Tensor dx = grad({y}, {x}, {dy})[0];
  REQUIRE(sum(y * dy).item() == Approx(sum(x * dx).item()));
}

TEST_CASE("a constant stays constant, and the same size stays the same") {
  const Interpolation mode = GENERATE(Interpolation::Nearest, Interpolation::NearestExact, Interpolation::Linear,
                                      Interpolation::Cubic, Interpolation::Area);
  for (float value : interpolate(Tensor::full({1, 1, 5, 7}, 3), mode, to_size({13, 4})).to_vector<float>())
    REQUIRE(value == Approx(3));
  const Tensor x = randn({1, 2, 5, 7});
  REQUIRE(max(abs(interpolate(x, mode, to_size({5, 7})) - x)).item() < 1e-6);
}

TEST_CASE("nearest keeps integers; other modes and halves keep or widen") {
  const Tensor labels = Tensor::from_vector<int64_t>({1, 1 << 30, int64_t{1} << 60, -4}, {1, 1, 2, 2});
  const Tensor y = interpolate(labels, Interpolation::Nearest, to_size({2, 4}));
  REQUIRE(y.dtype() == DType::Int64);
  REQUIRE(y.to_vector<int64_t>()[5] == int64_t{1} << 60);
  REQUIRE(interpolate(labels, Interpolation::Linear, to_size({3})).dtype() == DType::Float32);
  REQUIRE(interpolate(cast(labels, DType::Float16), Interpolation::Area, to_size({1})).dtype() == DType::Float16);
}

TEST_CASE("resizing of nothing, and what it refuses") {
  const Tensor x = Tensor::zeros({1, 1, 4});
  REQUIRE(interpolate(Tensor::zeros({0, 3, 4}), Interpolation::Cubic, to_size({7})).shape() == Shape({0, 3, 7}));
  REQUIRE_THROWS_AS(interpolate(x, Interpolation::Linear, to_size({0})), ValueError);
  REQUIRE_THROWS_AS(interpolate(x, Interpolation::Linear, to_size({-3})), ValueError);
  REQUIRE_THROWS_AS(interpolate(x, Interpolation::Linear, to_size({2, 2})), ValueError);
  REQUIRE_THROWS_AS(interpolate(x, Interpolation::Linear, to_size({int64_t{1} << 40})), ValueError);
  REQUIRE_THROWS_AS(interpolate(x, Interpolation::Area, to_size({2}, true)), ValueError);
  REQUIRE_THROWS_AS(interpolate(x, Interpolation::Area, {}), ValueError);
  REQUIRE_THROWS_AS(interpolate(Tensor::zeros({1, 1, 0}), Interpolation::Linear, to_size({2})), ValueError);
  REQUIRE_THROWS_AS(interpolate(Tensor::zeros({3, 4}), Interpolation::Linear, to_size({2})), ValueError);
  InterpolateOptions options;
  for (double scale : {std::nan(""), -1.0, 0.0, 1e300, 0.1}) {
    options.scale_factor = {scale};
    REQUIRE_THROWS_AS(interpolate(x, Interpolation::Linear, options), ValueError);
  }
  REQUIRE_THROWS_AS(pixel_shuffle(Tensor::zeros({1, 6, 2, 2}), 2), ValueError);
  REQUIRE_THROWS_AS(pixel_shuffle(Tensor::zeros({1, 4, 2, 2}), -2), ValueError);
  REQUIRE_THROWS_AS(pixel_unshuffle(Tensor::zeros({1, 4, 3, 2}), 2), ValueError);
}
