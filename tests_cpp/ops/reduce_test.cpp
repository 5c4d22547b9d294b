// Reductions against a plain loop over all elements, in every layout that the kernels tell apart.
#include "needlecpp/ops/reduce.h"

#include <cmath>
#include <vector>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/shape.h"
#include "support.h"

using namespace needlecpp;

namespace {

// What each op should give, as double, in C order of the kept axes.
struct Expected {
  Shape shape;  // keepdims
  std::vector<double> sum, max, min, count, magnitude, square;
  std::vector<int64_t> first_max, first_min;  // along the reduced axes in C order
};

Expected reference(const Tensor& x, const Dims& axes) {
  const Dims reduced = normalize_axes("test", axes, x.rank());
  Expected e;
  e.shape = x.shape();
  for (int64_t axis : reduced) e.shape[static_cast<int>(axis)] = 1;
  const size_t outputs = static_cast<size_t>(numel(e.shape));
  e.sum.assign(outputs, 0);
  e.count = e.magnitude = e.square = e.sum;
  e.max.assign(outputs, -INFINITY);
  e.min.assign(outputs, INFINITY);
  e.first_max.assign(outputs, 0);
  e.first_min.assign(outputs, 0);
  const std::vector<double> values = cast(contiguous(x), DType::Float64).to_vector<double>();
  const Strides strides = contiguous_strides(x.shape()), out_strides = contiguous_strides(e.shape);
  for (size_t at = 0; at < values.size(); ++at) {
    int64_t to = 0, place = 0;
    for (int axis = 0; axis < x.rank(); ++axis) {
      const int64_t i = static_cast<int64_t>(at) / strides[axis] % x.shape()[axis];
      if (e.shape[axis] == x.shape()[axis])
        to += i * out_strides[axis];
      else
        place = place * x.shape()[axis] + i;
    }
    const size_t o = static_cast<size_t>(to);
    const double v = values[at];
    e.sum[o] += v;
    e.count[o] += v != 0;
    e.magnitude[o] += std::abs(v);
    e.square[o] += v * v;
    if (v > e.max[o] || (std::isnan(v) && !std::isnan(e.max[o]))) e.max[o] = v, e.first_max[o] = place;
    if (v < e.min[o] || (std::isnan(v) && !std::isnan(e.min[o]))) e.min[o] = v, e.first_min[o] = place;
  }
  return e;
}

void require_all(const Tensor& x, const Dims& axes) {
  INFO("shape " << to_string(x.shape()) << " strides " << to_string(x.strides()) << " axes " << to_string(axes)
                << " dtype " << name(x.dtype()));
  const Expected e = reference(x, axes);
  const Tensor total = sum(x, axes, true);
  REQUIRE(total.shape() == e.shape);
  REQUIRE(total.dtype() == (is_floating(x.dtype()) ? x.dtype() : DType::Int64));
  REQUIRE(doubles(total) == e.sum);
  const Tensor flat = sum(x, axes);
  REQUIRE(flat.rank() == x.rank() - normalize_axes("test", axes, x.rank()).size());
  REQUIRE(doubles(flat) == e.sum);
  REQUIRE(doubles(max(x, axes)) == e.max);
  REQUIRE(doubles(min(x, axes, true)) == e.min);
  REQUIRE(max(x, axes).dtype() == x.dtype());
  const double count = static_cast<double>(x.numel()) / static_cast<double>(numel(e.shape));
  const std::vector<double> average = doubles(mean(x, axes));
  for (size_t i = 0; i < average.size(); ++i)
    REQUIRE(average[i] == Approx(e.sum[i] / count).epsilon(1e-6).margin(1e-9));
  REQUIRE(doubles(count_nonzero(x, axes, true)) == e.count);
  const std::vector<double> magnitude = doubles(vector_norm(x, 1, axes)),
                            length = doubles(vector_norm(x, 2, axes, true)), spread = doubles(var(x, axes, 0.5)),
                            powers = doubles(vector_norm(x, 2.000001, axes));
  for (size_t i = 0; i < magnitude.size(); ++i) {
    REQUIRE(magnitude[i] == Approx(e.magnitude[i]).epsilon(1e-6));
    REQUIRE(length[i] == Approx(std::sqrt(e.square[i])).epsilon(1e-6));
    REQUIRE(powers[i] == Approx(std::sqrt(e.square[i])).epsilon(1e-4));
    REQUIRE(spread[i] ==
            Approx((e.square[i] - e.sum[i] * e.sum[i] / count) / (count - 0.5)).epsilon(1e-5).margin(1e-6));
  }
  if (axes.size() == 1) {
    REQUIRE(argmax(x, axes[0]).to_vector<int64_t>() == e.first_max);
    REQUIRE(argmin(x, axes[0], true).to_vector<int64_t>() == e.first_min);
    REQUIRE(argmin(x, axes[0], true).shape() == e.shape);
  }
}

void require_all_axes(const Tensor& x) {
  for (int bits = 1; bits < 1 << x.rank(); ++bits) {
    Dims axes;
    for (int i = 0; i < x.rank(); ++i)
      if (bits >> i & 1) axes.push_back(i);
    require_all(x, axes);
  }
}

}  // namespace

