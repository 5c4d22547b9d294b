// fused_mlp() against its composed twin and against loops in double precision.
#include "needlecpp/render/fused_mlp.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/core/allocator.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/ops/shape.h"
#include "render/ops/fused_mlp_cpu.h"
#include "render/ops/fused_mlp_tape.h"
#include "support.h"

using namespace needlecpp;

namespace {

struct Numbers {
  uint32_t state;
  double next() {  // in [-1, 1)
    state = state * 1664525u + 1013904223u;
    return static_cast<double>(state >> 8) / (1 << 23) - 1.0;
  }
};

template <class T>
Tensor random_tensor(const Shape& shape, uint32_t seed, double scale = 1.0) {
  Numbers numbers{seed};
  std::vector<T> values(static_cast<size_t>(numel(shape)));
  for (T& value : values) value = static_cast<T>(scale * numbers.next());
  return Tensor::from_vector(values, shape);
}

template <class T = float>
Tensors random_weights(const std::vector<int64_t>& widths, uint32_t seed) {
  Tensors weights;
  for (size_t l = 0; l + 1 < widths.size(); ++l)
    weights.push_back(random_tensor<T>({widths[l], widths[l + 1]}, seed + static_cast<uint32_t>(l) * 77u,
                                       std::sqrt(3.0 / static_cast<double>(widths[l]))));
  return weights;
}

struct Result {
  Tensor y, dx;
  Tensors dweights;
};

Result run(bool fused, const Tensor& x, const Tensors& weights, Activation hidden, Activation output, const Tensor& dy,
           Precision precision = Precision::Float32) {
  const Tensor x_leaf = leaf(x);
  Tensors leaves;
  for (const Tensor& w : weights) leaves.push_back(leaf(w));
  const Tensor y = fused ? fused_mlp(x_leaf, leaves, hidden, output, precision)
                         : fused_mlp_composed(x_leaf, leaves, hidden, output, precision);
  y.backward(dy);
  Result result{y.detach(), x_leaf.grad(), {}};
  for (const Tensor& w : leaves) result.dweights.push_back(w.grad());
  return result;
}

void require_same(const Result& got, const Result& expected, double tolerance = 1e-5) {
  CHECK(relative_error(got.y, expected.y) < tolerance);
  CHECK(relative_error(got.dx, expected.dx) < tolerance);
  for (size_t l = 0; l < got.dweights.size(); ++l) {
    INFO("weight " << l);
    CHECK(relative_error(got.dweights[l], expected.dweights[l]) < tolerance);
  }
}

// The twin does not round the gradients between layers, and sums in another order flip a rounding here and there.
constexpr double kBrainTolerance = 2e-2;

void compare(const std::vector<int64_t>& widths, int64_t n, Activation hidden, Activation output,
             Precision precision = Precision::Float32) {
  std::string text;
  for (int64_t width : widths) text += std::to_string(width) + " ";
  INFO("widths " << text << " n " << n << " hidden " << static_cast<int>(hidden) << " output "
                 << static_cast<int>(output));
  const Tensor x = random_tensor<float>({n, widths.front()}, 1);
  const Tensor dy = random_tensor<float>({n, widths.back()}, 2);
  const Tensors weights = random_weights(widths, 3);
  require_same(run(true, x, weights, hidden, output, dy, precision),
               run(false, x, weights, hidden, output, dy, precision),
               precision == Precision::BFloat16 ? kBrainTolerance : 1e-5);
}

double activated(double x, Activation activation) {
  if (activation == Activation::ReLU) return x > 0 ? x : 0;
  return activation == Activation::Sigmoid ? 1 / (1 + std::exp(-x)) : x;
}
double slope(double y, Activation activation) {
  if (activation == Activation::ReLU) return y > 0 ? 1 : 0;
  return activation == Activation::Sigmoid ? y * (1 - y) : 1;
}

// Plain loops, which share nothing with the library.
Result by_loops(const Tensor& x, const Tensors& weights, Activation hidden, Activation output, const Tensor& dy) {
  const auto n = static_cast<size_t>(x.size(0));
  std::vector<std::vector<double>> values;
  const std::vector<float> first = x.to_vector<float>();
  values.emplace_back(first.begin(), first.end());
  for (size_t l = 0; l < weights.size(); ++l) {
    const auto in = static_cast<size_t>(weights[l].size(0)), out = static_cast<size_t>(weights[l].size(1));
    const std::vector<float> w = weights[l].to_vector<float>();
    std::vector<double> next(n * out, 0.0);
    for (size_t p = 0; p < n; ++p)
      for (size_t o = 0; o < out; ++o) {
        for (size_t i = 0; i < in; ++i) next[p * out + o] += values[l][p * in + i] * w[i * out + o];
        next[p * out + o] = activated(next[p * out + o], l + 1 < weights.size() ? hidden : output);
      }
    values.push_back(next);
  }
  auto tensor = [](const std::vector<double>& v, const Shape& shape) {
    return Tensor::from_vector(std::vector<float>(v.begin(), v.end()), shape);
  };
  Result result;
  result.y = tensor(values.back(), dy.shape());
  result.dweights.resize(weights.size());
  const std::vector<float> last = dy.to_vector<float>();
  std::vector<double> g(last.begin(), last.end());
  for (size_t l = weights.size(); l-- > 0;) {
    const auto in = static_cast<size_t>(weights[l].size(0)), out = static_cast<size_t>(weights[l].size(1));
    const std::vector<float> w = weights[l].to_vector<float>();
    for (size_t i = 0; i < g.size(); ++i) g[i] *= slope(values[l + 1][i], l + 1 < weights.size() ? hidden : output);
    std::vector<double> dw(in * out, 0.0), dx(n * in, 0.0);
    for (size_t p = 0; p < n; ++p)
      for (size_t i = 0; i < in; ++i)
        for (size_t o = 0; o < out; ++o) {
          dw[i * out + o] += values[l][p * in + i] * g[p * out + o];
          dx[p * in + i] += g[p * out + o] * w[i * out + o];
        }
    result.dweights[l] = tensor(dw, weights[l].shape());
    g = dx;
  }
  result.dx = tensor(g, x.shape());
  return result;
}

// Small whole numbers, -limit to limit.
Tensor from_integers(const Shape& shape, int limit) {
  std::vector<float> values(static_cast<size_t>(numel(shape)));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>((i * 7919 + i / 3) % (2 * limit + 1)) - limit;
  return Tensor::from_vector(values, shape);
}

const Activation kActivations[] = {Activation::None, Activation::ReLU, Activation::Sigmoid};

}  // namespace

