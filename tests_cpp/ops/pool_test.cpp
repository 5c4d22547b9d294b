// Pooling: special values, edges, dtypes and errors; ordinary values are compared in tests_py.
#include "needlecpp/ops/pool.h"

#include <cmath>
#include <limits>
#include <vector>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "support.h"

using namespace needlecpp;

namespace {

PoolOptions options(Dims kernel, Dims stride = {}, Dims padding = {0}, Dims dilation = {1}, bool ceil_mode = false) {
  PoolOptions result;
  result.kernel = kernel;
  result.stride = stride;
  result.padding = padding;
  result.dilation = dilation;
  result.ceil_mode = ceil_mode;
  return result;
}

using Doubles = std::vector<double>;

}  // namespace

TEST_CASE("max_pool lets NaN and infinities win and remembers where") {
  const Tensor x = Tensor::from_vector<float>({1, NAN, 3, -INFINITY, -INFINITY, -INFINITY, INFINITY, 2}, {1, 8});
  const MaxPooled pooled = max_pool(x, 1, options({2}));
  const Doubles values = doubles(pooled.values);
  REQUIRE(std::isnan(values[0]));
  REQUIRE(values[1] == 3);
  REQUIRE(values[2] == -INFINITY);
  REQUIRE(values[3] == INFINITY);
  REQUIRE(pooled.indices.to_vector<int64_t>() == std::vector<int64_t>{1, 2, 4, 6});
}

TEST_CASE("max_pool gives the gradient to the first of equals, and sums it where windows overlap") {
  const Tensor x = Tensor::from_vector<float>({2, 2, 2, 5, 1, 1}, {1, 1, 6}).set_requires_grad(true);
  max_pool(x, 1, options({3}, {1})).values.backward(Tensor::from_vector<float>({1, 10, 100, 1000}, {1, 1, 4}));
  REQUIRE(doubles(x.grad()) == Doubles{1, 0, 0, 1110, 0, 0});
}

TEST_CASE("max_pool takes integers and halves, never padding") {
  for (const DType dtype : {DType::Int32, DType::Int64, DType::Float16, DType::BFloat16, DType::Float64}) {
    const Tensor x = cast(Tensor::from_vector<float>({-3, -1, -2, -4}, {1, 4}), dtype);
    const MaxPooled pooled = max_pool(x, 1, options({2}, {2}, {1}));
    REQUIRE(pooled.values.dtype() == dtype);
    REQUIRE(doubles(pooled.values) == Doubles{-3, -1, -4});
    REQUIRE(pooled.indices.to_vector<int64_t>() == std::vector<int64_t>{0, 1, 3});
  }
  REQUIRE(max_pool(Tensor::full({1, 4}, 200, DType::UInt8), 1, options({4})).values.item() == 200);
  REQUIRE_THROWS_AS(max_pool(Tensor::ones({1, 4}, DType::Bool), 1, options({2})), TypeError);
}

TEST_CASE("max_unpool puts values back") {
  const Tensor x = Tensor::from_vector<float>({1, 5, 2, 3, 4}, {1, 5});
  const MaxPooled pooled = max_pool(x, 1, options({2}));
  REQUIRE(doubles(max_unpool(pooled.values, pooled.indices, 1, options({2}))) == Doubles{0, 5, 0, 3});
  REQUIRE(doubles(max_unpool(pooled.values, pooled.indices, 1, options({2}), {5})) == Doubles{0, 5, 0, 3, 0});
  REQUIRE(max_unpool(Tensor::ones({0, 2}), Tensor::zeros({0, 2}, DType::Int64), 1, options({2})).shape() ==
          Shape{0, 4});
  REQUIRE_THROWS_AS(max_unpool(pooled.values, pooled.indices, 1, options({2}), {6}), ValueError);
  REQUIRE_THROWS_AS(max_unpool(pooled.values, pooled.values, 1, options({2})), TypeError);
  REQUIRE_THROWS_AS(max_unpool(pooled.values, add(pooled.indices, pooled.indices), 1, options({2})), IndexError);
  REQUIRE_THROWS_AS(max_unpool(pooled.values, neg(pooled.indices), 1, options({2})), IndexError);
}