TEST_CASE("reductions agree with a plain loop over every set of axes") {
  for (Shape shape : {Shape{1}, Shape{7}, Shape{67}, Shape{5, 3}, Shape{3, 300}, Shape{300, 3}, Shape{33, 1, 17},
                      Shape{4, 5, 6, 7}, Shape{2, 1, 70, 65}})
    require_all_axes(whole_numbers(shape, DType::Float32));
  for (DType dtype : {DType::Float64, DType::Int32, DType::Int64}) {
    require_all_axes(whole_numbers({3, 130, 5}, dtype));
    require_all_axes(whole_numbers({9, 1, 257}, dtype));
  }
  require_all_axes(whole_numbers({5, 70, 20}, DType::UInt8, 0, 256));
  require_all_axes(whole_numbers({5, 70, 20}, DType::Bool, 0, 2));
  require_all(Tensor::scalar(3), {});
}

TEST_CASE("reductions take any strides") {
  const Tensor x = whole_numbers({6, 35, 18}, DType::Float32);
  require_all_axes(permute(x, {2, 0, 1}));
  require_all_axes(transpose(x));
  require_all_axes(flip(x, {0, 2}));
  require_all_axes(slice(x, 2, 1, 17, 3));
  require_all_axes(slice(x, 1, 30, 2, -4));
  require_all_axes(broadcast_to(whole_numbers({6, 1, 18}, DType::Float32), {4, 6, 5, 18}));
  require_all_axes(broadcast_to(Tensor::scalar(2), {3, 20}));
}

TEST_CASE("reductions that are cut into slices") {
  require_all(whole_numbers({200000}, DType::Float32), {});
  require_all(whole_numbers({200000}, DType::UInt8, 0, 256), {});
  require_all_axes(whole_numbers({70001, 3}, DType::Float32));
  require_all_axes(whole_numbers({2000, 130}, DType::Int32));
  require_all(transpose(whole_numbers({600, 3, 500}, DType::Float64), 0, 1), {1, 2});
  require_all(flip(whole_numbers({3, 400, 300}, DType::Float32), {1}), {0, 1});
  require_all(permute(whole_numbers({30, 40, 300}, DType::Float32), {2, 1, 0}), {0, 2});
}

TEST_CASE("products and places that are cut into slices") {
  const Tensor signs = whole_numbers({250000}, DType::Float32, 0, 2) * 2.0 - 1.0;
  double product = 1;
  for (const double v : doubles(signs)) product *= v;
  REQUIRE(prod(signs).item() == product);
  REQUIRE(prod(cast(signs, DType::Int32)).item_int() == static_cast<int64_t>(product));
  REQUIRE(prod(reshape(signs, {50000, 5}), {0}).shape() == Shape{5});

  const Tensor x = contiguous(whole_numbers({300000, 2}, DType::Float32));
  const Threads restored;
  for (const int threads : {1, 4}) {
    set_num_threads(threads);
    REQUIRE(argmax(x, 0).to_vector<int64_t>() == reference(x, {0}).first_max);
    REQUIRE(argmin(transpose(x), 1).to_vector<int64_t>() == reference(x, {0}).first_min);
  }
  x.data<float>()[2 * 250000] = x.data<float>()[2 * 150001] = NAN;
  REQUIRE(argmin(x, 0).to_vector<int64_t>()[0] == 150001);
  const auto [values, places] = max_with_index(x, 0, true);
  REQUIRE(places.shape() == Shape{1, 2});
  REQUIRE(std::isnan(values.to_vector<float>()[0]));
}

