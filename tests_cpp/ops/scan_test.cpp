// Prefix sums against a plain loop.
#include "needlecpp/ops/scan.h"

#include <cmath>
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

std::vector<double> reference(const Tensor& x, int axis, bool exclusive, bool reverse) {
  const std::vector<double> values = doubles(contiguous(x));
  const int64_t step = contiguous_strides(x.shape())[axis], n = x.shape()[axis];
  std::vector<double> y(values.size());
  for (size_t at = 0; at < values.size(); ++at) {
    const int64_t i = static_cast<int64_t>(at) / step % n;
    const size_t row = at - static_cast<size_t>(i * step);
    for (int64_t j = 0; j < n; ++j) {
      const bool before = reverse ? j > i : j < i;
      if (before || (!exclusive && j == i)) y[at] += values[row + static_cast<size_t>(j * step)];
    }
  }
  return y;
}

void require_all(const Tensor& x) {
  for (int axis = 0; axis < x.rank(); ++axis)
    for (bool exclusive : {false, true})
      for (bool reverse : {false, true}) {
        INFO("shape " << to_string(x.shape()) << " strides " << to_string(x.strides()) << " axis " << axis << " dtype "
                      << name(x.dtype()) << (exclusive ? " exclusive" : "") << (reverse ? " reverse" : ""));
        const Tensor y = cumsum(x, axis, exclusive, reverse);
        REQUIRE(y.shape() == x.shape());
        REQUIRE(y.dtype() == (is_floating(x.dtype()) ? x.dtype() : DType::Int64));
        REQUIRE(doubles(y) == reference(x, axis, exclusive, reverse));
      }
}

}  // namespace

TEST_CASE("cumsum agrees with a plain loop along every axis") {
  for (Shape shape :
       {Shape{1}, Shape{17}, Shape{3, 1}, Shape{5, 300}, Shape{300, 5}, Shape{4, 33, 3}, Shape{2, 3, 4, 5}})
    require_all(whole_numbers(shape, DType::Float32));
  for (DType dtype : {DType::Float64, DType::Int32, DType::Int64, DType::Float16})
    require_all(whole_numbers({3, 16, 5}, dtype));
  require_all(whole_numbers({3, 16, 5}, DType::UInt8, 0, 256));
  require_all(whole_numbers({3, 16, 5}, DType::Bool, 0, 2));
}

TEST_CASE("cumsum takes any strides") {
  const Tensor x = whole_numbers({6, 15, 8}, DType::Float32);
  require_all(permute(x, {2, 0, 1}));
  require_all(flip(x, {0, 1, 2}));
  require_all(slice(x, 1, 1, 14, 3));
  require_all(broadcast_to(whole_numbers({6, 1}, DType::Float32), {3, 6, 7}));
}

TEST_CASE("cumsum of long rows, which are cut into slices") {
  for (DType dtype : {DType::Float64, DType::Int32}) {
    const Tensor x = whole_numbers({3, 100001}, dtype);
    const std::vector<double> values = doubles(x);
    for (const Tensor& laid_out : {x, transpose(contiguous(transpose(x)))})
      for (bool reverse : {false, true})
        for (bool exclusive : {false, true}) {
          const std::vector<double> y = doubles(cumsum(laid_out, 1, exclusive, reverse));
          std::vector<double> expected(values.size());
          for (int64_t row = 0; row < 3; ++row) {
            double total = 0;
            for (int64_t i = 0; i < 100001; ++i) {
              const size_t at = static_cast<size_t>(row * 100001 + (reverse ? 100000 - i : i));
              if (!exclusive) total += values[at];
              expected[at] = total;
              if (exclusive) total += values[at];
            }
          }
          REQUIRE(y == expected);
        }
  }
  const Tensor x = rand({1 << 22});
  const Tensor end = slice(cumsum(x, 0), 0, (1 << 22) - 1);
  REQUIRE(end.item() == Approx(sum(cast(x, DType::Float64)).item()).epsilon(1e-6));
}

TEST_CASE("cumsum lets NaN and infinity through from where they stand") {
  const std::vector<float> y = cumsum(Tensor::from_vector<float>({1, INFINITY, 2, NAN, 3}, {5}), 0).to_vector<float>();
  REQUIRE(y[0] == 1);
  REQUIRE(y[1] == INFINITY);
  REQUIRE(y[2] == INFINITY);
  REQUIRE(std::isnan(y[3]));
  REQUIRE(std::isnan(y[4]));
}

TEST_CASE("cumsum of empty tensors and wrong axes") {
  REQUIRE(cumsum(Tensor::ones({0, 3}), 0).shape() == Shape{0, 3});
  REQUIRE(cumsum(Tensor::ones({2, 0}), 0).shape() == Shape{2, 0});
  REQUIRE_THROWS_AS(cumsum(Tensor::ones({2}), 1), IndexError);
  REQUIRE(cumsum(Tensor::scalar(1), 0).item() == 1);
  REQUIRE_THROWS_AS(cumsum(Tensor::scalar(1), 1), IndexError);
}

TEST_CASE("cumsum has first and second derivatives") {
  Generator generator(3);
  for (int64_t axis : {0, 1, -1})
    for (bool exclusive : {false, true})
      for (bool reverse : {false, true}) {
        const auto scan = [&](const Tensors& x) { return Tensors{cumsum(x[0] * x[0], axis, exclusive, reverse)}; };
        const Tensor x = randn({3, 4, 2}, 0, 1, DType::Float64, {}, generator).set_requires_grad(true);
        REQUIRE(gradcheck(scan, {x}));
        REQUIRE(gradgradcheck(scan, {x}));
      }
}

