// Optimizer updates against the textbook formulas in double precision.
#include "needlecpp/ops/optim_step.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/shape.h"
#include "support.h"

using namespace needlecpp;

namespace {

double number(int64_t i, int64_t salt) {
  return std::sin(static_cast<double>(i) * 12.9898 + static_cast<double>(salt));
}

template <class T>
Tensor numbers(int64_t n, int64_t salt) {
  std::vector<T> values(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) values[static_cast<size_t>(i)] = static_cast<T>(number(i, salt));
  return Tensor::from_vector(values, {n});
}

// Gradients with every pattern of zeros: runs of 100, single ones, and dense stretches.
template <class T>
Tensor sparse_numbers(int64_t n, int64_t salt) {
  const Tensor g = numbers<T>(n, salt);
  for (int64_t i = 0; i < n; ++i)
    if ((i / 100) % 3 == 0 || ((i / 100) % 3 == 1 && (i + salt) % 7 != 0)) g.data<T>()[i] = i % 2 ? T{0} : T(-0.0);
  return g;
}

template <class T>
void check_adam(int64_t n, AdamOptions options, bool sparse) {
  INFO("n " << n << " touched " << options.touched_only << " clear " << options.clear_gradient << " decay "
            << options.weight_decay << " sparse " << sparse);
  const double tolerance = sizeof(T) == 4 ? 2e-5 : 1e-12;
  const Tensor p = numbers<T>(n, 1), m = Tensor::zeros({n}, p.dtype()), v = Tensor::zeros({n}, p.dtype());
  std::vector<double> rp = doubles(p), rm(rp.size(), 0.0), rv(rp.size(), 0.0);
  for (int64_t step = 1; step <= 4; ++step) {
    options.step = step;
    const Tensor g = sparse ? sparse_numbers<T>(n, step) : numbers<T>(n, step + 10);
    const std::vector<double> rg = doubles(g);
    adam_step_(p, g, m, v, options);
    for (size_t i = 0; i < rp.size(); ++i) {
      if (options.touched_only && rg[i] == 0) continue;
      const double gradient = rg[i] + options.weight_decay * rp[i];
      rm[i] = options.beta1 * rm[i] + (1 - options.beta1) * gradient;
      rv[i] = options.beta2 * rv[i] + (1 - options.beta2) * gradient * gradient;
      const double t = static_cast<double>(step);
      rp[i] -= options.lr * (rm[i] / (1 - std::pow(options.beta1, t))) /
               (std::sqrt(rv[i] / (1 - std::pow(options.beta2, t))) + options.eps);
    }
    const std::vector<double> gp = doubles(p), gm = doubles(m), gv = doubles(v), gg = doubles(g);
    double worst_p = 0, worst_m = 0, worst_v = 0;
    bool gradient_right = true, untouched_right = true;
    for (size_t i = 0; i < rp.size(); ++i) {
      worst_p = std::max(worst_p, std::fabs(gp[i] - rp[i]));
      worst_m = std::max(worst_m, std::fabs(gm[i] - rm[i]));
      worst_v = std::max(worst_v, std::fabs(gv[i] - rv[i]));
      gradient_right = gradient_right && gg[i] == (options.clear_gradient ? 0.0 : rg[i]);
      if (options.touched_only && rm[i] == 0) untouched_right = untouched_right && gm[i] == 0 && gv[i] == 0;
    }
    CHECK(worst_p < tolerance);
    CHECK(worst_m < tolerance);
    CHECK(worst_v < tolerance);
    CHECK(gradient_right);
    CHECK(untouched_right);
  }
}

template <class T>
void check_sgd(int64_t n, double momentum, double weight_decay) {
  INFO("n " << n << " momentum " << momentum << " decay " << weight_decay);
  const Tensor p = numbers<T>(n, 1);
  const Tensor u = momentum != 0 ? Tensor::zeros({n}, p.dtype()) : Tensor();
  std::vector<double> rp = doubles(p), ru(rp.size(), 0.0);
  for (int64_t step = 1; step <= 3; ++step) {
    const Tensor g = numbers<T>(n, step + 20);
    sgd_step_(p, g, u, 0.1, momentum, weight_decay);
    const std::vector<double> rg = doubles(g), gp = doubles(p);
    double worst = 0;
    for (size_t i = 0; i < rp.size(); ++i) {
      ru[i] = momentum * ru[i] + rg[i] + weight_decay * rp[i];
      rp[i] -= 0.1 * ru[i];
      worst = std::max(worst, std::fabs(gp[i] - rp[i]));
    }
    CHECK(worst < (sizeof(T) == 4 ? 2e-6 : 1e-14));
  }
}

}  // namespace

TEST_CASE("adam_step_: equals the algorithm for several steps") {
  AdamOptions options;
  options.lr = 0.01;
  for (int64_t n : {0, 1, 15, 16, 17, 63, 64, 65, 129, 1000, 40000})
    for (bool sparse : {false, true})
      for (bool touched_only : {false, true})
        for (bool clear : {false, true})
          for (double decay : {0.0, 0.1}) {
            options.touched_only = touched_only;
            options.clear_gradient = clear;
            options.weight_decay = decay;
            check_adam<float>(n, options, sparse);
            check_adam<double>(n, options, sparse);
          }
}

