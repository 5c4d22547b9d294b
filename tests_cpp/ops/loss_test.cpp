// Losses: classes that are ignored or out of range (values and gradients of cross_entropy: twins_test.cpp).
#include "needlecpp/ops/loss.h"

#include <cmath>

#include "catch.h"
#include "needlecpp/autograd/autograd.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "needlecpp/ops/softmax.h"

using namespace needlecpp;

TEST_CASE("rows that are ignored count for nothing") {
  Tensor x = Tensor::from_vector<float>({1, 2, 1e30f, -INFINITY}, {2, 2});
  x.set_requires_grad(true);
  const Tensor target = Tensor::from_vector<int64_t>({0, -100}, {2});
  const Tensor y = cross_entropy(x, target);
  REQUIRE(y.item() == Approx(std::log(1 + std::exp(1.0))));
  y.backward();
  REQUIRE(x.grad().to_vector<float>()[2] == 0);
  const Tensor all = Tensor::from_vector<int64_t>({-100, -100}, {2});
  REQUIRE(std::isnan(cross_entropy(x, all).item()));
  REQUIRE(cross_entropy(x, all, {}, -100, LossReduction::Sum).item() == 0);
}

TEST_CASE("losses of nothing, of integers, and what they refuse") {
  REQUIRE(std::isnan(mse_loss(Tensor::zeros({0}), Tensor::zeros({0})).item()));
  REQUIRE(mse_loss(Tensor::arange(3), Tensor::arange(3)).dtype() == DType::Float32);
  REQUIRE(
      cross_entropy(Tensor::zeros({0, 3}), Tensor::zeros({0}, DType::Int64), {}, -100, LossReduction::None).numel() ==
      0);
  const Tensor x = Tensor::zeros({2, 3});
  for (int64_t bad : {-1, 3}) {
    const Tensor target = Tensor::from_vector<int64_t>({0, bad}, {2});
    REQUIRE_THROWS_AS(cross_entropy(x, target), IndexError);
    REQUIRE_THROWS_AS(nll_loss(x, target), IndexError);
  }
  const Tensor target = Tensor::zeros({2}, DType::Int64);
  REQUIRE_THROWS_AS(cross_entropy(x, Tensor::zeros({3}, DType::Int64)), ValueError);
  REQUIRE_THROWS_AS(cross_entropy(x, target, Tensor::ones({2})), ValueError);
  REQUIRE_THROWS_AS(cross_entropy(x, target, {}, -100, LossReduction::Mean, 2), ValueError);
  REQUIRE_THROWS_AS(cross_entropy(x, Tensor::zeros({2, 4})), ValueError);
  REQUIRE_THROWS_AS(binary_cross_entropy(Tensor::full({2}, 1.5), Tensor::zeros({2})), ValueError);
  REQUIRE_THROWS_AS(binary_cross_entropy(Tensor::zeros({2}), Tensor::zeros({3})), ValueError);
  REQUIRE_THROWS_AS(huber_loss(x, x, LossReduction::Mean, 0), ValueError);
}
