// Spherical harmonics and sinusoids against closed forms, their twins and finite differences.
#include "needlecpp/render/encoding.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "render/ops/encoding_kernels.h"
#include "support.h"

using namespace needlecpp;

namespace {

constexpr double kPi = 3.14159265358979323846;

}  // namespace

TEST_CASE("spherical harmonics of the axes, signs of tiny-cuda-nn") {
  const Tensor y = spherical_harmonics(Tensor::from_vector<float>({1, 0, 0, 0, 1, 0, 0, 0, 1}, {3, 3}));
  const double pi = kPi;
  const double expected[3][16] = {
      {0.5 * std::sqrt(1 / pi), 0, 0, -0.5 * std::sqrt(3 / pi), 0, 0, -0.25 * std::sqrt(5 / pi), 0,
       0.25 * std::sqrt(15 / pi), 0, 0, 0, 0, 0.25 * std::sqrt(10.5 / pi), 0, -0.25 * std::sqrt(17.5 / pi)},
      {0.5 * std::sqrt(1 / pi), -0.5 * std::sqrt(3 / pi), 0, 0, 0, 0, -0.25 * std::sqrt(5 / pi), 0,
       -0.25 * std::sqrt(15 / pi), 0.25 * std::sqrt(17.5 / pi), 0, 0.25 * std::sqrt(10.5 / pi), 0, 0, 0, 0},
      {0.5 * std::sqrt(1 / pi), 0, 0.5 * std::sqrt(3 / pi), 0, 0, 0, 0.5 * std::sqrt(5 / pi), 0, 0, 0, 0, 0,
       0.5 * std::sqrt(7 / pi), 0, 0, 0}};
  const std::vector<float> got = y.to_vector<float>();
  for (int i = 0; i < 3; ++i)
    for (int k = 0; k < 16; ++k) REQUIRE(got[i * 16 + k] == Approx(expected[i][k]).margin(1e-7));
  // Off the axes, the signs of the mixed terms.
  const double s = 1 / std::sqrt(3.0);
  const float s_float = static_cast<float>(s);
  const std::vector<float> mixed =
      spherical_harmonics(Tensor::from_vector<float>({s_float, s_float, s_float}, {1, 3})).to_vector<float>();
  REQUIRE(mixed[4] == Approx(0.5 * std::sqrt(15 / pi) / 3));
  REQUIRE(mixed[5] == Approx(-0.5 * std::sqrt(15 / pi) / 3));
  REQUIRE(mixed[7] == Approx(-0.5 * std::sqrt(15 / pi) / 3));
  REQUIRE(mixed[10] == Approx(0.5 * std::sqrt(105 / pi) * s * s * s));
  REQUIRE(mixed[15] == Approx(0.25 * std::sqrt(17.5 / pi) * 2 * s * s * s));
}

TEST_CASE("spherical harmonics are orthonormal over the sphere") {
  // Gauss-Legendre in z (exact for the products' degree 6) times an even ring of angles.
  const double nodes[4] = {-0.8611363115940526, -0.3399810435848563, 0.3399810435848563, 0.8611363115940526};
  const double weights[4] = {0.3478548451374538, 0.6521451548625461, 0.6521451548625461, 0.3478548451374538};
  const int ring = 8;
  std::vector<float> directions;
  for (double z : nodes)
    for (int j = 0; j < ring; ++j) {
      const double angle = 2 * kPi * (j + 0.5) / ring, r = std::sqrt(1 - z * z);
      directions.insert(directions.end(),
                        {float(r * std::cos(angle)), float(r * std::sin(angle)), static_cast<float>(z)});
    }
  const std::vector<float> y = spherical_harmonics(Tensor::from_vector(directions, {4 * ring, 3})).to_vector<float>();
  for (int a = 0; a < 16; ++a)
    for (int b = 0; b < 16; ++b) {
      double integral = 0;
      for (int i = 0; i < 4 * ring; ++i)
        integral += weights[i / ring] * (2 * kPi / ring) * y[i * 16 + a] * y[i * 16 + b];
      REQUIRE(integral == Approx(a == b ? 1 : 0).margin(2e-6));
    }
}

