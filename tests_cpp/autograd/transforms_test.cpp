// Hooks, retained gradients, functions of one's own, anomalies, edits on the tape, products with the Jacobian and
// checkpoints.
#include "needlecpp/autograd/transforms.h"

#include <cmath>

#include "needlecpp/autograd/function.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/ops/matmul.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "support.h"

using namespace needlecpp;

namespace {

// A program's own differentiable function: softsign, x / (1 + |x|), with the derivative 1 / (1 + |x|)^2.
Tensor softsign_of_mine(const Tensor& x) {
  const NoGrad no_grad;
  const Tensor y = div(x, add(abs(x), 1.0));
  const GradMode on(true);
  return record("softsign_of_mine", y, {x}, {x},
                [](Backward& g) { g.give(0, g.dy() / square(add(abs(g.saved(0)), 1.0))); });
}

// target *= factor, on the tape where it has to be.
void scale_(const Tensor& target, const Tensor& factor) {
  if (on_tape({target, factor}))
    return edit_on_tape("scale_", target, [&](const Tensor& before) { return mul(before, factor); });
  check_inplace("scale_", target);
  const NoGrad no_grad;
  copy_(target, mul(target, factor));
}

}  // namespace

TEST_CASE("a function of one's own") {
  const Tensor x = leaf({-1.5, 0.25, 3});
  CHECK(gradcheck([](const Tensors& in) { return Tensors{softsign_of_mine(in[0])}; }, {x}));
  CHECK(gradgradcheck([](const Tensors& in) { return Tensors{softsign_of_mine(in[0])}; }, {x}));
}

TEST_CASE("hooks see complete gradients and may change them") {
  const Tensor x = leaf({1, 2});
  int calls = 0;
  HookHandle counter = register_hook(x, [&](const Tensor&) {
    ++calls;
    return Tensor();
  });
  const Tensor y = x * 3;
  register_hook(y, [](const Tensor& g) { return g * 2; });
  retain_grad(y);
  sum(y + y).backward();
  CHECK(x.grad().to_vector<double>() == std::vector<double>{12, 12});
  CHECK(y.grad().to_vector<double>() == std::vector<double>{4, 4});
  CHECK(calls == 1);
  counter.remove();
  sum(x * 1).backward();
  CHECK(calls == 1);
  CHECK_THROWS_AS(register_hook(Tensor::ones({2}), [](const Tensor& g) { return g; }), Error);
}

TEST_CASE("anomaly detection names the op that made the NaN") {
  set_anomaly_detection(true);
  const Tensor x = leaf({-1, 4});
  try {
    sqrt(exp(x) - 100.0);
    CHECK(false);
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find("[sqrt] made a NaN") == 0);
  }
  CHECK_NOTHROW(sqrt(leaf({NAN})));
  set_anomaly_detection(false);
  CHECK(std::isnan(sqrt(x).to_vector<double>()[0]));
}

TEST_CASE("edits on the tape") {
  const Tensor x = leaf({1, 2, 3});
  const Tensor factor = leaf({2, 3, 4});
  SECTION("have the gradient of the op out of place") {
    const auto run = [](const Tensors& in) {
      const Tensor y = in[0] * 2;
      scale_(y, in[1]);
      scale_(y, in[1]);
      return Tensors{y};
    };
    CHECK(run({x, factor})[0].to_vector<double>() == std::vector<double>{8, 36, 96});
    CHECK(gradcheck(run, {x, factor}));
    CHECK(gradgradcheck(run, {x, factor}));
  }
  SECTION("of a tensor off the tape put it there") {
    const Tensor y = Tensor::ones({3}, DType::Float64);
    scale_(y, factor);
    sum(y).backward();
    CHECK(factor.grad().to_vector<double>() == std::vector<double>{1, 1, 1});
  }
  SECTION("are refused where something would be left behind") {
    CHECK_THROWS_AS(scale_(x, factor), Error);  // a leaf
    const Tensor y = x * 2;
    const Tensor detached = y.detach();
    CHECK_THROWS_AS(scale_(y, factor), Error);
    const Tensor narrow = Tensor::ones({1}, DType::Float64);
    CHECK_THROWS_AS(scale_(narrow, factor), ValueError);
  }
  SECTION("are seen by views") {
    const Tensor y = x * 2;
    const Tensor view = slice(y, 0, 0, 1);
    scale_(y, factor);
    CHECK(view.item() == y.to_vector<double>()[0]);
    sum(view).backward();
    CHECK(x.grad().to_vector<double>()[0] == 2 * factor.to_vector<double>()[0]);
    CHECK(x.grad().to_vector<double>()[1] == 0);
  }
  SECTION("leave what was saved before as it was") {
    const auto run = [](const Tensors& in) {
      const Tensor y = exp(in[0]);  // whose backward reads its result
      const Tensor z = square(y);
      scale_(y, in[1]);
      return Tensors{y, z};
    };
    CHECK(gradcheck(run, {x, factor}));
    CHECK(gradgradcheck(run, {x, factor}));
  }
}