TEST_CASE("fused_mlp: plain loops agree") {
  const std::vector<std::vector<int64_t>> networks = {
      {32, 64, 64, 4}, {32, 64, 16}, {31, 64, 64, 3}, {5, 17, 33, 9, 2}};
  for (const auto& widths : networks)
    for (Activation hidden : kActivations)
      for (Activation output : kActivations) {
        const Tensor x = random_tensor<float>({101, widths.front()}, 11);
        const Tensor dy = random_tensor<float>({101, widths.back()}, 12);
        const Tensors weights = random_weights(widths, 13);
        INFO("first width " << widths.front() << " activations " << static_cast<int>(hidden)
                            << static_cast<int>(output));
        require_same(run(true, x, weights, hidden, output, dy), by_loops(x, weights, hidden, output, dy), 1e-5);
      }
}

TEST_CASE("fused_mlp: every width equals the twin") {
  const int64_t sizes[] = {1, 3, 4, 16, 17, 32, 64, 100, 128, 256};
  for (int64_t a : sizes) {
    for (int64_t b : sizes) compare({a, b}, 97, Activation::ReLU, Activation::None);
    compare({a, 64, 7}, 97, Activation::ReLU, Activation::Sigmoid);
    compare({20, a, 16}, 97, Activation::ReLU, Activation::None);
    compare({32, 64, a}, 97, Activation::ReLU, Activation::None);
  }
  // Every number of rows of a register block, and every number of vectors.
  for (int64_t width = 1; width <= 80; ++width) {
    compare({width, 81 - width}, 13, Activation::ReLU, Activation::None);
    compare({12, width, 5}, 73, Activation::ReLU, Activation::ReLU);
  }
}

