// Views and copies: values, strides, that views share memory and copies do not, gradients, every refusal.
#include "needlecpp/ops/shape.h"

#include <functional>
#include <vector>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/ops/random.h"
#include "support.h"

using namespace needlecpp;

namespace {

using Ints = std::vector<int64_t>;

bool shares(const Tensor& a, const Tensor& b) { return a.impl()->storage == b.impl()->storage; }

}  // namespace

TEST_CASE("reshape views whatever strides can express and copies the rest") {
  const Tensor x = counting({2, 3, 4});
  struct Case {
    Tensor x;
    Shape shape;
    bool view;
  };
  const Case cases[] = {
      {x, {24}, true},
      {x, {4, 6}, true},
      {x, {2, 1, 12, 1}, true},
      {x, {-1, 8}, true},
      {transpose(x, 0, 1), {3, 2, 2, 2}, true},  // splits an axis
      {transpose(x, 0, 1), {6, 4}, false},       // merges axes that are not nested
      {transpose(x, 0, 1), {3, 8}, false},
      {permute(x, {1, 2, 0}), {12, 2}, true},  // merges axes that are
      {permute(x, {1, 2, 0}), {3, 1, 4, 2, 1}, true},
      {permute(x, {1, 2, 0}), {2, 12}, false},
      {slice(x, 2, 1, 3), {6, 2}, true},
      {slice(x, 2, 1, 3), {12}, false},
      {slice(x, 2, 0, 4, 2), {2, 3, 2, 1}, true},
      {slice(x, 2, 0, 4, 2), {12}, true},  // every other element of a contiguous block
      {flip(x, {0, 1, 2}), {24}, true},    // backwards all the way
      {flip(x, {2}), {6, 2, 2}, true},
      {flip(x, {2}), {24}, false},
      {broadcast_to(counting({1, 4}), {3, 4}), {3, 2, 2}, true},
      {broadcast_to(counting({1, 4}), {3, 4}), {12}, false},
      {broadcast_to(counting({4, 1}), {4, 3}), {2, 2, 3}, true},
      {broadcast_to(counting({1, 1}), {4, 3}), {6, 2}, true},
  };
  int number = 0;
  for (const Case& c : cases) {
    INFO("case " << number++);
    const Tensor y = reshape(c.x, c.shape);
    CHECK(integers(y) == integers(c.x));
    CHECK(shares(y, c.x) == c.view);
    if (c.shape[0] != -1) CHECK(y.shape() == c.shape);
  }
  CHECK(reshape(x, {-1, 8}).shape() == Shape{3, 8});
  CHECK(reshape(counting({1}), {}).shape() == Shape{});
  CHECK(reshape(Tensor::scalar(3), {1, 1, -1}).shape() == Shape{1, 1, 1});
  CHECK(reshape(Tensor::zeros({0, 3}), {3, 0}).shape() == Shape{3, 0});
  CHECK(reshape(Tensor::zeros({0, 3}), {-1, 3}).shape() == Shape{0, 3});
  CHECK_THROWS_AS(reshape(x, {5, 5}), ValueError);
  CHECK_THROWS_AS(reshape(x, {-1, -1}), ValueError);
  CHECK_THROWS_AS(reshape(x, {-1, 5}), ValueError);
  CHECK_THROWS_AS(reshape(x, {-2, 12}), ValueError);
  CHECK_THROWS_AS(reshape(Tensor::zeros({0}), {-1, 0}), ValueError);
  CHECK_THROWS_AS(reshape(x, {}), ValueError);
  check_gradients([](const Tensor& a) { return reshape(a, {3, 2}); }, {2, 3});
  check_gradients([](const Tensor& a) { return reshape(transpose(a), {6}); }, {2, 3});
}

TEST_CASE("permute and transpose") {
  const Tensor x = counting({2, 3, 2});
  const Tensor y = permute(x, {2, 0, -2});
  CHECK(y.shape() == Shape{2, 2, 3});
  CHECK(shares(x, y));
  CHECK(integers(y) == Ints{0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11});
  CHECK(integers(transpose(x)) == Ints{0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11});
  CHECK(integers(transpose(x, 0, 2)) == Ints{0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11});
  CHECK_THROWS_AS(permute(x, {0, 1}), ValueError);
  CHECK_THROWS_AS(permute(x, {0, 1, 1}), ValueError);
  CHECK_THROWS_AS(permute(x, {0, 1, 3}), IndexError);
  CHECK_THROWS_AS(transpose(counting({3})), IndexError);
  check_gradients([](const Tensor& a) { return permute(a, {2, 0, 1}); }, {2, 3, 4});
  check_gradients([](const Tensor& a) { return transpose(a, 0, 2); }, {2, 3, 4});
}

