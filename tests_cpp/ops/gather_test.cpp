// Indexing: values against NumPy's own answers, gradients and second gradients, threads, every refusal.
#include "needlecpp/ops/gather.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/shape.h"
#include "support.h"

using namespace needlecpp;

namespace {

using Ints = std::vector<int64_t>;
using Indices = std::vector<std::optional<Tensor>>;
const std::optional<Tensor> kAll = std::nullopt;

Tensor ints(const std::vector<int64_t>& values, const Shape& shape) { return Tensor::from_vector(values, shape); }
Tensor ints(const std::vector<int64_t>& values) { return ints(values, {static_cast<int64_t>(values.size())}); }
Tensor mask(const std::vector<int64_t>& values, const Shape& shape) { return cast(ints(values, shape), DType::Bool); }
Tensor floats(const std::vector<float>& values, const Shape& shape) { return Tensor::from_vector(values, shape); }

// The same elements behind negative strides, and behind swapped axes.
Tensor flipped_twin(const Tensor& x) { return flip(contiguous(flip(x, {})), {}); }
Tensor swapped_twin(const Tensor& x) { return x.rank() < 2 ? x : transpose(contiguous(transpose(x, 0, -1)), 0, -1); }

struct Case {
  const char* name;
  Shape shape;
  Indices indices;
  Shape result;
  std::vector<int64_t> values;
};

// x counts up from 0; results are NumPy's.
std::vector<Case> cases() {
  return {
      {"one index in front", {4, 3}, {ints({2, 0, -1, 2}, {4})}, {4, 3}, {6, 7, 8, 0, 1, 2, 9, 10, 11, 6, 7, 8}},
      {"one index in the middle",
       {2, 4, 3},
       {kAll, ints({3, -4}, {2})},
       {2, 2, 3},
       {9, 10, 11, 0, 1, 2, 21, 22, 23, 12, 13, 14}},
      {"one index at the end",
       {2, 3, 4},
       {kAll, kAll, ints({1, 1, 3}, {3})},
       {2, 3, 3},
       {1, 1, 3, 5, 5, 7, 9, 9, 11, 13, 13, 15, 17, 17, 19, 21, 21, 23}},
      {"a matrix of indices",
       {3, 2, 2},
       {kAll, ints({0, 1, -1, 1, 0, 0}, {2, 3})},
       {3, 2, 3, 2},
       {0, 1, 2, 3, 2, 3, 2, 3, 0,  1,  0,  1,  4,  5,  6, 7, 6, 7,
        6, 7, 4, 5, 4, 5, 8, 9, 10, 11, 10, 11, 10, 11, 8, 9, 8, 9}},
      {"adjacent pair", {2, 3, 4}, {kAll, ints({0, 2, -1}, {3}), ints({3, 0, 1}, {3})}, {2, 3}, {3, 8, 9, 15, 20, 21}},
      {"adjacent in front", {2, 3, 4}, {ints({0, 1}, {2}), ints({2, -3}, {2})}, {2, 4}, {8, 9, 10, 11, 12, 13, 14, 15}},
      {"separated pair goes in front",
       {2, 3, 4},
       {ints({0, -1, 1}, {3}), kAll, ints({3, 0, 2}, {3})},
       {3, 3},
       {3, 7, 11, 12, 16, 20, 14, 18, 22}},
      {"separated, axis before and between",
       {2, 2, 3, 2},
       {kAll, ints({0, 1, 1}, {3}), kAll, ints({1, 0, -1}, {3})},
       {3, 2, 3},
       {1, 3, 5, 13, 15, 17, 6, 8, 10, 18, 20, 22, 7, 9, 11, 19, 21, 23}},
      {"indices broadcast", {3, 4}, {ints({0, 2}, {2, 1}), ints({1, -1, 0}, {1, 3})}, {2, 3}, {1, 3, 0, 9, 11, 8}},
      {"broadcast with a separated pair",
       {2, 3, 3},
       {ints({0, 1}, {2, 1}), kAll, ints({0, 2}, {2})},
       {2, 2, 3},
       {0, 3, 6, 2, 5, 8, 9, 12, 15, 11, 14, 17}},
      {"scalar index tensor", {3, 4}, {ints({1}, {})}, {4}, {4, 5, 6, 7}},
      {"scalar with array, separated",
       {2, 3, 2},
       {ints({1}, {}), kAll, ints({0, 1, 0}, {3})},
       {3, 3},
       {6, 8, 10, 7, 9, 11, 6, 8, 10}},
      {"full mask", {2, 3}, {mask({1, 0, 1, 0, 1, 1}, {2, 3})}, {4}, {0, 2, 4, 5}},
      {"mask on one axis", {2, 4, 2}, {kAll, mask({1, 0, 0, 1}, {4})}, {2, 2, 2}, {0, 1, 6, 7, 8, 9, 14, 15}},
      {"mask over two axes, then rest", {2, 2, 3}, {mask({0, 1, 1, 1}, {2, 2})}, {3, 3}, {3, 4, 5, 6, 7, 8, 9, 10, 11}},
      {"mask over two axes behind one",
       {2, 2, 3},
       {kAll, mask({1, 0, 1, 0, 1, 0}, {2, 3})},
       {2, 3},
       {0, 2, 4, 6, 8, 10}},
      {"mask with index", {3, 4}, {mask({1, 0, 1}, {3}), ints({3, -2}, {2})}, {2}, {3, 10}},
      {"mask that selects nothing", {2, 3}, {mask({0, 0}, {2})}, {0, 3}, {}},
      {"two masks", {3, 3}, {mask({1, 0, 1}, {3}), mask({0, 1, 1}, {3})}, {2}, {1, 8}},
      {"empty index", {3, 2}, {ints({}, {0})}, {0, 2}, {}},
      {"empty index of two axes", {3, 2}, {ints({}, {0, 2})}, {0, 2, 2}, {}},
      {"all three axes", {2, 3, 4}, {ints({1, 0}, {2}), ints({-1, 2}, {2}), ints({0, 3}, {2})}, {2}, {20, 11}},
  };
}

const DType kAllTypes[] = {DType::Float32, DType::Float64, DType::Float16, DType::BFloat16,
                           DType::Int32,   DType::Int64,   DType::UInt8,   DType::Bool};

}  // namespace

