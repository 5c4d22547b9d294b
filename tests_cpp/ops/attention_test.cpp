// Attention by tiles against the composed twin: lengths around the tiles', masks, and what is refused.
#include "needlecpp/ops/attention.h"

#include <cmath>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "support.h"

using namespace needlecpp;

TEST_CASE("attention equals its composed twin, forward and backward") {
  const DType type = GENERATE(DType::Float32, DType::Float64);
  const auto sizes = GENERATE(std::pair<int64_t, int64_t>{1, 1}, std::pair<int64_t, int64_t>{17, 300},
                              std::pair<int64_t, int64_t>{130, 33}, std::pair<int64_t, int64_t>{64, 513});
  const int masking = GENERATE(0, 1, 2, 3);  // none, causal, bool with rows that see nothing, numbers
  const auto [l, s] = sizes;
  Tensor q = randn({2, 3, l, 8}, 0, 2, type), k = randn({2, 1, s, 8}, 0, 2, type), v = randn({2, 3, s, 5}, 0, 1, type);
  for (Tensor* leaf : {&q, &k, &v}) leaf->set_requires_grad(true);
  AttentionOptions options;
  options.is_causal = masking == 1;
  if (masking == 2) options.mask = gt(randn({3, l, 1}), 0.0);
  if (masking == 3) options.mask = randn({2, 1, 1, s}, 0, 1, type);
  const Tensor y = scaled_dot_product_attention(q, k, v, options), twin = attention_composed(q, k, v, options);
  const double tolerance = type == DType::Float32 ? 1e-4 : 1e-11;
  require_close(y, twin, tolerance);
  const Tensor dy = randn(y.shape(), 0, 1, type);
  const Tensors got = grad({y}, {q, k, v}, {dy}), expected = grad({twin}, {q, k, v}, {dy});
  for (size_t i = 0; i < 3; ++i) require_close(got[i], expected[i], tolerance);
}

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
