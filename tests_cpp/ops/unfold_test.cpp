// im2col and col2im: edges, dtypes and errors; ordinary values are compared in tests_py.
#include "needlecpp/ops/unfold.h"

#include <limits>
#include <vector>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "support.h"

using namespace needlecpp;

namespace {

UnfoldOptions options(Dims kernel, Dims dilation = {1}, Dims padding = {0}, Dims stride = {1}) {
  UnfoldOptions result;
  result.kernel = kernel;
  result.dilation = dilation;
  result.padding = padding;
  result.stride = stride;
  return result;
}

using Doubles = std::vector<double>;

}  // namespace

TEST_CASE("im2col takes one to three axes, any dtype, any strides") {
  for (const DType dtype : {DType::Float32, DType::Float64, DType::Float16, DType::Int64, DType::UInt8}) {
    const Tensor x = cast(Tensor::from_vector<float>({1, 2, 3, 4}, {1, 4}), dtype);
    const Tensor y = im2col(x, 1, options({2}, {2}, {1}, {2}));
    REQUIRE(y.dtype() == dtype);
    REQUIRE(doubles(y) == Doubles{0, 2, 2, 4});
    REQUIRE(doubles(im2col(flip(x, {1}), 1, options({2}, {2}, {1}, {2}))) == Doubles{0, 3, 3, 1});
  }
  REQUIRE(im2col(Tensor::ones({2, 3, 4, 5, 6}), 3, options({2, 3, 1})).shape() == Shape{2, 18, 3 * 3 * 6});
}

TEST_CASE("col2im adds what im2col reads") {
  for (const DType dtype : {DType::Float32, DType::BFloat16, DType::Int32, DType::Int64, DType::UInt8}) {
    const Tensor y = im2col(Tensor::ones({1, 1, 3, 3}, dtype), 2, options({2}));
    const Tensor x = col2im(y, 2, {3}, options({2}));
    REQUIRE(x.dtype() == dtype);
    REQUIRE(doubles(x) == Doubles{1, 2, 1, 2, 4, 2, 1, 2, 1});
  }
  const Tensor gaps = col2im(Tensor::ones({4, 4}), 2, {5, 5}, options({2}, {1}, {0}, {3}));
  REQUIRE(gaps.shape() == Shape{1, 5, 5});
  REQUIRE(sum(gaps).item() == 16);
}

TEST_CASE("im2col and col2im of nothing") {
  REQUIRE(im2col(Tensor::ones({0, 2, 4, 4}), 2, options({3})).shape() == Shape{0, 18, 4});
  REQUIRE(col2im(Tensor::ones({0, 18, 4}), 2, {4}, options({3})).shape() == Shape{0, 2, 4, 4});
  const Tensor x = Tensor::ones({1, 2, 0}).set_requires_grad(true);
  const Tensor y = im2col(x, 1, options({2}, {1}, {1}));
  REQUIRE(doubles(y) == Doubles{0, 0, 0, 0});
  sum(y).backward();
  REQUIRE(x.grad().shape() == x.shape());
}

TEST_CASE("impossible windows are named") {
  const Tensor x = Tensor::ones({1, 2, 4, 4}), y = Tensor::ones({1, 8, 9});
  REQUIRE_THROWS_AS(im2col(x, 2, options({5})), ValueError);
  REQUIRE_THROWS_AS(im2col(x, 2, options({0})), ValueError);
  REQUIRE_THROWS_AS(im2col(x, 2, options({2}, {0})), ValueError);
  REQUIRE_THROWS_AS(im2col(x, 2, options({2}, {1}, {-1})), ValueError);
  REQUIRE_THROWS_AS(im2col(x, 2, options({2}, {1}, {0}, {0})), ValueError);
  REQUIRE_THROWS_AS(im2col(x, 2, options({2}, {1}, {INT32_MAX})), ValueError);
  REQUIRE_THROWS_AS(im2col(x, 2, options({INT32_MAX}, {1}, {INT32_MAX})), ValueError);
  REQUIRE_THROWS_AS(im2col(x, 1, options({2})), ValueError);
  REQUIRE_THROWS_AS(im2col(x, 2, options({2, 2, 2})), ValueError);
  REQUIRE_THROWS_AS(col2im(y, 2, {5}, options({2})), ValueError);
  REQUIRE_THROWS_AS(col2im(Tensor::ones({1, 7, 9}), 2, {4}, options({2})), ValueError);
  REQUIRE_THROWS_AS(col2im(Tensor::ones({8, 9}, DType::Bool), 2, {4}, options({2})), TypeError);
  REQUIRE_THROWS_AS(col2im(Tensor::ones({9}), 2, {4}, options({2})), ValueError);
}