TEST_CASE("the derivative of a product with zeros") {
  const std::vector<std::vector<double>> rows = {{2, 3, 4}, {0, 3, 4}, {0, 3, 0}, {0, 0, 0}};
  const std::vector<std::vector<double>> expected = {{12, 8, 6}, {12, 0, 0}, {0, 0, 0}, {0, 0, 0}};
  for (size_t i = 0; i < rows.size(); ++i) {
    const Tensor x = Tensor::from_vector(rows[i], {3}).set_requires_grad(true);
    prod(x).backward();
    REQUIRE(doubles(x.grad()) == expected[i]);
    REQUIRE(gradgradcheck([](const Tensors& in) { return Tensors{prod(in[0])}; }, {x}));
    const Tensor table = reshape(x.detach(), {1, 3, 1}).set_requires_grad(true);
    REQUIRE(gradgradcheck([](const Tensors& in) { return Tensors{prod(in[0], {0, 1})}; }, {table}));
  }
}

TEST_CASE("gradients where a norm or a deviation is 0") {
  for (const double ord : {0.0, 0.5, 1.0, 1.5, 2.0, 3.0}) {
    const Tensor x = Tensor::zeros({3}).set_requires_grad(true);
    vector_norm(x, ord).backward();
    REQUIRE(doubles(x.grad()) == std::vector<double>(3, 0));
  }
  const Tensor x = Tensor::ones({3}).set_requires_grad(true);
  standard_deviation(x).backward();
  REQUIRE(doubles(x.grad()) == std::vector<double>(3, 0));
  REQUIRE(std::isnan(var(Tensor::ones({1})).item()));
  REQUIRE(std::isnan(var(Tensor::ones({0})).item()));
}

TEST_CASE("NaN in sums, choices and medians") {
  const Tensor x = Tensor::from_vector<float>({1, NAN, 3, NAN}, {4}).set_requires_grad(true);
  REQUIRE(nansum(x).item() == 4);
  REQUIRE(nanmean(x).item() == 2);
  REQUIRE(std::isnan(median(x).item()));
  max(x).backward();
  REQUIRE(doubles(x.grad()) == std::vector<double>{0, 0.5, 0, 0.5});
  REQUIRE(std::isnan(nanmean(Tensor::full({2}, NAN)).item()));
  REQUIRE(all(x).item() == 1);
  REQUIRE(all(Tensor::zeros({0})).item() == 1);
  REQUIRE(any(Tensor::zeros({0})).item() == 0);
}

TEST_CASE("sums of floats do not lose digits with length") {
  const int64_t n = int64_t{1} << 24;
  REQUIRE(sum(broadcast_to(Tensor::scalar(0.1), {n + 1})).item() ==
          Approx(0.1f * static_cast<double>(n + 1)).epsilon(1e-6));
  const Tensor x = rand({1 << 22}, 0, 1);
  const double exact = sum(cast(x, DType::Float64)).item();
  REQUIRE(std::abs(sum(x).item() - exact) < 1e-6 * exact);
  const auto by_column = doubles(sum(reshape(x, {1 << 20, 4}), {0}));
  const auto exact_columns = doubles(sum(cast(reshape(x, {1 << 20, 4}), DType::Float64), {0}));
  for (size_t i = 0; i < 4; ++i) REQUIRE(std::abs(by_column[i] - exact_columns[i]) < 1e-6 * exact_columns[i]);
}

TEST_CASE("half types are summed in float32") {
  for (DType half : {DType::Float16, DType::BFloat16}) {
    const Tensor x = Tensor::ones({3000}, half);
    REQUIRE(sum(x).dtype() == half);
    REQUIRE(sum(x).item() == Approx(3000).epsilon(0.005));
    // The sum is beyond the largest float16, the mean is not.
    REQUIRE(mean(Tensor::full({2000}, 60, half)).item() == 60);
    REQUIRE(max(x).dtype() == half);
    REQUIRE(argmax(x, 0).item_int() == 0);
  }
}

TEST_CASE("means of integers are float32") {
  const Tensor x = Tensor::from_vector<int32_t>({1, 2, 4, -9}, {2, 2});
  REQUIRE(mean(x).dtype() == DType::Float32);
  REQUIRE(doubles(mean(x, {1})) == std::vector<double>{1.5, -2.5});
  REQUIRE(std::isnan(mean(Tensor::ones({0})).item()));
}