TEST_CASE("index gives NumPy's answers for any layout, dtype and index dtype") {
  for (const Case& c : cases()) {
    INFO(c.name);
    const Tensor x = counting(c.shape);
    for (const Tensor& twin : {x, flipped_twin(x), swapped_twin(x)}) {
      const Tensor y = index(twin, c.indices);
      CHECK(y.shape() == c.result);
      CHECK(y.to_vector<int64_t>() == c.values);
    }
    for (DType dtype : kAllTypes) {
      if (dtype == DType::Bool) continue;
      const Tensor y = index(cast(x, dtype), c.indices);
      CHECK(y.dtype() == dtype);
      CHECK(integers(y) == c.values);
    }
    Indices narrow = c.indices;
    for (auto& one : narrow)
      if (one && one->dtype() == DType::Int64) one = cast(*one, DType::Int32);
    CHECK(index(x, narrow).to_vector<int64_t>() == c.values);
  }
  const Tensor odd = mask({1, 0, 0, 1, 1, 0}, {3, 2});
  CHECK(integers(index(odd, {ints({2, 0})})) == std::vector<int64_t>{1, 0, 1, 0});
  CHECK(integers(index(counting({2, 2}), {})) == std::vector<int64_t>{0, 1, 2, 3});
}

TEST_CASE("index has first and second derivatives") {
  for (const Case& c : cases()) {
    INFO(c.name);
    if (c.values.empty()) continue;
    check_gradients([&](const Tensors& in) { return Tensors{index(in[0], c.indices)}; }, {normal_leaf(c.shape, 1)});
  }
  // An empty result gives zeros, not an error.
  const Tensor x = normal_leaf({3, 2}, 2);
  const Tensor y = index(x, {ints({}, {0})});
  y.backward(Tensor::zeros({0, 2}, DType::Float64));
  CHECK(x.grad().to_vector<double>() == std::vector<double>(6, 0.0));
}

