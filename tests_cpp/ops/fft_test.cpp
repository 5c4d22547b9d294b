// Fourier transforms against the sum that defines them, their inverses, their neighbours in a block, and derivatives.
#include "needlecpp/ops/fft.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "catch.h"
#include "needlecpp/autograd/autograd.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"

using namespace needlecpp;

namespace {

Tensor random(const Shape& shape, DType dtype = DType::Float64) {
  static Generator generator(8);
  return randn(shape, 0, 1, dtype, {}, generator);
}

// The largest difference of x's transform from its definition, in units of the root of the sum of squares of x.
double error_of(const Tensor& y, const Tensor& x, bool inverse) {
  const auto in = cast(x, DType::Float64).to_vector<double>(), out = cast(y, DType::Float64).to_vector<double>();
  const size_t n = in.size() / 2;
  double worst = 0, size = 0;
  for (double value : in) size += value * value;
  for (size_t j = 0; j < n; ++j) {
    long double re = 0, im = 0;
    for (size_t k = 0; k < n; ++k) {
      const long double angle = 2 * acosl(-1) * static_cast<long double>(j * k % n) / static_cast<long double>(n);
      const long double c = cosl(angle), s = inverse ? sinl(angle) : -sinl(angle);
      re += c * in[2 * k] - s * in[2 * k + 1];
      im += s * in[2 * k] + c * in[2 * k + 1];
    }
    const double scale = inverse ? static_cast<double>(n) : 1;
    worst = std::max(worst, std::hypot(scale * out[2 * j] - static_cast<double>(re),
                                       scale * out[2 * j + 1] - static_cast<double>(im)));
  }
  return worst / std::sqrt(size);
}

}  // namespace

TEST_CASE("transforms of every length up to 130, and of some beyond") {
  std::vector<int64_t> lengths = {243, 343, 360, 625, 1001, 1024, 1031};
  for (int64_t n = 1; n <= 130; ++n) lengths.push_back(n);
  for (DType dtype : {DType::Float32, DType::Float64})
    for (int64_t n : lengths) {
      INFO(n << " " << name(dtype));
      const double allowed = 8 * (dtype == DType::Float32 ? 0x1p-24 : 0x1p-53) * (2 + std::log2(n));
      const Tensor x = random({n, 2}, dtype);
      for (bool inverse : {false, true}) REQUIRE(error_of(fft::transform(x, inverse), x, inverse) < allowed);
      // The first numbers of a real line's transform, and back.
      const Tensor real = select(x, -1, 0);
      const Tensor half = fft::real_transform(real);
      const Tensor whole = fft::transform(stack({real, Tensor::zeros({n}, dtype)}, -1), false);
      REQUIRE(max(abs(half - slice(whole, 0, 0, n / 2 + 1))).item() == 0);
      REQUIRE(max(abs(fft::inverse_real_transform(half, n) - real)).item() < 4 * allowed);
    }
}

TEST_CASE("a line of a block is what it is alone") {
  for (int64_t n : {6, 11, 64})
    for (int64_t lines : {1, 7, 16, 33}) {
      const Tensor x = random({lines, n, 2});
      const Tensor down = permute(x, {1, 0, 2});  // the same lines along axis 0
      const Tensor y = fft::transform(x, false), z = fft::transform(down, false, {}, 0);
      REQUIRE(max(abs(y - permute(z, {1, 0, 2}))).item() == 0);
      for (int64_t i = 0; i < lines; ++i)
        REQUIRE(max(abs(select(y, 0, i) - fft::transform(select(x, 0, i), false))).item() == 0);
    }
}

TEST_CASE("transforms have derivatives of the first and second order") {
  const auto check = [](const Shape& shape, auto&& fn) {
    const Tensor x = random(shape).set_requires_grad(true);
    const auto call = [&](const Tensors& in) { return Tensors{square(fn(in[0]))}; };
    REQUIRE(gradcheck(call, {x}));
    REQUIRE(gradgradcheck(call, {x}));
  };
  for (fft::Norm norm : {fft::Norm::Backward, fft::Norm::Ortho, fft::Norm::Forward})
    for (fft::MaybeSize n : {fft::MaybeSize(), fft::MaybeSize(3), fft::MaybeSize(7)}) {
      check({2, 5, 2}, [&](const Tensor& x) { return fft::transform(x, false, n, -1, norm); });
      check({5, 2, 2}, [&](const Tensor& x) { return fft::transform(x, true, n, 0, norm); });
      check({2, 6}, [&](const Tensor& x) { return fft::real_transform(x, n, -1, norm); });
      check({5, 2}, [&](const Tensor& x) { return fft::real_transform(x, n, 0, norm); });
      check({4, 2, 2}, [&](const Tensor& x) { return fft::inverse_real_transform(x, n, 0, norm); });
    }
}

TEST_CASE("what is no line of complex numbers is refused") {
  REQUIRE_THROWS_AS(fft::transform(Tensor::ones({2}), false), ValueError);
  REQUIRE_THROWS_AS(fft::transform(Tensor::ones({4, 3}), false), ValueError);
  REQUIRE_THROWS_AS(fft::transform(Tensor::ones({0, 2}), false), ValueError);
  REQUIRE_THROWS_AS(fft::transform(Tensor::ones({4, 2}), false, 0), ValueError);
  REQUIRE_THROWS_AS(fft::transform(Tensor::ones({4, 2}), false, 4, 1), IndexError);
  REQUIRE_THROWS_AS(fft::inverse_real_transform(Tensor::ones({1, 2})), ValueError);
  REQUIRE_THROWS_AS(fft::real_transform(Tensor::scalar(1)), ValueError);
  REQUIRE_THROWS_AS(fft::conjugate(Tensor::ones({3})), ValueError);
  REQUIRE(fft::transform(Tensor::ones({0, 2}), false, 3).numel() == 6);
}