TEST_CASE("broadcast_to repeats without memory") {
  const Tensor x = counting({3, 1});
  const Tensor y = broadcast_to(x, {2, -1, 2});
  CHECK(y.shape() == Shape{2, 3, 2});
  CHECK(shares(x, y));
  CHECK(integers(y) == Ints{0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2});
  CHECK(broadcast_to(Tensor::zeros({1, 2}), {0, 2}).shape() == Shape{0, 2});
  CHECK(broadcast_to(Tensor::scalar(1), {}).shape() == Shape{});
  CHECK_THROWS_AS(broadcast_to(x, {3}), ValueError);
  CHECK_THROWS_AS(broadcast_to(x, {2, 1}), ValueError);
  CHECK_THROWS_AS(broadcast_to(x, {-1, 3, 1}), ValueError);
  CHECK_THROWS_AS(broadcast_to(x, {3, -2}), ValueError);
  CHECK_THROWS_AS(broadcast_to(x, {int64_t{1} << 40, int64_t{1} << 40, 3, 1}), ValueError);
  check_gradients([](const Tensor& a) { return broadcast_to(a, {2, 3, 4}); }, {3, 1});
  check_gradients([](const Tensor& a) { return broadcast_to(a, {3}) * Tensor::arange(3, DType::Float64); }, {});
}

TEST_CASE("squeeze and unsqueeze") {
  const Tensor x = counting({1, 3, 1, 2});
  CHECK(squeeze(x).shape() == Shape{3, 2});
  CHECK(squeeze(x, {-2}).shape() == Shape{1, 3, 2});
  CHECK(squeeze(x, {0, 2}).shape() == Shape{3, 2});
  CHECK(integers(squeeze(x)) == Ints{0, 1, 2, 3, 4, 5});
  CHECK(squeeze(x, {1}).shape() == x.shape());  // not of size 1: it stays
  CHECK_THROWS_AS(squeeze(x, {0, 0}), ValueError);
  CHECK_THROWS_AS(squeeze(x, {4}), IndexError);
  const Tensor y = counting({2, 3});
  CHECK(unsqueeze(y, 0).shape() == Shape{1, 2, 3});
  CHECK(unsqueeze(y, -1).shape() == Shape{2, 3, 1});
  CHECK(unsqueeze(y, 1).is_contiguous());
  CHECK(unsqueeze(Tensor::scalar(1), 0).shape() == Shape{1});
  CHECK_THROWS_AS(unsqueeze(y, 3), IndexError);
  check_gradients([](const Tensor& a) { return squeeze(a, {1}); }, {2, 1, 3});
  check_gradients([](const Tensor& a) { return unsqueeze(a, 1); }, {2, 3});
}

TEST_CASE("flip") {
  const Tensor x = counting({2, 3});
  CHECK(integers(flip(x, {0})) == Ints{3, 4, 5, 0, 1, 2});
  CHECK(integers(flip(x, {-1})) == Ints{2, 1, 0, 5, 4, 3});
  CHECK(integers(flip(x, {})) == Ints{5, 4, 3, 2, 1, 0});
  CHECK(integers(flip(flip(x, {1}), {1})) == integers(x));
  CHECK(shares(x, flip(x, {0, 1})));
  CHECK(flip(Tensor::zeros({0, 3}), {0, 1}).shape() == Shape{0, 3});
  CHECK_THROWS_AS(flip(x, {0, -2}), ValueError);
  check_gradients([](const Tensor& a) { return flip(a, {0, 2}); }, {2, 3, 2});
}