TEST_CASE("index_put_ writes where index reads") {
  for (const Case& c : cases()) {
    INFO(c.name);
    const Tensor x = counting(c.shape);
    for (const Tensor& made : {clone(x), flipped_twin(x), swapped_twin(x)}) {
      const Tensor target = made.is_same(x) ? clone(x) : made;
      // A scalar everywhere, then what is not at the places must be as it was.
      index_put_(target, c.indices, ints({-7}, {}));
      std::vector<int64_t> expected = x.to_vector<int64_t>();
      for (int64_t place : c.values) expected[place] = -7;
      CHECK(target.to_vector<int64_t>() == expected);
    }
    for (DType dtype : {DType::Float32, DType::Float64, DType::Float16, DType::BFloat16, DType::Int32, DType::UInt8}) {
      const Tensor target = Tensor::zeros(c.shape, dtype);
      index_put_(target, c.indices, Tensor::ones(c.result, dtype), true);
      std::vector<int64_t> counts(static_cast<size_t>(numel(c.shape)), 0);
      for (int64_t place : c.values) ++counts[place];
      CHECK(integers(target) == counts);
    }
  }
}

TEST_CASE("index_put_ broadcasts, casts, keeps the last write and guards what it must not touch") {
  Tensor x = Tensor::zeros({3, 2});
  index_put_(x, {ints({0, 2})}, ints({5, 6}, {1, 1, 2}));  // NumPy drops leading axes of size 1
  CHECK(x.to_vector<float>() == std::vector<float>{5, 6, 0, 0, 5, 6});
  index_put_(x, {ints({1, 1, -2})}, floats({1, 2, 3}, {3, 1}));
  CHECK(x.to_vector<float>() == std::vector<float>{5, 6, 3, 3, 5, 6});
  // Values that overlap the target are read before anything is written.
  Tensor line = Tensor::arange(4);
  index_put_(line, {ints({1, 2, 3})}, slice(line, 0, 0, 3));
  CHECK(line.to_vector<int64_t>() == std::vector<int64_t>{0, 0, 1, 2});

  const uint32_t version = x.version();
  index_put_(x, {ints({0})}, Tensor::scalar(1));
  CHECK(x.version() > version);
  CHECK_THROWS_AS(index_put_(x, {ints({0, 3})}, Tensor::scalar(9)), IndexError);
  CHECK(x.to_vector<float>() == std::vector<float>{1, 1, 3, 3, 5, 6});  // nothing was written before the check
  CHECK_THROWS_AS(index_put_(x, {ints({0})}, floats({1, 2, 3}, {3})), ValueError);
  CHECK_THROWS_AS(index_put_(broadcast_to(Tensor::zeros({1, 2}), {3, 2}), {ints({0})}, Tensor::scalar(1)), ValueError);
  CHECK_THROWS_AS(index_put_(mask({1, 0}, {2}), {ints({0})}, mask({1}, {1}), true), TypeError);
  CHECK_THROWS_AS(index_put_(normal_leaf({2}, 1), {ints({0})}, Tensor::scalar(1, DType::Float64)), Error);

  // An index edited between forward and backward is an error, not a wrong gradient.
  const Tensor w = normal_leaf({3}, 4);
  const Tensor places = ints({0, 1});
  const Tensor y = index(w, {places});
  index_put_(places, {ints({0})}, ints({2}, {}));
  CHECK_THROWS_AS(y.backward(Tensor::ones({2}, DType::Float64)), Error);
}