TEST_CASE("fused_mlp: every number of points, layers and activations equals the twin") {
  for (int64_t n : {0, 1, 5, 71, 72, 73, 95, 96, 97, 143, 144, 145, 1000, 5000})
    compare({32, 64, 64, 4}, n, Activation::ReLU, Activation::None);
  const std::vector<std::vector<int64_t>> networks = {
      {16, 16}, {19, 40, 3}, {32, 64, 64, 4}, {8, 48, 33, 24, 16}, {3, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 2}};
  for (const auto& widths : networks)
    for (Activation hidden : kActivations)
      for (Activation output : kActivations) compare(widths, 200, hidden, output);
}

TEST_CASE("fused_mlp: products of bfloat16 numbers") {
  const Precision brain = Precision::BFloat16;
  for (int64_t n : {0, 1, 2, 71, 72, 73, 145, 1000})
    compare({32, 64, 64, 4}, n, Activation::ReLU, Activation::None, brain);
  for (int64_t width = 1; width <= 80; width += 3) {
    compare({width, 81 - width}, 13, Activation::ReLU, Activation::None, brain);
    compare({12, width, 5}, 73, Activation::ReLU, Activation::ReLU, brain);
  }
  compare({256, 256, 256}, 150, Activation::ReLU, Activation::None, brain);
  const std::vector<std::vector<int64_t>> networks = {{16, 16}, {19, 40, 3}, {8, 48, 33, 24, 16}, {3, 7, 7, 7, 2}};
  for (const auto& widths : networks)
    for (Activation hidden : kActivations)
      for (Activation output : kActivations) compare(widths, 200, hidden, output, brain);

  // Numbers that bfloat16 holds, with sums below 2^8: not a bit is lost.
  const Tensor x = from_integers({150, 33}, 5), dy = from_integers({150, 20}, 3);
  const Tensors weights = {from_integers({33, 20}, 3)};
  require_same(run(true, x, weights, Activation::None, Activation::None, dy, brain),
               run(false, x, weights, Activation::None, Activation::None, dy), 1e-7);
  // One NaN stays with its point.
  const Tensor bad = clone(x);
  bad.data<float>()[33 * 7 + 32] = NAN;
  const Tensor y = fused_mlp(bad, weights, Activation::None, Activation::None, brain);
  for (int64_t i = 0; i < y.numel(); ++i) CHECK(std::isnan(y.data<float>()[i]) == (i / 20 == 7));
}

