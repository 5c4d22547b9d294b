// The fused normalization against its composed twin: layouts, sizes around the vectors' lengths, first derivatives.
#include "needlecpp/ops/norm.h"

#include <cmath>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "support.h"

using namespace needlecpp;

namespace {

struct Layout {
  NormLayout kind;
  Shape x;
  int64_t groups = 1;
  int normalized = 0;
  Shape affine;
};

Tensor fused(const Layout& layout, const Tensor& x, const Tensor& w, const Tensor& b) {
  switch (layout.kind) {
    case NormLayout::Layer:
      return layer_norm(x, layout.affine, w, b);
    case NormLayout::Rms:
      return rms_norm(x, layout.affine, w, 1e-5);
    case NormLayout::Group:
      return group_norm(x, layout.groups, w, b);
    default:
      return batch_norm(x, {}, {}, w, b, true);
  }
}

}  // namespace

TEST_CASE("normalization equals its composed twin, forward and backward") {
  const DType type = GENERATE(DType::Float32, DType::Float64);
  const auto layout =
      GENERATE(Layout{NormLayout::Layer, {3, 17}, 1, 1, {17}}, Layout{NormLayout::Layer, {300, 2, 50}, 1, 2, {2, 50}},
               Layout{NormLayout::Layer, {5, 4099}, 1, 1, {4099}}, Layout{NormLayout::Layer, {4, 1}, 1, 1, {1}},
               Layout{NormLayout::Rms, {3, 33}, 1, 1, {33}}, Layout{NormLayout::Group, {2, 6, 5, 7}, 3, 0, {6}},
               Layout{NormLayout::Group, {2, 6}, 2, 0, {6}}, Layout{NormLayout::Batch, {4, 3, 9, 5}, 1, 0, {3}},
               Layout{NormLayout::Batch, {70, 5}, 1, 0, {5}}, Layout{NormLayout::Batch, {1, 2, 2500}, 1, 0, {2}});
  const bool affine = GENERATE(true, false);
  INFO("shape " << layout.x << " affine " << affine << " " << name(type));
  Tensor x = randn(layout.x, 3, 2, type), w = randn(layout.affine, 0, 1, type), b = randn(layout.affine, 0, 1, type);
  for (Tensor* leaf : {&x, &w, &b}) leaf->set_requires_grad(true);
  const bool biased = affine && layout.kind != NormLayout::Rms;
  const Tensor weight = affine ? w : Tensor(), bias = biased ? b : Tensor();
  const Tensor dy = randn(layout.x, 0, 1, type);
  const Tensor y = fused(layout, x, weight, bias);
  const Tensor twin = norm_composed(x, layout.kind, layout.groups, layout.normalized, weight, bias, 1e-5);
  const double tolerance = type == DType::Float32 ? 3e-4 : 1e-10;
  require_close(y, twin, tolerance);
  Tensors leaves = {x};
  if (affine) leaves.push_back(w);
  if (biased) leaves.push_back(b);
  const Tensors got = grad({y}, leaves, {dy}), expected = grad({twin}, leaves, {dy});
  for (size_t i = 0; i < leaves.size(); ++i) require_close(got[i], expected[i], tolerance);
}

TEST_CASE("a large mean costs no digits") {
  const Tensor x = randn({4, 1000}, 1e4, 1);
  const Tensor y = layer_norm(x, {1000});
  const Tensor exact = layer_norm(cast(x, DType::Float64), {1000});
  require_close(y, exact, 1e-3);
  require_close(mean(square(y), {1}), Tensor::ones({4}), 1e-3);
}

TEST_CASE("running statistics move by the momentum") {
  const Tensor x = Tensor::from_vector<float>({1, 2, 3, 10, 20, 60}, {3, 2});
  const Tensor mean = Tensor::zeros({2}), var = Tensor::ones({2});
  batch_norm(cast(reshape(x, {3, 2}), DType::Float32), mean, var, {}, {}, true, 0.5);
  REQUIRE(mean.to_vector<float>()[0] == Approx(0.5 * (1 + 3 + 20) / 3));
  // The unbiased variance of 2, 10 and 60.
  REQUIRE(var.to_vector<float>()[1] == Approx(0.5 + 0.5 * (22 * 22 + 14 * 14 + 36 * 36) / 2));
}

TEST_CASE("normalization of nothing, of halves, and what it refuses") {
  REQUIRE(layer_norm(Tensor::zeros({0, 3}), {3}).shape() == Shape({0, 3}));
  REQUIRE(group_norm(Tensor::zeros({2, 4, 0}), 2).shape() == Shape({2, 4, 0}));
  Tensor w = Tensor::ones({3});
  w.set_requires_grad(true);
  sum(layer_norm(Tensor::zeros({0, 3}), {3}, w)).backward();
  REQUIRE(sum(w.grad()).item() == 0);
  const Tensor half = cast(randn({4, 8}), DType::Float16);
  REQUIRE(layer_norm(half, {8}).dtype() == DType::Float16);
  REQUIRE(layer_norm(Tensor::arange(8), {8}).dtype() == DType::Float32);
  REQUIRE_THROWS_AS(layer_norm(half, {4}), ValueError);
  REQUIRE_THROWS_AS(group_norm(half, 3), ValueError);
  REQUIRE_THROWS_AS(group_norm(half, 0), ValueError);
  REQUIRE_THROWS_AS(batch_norm(Tensor::zeros({1, 3}), {}, {}, {}, {}, true), ValueError);
  REQUIRE_THROWS_AS(batch_norm(Tensor::zeros({2, 3}), {}, {}), ValueError);
  REQUIRE_THROWS_AS(layer_norm(Tensor::zeros({2, 3}), {3}, Tensor::ones({2})), ValueError);
}