TEST_CASE("gather and scatter_add follow their definition") {
  const Tensor x = counting({3, 4});
  CHECK(gather(x, 0, ints({2, 0, -1, 1, 0, 0}, {2, 3})).to_vector<int64_t>() ==
        std::vector<int64_t>{8, 1, 10, 4, 1, 2});
  CHECK(gather(x, 1, ints({3, -4, 1, 1, 0, 2}, {3, 2})).to_vector<int64_t>() ==
        std::vector<int64_t>{3, 0, 5, 5, 8, 10});
  CHECK(gather(flipped_twin(x), -1, cast(ints({3, 0}, {1, 2}), DType::Int32)).to_vector<int64_t>() ==
        std::vector<int64_t>{3, 0});
  CHECK(gather(transpose(x), 0, ints({3, 0, 1}, {1, 3})).to_vector<int64_t>() == std::vector<int64_t>{3, 4, 9});
  CHECK(gather(x, 0, ints({}, {0, 4})).shape() == Shape{0, 4});
  const Tensor cube = counting({2, 3, 2});
  CHECK(gather(cube, 1, ints({2, 0, 1, 1}, {2, 1, 2})).to_vector<int64_t>() == std::vector<int64_t>{4, 1, 8, 9});

  const Tensor zeros = Tensor::zeros({2, 3}, DType::Int64);
  const Tensor places = ints({0, 1, -2, 0, 0, 1}, {2, 3});
  CHECK(scatter_add(zeros, 0, places, ints({1, 2, 3, 4, 5, 6}, {2, 3})).to_vector<int64_t>() ==
        std::vector<int64_t>{5, 5, 3, 0, 2, 6});
  CHECK(scatter_add(zeros, 1, places, ints({1}, {})).to_vector<int64_t>() == std::vector<int64_t>{1, 2, 0, 2, 1, 0});
  CHECK(zeros.to_vector<int64_t>() == std::vector<int64_t>(6, 0));
  for (DType dtype : kAllTypes) {
    if (dtype == DType::Bool) continue;
    const Tensor y = scatter_add(Tensor::ones({2, 3}, dtype), 0, places, Tensor::ones({2, 3}, dtype));
    CHECK(y.dtype() == dtype);
    CHECK(integers(y) == std::vector<int64_t>{3, 2, 2, 1, 2, 2});
    CHECK(integers(gather(cast(x, dtype), 1, ints({1}, {1, 1}))) == std::vector<int64_t>{1});
  }

  check_gradients([&](const Tensors& in) { return Tensors{gather(in[0], 0, places)}; }, {normal_leaf({2, 3}, 1)});
  check_gradients(
      [&](const Tensors& in) {
        return Tensors{gather(in[0], 1, ints({2, 2}, {1, 2}))};
      },
      {normal_leaf({2, 3}, 1)});
  check_gradients([&](const Tensors& in) { return Tensors{scatter_add(in[0], 1, places, in[1])}; },
                  {normal_leaf({2, 3}, 1), normal_leaf({2, 3}, 2)});
  check_gradients([&](const Tensors& in) { return Tensors{scatter_add(in[0], 0, places, in[1])}; },
                  {normal_leaf({2, 3}, 1), normal_leaf({}, 2)});
}