TEST_CASE("fused_mlp: products of bfloat16 numbers are the same by pairs and by floats") {
  const std::vector<std::vector<int64_t>> networks = {{16, 16}, {32, 64, 64, 4}, {19, 40, 3}, {8, 48, 33, 24, 16}};
  for (const auto& widths : networks)
    for (MlpActivation hidden : {MlpActivation::kRelu, MlpActivation::kSigmoid, MlpActivation::kNone}) {
      const int64_t n = 145;  // two tiles and an odd point
      const Tensors weights = random_weights(widths, 31);
      const Tensor x = random_tensor<float>({n, widths.front()}, 32), dy = random_tensor<float>({n, widths.back()}, 33);
      // y, dx, then the gradients of the weights, as the kernels leave them.
      const auto pass = [&](MlpProducts products) {
        std::vector<MlpLayer> layers;
        std::vector<std::vector<float>> packed;
        const Tensors saved = hidden_activations(n, weights, Precision::BFloat16);
        int64_t gradients = 0;
        for (size_t l = 0; l < weights.size(); ++l) {
          const int64_t in = weights[l].size(0), out = weights[l].size(1);
          packed.emplace_back(in * mlp_padded(out));
          float* const panels = packed.back().data();
          packed.emplace_back(out * mlp_padded(in));
          layers.push_back({in, out, weights[l].data<float>(), out, 1, panels, packed.back().data(),
                            l < saved.size() ? saved[l].raw() : nullptr, gradients});
          gradients += NDL_KERNEL(mlp_gradient_size)(layers.back());
          NDL_KERNEL(mlp_pack)(products, layers.back());
        }
        const Tensor y = Tensor::empty(dy.shape()), dx = Tensor::empty(x.shape());
        const MlpArgs args = {layers.data(),
                              static_cast<int>(layers.size()),
                              hidden,
                              MlpActivation::kSigmoid,
                              cpu::mlp_columns(x),
                              y.data<float>(),
                              dy.data<float>(),
                              cpu::mlp_columns(dx),
                              products};
        std::vector<float> scratch(NDL_KERNEL(mlp_scratch)(args)), sums(gradients);
        NDL_KERNEL(mlp_forward)(args, 0, n, scratch.data());
        NDL_KERNEL(mlp_backward)(args, 0, n, scratch.data(), sums.data());
        std::vector<float> all = y.to_vector<float>();
        for (float v : dx.to_vector<float>()) all.push_back(v);
        for (size_t l = 0; l < layers.size(); ++l) {
          std::vector<float> gradient(weights[l].numel());
          NDL_KERNEL(mlp_unpack_gradient)(layers[l], sums.data(), gradient.data());
          all.insert(all.end(), gradient.begin(), gradient.end());
        }
        return all;
      };
      const std::vector<float> by_floats = pass(MlpProducts::kBrainFloats);
      REQUIRE(std::all_of(by_floats.begin(), by_floats.end(), [](float v) { return std::isfinite(v); }));
      if (kHasBf16Dot) REQUIRE(pass(MlpProducts::kBrainPairs) == by_floats);
    }
}

TEST_CASE("fused_mlp: strided inputs") {
  const Tensor wide = random_tensor<float>({301, 80}, 21);
  const Tensors weights = random_weights({32, 64, 16}, 22);
  Tensors turned;  // the same weights as transposed views
  for (const Tensor& w : weights) turned.push_back(transpose(contiguous(transpose(w))));
  const Tensor dy = random_tensor<float>({301, 16}, 23);
  std::vector<Tensor> views = {slice(wide, 1, 8, 40),
                               slice(wide, 1, 3, 67, 2),
                               flip(slice(wide, 1, 0, 32), {0}),
                               flip(slice(wide, 1, 0, 32), {1}),
                               slice(transpose(random_tensor<float>({32, 400}, 24)), 0, 0, 301),
                               broadcast_to(slice(slice(wide, 0, 0, 1), 1, 0, 32), {301, 32})};
  for (const Tensor& x : views) {
    const Result expected = run(true, contiguous(x), weights, Activation::ReLU, Activation::None, dy);
    const Result got = run(true, x, turned, Activation::ReLU, Activation::None, dy);
    require_same(got, expected, 1e-6);
    require_same(got, run(false, x, turned, Activation::ReLU, Activation::None, dy));
  }
  // A gradient that is not contiguous.
  const Tensor x = slice(wide, 1, 0, 32);
  const Tensor broadcast_dy = broadcast_to(random_tensor<float>({1, 16}, 25), {301, 16});
  require_same(run(true, x, weights, Activation::ReLU, Activation::Sigmoid, broadcast_dy),
               run(false, x, weights, Activation::ReLU, Activation::Sigmoid, broadcast_dy));
}

