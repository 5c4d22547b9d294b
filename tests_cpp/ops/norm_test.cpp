// Normalization: large means, running statistics, what is refused (values and gradients: twins_test.cpp).
#include "needlecpp/ops/norm.h"

#include <cmath>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "support.h"

using namespace needlecpp;

TEST_CASE("a large mean costs no digits") {
  const Tensor x = randn({4, 1000}, 1e4, 1);
  const Tensor y = layer_norm(x, {1000});
  const Tensor exact = layer_norm(cast(x, DType::Float64), {1000});
  require_close(y, exact, 1e-3);
  require_close(mean(square(y), {1}), Tensor::ones({4}), 1e-3);
}

TEST_CASE("running statistics move by the momentum") {
  const Tensor x = Tensor::from_vector<float>({1, 2, 3, 10, 20, 60}, {3, 2});
  const Tensor mean = Tensor::zeros({2}), var = Tensor::ones({2});
  batch_norm(cast(reshape(x, {3, 2}), DType::Float32), mean, var, {}, {}, true, 0.5);
  REQUIRE(mean.to_vector<float>()[0] == Approx(0.5 * (1 + 3 + 20) / 3));
  // The unbiased variance of 2, 10 and 60.
  REQUIRE(var.to_vector<float>()[1] == Approx(0.5 + 0.5 * (22 * 22 + 14 * 14 + 36 * 36) / 2));
}

TEST_CASE("normalization of nothing, of halves, and what it refuses") {
  REQUIRE(layer_norm(Tensor::zeros({0, 3}), {3}).shape() == Shape({0, 3}));
  REQUIRE(group_norm(Tensor::zeros({2, 4, 0}), 2).shape() == Shape({2, 4, 0}));
  Tensor w = Tensor::ones({3});
  w.set_requires_grad(true);
  sum(layer_norm(Tensor::zeros({0, 3}), {3}, w)).backward();
  REQUIRE(sum(w.grad()).item() == 0);
  const Tensor half = cast(randn({4, 8}), DType::Float16);
  REQUIRE(layer_norm(half, {8}).dtype() == DType::Float16);
  REQUIRE(layer_norm(Tensor::arange(8), {8}).dtype() == DType::Float32);
  REQUIRE_THROWS_AS(layer_norm(half, {4}), ValueError);
  REQUIRE_THROWS_AS(group_norm(half, 3), ValueError);
  REQUIRE_THROWS_AS(group_norm(half, 0), ValueError);
  REQUIRE_THROWS_AS(batch_norm(Tensor::zeros({1, 3}), {}, {}, {}, {}, true), ValueError);
  REQUIRE_THROWS_AS(batch_norm(Tensor::zeros({2, 3}), {}, {}), ValueError);
  REQUIRE_THROWS_AS(layer_norm(Tensor::zeros({2, 3}), {3}, Tensor::ones({2})), ValueError);
}