TEST_CASE("index_select and index_add move whole slices") {
  const Tensor x = counting({2, 3, 2});
  CHECK(index_select(x, 0, ints({1, 1, -2})).to_vector<int64_t>() ==
        std::vector<int64_t>{6, 7, 8, 9, 10, 11, 6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5});
  CHECK(index_select(x, 1, ints({2, 0})).to_vector<int64_t>() == std::vector<int64_t>{4, 5, 0, 1, 10, 11, 6, 7});
  CHECK(index_select(flipped_twin(x), -1, ints({1})).to_vector<int64_t>() == std::vector<int64_t>{1, 3, 5, 7, 9, 11});
  CHECK(index_select(x, 1, ints({}, {0})).shape() == Shape{2, 0, 2});
  CHECK(index_select(Tensor::zeros({0, 3}), 1, ints({2, 1})).shape() == Shape{0, 2});

  const Tensor y = index_add(x, 1, ints({0, 2, 0}), Tensor::ones({2, 3, 2}, DType::Int64));
  CHECK(y.to_vector<int64_t>() == std::vector<int64_t>{2, 3, 2, 3, 5, 6, 8, 9, 8, 9, 11, 12});
  CHECK(index_add(x, 0, ints({-1}), ints({10, 20, 10, 20, 10, 20}, {1, 3, 2})).to_vector<int64_t>() ==
        std::vector<int64_t>{0, 1, 2, 3, 4, 5, 16, 27, 18, 29, 20, 31});
  for (DType dtype : kAllTypes) {
    if (dtype == DType::Bool) continue;
    const Tensor sums = index_add(Tensor::zeros({2, 1}, dtype), 0, ints({1, 1}), Tensor::ones({2, 1}, dtype));
    CHECK(sums.dtype() == dtype);
    CHECK(integers(sums) == std::vector<int64_t>{0, 2});
  }
  // Float16 adds in float32: 2048 + 1 + 1 is 2050, which float16 steps cannot reach.
  const Tensor half =
      index_add(Tensor::full({1}, 2048, DType::Float16), 0, ints({0, 0}), Tensor::ones({2}, DType::Float16));
  CHECK(half.item() == 2050);

  for (int axis = 0; axis < 3; ++axis) {
    const Tensor places = ints({1, 0, 1, -1});
    Shape slices = {2, 3, 2};
    slices[axis] = 4;
    check_gradients([&](const Tensors& in) { return Tensors{index_select(in[0], axis, places)}; },
                    {normal_leaf({2, 3, 2}, 1)});
    check_gradients([&](const Tensors& in) { return Tensors{index_add(in[0], axis, places, in[1])}; },
                    {normal_leaf({2, 3, 2}, 1), normal_leaf(slices, 2)});
  }
}

TEST_CASE("rows of every length are copied and added whole, at every number of threads") {
  // Odd row lengths around the steps of the row copy, destinations met often, against a plain loop.
  for (int64_t width : {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 64, 127, 257, 1025}) {
    INFO("width " << width);
    const int64_t rows = 61;
    const int64_t taken = std::max<int64_t>(97, 40000 / width);
    Generator generator(static_cast<uint64_t>(width));
    const Tensor x = randn({rows, width}, 0, 1, DType::Float32, {}, generator);
    const Tensor src = randn({taken, width}, 0, 1, DType::Float32, {}, generator);
    const Tensor places = randint(-rows, rows, {taken}, DType::Int64, {}, generator);
    const auto table = x.to_vector<float>();
    const auto added = src.to_vector<float>();
    const auto at = places.to_vector<int64_t>();
    std::vector<float> selected;
    std::vector<float> sums = table;
    std::vector<float> put = table;
    for (int64_t p = 0; p < taken; ++p) {
      const int64_t row = at[p] < 0 ? at[p] + rows : at[p];
      for (int64_t j = 0; j < width; ++j) {
        selected.push_back(table[row * width + j]);
        sums[row * width + j] += added[p * width + j];
        put[row * width + j] = added[p * width + j];
      }
    }
    const Tensor lanes = broadcast_to(unsqueeze(places, 1), {taken, width});
    for (int threads : {1, 2, 3, 7}) {
      const Threads scope(threads);
      CHECK(index_select(x, 0, places).to_vector<float>() == selected);
      CHECK(index_add(x, 0, places, src).to_vector<float>() == sums);
      CHECK(gather(x, 0, lanes).to_vector<float>() == selected);
      CHECK(scatter_add(x, 0, lanes, src).to_vector<float>() == sums);
      const Tensor target = clone(x);
      index_put_(target, {places}, src);
      CHECK(target.to_vector<float>() == put);
      // Columns: many blocks before the indexed axis.
      CHECK(transpose(index_add(contiguous(transpose(x)), 1, places, transpose(src))).to_vector<float>() == sums);
      CHECK(index_add(flipped_twin(x), 0, places, src).to_vector<float>() == sums);
      const Tensor backwards = flipped_twin(x);
      index_put_(backwards, {places}, src);
      CHECK(backwards.to_vector<float>() == put);
    }
  }
}