TEST_CASE("fused_mlp: NaN and infinity go where the twin sends them") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  for (int64_t out : {3, 4, 16, 17})
    for (Activation output : kActivations)
      for (float bad : {nan, inf, -inf}) {
        const Tensor x = random_tensor<float>({100, 33}, 31);
        x.data<float>()[40 * 33 + 5] = bad;
        const Tensor dy = random_tensor<float>({100, out}, 32);
        const Tensors weights = random_weights({33, 32, out}, 33);
        INFO("out " << out << " bad " << bad << " output " << static_cast<int>(output));
        const Result got = run(true, x, weights, Activation::ReLU, output, dy);
        const Result expected = run(false, x, weights, Activation::ReLU, output, dy);
        require_same(got, expected);
        // One bad point leaves its neighbours alone.
        const std::vector<float> y = got.y.to_vector<float>();
        CHECK(std::isfinite(y[static_cast<size_t>(39 * out)]));
        CHECK(std::isfinite(y[static_cast<size_t>(41 * out)]));
        if (std::isnan(bad)) CHECK(std::isnan(y[static_cast<size_t>(40 * out)]));
      }
  // A bad gradient.
  const Tensor x = random_tensor<float>({100, 32}, 34);
  const Tensor dy = random_tensor<float>({100, 4}, 35);
  dy.data<float>()[17] = nan;
  const Tensors weights = random_weights({32, 64, 4}, 36);
  require_same(run(true, x, weights, Activation::ReLU, Activation::None, dy),
               run(false, x, weights, Activation::ReLU, Activation::None, dy));
}

TEST_CASE("fused_mlp: only what is asked for is differentiated") {
  const Tensor x = random_tensor<float>({150, 20}, 41);
  const Tensors weights = random_weights({20, 32, 5}, 42);
  const Tensor dy = random_tensor<float>({150, 5}, 43);
  const Result all = run(true, x, weights, Activation::ReLU, Activation::None, dy);
  for (int wanted = 0; wanted < 3; ++wanted) {
    const Tensor x_leaf = wanted == 0 ? leaf(x) : x;
    const Tensors w = {wanted == 1 ? leaf(weights[0]) : weights[0], wanted == 2 ? leaf(weights[1]) : weights[1]};
    fused_mlp(x_leaf, w).backward(dy);
    CHECK(x_leaf.grad().defined() == (wanted == 0));
    CHECK(w[0].grad().defined() == (wanted == 1));
    CHECK(w[1].grad().defined() == (wanted == 2));
    if (wanted == 0) CHECK(relative_error(x_leaf.grad(), all.dx) == 0);
    if (wanted > 0)
      CHECK(relative_error(w[static_cast<size_t>(wanted - 1)].grad(), all.dweights[static_cast<size_t>(wanted - 1)]) ==
            0);
  }
  // The same matrix twice.
  const Tensor square = leaf(random_tensor<float>({20, 20}, 44, 0.3));
  fused_mlp(x, {square, square}).backward(random_tensor<float>({150, 20}, 45));
  const Tensor twin = leaf(square);
  fused_mlp_composed(x, {twin, twin}).backward(random_tensor<float>({150, 20}, 45));
  CHECK(relative_error(square.grad(), twin.grad()) < 1e-5);
}

TEST_CASE("fused_mlp: the result does not depend on the number of threads") {
  const Threads restored;
  const Tensor x = random_tensor<float>({20001, 32}, 51);
  const Tensor dy = random_tensor<float>({20001, 4}, 52);
  const Tensors weights = random_weights({32, 64, 4}, 53);
  set_num_threads(1);
  const Result one = run(true, x, weights, Activation::ReLU, Activation::None, dy);
  set_num_threads(3);
  const Result three = run(true, x, weights, Activation::ReLU, Activation::None, dy);
  CHECK(one.y.to_vector<float>() == three.y.to_vector<float>());
  CHECK(one.dx.to_vector<float>() == three.dx.to_vector<float>());
  for (size_t l = 0; l < 2; ++l) CHECK(one.dweights[l].to_vector<float>() == three.dweights[l].to_vector<float>());
}

