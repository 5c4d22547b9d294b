// Attention: large scores, nothing to see, what is refused (values and gradients: twins_test.cpp).
#include "needlecpp/ops/attention.h"

#include <cmath>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "support.h"

using namespace needlecpp;

TEST_CASE("large scores do not overflow") {
  const Tensor q = Tensor::full({1, 4}, 1e4), k = Tensor::from_vector<float>({1, 1, 1, 1, -1, -1, -1, -1}, {2, 4});
  const Tensor v = Tensor::from_vector<float>({3, 7}, {2, 1});
  REQUIRE(scaled_dot_product_attention(q, k, v).item() == 3);
}

TEST_CASE("attention to nothing, of halves, with dropout, and what it refuses") {
  const Tensor q = Tensor::zeros({2, 3, 4});
  REQUIRE(sum(scaled_dot_product_attention(q, Tensor::zeros({2, 0, 4}), Tensor::zeros({2, 0, 5}))).item() == 0);
  REQUIRE(scaled_dot_product_attention(Tensor::zeros({2, 0, 4}), q, q).shape() == Shape({2, 0, 4}));
  const Tensor half = cast(q, DType::Float16);
  REQUIRE(scaled_dot_product_attention(half, half, half).dtype() == DType::Float16);
  AttentionOptions options;
  options.dropout_p = 1;
  REQUIRE(sum(scaled_dot_product_attention(q, q, Tensor::ones({2, 3, 4}), options)).item() == 0);
  options.dropout_p = 2;
  REQUIRE_THROWS_AS(scaled_dot_product_attention(q, q, q, options), ValueError);
  options.dropout_p = 0;
  options.mask = Tensor::zeros({7});
  REQUIRE_THROWS_AS(scaled_dot_product_attention(q, q, q, options), ValueError);
  options.mask = Tensor::zeros({3});
  options.is_causal = true;
  REQUIRE_THROWS_AS(scaled_dot_product_attention(q, q, q, options), ValueError);
  REQUIRE_THROWS_AS(scaled_dot_product_attention(q, Tensor::zeros({2, 3, 5}), q), ValueError);
  REQUIRE_THROWS_AS(scaled_dot_product_attention(q, cast(q, DType::Float64), q), TypeError);
}