TEST_CASE("slice follows Python's rules") {
  // Every start, stop and step in reach, against the loop that defines them.
  const int64_t size = 5;
  const Tensor x = counting({size});
  for (int64_t step : {-7, -3, -2, -1, 1, 2, 3, 7})
    for (int64_t start = -8; start <= 8; ++start)
      for (int64_t stop = -8; stop <= 8; ++stop) {
        Ints expected;
        int64_t i = start < 0 ? start + size : start;
        int64_t end = stop < 0 ? stop + size : stop;
        if (step > 0) {
          i = std::max<int64_t>(i, 0);
          for (; i < end && i < size; i += step) expected.push_back(i);
        } else {
          i = std::min(i, size - 1);
          for (; i > end && i >= 0; i += step) expected.push_back(i);
        }
        INFO(start << ":" << stop << ":" << step);
        CHECK(integers(slice(x, 0, start, stop, step)) == expected);
      }
  CHECK(integers(slice(x, 0)) == Ints{0, 1, 2, 3, 4});
  CHECK(integers(slice(x, 0, kSliceEnd, kSliceEnd, -2)) == Ints{4, 2, 0});
  CHECK(integers(slice(x, 0, kSliceEnd, 2)) == Ints{0, 1});
  CHECK(integers(slice(x, 0, 3, kSliceEnd, -1)) == Ints{3, 2, 1, 0});
  CHECK(integers(slice(x, 0, INT64_MIN, INT64_MAX - 1, INT64_MAX)) == Ints{0});
  CHECK(integers(slice(x, 0, INT64_MAX - 1, INT64_MIN, INT64_MIN)) == Ints{4});
  CHECK(slice(Tensor::zeros({0, 2}), 0, 1, 5, -1).shape() == Shape{0, 2});
  CHECK_THROWS_AS(slice(x, 0, 0, 3, 0), ValueError);
  CHECK_THROWS_AS(slice(x, 1), IndexError);
  CHECK_THROWS_AS(slice(Tensor::scalar(1), 0), IndexError);

  const Tensor y = counting({3, 4});
  CHECK(integers(slice(slice(y, 1, 3, 0, -2), 0, 1)) == Ints{7, 5, 11, 9});
  CHECK(shares(y, slice(y, 1, 1, 3)));
  check_gradients([](const Tensor& a) { return slice(a, 1, 1, 3); }, {2, 4});
  check_gradients([](const Tensor& a) { return slice(a, 0, 4, kSliceEnd, -2); }, {5, 2});
  check_gradients([](const Tensor& a) { return slice(slice(a, 1, 0, 3, 2), 0, 1); }, {3, 4, 2});

  const Tensor p = normal_leaf({3, 2}, 1);
  slice(p, 0, 2, 2).backward(Tensor::zeros({0, 2}, DType::Float64));
  CHECK(p.grad().to_vector<double>() == std::vector<double>(6, 0.0));
}

TEST_CASE("select, split and unbind") {
  const Tensor x = counting({2, 3, 2});
  CHECK(integers(select(x, 1, -1)) == Ints{4, 5, 10, 11});
  CHECK(select(counting({3}), 0, 2).item_int() == 2);
  CHECK_THROWS_AS(select(x, 1, 3), IndexError);
  CHECK_THROWS_AS(select(x, 1, -4), IndexError);
  CHECK_THROWS_AS(select(Tensor::zeros({0}), 0, 0), IndexError);

  const auto parts = split(x, 1, {1, 0, 2});
  REQUIRE(parts.size() == 3);
  CHECK(integers(parts[0]) == Ints{0, 1, 6, 7});
  CHECK(parts[1].shape() == Shape{2, 0, 2});
  CHECK(integers(parts[2]) == Ints{2, 3, 4, 5, 8, 9, 10, 11});
  CHECK(shares(x, parts[2]));
  CHECK_THROWS_AS(split(x, 1, {1, 1}), ValueError);
  CHECK_THROWS_AS(split(x, 1, {1, 3}), ValueError);
  CHECK_THROWS_AS(split(x, 1, {-1, 4}), ValueError);
  CHECK_THROWS_AS(split(x, 1, {INT64_MAX, INT64_MAX, 5}), ValueError);

  const auto rows = unbind(x, 1);
  REQUIRE(rows.size() == 3);
  CHECK(integers(rows[1]) == Ints{2, 3, 8, 9});
  CHECK(shares(x, rows[1]));
  CHECK(unbind(Tensor::zeros({2, 0}), 1).empty());
  CHECK(unbind(Tensor::zeros({2, 0}), 0).size() == 2);
  CHECK_THROWS_AS(unbind(Tensor::scalar(1), 0), IndexError);

  check_gradients([](const Tensor& a) { return select(a, 1, 2); }, {2, 3, 2});
  check_gradients([](const Tensor& a) { return select(a, 0, 1); }, {3});
  check_gradients([](const Tensors& in) { return split(in[0], 1, {1, 0, 2}); }, {normal_leaf({2, 3}, 1)});
  check_gradients([](const Tensors& in) { return unbind(in[0], -1); }, {normal_leaf({2, 3}, 1)});
  // Only some of the outputs are used.
  check_gradients([](const Tensor& a) { return unbind(a, 0)[1]; }, {3, 2});
  check_gradients([](const Tensor& a) { return split(a, 0, {2, 1})[0]; }, {3, 2});
}