TEST_CASE("every index is checked before memory is touched") {
  const Tensor x = counting({3, 4});
  CHECK_THROWS_AS(index_select(x, 0, ints({0, 3})), IndexError);
  CHECK_THROWS_AS(index_select(x, 1, ints({-5})), IndexError);
  CHECK_THROWS_AS(index_select(Tensor::zeros({0, 4}), 0, ints({0})), IndexError);
  CHECK_THROWS_AS(index_add(x, 0, ints({0, 1, 3}), x), IndexError);
  CHECK_THROWS_AS(gather(x, 0, ints({INT64_MIN}, {1, 1})), IndexError);
  CHECK_THROWS_AS(gather(x, 0, ints({INT64_MAX}, {1, 1})), IndexError);
  CHECK_THROWS_AS(scatter_add(x, 1, ints({4}, {1, 1}), ints({1}, {})), IndexError);
  CHECK_THROWS_AS(index(x, {ints({0}), ints({4})}), IndexError);
  CHECK_THROWS_AS(index(Tensor::zeros({0, 4}), {kAll, ints({4})}), IndexError);  // as NumPy, though nothing is read
  try {
    std::vector<int64_t> many(100000, 1);
    many[70001] = -9;
    many[70002] = 12;
    index_select(x, 0, ints(many));
    FAIL("no error");
  } catch (const IndexError& error) {
    CHECK(std::string(error.what()) ==
          "[index_select] index out of range: got -9 for axis 0 of size 3, expected -3 to 2.");
  }
}

TEST_CASE("wrong dtypes and shapes are refused by name") {
  const Tensor x = counting({3, 4});
  for (const Tensor& wrong : {Tensor::zeros({3, 4}), mask({1}, {1, 1})}) {
    CHECK_THROWS_AS(gather(x, 0, wrong), TypeError);
    CHECK_THROWS_AS(scatter_add(x, 0, wrong, x), TypeError);
    CHECK_THROWS_AS(index_select(x, 0, select(wrong, 0, 0)), TypeError);
    CHECK_THROWS_AS(one_hot(wrong, 3), TypeError);
  }
  CHECK_THROWS_AS(index(x, {Tensor::zeros({2})}), TypeError);
  CHECK_THROWS_AS(index(x, {kAll, kAll, ints({0})}), IndexError);
  CHECK_THROWS_AS(index(x, {mask({1, 0}, {2})}), IndexError);
  CHECK_THROWS_AS(index(x, {kAll, mask({1, 0, 1, 1}, {2, 2})}), IndexError);
  CHECK_THROWS_AS(index(x, {mask({1}, {})}), IndexError);
  CHECK_THROWS_AS(index(x, {ints({0, 1}), ints({0, 1, 2})}), IndexError);
  CHECK_THROWS_AS(gather(x, 0, ints({0})), ValueError);
  CHECK_THROWS_AS(gather(x, 0, Tensor::zeros({1, 5}, DType::Int64)), ValueError);
  CHECK_THROWS_AS(gather(Tensor::scalar(1), 0, ints({1}, {})), IndexError);
  CHECK_THROWS_AS(index_select(x, 0, ints({0}, {1, 1})), ValueError);
  CHECK_THROWS_AS(index_select(x, 2, ints({0})), IndexError);
  CHECK_THROWS_AS(index_add(x, 0, ints({0, 1}), Tensor::zeros({3, 4}, DType::Int64)), ValueError);
  CHECK_THROWS_AS(index_add(x, 0, ints({0}), Tensor::zeros({1, 4})), TypeError);  // float32 into int64
  CHECK_THROWS_AS(index_add(mask({1}, {1}), 0, ints({0}), mask({1}, {1})), TypeError);
  CHECK_THROWS_AS(scatter_add(x, 0, ints({0, 0}, {1, 2}), Tensor::zeros({1, 1, 3}, DType::Int64)), ValueError);
  CHECK_THROWS_AS(scatter(x, 0, ints({0}, {1, 1}), Tensor::zeros({1, 1})), TypeError);
  CHECK_THROWS_AS(index_copy(x, 0, ints({0, 1}), Tensor::zeros({3, 4}, DType::Int64)), ValueError);
  CHECK_THROWS_AS(scatter_reduce(x, 0, ints({0}, {1, 1}), x, ScatterReduction::Mean), TypeError);
  CHECK_THROWS_AS(index_add(x, 0, ints({0, 1}), Tensor::zeros({4}, DType::Int64)), ValueError);
  CHECK_THROWS_AS(scatter(x, 0, ints({0, 0}, {2, 1}), Tensor::zeros({1, 1}, DType::Int64)), ValueError);
}