TEST_CASE("fused_mlp: without gradients only the output is kept") {
  const Tensor x = random_tensor<float>({4096, 32}, 61);
  Tensors weights;
  for (const Tensor& w : random_weights({32, 64, 64, 4}, 62)) weights.push_back(leaf(w));
  NoGrad no_grad;
  const size_t before = memory_stats().current;
  reset_peak_memory();
  const Tensor y = fused_mlp(x, weights);
  CHECK_FALSE(y.requires_grad());
  CHECK(memory_stats().current - before < 4096 * 4 * 4 + 4096);
  CHECK(memory_stats().peak - before < 1 << 20);  // hidden activations alone would be 2 MiB
}

TEST_CASE("fused_mlp: float64 goes through the twin, and derivatives check") {
  for (Activation hidden : {Activation::None, Activation::Sigmoid, Activation::ReLU})
    for (Activation output : {Activation::None, Activation::Sigmoid}) {
      Tensors inputs = {leaf(random_tensor<double>({6, 3}, 71))};
      for (const Tensor& w : random_weights<double>({3, 5, 4, 2}, 72)) inputs.push_back(leaf(w));
      auto fn = [&](const Tensors& in) {
        return Tensors{fused_mlp(in[0], Tensors(in.begin() + 1, in.end()), hidden, output)};
      };
      CHECK(gradcheck(fn, inputs));
      CHECK(gradgradcheck(fn, inputs));
    }
}

TEST_CASE("fused_mlp: second derivatives of float32 come from the twin") {
  const Tensor x_data = random_tensor<float>({9, 8}, 81);
  const Tensors data = random_weights({8, 16, 3}, 82);
  auto penalty_gradient = [&](bool fused) {
    const Tensor x = leaf(x_data);
    const Tensors w = {leaf(data[0]), leaf(data[1])};
    const Tensor y = fused ? fused_mlp(x, w, Activation::Sigmoid) : fused_mlp_composed(x, w, Activation::Sigmoid);
    const Tensors dx = grad({y}, {x}, {Tensor::ones(y.shape())}, true, true);
    return grad({square(dx[0])}, {w[0], w[1]}, {Tensor::ones(x.shape())});
  };
  const Tensors got = penalty_gradient(true), expected = penalty_gradient(false);
  for (size_t l = 0; l < 2; ++l) CHECK(relative_error(got[l], expected[l]) < 1e-5);
}

TEST_CASE("fused_mlp: mistakes are explained") {
  const Tensor x = Tensor::ones({4, 8});
  const Tensor w = Tensor::ones({8, 3});
  CHECK_THROWS_AS(fused_mlp(x, {}), ValueError);
  CHECK_THROWS_AS(fused_mlp(x, {Tensor()}), ValueError);
  CHECK_THROWS_AS(fused_mlp(Tensor(), {w}), ValueError);
  CHECK_THROWS_AS(fused_mlp(x, {Tensor::ones({7, 3})}), ValueError);
  CHECK_THROWS_AS(fused_mlp(x, {w, Tensor::ones({4, 3})}), ValueError);
  CHECK_THROWS_AS(fused_mlp(x, {Tensor::ones({8})}), ValueError);
  CHECK_THROWS_AS(fused_mlp(Tensor::ones({2, 4, 8}), {w}), ValueError);
  CHECK_THROWS_AS(fused_mlp(x, {Tensor::ones({8, 257})}), ValueError);
  CHECK_THROWS_AS(fused_mlp(x, {Tensor::ones({8, 0})}), ValueError);
  CHECK_THROWS_AS(fused_mlp(Tensor::ones({4, 0}), {Tensor::ones({0, 3})}), ValueError);
  CHECK_THROWS_AS(fused_mlp(Tensor::ones({4, 8}, DType::Int64), {Tensor::ones({8, 3}, DType::Int64)}), TypeError);
  CHECK_THROWS_AS(fused_mlp(x, {Tensor::ones({8, 3}, DType::Float64)}), TypeError);
  // A weight edited between the passes.
  const Tensor weight = leaf(w);
  const Tensor y = fused_mlp(x, {weight});
  {
    NoGrad no_grad;
    mul_(weight, 2.0);
  }
  CHECK_THROWS_AS(y.backward(Tensor::ones(y.shape())), Error);
}