TEST_CASE("NaN wins, infinities are numbers") {
  for (int64_t n : {3, 20, 67, 300})
    for (DType dtype : {DType::Float32, DType::Float64})
      for (int64_t at : {int64_t{0}, n / 2, n - 1}) {
        std::vector<double> values(static_cast<size_t>(n * 5), 1.0);
        values[1] = INFINITY;
        values[2] = -INFINITY;
        for (size_t j = 0; j < 5; ++j) values[static_cast<size_t>(at) * 5 + j] = NAN;
        const Tensor columns = cast(Tensor::from_vector(values, {n, 5}), dtype);
        for (const Tensor& x : {columns, transpose(contiguous(transpose(columns)))}) {
          for (double v : doubles(max(x, {0}))) REQUIRE(std::isnan(v));
          for (double v : doubles(min(x, {0}))) REQUIRE(std::isnan(v));
          REQUIRE(argmax(x, 0).to_vector<int64_t>() == std::vector<int64_t>(5, at));
          REQUIRE(argmin(x, 0).to_vector<int64_t>() == std::vector<int64_t>(5, at));
        }
      }
  const Tensor low = Tensor::full({40}, -INFINITY);
  REQUIRE(max(low).item() == -INFINITY);
  REQUIRE(min(Tensor::full({40}, INFINITY)).item() == INFINITY);
  REQUIRE(argmax(low, 0).item_int() == 0);
}

TEST_CASE("reductions of empty tensors") {
  REQUIRE(sum(Tensor::ones({0, 3})).item() == 0);
  REQUIRE(sum(Tensor::ones({0, 3}), {0}).to_vector<float>() == std::vector<float>(3, 0.0f));
  REQUIRE(sum(Tensor::ones({0, 3}), {1}).shape() == Shape{0});
  REQUIRE(sum(Tensor::ones({0}, DType::Int32)).dtype() == DType::Int64);
  REQUIRE(max(Tensor::ones({3, 0}), {0}).shape() == Shape{0});
  REQUIRE_THROWS_AS(max(Tensor::ones({3, 0}), {1}), ValueError);
  REQUIRE_THROWS_AS(min(Tensor::ones({0})), ValueError);
  REQUIRE_THROWS_AS(argmax(Tensor::ones({3, 0}), 1), ValueError);
  REQUIRE_THROWS_AS(median(Tensor::ones({3, 0}), 1), ValueError);
  REQUIRE(median(Tensor::ones({3, 0}), 0).shape() == Shape{0});
  REQUIRE(std::isnan(median(Tensor::ones({3, 0})).item()));
  REQUIRE(prod(Tensor::ones({0, 3}), {0}).to_vector<float>() == std::vector<float>(3, 1.0f));
  REQUIRE(argmax(Tensor::ones({3, 0}), 0).shape() == Shape{0});
}

TEST_CASE("reductions refuse axes that are not there") {
  const Tensor x = Tensor::ones({2, 3});
  REQUIRE_THROWS_AS(sum(x, {2}), IndexError);
  REQUIRE_THROWS_AS(sum(x, {0, -2}), ValueError);
  REQUIRE_THROWS_AS(argmax(x, -3), IndexError);
  REQUIRE_THROWS_AS(sum_to(x, {4}), ValueError);
  REQUIRE_THROWS_AS(sum_to(x, {1, 2, 3}), ValueError);
}

TEST_CASE("sum_to undoes broadcasting") {
  const Tensor x = whole_numbers({4, 5, 6}, DType::Float32);
  REQUIRE(sum_to(x, {4, 5, 6}).is_same(x));
  REQUIRE(sum_to(x, {6}).to_vector<float>() == sum(x, {0, 1}).to_vector<float>());
  REQUIRE(sum_to(x, {5, 1}).shape() == Shape{5, 1});
  REQUIRE(sum_to(x, {5, 1}).to_vector<float>() == sum(x, {0, 2}).to_vector<float>());
  REQUIRE(sum_to(x, {1, 5, 6}).to_vector<float>() == sum(x, {0}).to_vector<float>());
  REQUIRE(sum_to(x, {}).item() == sum(x).item());
  REQUIRE(sum_to(cast(x, DType::Float16), {6}).dtype() == DType::Float16);
  REQUIRE(sum_to(Tensor::ones({0, 3}), {1, 3}).to_vector<float>() == std::vector<float>(3, 0.0f));
}