TEST_CASE("products with the Jacobian") {
  const auto fn = [](const Tensors& in) { return Tensors{sum(in[0] * in[1], {1}), matmul(exp(in[0]), in[1])}; };
  const Tensor a = randn({3, 3}, 0, 1, DType::Float64);
  const Tensor b = randn({3, 3}, 0, 1, DType::Float64);
  const Tensors v = {randn({3}, 0, 1, DType::Float64), randn({3, 3}, 0, 1, DType::Float64)};
  const Tensors t = {randn({3, 3}, 0, 1, DType::Float64), randn({3, 3}, 0, 1, DType::Float64)};
  const auto [outputs, pulled] = vjp(fn, {a, b}, v);
  const auto [again, pushed] = jvp(fn, {a, b}, t);
  CHECK_FALSE(outputs[0].requires_grad());
  const double left = sum(pulled[0] * t[0]).item() + sum(pulled[1] * t[1]).item();
  const double right = sum(pushed[0] * v[0]).item() + sum(pushed[1] * v[1]).item();
  CHECK(left == Approx(right));
  CHECK_THROWS_AS(jvp(fn, {a, b}, {t[0]}), ValueError);
}

TEST_CASE("a checkpoint reaches what the function captured, and draws the same numbers again") {
  const Tensor x = leaf({0.2, 0.5});
  const Tensor weight = leaf({0.7, -0.4});
  const Tensor inner = weight * 2;
  const auto fn = [&](const Tensors& in) { return Tensors{exp(in[0] * inner) * weight}; };
  const auto wrapped = [&](const Tensors& in) { return checkpoint(fn, in); };
  CHECK(gradcheck(wrapped, {x}));
  CHECK(gradgradcheck(wrapped, {x}));
  const Tensors got = grad(wrapped({x}), {x, weight, inner}, {Tensor::ones({2}, DType::Float64)}, true);
  const Tensors want = grad(fn({x}), {x, weight, inner}, {Tensor::ones({2}, DType::Float64)}, true);
  for (size_t i = 0; i < got.size(); ++i) CHECK(got[i].to_vector<double>() == want[i].to_vector<double>());
  // An input that is captured as well counts once each way.
  const auto squared = [&](const Tensors& in) { return Tensors{in[0] * weight}; };
  CHECK(grad(checkpoint(squared, {weight}), {weight}, {Tensor::ones({2}, DType::Float64)})[0].to_vector<double>() ==
        (weight.detach() * 2).to_vector<double>());

  std::vector<std::vector<double>> masks;
  const auto noisy = [&](const Tensors& in) {
    masks.push_back(rand({2}, 0, 1, DType::Float64).to_vector<double>());
    return Tensors{in[0] * Tensor::from_vector(masks.back(), {2})};
  };
  sum(checkpoint(noisy, {x})[0]).backward();
  CHECK(masks[0] == masks[1]);
  CHECK(x.grad().to_vector<double>() == masks[0]);
}
