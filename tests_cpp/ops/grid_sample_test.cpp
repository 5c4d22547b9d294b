// Grid sampling: the kernels against the composed twin, places that no integer holds, and what is refused.
#include "needlecpp/ops/grid_sample.h"

#include <cmath>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "support.h"

using namespace needlecpp;

TEST_CASE("grid sampling equals its composed twin, forward and backward") {
  const DType type = GENERATE(DType::Float32, DType::Float64);
  const GridMode mode = GENERATE(GridMode::Bilinear, GridMode::Nearest, GridMode::Bicubic);
  const GridPadding padding = GENERATE(GridPadding::Zeros, GridPadding::Border, GridPadding::Reflection);
  const bool corners = GENERATE(true, false);
  const bool volume = GENERATE(true, false);
  if (volume && mode == GridMode::Bicubic) return;
  Tensor x = randn(volume ? Shape{2, 3, 4, 5, 6} : Shape{2, 3, 5, 7}, 0, 1, type);
  Tensor grid = rand(volume ? Shape{2, 2, 5, 9, 3} : Shape{2, 7, 19, 2}, -2.5, 2.5, type);
  x.set_requires_grad(true);
  grid.set_requires_grad(true);
  const Tensor y = grid_sample(x, grid, mode, padding, corners);
  const Tensor twin = grid_sample_composed(x, grid, mode, padding, corners);
  const double tolerance = type == DType::Float32 ? 1e-4 : 1e-11;
  require_close(y, twin, tolerance);
  const Tensor dy = randn(y.shape(), 0, 1, type);
  const Tensors got = grad({y}, {x, grid}, {dy}), expected = grad({twin}, {x, grid}, {dy});
  require_close(got[0], expected[0], tolerance);
  require_close(got[1], expected[1], tolerance);
}

TEST_CASE("the image's gradient does not depend on the threads") {
  Tensor x = randn({1, 5, 9, 9});
  x.set_requires_grad(true);
  const Tensor grid = rand({1, 50, 50, 2}, -1.1, 1.1), dy = randn({1, 5, 50, 50});
  const Threads restored;
  set_num_threads(1);
  const auto one = grad({grid_sample(x, grid)}, {x}, {dy})[0].to_vector<float>();
  set_num_threads(4);
  REQUIRE(grad({grid_sample(x, grid)}, {x}, {dy})[0].to_vector<float>() == one);
}

TEST_CASE("places far away, infinite or NaN crash nothing, and zeros stay zeros beside infinities") {
  const GridMode mode = GENERATE(GridMode::Bilinear, GridMode::Nearest, GridMode::Bicubic);
  const GridPadding padding = GENERATE(GridPadding::Zeros, GridPadding::Border, GridPadding::Reflection);
  Tensor x = Tensor::full({1, 2, 3, 4}, INFINITY);
  x.set_requires_grad(true);
  const float nan = std::nanf(""), inf = INFINITY;
  const Tensor grid =
      Tensor::from_vector<float>({nan, 0, 0, nan, inf, 0, 0, -inf, 3e38f, -3e38f, 1e9f, 5}, {1, 6, 1, 2});
  const Tensor y = grid_sample(x, grid, mode, padding);
  sum(y).backward();
  if (padding == GridPadding::Zeros)
    for (float value : y.to_vector<float>()) REQUIRE(value == 0);
}

TEST_CASE("grid sampling of nothing, of halves, and what it refuses") {
  const Tensor x = Tensor::zeros({2, 3, 4, 4});
  REQUIRE(grid_sample(x, Tensor::zeros({2, 0, 5, 2})).shape() == Shape({2, 3, 0, 5}));
  REQUIRE(grid_sample(Tensor::zeros({2, 0, 4, 4}), Tensor::zeros({2, 1, 5, 2})).shape() == Shape({2, 0, 1, 5}));
  REQUIRE(grid_sample(cast(x, DType::BFloat16), Tensor::zeros({2, 1, 1, 2}, DType::BFloat16)).dtype() ==
          DType::BFloat16);
  REQUIRE_THROWS_AS(grid_sample(x, Tensor::zeros({1, 1, 1, 2})), ValueError);
  REQUIRE_THROWS_AS(grid_sample(x, Tensor::zeros({2, 1, 1, 3})), ValueError);
  REQUIRE_THROWS_AS(grid_sample(x, Tensor::zeros({2, 1, 1, 2}, DType::Float64)), TypeError);
  REQUIRE_THROWS_AS(grid_sample(Tensor::zeros({2, 3, 0, 4}), Tensor::zeros({2, 1, 1, 2})), ValueError);
  REQUIRE_THROWS_AS(grid_sample(Tensor::zeros({1, 1, 2, 2, 2}), Tensor::zeros({1, 1, 1, 1, 3}), GridMode::Bicubic),
                    ValueError);
  REQUIRE_THROWS_AS(affine_grid(Tensor::zeros({1, 2, 3}), {1, 1, 0, 2}), ValueError);
  REQUIRE_THROWS_AS(affine_grid(Tensor::zeros({1, 2, 3}), {2, 1, 2, 2}), ValueError);
}