TEST_CASE("concat and stack") {
  const Tensor a = counting({2, 2});
  const Tensor b = counting({2, 3});
  CHECK(integers(concat({a, b}, 1)) == Ints{0, 1, 0, 1, 2, 2, 3, 3, 4, 5});
  CHECK(integers(concat({a, transpose(b)}, 0)) == Ints{0, 1, 2, 3, 0, 3, 1, 4, 2, 5});
  CHECK(integers(concat({flip(b, {1}), slice(b, 1, 0, 3, 2), a}, -1)) ==
        Ints{2, 1, 0, 0, 2, 0, 1, 5, 4, 3, 3, 5, 2, 3});
  CHECK(integers(concat({broadcast_to(counting({1, 2}), {2, 2}), a}, 0)) == Ints{0, 1, 0, 1, 0, 1, 2, 3});
  CHECK(integers(concat({a, Tensor::zeros({2, 0}, DType::Int64)}, 1)) == integers(a));
  CHECK(concat({Tensor::zeros({0, 2}), Tensor::zeros({0, 3})}, 1).shape() == Shape{0, 5});
  const Tensor alone = concat({a}, 0);
  CHECK(integers(alone) == integers(a));
  CHECK_FALSE(shares(alone, a));
  const Tensor mixed = concat({a, Tensor::full({2, 1}, 0.5)}, 1);
  CHECK(mixed.dtype() == DType::Float32);
  CHECK(mixed.to_vector<float>() == std::vector<float>{0, 1, 0.5, 2, 3, 0.5});
  CHECK(integers(stack({a, a + a}, 0)) == Ints{0, 1, 2, 3, 0, 2, 4, 6});
  CHECK(integers(stack({a, a + a}, -1)) == Ints{0, 0, 1, 2, 2, 4, 3, 6});
  CHECK(stack({Tensor::scalar(1), Tensor::scalar(2)}, 0).to_vector<float>() == std::vector<float>{1, 2});

  CHECK_THROWS_AS(concat({}, 0), ValueError);
  CHECK_THROWS_AS(concat({a, b}, 0), ValueError);
  CHECK_THROWS_AS(concat({a, counting({2})}, 0), ValueError);
  CHECK_THROWS_AS(concat({Tensor::scalar(1)}, 0), ValueError);
  CHECK_THROWS_AS(concat({a, a}, 2), IndexError);
  CHECK_THROWS_AS(stack({a, b}, 0), ValueError);
  CHECK_THROWS_AS(stack({}, 0), ValueError);

  check_gradients(
      [](const Tensors& in) {
        return Tensors{concat({in[0], in[1], in[0]}, 1)};
      },
      {normal_leaf({2, 2}, 1), normal_leaf({2, 3}, 2)});
  check_gradients(
      [](const Tensors& in) {
        return Tensors{concat({transpose(in[0]), in[1]}, 0)};
      },
      {normal_leaf({3, 2}, 1), normal_leaf({1, 3}, 2)});
  check_gradients(
      [](const Tensors& in) {
        return Tensors{stack({in[0], in[1]}, 1)};
      },
      {normal_leaf({2, 3}, 1), normal_leaf({2, 3}, 2)});
}

