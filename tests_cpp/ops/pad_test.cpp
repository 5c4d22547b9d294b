// Padding: every mode against the rule it is named after, cropping, gradients, refusals.
#include "needlecpp/ops/pad.h"

#include <vector>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/shape.h"
#include "support.h"

using namespace needlecpp;

namespace {

using Ints = std::vector<int64_t>;

}  // namespace

TEST_CASE("constant padding") {
  const Tensor x = Tensor::from_vector<int64_t>({1, 2, 3, 4}, {2, 2});
  CHECK(integers(pad(x, {1, 0}, {0, 2}, PadMode::Constant, 9)) == Ints{9, 9, 9, 9, 1, 2, 9, 9, 3, 4, 9, 9});
  CHECK(integers(pad(transpose(x), {0, 1}, {0, 0})) == Ints{0, 1, 3, 0, 2, 4});
  CHECK(integers(pad(x, {0, 0}, {0, 0})) == integers(x));
  CHECK(pad(x, {0, 0}, {0, 0}).impl()->storage != x.impl()->storage);
  CHECK(integers(pad(x, {-1, 0}, {1, -1})) == Ints{3, 0});
  CHECK(integers(pad(x, {-3, 0}, {2, 0})) == Ints{0, 0});
  CHECK(integers(pad(x, {3, 0}, {-4, 0})) == Ints{0, 0});
  CHECK(pad(Tensor::zeros({0, 2}), {1, 0}, {1, 0}, PadMode::Constant, 3).to_vector<float>() ==
        std::vector<float>{3, 3, 3, 3});
  CHECK(pad(Tensor::scalar(4), {}, {}).item() == 4);
  CHECK_THROWS_AS(pad(x, {1}, {1}), ValueError);
  CHECK_THROWS_AS(pad(x, {0, -1}, {0, -2}), ValueError);
  CHECK_THROWS_AS(pad(x, {INT64_MAX, 0}, {INT64_MAX, 0}), ValueError);
  CHECK_THROWS_AS(pad(x, {INT64_MIN, 0}, {0, 0}), ValueError);
  check_gradients([](const Tensor& a) { return pad(a, {1, 0, 2}, {0, 0, 1}, PadMode::Constant, 0.5); }, {2, 3, 2});
  check_gradients([](const Tensor& a) { return pad(a, {0, 0}, {0, 0}); }, {2, 3});
  check_gradients([](const Tensor& a) { return pad(a, {-1, 2}, {3, -2}); }, {2, 3});
}

TEST_CASE("padding with what is there") {
  const Tensor x = Tensor::from_vector<int64_t>({1, 2, 3}, {3});
  const auto padded = [&](PadMode mode) { return integers(pad(x, {4}, {3}, mode)); };
  CHECK(padded(PadMode::Reflect) == Ints{1, 2, 3, 2, 1, 2, 3, 2, 1, 2});
  CHECK(padded(PadMode::Symmetric) == Ints{3, 3, 2, 1, 1, 2, 3, 3, 2, 1});
  CHECK(padded(PadMode::Replicate) == Ints{1, 1, 1, 1, 1, 2, 3, 3, 3, 3});
  CHECK(padded(PadMode::Circular) == Ints{3, 1, 2, 3, 1, 2, 3, 1, 2, 3});
  CHECK(integers(pad(x, {-3}, {2}, PadMode::Replicate)) == Ints{3, 3});
  CHECK(integers(pad(x, {-1}, {3}, PadMode::Circular)) == Ints{2, 3, 2, 3, 2});
  CHECK(integers(pad(slice(x, 0, 0, 1), {2}, {1}, PadMode::Reflect)) == Ints{1, 1, 1, 1});
  CHECK(integers(pad_last(reshape(x, {1, 3}), {1, 0}, PadMode::Reflect)) == Ints{2, 1, 2, 3});
  CHECK_THROWS_AS(pad(Tensor::zeros({0}), {1}, {0}, PadMode::Replicate), ValueError);
  CHECK_THROWS_AS(pad_last(x, {3, 0}, PadMode::Reflect), ValueError);
  CHECK_THROWS_AS(pad_last(x, {0, 4}, PadMode::Circular), ValueError);
  CHECK_THROWS_AS(pad_last(x, {1}), ValueError);
  CHECK_THROWS_AS(pad_mode_from_name("nowhere"), ValueError);
  for (PadMode mode : {PadMode::Reflect, PadMode::Symmetric, PadMode::Replicate, PadMode::Circular})
    check_gradients([mode](const Tensor& a) { return pad(a, {1, 4}, {2, -1}, mode); }, {2, 3});
}
