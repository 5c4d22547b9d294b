// Softmax, log-softmax and log-sum-exp against their definitions in double.
#include "needlecpp/ops/softmax.h"

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

// The three by their definitions along one axis; logsumexp in C order of the other axes.
struct Expected {
  std::vector<double> softmax, log_softmax, logsumexp;
};
Expected reference(const Tensor& x, int axis) {
  const std::vector<double> values = doubles(contiguous(x));
  const int64_t step = contiguous_strides(x.shape())[axis], n = x.shape()[axis];
  Expected e;
  e.softmax.resize(values.size());
  e.log_softmax.resize(values.size());
  for (size_t row = 0; row < values.size(); ++row) {
    if (static_cast<int64_t>(row) / step % n != 0) continue;
    double top = -INFINITY, total = 0;
    for (int64_t j = 0; j < n; ++j) top = std::fmax(top, values[row + static_cast<size_t>(j * step)]);
    for (int64_t j = 0; j < n; ++j) total += std::exp(values[row + static_cast<size_t>(j * step)] - top);
    for (int64_t j = 0; j < n; ++j) {
      const size_t at = row + static_cast<size_t>(j * step);
      e.softmax[at] = std::exp(values[at] - top) / total;
      e.log_softmax[at] = values[at] - top - std::log(total);
    }
    e.logsumexp.push_back(top + std::log(total));
  }
  return e;
}

void require_all(const Tensor& x, double tolerance) {
  for (int axis = 0; axis < x.rank(); ++axis) {
    INFO("shape " << to_string(x.shape()) << " strides " << to_string(x.strides()) << " axis " << axis << " dtype "
                  << name(x.dtype()));
    const Expected e = reference(x, axis);
    REQUIRE(softmax(x, axis).shape() == x.shape());
    REQUIRE(softmax(x, axis).is_contiguous());
    REQUIRE(softmax(x, axis).dtype() == x.dtype());
    require_close(softmax(x, axis), e.softmax, tolerance, 1e-3);               // denormals of float16
    require_close(log_softmax(x, axis - x.rank()), e.log_softmax, tolerance);  // differences may cancel
    require_close(logsumexp(x, {axis}), e.logsumexp, tolerance);
  }
}

}  // namespace

TEST_CASE("softmax agrees with its definition along every axis and in every layout") {
  Generator generator(5);
  for (Shape shape : {Shape{1}, Shape{3}, Shape{15}, Shape{16}, Shape{17}, Shape{5, 100}, Shape{100, 5},
                      Shape{3, 1, 33}, Shape{2, 3, 4, 5}}) {
    require_all(randn(shape, 0, 3, DType::Float32, {}, generator), 2e-6);
    require_all(randn(shape, 0, 3, DType::Float64, {}, generator), 1e-12);
  }
  const Tensor x = randn({6, 15, 8}, 0, 3, DType::Float32, {}, generator);
  require_all(permute(x, {2, 0, 1}), 2e-6);
  require_all(flip(x, {0, 2}), 2e-6);
  require_all(slice(x, 2, 1, 7, 2), 2e-6);
  require_all(slice(x, 2, 1, 7), 2e-6);
  require_all(broadcast_to(slice(x, 1, 3, 4), {6, 7, 8}), 2e-6);
  require_all(cast(x, DType::Float16), 2e-3);
}

TEST_CASE("softmax of a long row") {
  const Tensor x = randn({2, 300000});
  require_all(reshape(x, {600000}), 3e-6);
  REQUIRE(sum(softmax(x)).item() == Approx(2).epsilon(1e-5));
  REQUIRE(logsumexp(Tensor::zeros({1 << 24})).item() == Approx(24 * std::log(2.0)).epsilon(1e-6));
}

TEST_CASE("softmax does not overflow") {
  const Tensor x = Tensor::from_vector<float>({1000, 1000, -1000, 88, 89, 90}, {2, 3});
  require_close(softmax(x), reference(x, 1).softmax, 2e-6, 0);
  require_close(log_softmax(x), reference(x, 1).log_softmax, 2e-6);
  require_close(logsumexp(x, {1}), reference(x, 1).logsumexp, 2e-6, 0);
}