TEST_CASE("concat of every row length and dtype, at every number of threads, equals a plain loop") {
  const Threads restored;
  for (DType dtype : {DType::Float32, DType::Float64, DType::Float16, DType::UInt8})
    for (int64_t width : {1, 2, 3, 5, 7, 8, 15, 16, 17, 33, 300}) {
      const int64_t rows = 20000 / width + 1;
      const Tensor a = cast(counting({rows, width}) - 1.0 * 7, dtype);
      const Tensor b = cast(counting({rows, 9}) * 3.0, dtype);
      const auto left = cast(a, DType::Float64).to_vector<double>();
      const auto right = cast(b, DType::Float64).to_vector<double>();
      std::vector<double> expected;
      for (int64_t r = 0; r < rows; ++r) {
        expected.insert(expected.end(), left.begin() + r * width, left.begin() + (r + 1) * width);
        expected.insert(expected.end(), right.begin() + r * 9 + 2, right.begin() + r * 9 + 7);
      }
      for (int threads : {1, 2, 3}) {
        set_num_threads(threads);
        INFO(name(dtype) << " width " << width << " threads " << threads);
        const Tensor y = concat({a, slice(b, 1, 2, 7)}, 1);
        CHECK(cast(y, DType::Float64).to_vector<double>() == expected);
        // The other axis copies long blocks.
        const Tensor z = concat({a, slice(a, 0, 3)}, 0);
        auto tall = left;
        tall.insert(tall.end(), left.begin() + std::min<int64_t>(rows, 3) * width, left.end());
        CHECK(cast(z, DType::Float64).to_vector<double>() == tall);
      }
    }
}

TEST_CASE("copies between axis orders go by transposed blocks and short rows") {
  for (const Shape& shape : {Shape{3, 5, 7}, Shape{130, 3, 70}, Shape{2, 65, 129}})
    for (DType dtype : {DType::UInt8, DType::Float16, DType::Float32, DType::Float64})
      for (const Dims& axes : {Dims{0, 2, 1}, Dims{1, 0, 2}, Dims{2, 0, 1}, Dims{2, 1, 0}}) {
        const Tensor x = cast(counting(shape), dtype);
        const Tensor view = permute(x, axes);
        const Tensor y = contiguous(view);
        const Tensor back = Tensor::zeros(shape, dtype);
        copy_(permute(back, axes), y);  // a target that is not contiguous
        CHECK(integers(cast(back, DType::Int64)) == integers(cast(x, DType::Int64)));
        // Element by element, through another dtype's loop.
        CHECK(integers(cast(y, DType::Int64)) == integers(cast(view, DType::Int64)));
      }
}

TEST_CASE("windows overlap in the gradient, diagonals lie apart") {
  const Tensor x = counting({2, 5});
  CHECK(integers(unfold(x, 1, 3, 2)) == Ints{0, 1, 2, 2, 3, 4, 5, 6, 7, 7, 8, 9});
  CHECK(shares(x, unfold(x, 1, 3, 2)));
  CHECK(unfold(x, 0, 0, 1).shape() == Shape{3, 5, 0});
  CHECK(unfold(Tensor::scalar(3), 0, 1, 1).shape() == Shape{1});
  CHECK(integers(diagonal(x, 1)) == Ints{1, 7});
  CHECK(integers(diagonal(x, -1)) == Ints{5});
  CHECK(diagonal(x, INT64_MIN).shape() == Shape{0});
  CHECK(integers(diag_embed(slice(x, 1, 0, 2), 1)) == Ints{0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0});
  check_gradients([](const Tensor& a) { return unfold(a, 0, 3, 2); }, {7, 2});
  check_gradients([](const Tensor& a) { return unfold(a, -1, 2, 1); }, {2, 4});
  check_gradients([](const Tensor& a) { return diagonal(a, -1, 2, 0); }, {3, 2, 4});
}

TEST_CASE("gradients that are views of one another accumulate apart") {
  // reshape, broadcast_to and concat hand views of dy on; adding in place into one must not reach the other.
  const Tensor x = normal_leaf({2, 3}, 5);
  const Tensor joined = concat({x, x}, 0);
  const Tensor y =
      joined * Tensor::arange(4, DType::Float64).view({4, 1}, {1, 1}, 0) + reshape(reshape(joined, {12}), {4, 3});
  y.backward(Tensor::ones({4, 3}, DType::Float64));
  // d/dx = (0 + 1) + (2 + 1) in the first row, (1 + 1) + (3 + 1) in the second.
  CHECK(x.grad().to_vector<double>() == std::vector<double>{4, 4, 4, 6, 6, 6});
  check_gradients(
      [](const Tensors& in) {
        const Tensor a = broadcast_to(in[0], {2, 3});
        return Tensors{reshape(a, {3, 2}) * transpose(a) + transpose(flip(a, {1}))};
      },
      {normal_leaf({2, 3}, 6)});
}