TEST_CASE("spherical harmonics: fused equals composed") {
  for (int degree : {1, 2, 3, 4})
    for (int64_t n : {0, 1, 15, 17, 5000}) {
      const Tensor x = uniform({n, 3}, 1).set_requires_grad(true);
      const Tensor dy = uniform({n, degree * degree}, 2);
      const Tensor fused = spherical_harmonics(x, degree), twin = spherical_harmonics_composed(x, degree);
      REQUIRE(relative_error(fused, twin) <= 1e-5);
      REQUIRE(relative_error(grad({fused}, {x}, {dy})[0], grad({twin}, {x}, {dy})[0]) <= 1e-5);
    }
  SECTION("strided directions, broadcast gradient") {
    const Tensor x = flip(transpose(uniform({3, 21}, 1)), {1}).detach().set_requires_grad(true);
    const Tensor copy = clone(x.detach()).set_requires_grad(true);
    REQUIRE_FALSE(x.is_contiguous());
    const Tensor y = spherical_harmonics(x), z = spherical_harmonics(copy);
    REQUIRE(y.to_vector<float>() == z.to_vector<float>());
    REQUIRE(relative_error(grad({sum(y)}, {x})[0], grad({sum(z)}, {copy})[0]) == 0);
  }
  SECTION("one direction for all points") {
    const Tensor x = broadcast_to(uniform({1, 3}, 1), {40, 3});
    REQUIRE(relative_error(spherical_harmonics(x), spherical_harmonics(contiguous(x))) == 0);
  }
  SECTION("NaN stays in its row") {
    const std::vector<float> y =
        spherical_harmonics(Tensor::from_vector<float>({0, 0, 1, std::nanf(""), 0, 0}, {2, 3})).to_vector<float>();
    for (int k = 0; k < 16; ++k) REQUIRE(std::isfinite(y[k]));
    REQUIRE(std::isnan(y[16 + 3]));
  }
}

TEST_CASE("sinusoids have the values and the order of NeRF's equation 4") {
  const std::vector<float> x = {0.25f, -0.7f, 1.0f, 0.0f, 123.456f, -0.3f};
  const std::vector<float> y = frequency_encoding(Tensor::from_vector(x, {2, 3}), 10).to_vector<float>();
  REQUIRE(y.size() == 2 * 60);
  for (int i = 0; i < 6; ++i)
    for (int k = 0; k < 10; ++k) {
      const double angle = std::fmod(std::ldexp(double(x[i]), k), 2.0) * kPi;
      REQUIRE(y[(i * 10 + k) * 2] == Approx(std::sin(angle)).margin(1e-6));
      REQUIRE(y[(i * 10 + k) * 2 + 1] == Approx(std::cos(angle)).margin(1e-6));
    }
}

TEST_CASE("sinusoids: fused equals composed") {
  for (int frequencies : {1, 4, 12})
    for (int64_t n : {0, 1, 15, 17, 1100})
      for (int64_t d : {1, 3}) {
        const Tensor x = uniform({n, d}, 1, -2, 2).set_requires_grad(true);
        const Tensor dy = uniform({n, d * frequencies * 2}, 2);
        const Tensor fused = frequency_encoding(x, frequencies), twin = frequency_encoding_composed(x, frequencies);
        REQUIRE(relative_error(fused, twin) <= 1e-5);
        REQUIRE(relative_error(grad({fused}, {x}, {dy})[0], grad({twin}, {x}, {dy})[0]) <= 1e-5);
      }
  SECTION("strided input") {
    const Tensor x = transpose(uniform({3, 21}, 1));
    REQUIRE(relative_error(frequency_encoding(x, 3), frequency_encoding(contiguous(x), 3)) == 0);
  }
  SECTION("no columns") { REQUIRE(frequency_encoding(Tensor::zeros({4, 0}), 3).shape() == Shape{4, 0}); }
  SECTION("NaN and infinity give NaN") {
    const float inf = std::numeric_limits<float>::infinity();
    for (float v :
         frequency_encoding(Tensor::from_vector<float>({inf, -inf, std::nanf("")}, {3, 1}), 3).to_vector<float>())
      REQUIRE(std::isnan(v));
  }
}