TEST_CASE("writes of every kind: the last stays, src may be longer, tensors without axes") {
  const Tensor x = counting({3, 2});
  const Tensor src = Tensor::full({4, 2}, 9, DType::Int64);
  CHECK(integers(scatter(x, 0, ints({2, 0}, {1, 2}), src)) == Ints{0, 9, 2, 3, 9, 5});
  CHECK(integers(scatter_add(x, 0, ints({2, 0}, {1, 2}), src)) == Ints{0, 10, 2, 3, 13, 5});
  CHECK(integers(scatter(x, 0, cast(ints({2, 0}, {1, 2}), DType::UInt8), Tensor::scalar(7, DType::Int64))) ==
        Ints{0, 7, 2, 3, 7, 5});
  CHECK(integers(scatter(counting({3}), 0, ints({1, 1, -1}), ints({5, 6, 7}))) == Ints{0, 6, 7});
  CHECK(integers(scatter(ints({4}, {}), 0, ints({0}, {}), ints({8}, {}))) == Ints{8});
  CHECK(gather(counting({5}), 0, Tensor::zeros({2, 0}, DType::Int64)).shape() == Shape{2, 0});
  CHECK(integers(index_copy(x, 0, ints({2}), ints({7, 8}, {1, 2}))) == Ints{0, 1, 2, 3, 7, 8});
  CHECK(integers(index_fill(x, 1, ints({-1}), ints({7}, {}))) == Ints{0, 7, 2, 7, 4, 7});
  CHECK(integers(index_put(x, {std::nullopt, mask({0, 1}, {2})}, ints({7}, {}))) == Ints{0, 7, 2, 7, 4, 7});
  CHECK(integers(scatter_reduce(counting({2}), 0, ints({1, 1}), ints({-3, -2}), ScatterReduction::Max, false)) ==
        Ints{0, -2});
  CHECK(integers(take_along_axis(x, ints({1, 0}, {1, 2}), 0)) == Ints{2, 1});
  CHECK(integers(masked_select(counting({3}), mask({1, 0}, {2, 1}))) == Ints{0, 1, 2});
}

// The twin: one write after the other.
TEST_CASE("the last write to a place has its gradient, the others have 0") {
  constexpr int64_t kRows = 13, kWrites = 20011;
  Generator generator(7);
  const Tensor at = randint(-kRows, kRows, {kWrites}, DType::Int64, {}, generator);
  const Tensor dy = rand({kRows, 3}, 1, 2, DType::Float64, {}, generator);
  std::vector<int64_t> last(kRows, -1);
  for (int64_t p = 0; p < kWrites; ++p) last[static_cast<size_t>((at.data<int64_t>()[p] + kRows) % kRows)] = p;
  const Tensor expected = Tensor::zeros({kWrites, 3}, DType::Float64);
  for (int64_t row = 0; row < kRows; ++row)
    for (int64_t k = 0; k < 3; ++k)
      expected.data<double>()[last[static_cast<size_t>(row)] * 3 + k] = dy.data<double>()[row * 3 + k];

  const Tensor x = Tensor::zeros({kRows, 3}, DType::Float64);
  const Tensor wide = contiguous(broadcast_to(unsqueeze(at, 1), {kWrites, 3}));
  const std::vector<std::function<Tensor(const Tensor&)>> writes = {
      [&](const Tensor& v) { return scatter(x, 0, wide, v); },
      [&](const Tensor& v) { return index_copy(x, 0, at, v); },
      [&](const Tensor& v) { return index_put(x, {at}, v); },
      [&](const Tensor& v) { return put_along_axis(x, wide, v, 0); },
      [&](const Tensor& v) {
        return transpose(index_put(transpose(x), {kAll, at}, transpose(v)));
      },
      [&](const Tensor& v) {
        return index_put(unsqueeze(x, 0), {ints({0}), at}, v);
      },
  };
  for (const auto& write : writes)
    for (int threads : {1, 2, 5}) {
      const Threads scope(threads);
      const Tensor v = normal_leaf({kWrites, 3}, 8);
      const Tensor y = write(v);
      y.backward(reshape(dy, y.shape()));
      CHECK(v.grad().to_vector<double>() == expected.to_vector<double>());
    }
}