TEST_CASE("avg_pool counts padding or not, and what ceil_mode adds") {
  const Tensor x = Tensor::ones({1, 5});
  REQUIRE(doubles(avg_pool(x, 1, options({2}, {2}, {1}))) == Doubles{0.5, 1, 1});
  REQUIRE(doubles(avg_pool(x, 1, options({2}, {2}, {1}), false)) == Doubles{1, 1, 1});
  REQUIRE(doubles(avg_pool(x, 1, options({4}, {2}, {0}, {1}, true))) == Doubles{1, 1});
  REQUIRE(doubles(avg_pool(x, 1, options({4}, {3}, {0}, {1}, true), true, 2)) == Doubles{2, 1});
  REQUIRE(doubles(avg_pool(cast(x, DType::Float16), 1, options({5}))) == Doubles{1});
  REQUIRE_THROWS_AS(avg_pool(Tensor::ones({1, 4}, DType::Int64), 1, options({2})), TypeError);
  REQUIRE_THROWS_AS(avg_pool(x, 1, options({2}), true, 0), ValueError);
  REQUIRE_THROWS_AS(avg_pool(x, 1, options({2}, {}, {0}, {2})), ValueError);
}

TEST_CASE("adaptive windows overlap where the output does not divide the input") {
  const Tensor x = Tensor::from_vector<float>({1, 2, 3, 4, 5}, {1, 5});
  REQUIRE(doubles(adaptive_avg_pool(x, 1, {3})) == Doubles{1.5, 3, 4.5});
  REQUIRE(doubles(adaptive_max_pool(x, 1, {3}).values) == Doubles{2, 4, 5});
  REQUIRE(doubles(adaptive_avg_pool(x, 1, {-1})) == doubles(x));
  REQUIRE(adaptive_avg_pool(x, 1, {0}).shape() == Shape{1, 0});
  const Tensor leaf = Tensor::ones({1, 2, 3}).set_requires_grad(true);
  sum(adaptive_avg_pool(leaf, 2, {0})).backward();
  REQUIRE(sum(leaf.grad()).item() == 0);
  REQUIRE_THROWS_AS(adaptive_avg_pool(Tensor::ones({2, 0}), 1, {2}), ValueError);
  REQUIRE_THROWS_AS(adaptive_avg_pool(x, 1, {-2}), ValueError);
}

TEST_CASE("pooling of an empty batch makes no tables") {
  const Tensor x = Tensor::ones({0, 3, 5});
  REQUIRE(max_pool(x, 1, options({2})).values.shape() == Shape{0, 3, 2});
  REQUIRE(adaptive_max_pool(x, 1, {INT32_MAX}).values.shape() == Shape{0, 3, INT32_MAX});
}

TEST_CASE("impossible pooling is named") {
  const Tensor x = Tensor::ones({1, 2, 4, 4});
  REQUIRE_THROWS_AS(max_pool(x, 2, options({0})), ValueError);
  REQUIRE_THROWS_AS(max_pool(x, 2, options({5})), ValueError);
  REQUIRE(max_pool(x, 2, options({5}, {}, {0}, {1}, true)).values.shape() == Shape{1, 2, 1, 1});
  REQUIRE_THROWS_AS(max_pool(x, 2, options({2}, {0})), ValueError);
  REQUIRE_THROWS_AS(max_pool(x, 2, options({2}, {}, {2})), ValueError);
  REQUIRE_THROWS_AS(max_pool(x, 2, options({2}, {}, {-1})), ValueError);
  REQUIRE_THROWS_AS(max_pool(x, 2, options({2, 2, 2})), ValueError);
  REQUIRE_THROWS_AS(max_pool(x, 4, options({2})), ValueError);
  REQUIRE_THROWS_AS(max_pool(Tensor::ones({4}), 1, options({2})), ValueError);
  REQUIRE_THROWS_AS(max_pool(Tensor::ones({1, 1}), 1, options({2}, {1}, {1}, {2})), ValueError);
  REQUIRE_THROWS_AS(max_pool(x, 2, options({std::numeric_limits<int64_t>::max()})), ValueError);
  REQUIRE_THROWS_AS(lp_pool(x, 2, 0, options({2})), ValueError);
  const Tensor mean = avg_pool(Tensor::ones({1, 1, 1, 1}), 3, options({INT32_MAX}, {}, {INT32_MAX / 2}));
  REQUIRE(mean.item() == Approx(std::pow(2.0, -93)));
}

TEST_CASE("pooling and its gradients take any strides and any number of threads") {
  const Threads restored;
  Generator generator(4);
  const Tensor x = permute(randn({2, 30, 31, 20}, 0, 1, DType::Float32, {}, generator), {0, 3, 1, 2});
  const auto all = [](const Tensor& image) {
    const Tensor a = image.detach().set_requires_grad(true);
    const Tensor y = max_pool(a, 2, options({3}, {2}, {1})).values + avg_pool(a, 2, options({3}, {2}, {1}));
    sum(y * y).backward();
    return std::vector<Doubles>{doubles(y), doubles(a.grad())};
  };
  set_num_threads(1);
  const auto alone = all(contiguous(x));
  for (int threads : {1, 2, 5}) {
    set_num_threads(threads);
    REQUIRE(all(x) == alone);
  }
}