TEST_CASE("adam_step_: an untouched entry keeps its bits, a NaN gradient shows") {
  const Tensor p = numbers<float>(100, 1), m = numbers<float>(100, 2), v = square(numbers<float>(100, 3));
  const std::vector<float> before = p.to_vector<float>(), m_before = m.to_vector<float>();
  const Tensor g = Tensor::zeros({100});
  g.data<float>()[33] = std::numeric_limits<float>::quiet_NaN();
  g.data<float>()[70] = 1e-30f;
  AdamOptions options;
  options.touched_only = true;
  options.weight_decay = 0.1;
  adam_step_(p, g, m, v, options);
  const std::vector<float> after = p.to_vector<float>(), m_after = m.to_vector<float>();
  for (size_t i = 0; i < 100; ++i) {
    if (i == 33) {
      CHECK(std::isnan(after[i]));
    } else if (i == 70) {
      CHECK(after[i] != before[i]);
    } else {
      CHECK(after[i] == before[i]);
      CHECK(m_after[i] == m_before[i]);
    }
  }
}

TEST_CASE("sgd_step_: equals the formula") {
  for (int64_t n : {0, 1, 15, 16, 17, 1000, 40000})
    for (double momentum : {0.0, 0.9})
      for (double decay : {0.0, 0.1}) {
        check_sgd<float>(n, momentum, decay);
        check_sgd<double>(n, momentum, decay);
      }
}

TEST_CASE("optimizer steps: off the tape, and they advance versions") {
  const Tensor p = numbers<float>(20, 1).set_requires_grad(true);
  const Tensor m = Tensor::zeros({20}), v = Tensor::zeros({20});
  const Tensor loss = square(p);
  const uint32_t version = p.version();
  AdamOptions options;
  const Tensor g = Tensor::ones({20});
  const uint32_t gradient_version = g.version();
  adam_step_(p, g, m, v, options);
  CHECK(p.is_leaf());
  CHECK(p.requires_grad());
  CHECK(p.version() != version);
  CHECK(m.version() == 1);
  CHECK(v.version() == 1);
  CHECK(g.version() == gradient_version);
  CHECK_THROWS_AS(loss.backward(Tensor::ones({20})), Error);  // square() had saved p
  options.clear_gradient = true;
  adam_step_(p, g, m, v, options);
  CHECK(g.version() != gradient_version);
  const uint32_t later = p.version();
  sgd_step_(p, Tensor::ones({20}), Tensor(), 0.1, 0, 0);
  CHECK(p.version() != later);

  // A gradient that is a view is read as it is.
  const Tensor q = Tensor::zeros({3, 4});
  sgd_step_(q, broadcast_to(Tensor::from_vector(std::vector<float>{1, 2, 3, 4}, {1, 4}), {3, 4}), Tensor(), 1, 0, 0);
  CHECK(q.to_vector<float>() == std::vector<float>{-1, -2, -3, -4, -1, -2, -3, -4, -1, -2, -3, -4});
}

TEST_CASE("optimizer steps: mistakes are explained") {
  const Tensor p = Tensor::ones({4, 4}), g = Tensor::ones({4, 4}), m = Tensor::zeros({4, 4}), v = Tensor::zeros({4, 4});
  AdamOptions options;
  CHECK_THROWS_AS(adam_step_(Tensor(), g, m, v, options), ValueError);
  CHECK_THROWS_AS(adam_step_(p, Tensor(), m, v, options), ValueError);
  CHECK_THROWS_AS(adam_step_(p, g, Tensor(), v, options), ValueError);
  CHECK_THROWS_AS(adam_step_(p, Tensor::ones({16}), m, v, options), ValueError);
  CHECK_THROWS_AS(adam_step_(p, g, Tensor::zeros({4, 4}, DType::Float64), v, options), TypeError);
  CHECK_THROWS_AS(adam_step_(Tensor::ones({4}, DType::Int32), g, m, v, options), TypeError);
  CHECK_THROWS_AS(adam_step_(transpose(p), g, m, v, options), ValueError);
  options.clear_gradient = true;
  CHECK_THROWS_AS(adam_step_(p, transpose(g), m, v, options), ValueError);
  options.clear_gradient = false;
  options.step = 0;
  CHECK_THROWS_AS(adam_step_(p, g, m, v, options), ValueError);
  options.step = 1;
  options.beta2 = 1;
  CHECK_THROWS_AS(adam_step_(p, g, m, v, options), ValueError);
  CHECK_THROWS_AS(sgd_step_(p, g, Tensor(), 0.1, 0.9, 0), ValueError);
  CHECK_THROWS_AS(sgd_step_(p, g, Tensor::zeros({3}), 0.1, 0.9, 0), ValueError);
  float fixed[16] = {};
  const Tensor read_only = Tensor::wrap(fixed, {4, 4}, {4, 1}, DType::Float32, nullptr, true);
  CHECK_THROWS_AS(sgd_step_(read_only, g, Tensor(), 0.1, 0, 0), ValueError);
}