TEST_CASE("cumsum gives the same bits on any number of threads") {
  const Threads restored;
  const Tensor x = randn({200001}), table = randn({300, 500});
  set_num_threads(1);
  const auto alone = cumsum(x, 0).to_vector<float>(), columns = cumsum(table, 0).to_vector<float>();
  for (int threads : {2, 5}) {
    set_num_threads(threads);
    REQUIRE(cumsum(x, 0).to_vector<float>() == alone);
    REQUIRE(cumsum(table, 0).to_vector<float>() == columns);
  }
}

TEST_CASE("scans of long rows agree with those of short ones") {
  const int64_t n = 50003;
  const Tensor x = whole_numbers({n}, DType::Float32);
  const Tensor columns = contiguous(broadcast_to(reshape(x, {n, 1}), {n, 9}));  // nine rows are not cut
  for (const FoldOp op : {FoldOp::Sum, FoldOp::Prod, FoldOp::Max, FoldOp::Min})
    for (const bool reverse : {false, true}) {
      const Tensor input = op == FoldOp::Prod ? ge(columns, 0.0) * 2.0 - 1.0 : columns;
      const Tensor row = select(input, 1, 0);
      REQUIRE(doubles(scan(row, 0, op, true, reverse)) ==
              doubles(contiguous(select(scan(input, 0, op, true, reverse), 1, 3))));
    }
  const auto [best, places] = cummax(x, 0);
  REQUIRE(places.to_vector<int64_t>() == contiguous(select(cummax(columns, 0).second, 1, 3)).to_vector<int64_t>());
  const Tensor small = x * 0.01;
  REQUIRE(doubles(slice(logcumsumexp(small, 0), 0, n - 1))[0] ==
          Approx(std::log(sum(exp(cast(small, DType::Float64))).item())));
  // The recurrence in a derivative is cut into slices, too.
  const Tensor ones = Tensor::ones({n}, DType::Float64).set_requires_grad(true);
  sum(cumprod(ones, 0)).backward();
  const std::vector<double> slopes = doubles(ones.grad());
  REQUIRE((slopes[0] == n && slopes[1] == n - 1 && slopes[static_cast<size_t>(n - 1)] == 1));
}

TEST_CASE("cumprod has first and second derivatives where factors are 0") {
  const Tensor x =
      Tensor::from_vector<double>({2, 0, 3, 0.5, 0, 0, 1.5, 4, -1, 2, 3, 1}, {3, 4}).set_requires_grad(true);
  for (const int64_t axis : {0, 1})
    for (const bool exclusive : {false, true})
      for (const bool reverse : {false, true}) {
        const auto fn = [&](const Tensors& in) { return Tensors{cumprod(in[0], axis, exclusive, reverse)}; };
        REQUIRE(gradcheck(fn, {x}));
        REQUIRE(gradgradcheck(fn, {x}));
      }
}

TEST_CASE("choices along the way: ties, NaN, integers") {
  const Tensor x = Tensor::from_vector<float>({1, 1, NAN, 3, 0}, {5}).set_requires_grad(true);
  const auto [values, places] = cummax(x, 0);
  REQUIRE(places.to_vector<int64_t>() == std::vector<int64_t>{0, 1, 2, 2, 2});
  REQUIRE(std::isnan(values.to_vector<float>()[4]));
  sum(values).backward();
  REQUIRE(doubles(x.grad()) == std::vector<double>{1, 1, 3, 0, 0});
  x.set_grad(Tensor());
  sum(scan(x, 0, FoldOp::Max, true)).backward();
  REQUIRE(doubles(x.grad()) == std::vector<double>{1, 1, 2, 0, 0});
  const Tensor whole = Tensor::from_vector<int32_t>({3, 1, 2}, {3});
  REQUIRE(scan(whole, 0, FoldOp::Min, true).to_vector<int32_t>() == std::vector<int32_t>{INT32_MAX, 3, 1});
  REQUIRE(scan(gt(whole, 1.0), 0, FoldOp::Max).dtype() == DType::Bool);
  REQUIRE(cumprod(whole, 0).to_vector<int64_t>() == std::vector<int64_t>{3, 3, 6});
}

TEST_CASE("logcumsumexp of infinities") {
  const Tensor x = Tensor::from_vector<double>({-INFINITY, -INFINITY, 1, -INFINITY, 800}, {5}).set_requires_grad(true);
  const Tensor y = logcumsumexp(x, 0);
  REQUIRE(doubles(y) == std::vector<double>{-INFINITY, -INFINITY, 1, 1, 800});
  sum(y).backward();
  REQUIRE(doubles(x.grad()) == std::vector<double>{0, 0, 2, 0, 1});
  REQUIRE(doubles(logcumsumexp(Tensor::from_vector<double>({INFINITY, 1}, {2}), 0)) ==
          std::vector<double>{INFINITY, INFINITY});
}

TEST_CASE("diff and trapezoid refuse what does not fit") {
  REQUIRE_THROWS_AS(diff(Tensor::scalar(1)), ValueError);
  REQUIRE_THROWS_AS(diff(Tensor::ones({3}), -1), ValueError);
  REQUIRE(diff(Tensor::ones({3}), 1000000).shape() == Shape{0});
  REQUIRE(diff(gt(Tensor::ones({3}), 0.0)).dtype() == DType::Bool);
  REQUIRE(diff(Tensor::ones({3}), 1, 0, Tensor::scalar(4)).to_vector<float>() == std::vector<float>{-3, 0, 0});
  REQUIRE_THROWS_AS(trapezoid(Tensor::ones({2, 3}), Tensor::ones({4})), ValueError);
  REQUIRE_THROWS_AS(fold_from_name("scan", "mean"), ValueError);
}