TEST_CASE("an empty list of axes reduces nothing, no list reduces all") {
  const Tensor x = Tensor::from_vector<float>({1.5f, -2, 0, 4}, {2, 2});
  for (const auto& fn : {sum, prod, mean, nansum, nanmean}) {
    REQUIRE(fn(x, Dims(), false, {}).to_vector<float>() == x.to_vector<float>());
    REQUIRE(fn(x, {}, false, {}).shape() == Shape{});
  }
  REQUIRE(max(x, Dims()).to_vector<float>() == x.to_vector<float>());
  REQUIRE(min(x, Dims(), true).shape() == x.shape());
  REQUIRE(vector_norm(x, 2, Dims()).to_vector<float>() == std::vector<float>{1.5f, 2, 0, 4});
  REQUIRE(count_nonzero(x, Dims()).to_vector<int64_t>() == std::vector<int64_t>{1, 1, 0, 1});
  REQUIRE(doubles(all(x, Dims())) == std::vector<double>{1, 1, 0, 1});
  REQUIRE(doubles(any(x, Dims())) == std::vector<double>{1, 1, 0, 1});
  REQUIRE(doubles(var(x, Dims(), 0)) == std::vector<double>(4, 0.0));
  REQUIRE(sum(cast(x, DType::Int32), Dims()).dtype() == DType::Int64);
  const Tensor large = Tensor::ones({300, 700});
  REQUIRE(sum(sum(large, Dims())).item() == 210000);
}

TEST_CASE("a dtype is that of the result, and its integers wrap around") {
  const Tensor bytes = Tensor::from_vector<uint8_t>({200, 100}, {2});
  REQUIRE(sum(bytes, {}, false, DType::UInt8).to_vector<uint8_t>() == std::vector<uint8_t>{44});
  REQUIRE(prod(bytes, {}, false, DType::Int32).to_vector<int32_t>() == std::vector<int32_t>{20000});
  REQUIRE(sum(bytes, {}, false, DType::Bool).dtype() == DType::Bool);
  REQUIRE(nansum(Tensor::from_vector<float>({1.7f, NAN, 2.7f}, {3}), {}, false, DType::Int64).item_int() == 3);
  REQUIRE_THROWS_AS(mean(bytes, {}, false, DType::Int32), TypeError);
  REQUIRE_THROWS_AS(vector_norm(bytes, 2, {}, false, DType::Int32), TypeError);
}

TEST_CASE("reductions have first and second derivatives") {
  Generator generator(3);
  const auto leaf = [&](const Shape& shape) {
    return randn(shape, 0, 1, DType::Float64, {}, generator).set_requires_grad(true);
  };
  for (const AxisSet& axes : {AxisSet(), AxisSet(Dims()), AxisSet{0}, AxisSet{1}, AxisSet{0, 2}, AxisSet{-1}})
    for (bool keepdims : {false, true}) {
      const auto all = [&](const Tensors& x) {
        return Tensors{sum(x[0] * x[0], axes, keepdims), mean(x[0] * x[0], axes, keepdims),
                       max(x[0] * x[0], axes, keepdims), min(x[0], axes, keepdims)};
      };
      REQUIRE(gradcheck(all, {leaf({3, 4, 2})}));
      REQUIRE(gradgradcheck(all, {leaf({3, 4, 2})}));
    }
  const auto to = [](const Tensors& x) { return Tensors{sum_to(x[0] * x[0], {4, 1})}; };
  REQUIRE(gradcheck(to, {leaf({3, 4, 2})}));
  REQUIRE(gradgradcheck(to, {leaf({3, 4, 2})}));
  REQUIRE(gradcheck([](const Tensors& x) { return Tensors{sum(x[0])}; }, {leaf({})}));
}

TEST_CASE("ties share the gradient of max evenly") {
  const Tensor x = Tensor::from_vector<float>({3, 1, 3, 3, 2, 2}, {2, 3}).set_requires_grad(true);
  sum(max(x, {1})).backward();
  const std::vector<float> dx = x.grad().to_vector<float>();
  REQUIRE(dx == std::vector<float>{0.5f, 0, 0.5f, 1, 0, 0});
}

TEST_CASE("reductions give the same bits on any number of threads") {
  const Threads restored;
  const Tensor long_row = randn({300001}), table = randn({20000, 37});
  set_num_threads(1);
  const double alone = sum(long_row).item();
  const auto columns = sum(table, {0}).to_vector<float>(), rows = sum(table, {1}).to_vector<float>();
  for (int threads : {2, 3, 7}) {
    set_num_threads(threads);
    REQUIRE(sum(long_row).item() == alone);
    REQUIRE(sum(table, {0}).to_vector<float>() == columns);
    REQUIRE(sum(table, {1}).to_vector<float>() == rows);
  }
}