TEST_CASE("infinities and NaN go through as in the definition") {
  const float inf = INFINITY;
  for (DType dtype : {DType::Float32, DType::Float64}) {
    const Tensor x =
        cast(Tensor::from_vector<float>({-inf, -inf, -inf, 1, inf, 2, 1, NAN, 2, 0, -inf, 0, inf, -inf, inf}, {5, 3}),
             dtype);
    const std::vector<double> lse = doubles(logsumexp(x, {1}));
    REQUIRE(lse[0] == -INFINITY);
    REQUIRE(lse[1] == INFINITY);
    REQUIRE(std::isnan(lse[2]));
    REQUIRE(lse[3] == Approx(std::log(2.0)));
    REQUIRE(lse[4] == INFINITY);
    const std::vector<double> y = doubles(softmax(x));
    for (size_t i = 0; i < 3; ++i) REQUIRE(std::isnan(y[i]));
    for (size_t i = 6; i < 9; ++i) REQUIRE(std::isnan(y[i]));
    REQUIRE(y[9] == Approx(0.5));
    REQUIRE(y[10] == 0);
    REQUIRE(doubles(log_softmax(x))[10] == -INFINITY);
  }
  // The gradient of a row of minus infinities is zero, and other rows are not touched by it.
  const Tensor x = Tensor::from_vector<float>({-inf, -inf, 0, 0}, {2, 2}).set_requires_grad(true);
  sum(logsumexp(x, {1})).backward();
  REQUIRE(x.grad().to_vector<float>() == std::vector<float>{0, 0, 0.5f, 0.5f});
}

TEST_CASE("logsumexp over several axes") {
  const Tensor x = randn({3, 4, 5}, 0, 1, DType::Float64);
  const Tensor direct = log(sum(exp(x), {0, 2}));
  require_close(logsumexp(x, {0, 2}), doubles(direct), 1e-12, 0);
  REQUIRE(logsumexp(x, {0, 2}, true).shape() == Shape{1, 4, 1});
  require_close(logsumexp(x), {std::log(sum(exp(x)).item())}, 1e-12, 0);
  REQUIRE(logsumexp(Tensor::scalar(3)).item() == Approx(3));
}

TEST_CASE("softmax of empty tensors, integers and wrong axes") {
  REQUIRE(softmax(Tensor::ones({0, 3})).shape() == Shape{0, 3});
  REQUIRE(softmax(Tensor::ones({3, 0})).shape() == Shape{3, 0});
  REQUIRE(logsumexp(Tensor::ones({2, 0}), {1}).to_vector<float>() == std::vector<float>(2, -INFINITY));
  REQUIRE(logsumexp(Tensor::ones({0, 2}), {1}).shape() == Shape{0});
  REQUIRE(softmax(Tensor::ones({4}, DType::Int32)).to_vector<float>() == std::vector<float>(4, 0.25f));
  REQUIRE_THROWS_AS(softmax(Tensor::ones({2}), 1), IndexError);
  REQUIRE_THROWS_AS(logsumexp(Tensor::ones({2}), {1}), IndexError);
}

TEST_CASE("softmax and its relatives have first and second derivatives") {
  Generator generator(3);
  const auto leaf = [&] { return randn({3, 4, 2}, 0, 1, DType::Float64, {}, generator).set_requires_grad(true); };
  for (int64_t axis : {0, 1, -1}) {
    const auto all = [&](const Tensors& x) {
      return Tensors{softmax(x[0], axis), log_softmax(x[0], axis), logsumexp(x[0], {axis})};
    };
    REQUIRE(gradcheck(all, {leaf()}));
    REQUIRE(gradgradcheck(all, {leaf()}));
  }
  const auto several = [](const Tensors& x) { return Tensors{logsumexp(x[0], {0, 2}, true), logsumexp(x[0])}; };
  REQUIRE(gradcheck(several, {leaf()}));
  REQUIRE(gradgradcheck(several, {leaf()}));
}

TEST_CASE("the one-pass derivative agrees with its plain twin") {
  Generator generator(9);
  for (const DType dtype : {DType::Float32, DType::Float64})
    for (const int64_t length : {1, 7, 17, 64, 1000, 9001})
      for (const bool logarithm : {false, true}) {
        const Tensor x = randn({3, length}, 0, 1, dtype, {}, generator).set_requires_grad(true);
        const Tensor dy = randn({3, length}, 0, 1, dtype, {}, generator);
        const Tensor y = logarithm ? log_softmax(x) : softmax(x);
        const Tensor fused = grad({y}, {x}, {dy}, true)[0];
        const Tensor plain = grad({y}, {x}, {dy}, true, true)[0];
        REQUIRE(max(abs(fused - plain)).item() <= (dtype == DType::Float32 ? 2e-5 : 1e-13));
        const Tensor wide = transpose(contiguous(transpose(dy)));
        REQUIRE(max(abs(grad({y}, {x}, {wide}, true)[0] - fused)).item() == 0);
      }
}

TEST_CASE("softmax gives the same bits on any number of threads") {
  const Threads restored;
  const Tensor x = randn({1000, 37});
  set_num_threads(1);
  const auto alone = softmax(x).to_vector<float>();
  set_num_threads(3);
  REQUIRE(softmax(x).to_vector<float>() == alone);
}