TEST_CASE("gradients of writes that overwrite each other") {
  const Tensor at = ints({1, -2, 0, 1});
  check_gradients(
      [&](const Tensors& in) {
        return Tensors{index_put(in[0], {kAll, at}, in[1])};
      },
      {normal_leaf({2, 3}, 1), normal_leaf({2, 4}, 2)});
  check_gradients([&](const Tensors& in) { return Tensors{index_fill(in[0], 1, at, in[1])}; },
                  {normal_leaf({2, 3}, 1), normal_leaf({}, 2)});
  check_gradients(
      [&](const Tensors& in) {
        return Tensors{scatter(in[0], 1, reshape(at, {2, 2}), in[1])};
      },
      {normal_leaf({2, 3}, 1), normal_leaf({2, 2}, 2)});
  check_gradients(
      [&](const Tensors& in) {
        return Tensors{index_put(in[0], {mask({1, 0, 1}, {3}), ints({1})}, in[1])};
      },
      {normal_leaf({3, 2}, 1), normal_leaf({2}, 2)});
}

TEST_CASE("nonzero lists positions in order") {
  CHECK(nonzero(mask({0, 1, 1, 0, 0, 1}, {2, 3})).to_vector<int64_t>() == std::vector<int64_t>{0, 1, 0, 2, 1, 2});
  CHECK(nonzero(transpose(mask({0, 1, 1, 0, 0, 1}, {2, 3}))).to_vector<int64_t>() ==
        std::vector<int64_t>{1, 0, 2, 0, 2, 1});
  CHECK(nonzero(floats({0, -1, 2, __builtin_nanf("")}, {4})).to_vector<int64_t>() == std::vector<int64_t>{1, 2, 3});
  CHECK(nonzero(Tensor::zeros({2, 0, 3})).shape() == Shape{0, 3});
  CHECK(nonzero(mask({0, 0}, {2})).shape() == Shape{0, 1});
  CHECK(nonzero(Tensor::scalar(2)).shape() == Shape{1, 0});
  Generator generator(3);
  const int64_t count = 100003;  // several chunks and a rest
  const Tensor flags = cast(randint(0, 2, {count}, DType::Int64, {}, generator), DType::Bool);
  std::vector<int64_t> expected;
  const auto bits = flags.to_vector<bool>();
  for (int64_t i = 0; i < count; ++i)
    if (bits[i]) expected.push_back(i);
  for (int threads : {1, 2, 5}) {
    const Threads scope(threads);
    CHECK(nonzero(flags).to_vector<int64_t>() == expected);
  }
}

TEST_CASE("one_hot") {
  const Tensor y = one_hot(ints({2, 0, 1}, {3, 1}), 3);
  CHECK(y.shape() == Shape{3, 1, 3});
  CHECK(y.dtype() == DType::Float32);
  CHECK(y.to_vector<float>() == std::vector<float>{0, 0, 1, 1, 0, 0, 0, 1, 0});
  CHECK(integers(one_hot(cast(ints({1}, {}), DType::Int32), 2, DType::Bool)) == std::vector<int64_t>{0, 1});
  CHECK(one_hot(ints({}, {0}), 4).shape() == Shape{0, 4});
  CHECK_THROWS_AS(one_hot(ints({3}), 3), IndexError);
  CHECK_THROWS_AS(one_hot(ints({-1}), 3), IndexError);
  CHECK_THROWS_AS(one_hot(ints({0}), 0), ValueError);
}