TEST_CASE("gradients in float64") {
  const Tensor x = uniform({4, 3}, 1, -1, 1, DType::Float64).set_requires_grad(true);
  for (int degree : {1, 2, 3, 4}) {
    const auto encode = [&](const Tensors& in) { return Tensors{spherical_harmonics(in[0], degree)}; };
    REQUIRE(gradcheck(encode, {x}));
    if (degree > 2) REQUIRE(gradgradcheck(encode, {x}));
  }
  const auto waves = [](const Tensors& in) { return Tensors{frequency_encoding(in[0], 3)}; };
  REQUIRE(gradcheck(waves, {x}));
  REQUIRE(gradgradcheck(waves, {x}));
}

TEST_CASE("second derivatives of the fused ops are those of their twins") {
  const Tensor x = uniform({9, 3}, 1).set_requires_grad(true);
  const auto second = [&](const Tensor& y) {
    const Tensor first = grad({sum(mul(square(y), y))}, {x}, {}, true, true)[0];
    return grad({sum(square(first))}, {x})[0];
  };
  REQUIRE(relative_error(second(spherical_harmonics(x)), second(spherical_harmonics_composed(x))) <= 1e-5);
  REQUIRE(relative_error(second(frequency_encoding(x, 3)), second(frequency_encoding_composed(x, 3))) <= 1e-5);
}

TEST_CASE("instruction sets agree") {
#if defined(__x86_64__)
  const int64_t n = 37;
  const std::vector<float> x = uniform({3 * n}, 1).to_vector<float>();
  const std::vector<float> dy = uniform({16 * n}, 2).to_vector<float>();
  struct Results {
    std::vector<float> values[4];
  };
#define RUN(isa)                                                                                                     \
  [&] {                                                                                                              \
    Results r{                                                                                                       \
        {std::vector<float>(16 * n), std::vector<float>(3 * n), std::vector<float>(16 * n), std::vector<float>(n)}}; \
    isa::spherical_harmonics_rows({x.data(), 3, 1, n, 4, r.values[0].data()});                                       \
    isa::spherical_harmonics_backward({x.data(), 3, 1, n, 4, dy.data(), r.values[1].data()});                        \
    isa::frequency_rows({x.data(), n, 8, r.values[2].data()});                                                       \
    isa::frequency_backward({r.values[2].data(), dy.data(), n, 8, r.values[3].data()});                              \
    return r;                                                                                                        \
  }()
  const Results expected = RUN(baseline);
  const auto check = [&](const Results& got) {
    for (int k = 0; k < 4; ++k)
      for (size_t i = 0; i < got.values[k].size(); ++i)
        REQUIRE(got.values[k][i] == Approx(expected.values[k][i]).epsilon(1e-5).margin(k == 3 ? 1e-3 : 1e-5));
  };
  if (kIsa != Isa::Baseline) check(RUN(avx2));
  if (kIsa == Isa::Avx512) check(RUN(avx512));
#undef RUN
#endif
}

TEST_CASE("mistakes are told") {
  const Tensor x = Tensor::zeros({5, 3});
  REQUIRE_THROWS_AS(spherical_harmonics(Tensor(), 4), ValueError);
  REQUIRE_THROWS_AS(spherical_harmonics(Tensor::zeros({5, 4}), 4), ValueError);
  REQUIRE_THROWS_AS(spherical_harmonics(Tensor::zeros({3}), 4), ValueError);
  REQUIRE_THROWS_AS(spherical_harmonics(x, 0), ValueError);
  REQUIRE_THROWS_AS(spherical_harmonics(x, 5), ValueError);
  REQUIRE_THROWS_AS(spherical_harmonics_composed(x, 5), ValueError);
  REQUIRE_THROWS_AS(spherical_harmonics(cast(x, DType::Int64), 4), TypeError);
  REQUIRE_THROWS_AS(frequency_encoding(Tensor(), 4), ValueError);
  REQUIRE_THROWS_AS(frequency_encoding(Tensor::zeros({3}), 4), ValueError);
  REQUIRE_THROWS_AS(frequency_encoding(x, 0), ValueError);
  REQUIRE_THROWS_AS(frequency_encoding(x, 33), ValueError);
  REQUIRE_THROWS_AS(frequency_encoding(cast(x, DType::Int64), 4), TypeError);
}
