// What encode() and encoded_mlp() make of an encoder, with one of two parameters that is nothing but what the interface
// asks for, against its twin.
#include "render/ops/encoded_mlp.h"

#include <algorithm>

#include "catch.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "render/ops/panel_encoder_cpu.h"

using namespace needlecpp;

namespace {

// Panel p holds scale[p] x[axis p % 3] + shift[p]; the parameters are scale and shift [panels, width].
class LinesEncoder : public PanelEncoder {
 public:
  explicit LinesEncoder(const PanelLayout& layout) : layout_(layout) {}

  PanelLayout layout() const override { return layout_; }
  Tensor composed(const Tensors& inputs) const override {
    const int64_t n = inputs[0].size(0);
    std::vector<int64_t> axes;
    for (int64_t p = 0; p < layout_.panels; ++p) axes.push_back(p % 3);
    const Tensor x = unsqueeze(index_select(inputs[0], 1, Tensor::from_vector(axes, {layout_.panels})), 2);
    return reshape(add(mul(x, inputs[1]), inputs[2]), {n, layout_.features()});
  }
  std::unique_ptr<cpu::PanelPass> on_cpu(View positions, const Views& parameters) const override;

 private:
  PanelLayout layout_;
};

class LinesPass : public cpu::PanelPass {
 public:
  LinesPass(const PanelLayout& layout, View positions, const Views& parameters)
      : layout_(layout),
        positions_(positions),
        scale_(data<float>(parameters[0])),
        shift_(data<float>(parameters[1])) {}

  void encode(int64_t first, int64_t count, const cpu::Panels& panels) const override {
    for_features(count, [&](int64_t i, int64_t axis, int64_t p, int64_t k) {
      panels.data[p * panels.pitch + i * layout_.width + k] =
          scale_[p * layout_.width + k] * position(first + i, axis) + shift_[p * layout_.width + k];
    });
  }
  void backward(int64_t first, int64_t count, const cpu::Panels& dy, const EncoderTargets& targets) const override {
    float* sums[2] = {};
    for (int parameter = 0; parameter < 2; ++parameter) {
      const EncoderTargets::Parameter& target = targets.parameters[parameter];
      if (!target.gradient.given()) continue;
      sums[parameter] = data<float>(target.gradient);
      if (target.clear) std::fill_n(sums[parameter], layout_.features(), 0.0f);
    }
    float* dx = targets.positions.given() ? data<float>(targets.positions) + 3 * first : nullptr;
    if (dx) std::fill_n(dx, 3 * count, 0.0f);
    for_features(count, [&](int64_t i, int64_t axis, int64_t p, int64_t k) {
      const float g = dy.data[p * dy.pitch + i * layout_.width + k];
      if (sums[0]) sums[0][p * layout_.width + k] += g * position(first + i, axis);
      if (sums[1]) sums[1][p * layout_.width + k] += g;
      if (dx) dx[3 * i + axis] += g * scale_[p * layout_.width + k];
    });
  }

 private:
  float position(int64_t i, int64_t axis) const {
    return data<float>(positions_)[i * positions_.stride[0] + axis * positions_.stride[1]];
  }
  template <class Body>
  void for_features(int64_t count, Body body) const {
    for (int64_t p = 0; p < layout_.panels; ++p)
      for (int64_t i = 0; i < count; ++i)
        for (int64_t k = 0; k < layout_.width; ++k) body(i, p % 3, p, k);
  }
  PanelLayout layout_;
  View positions_;
  const float* scale_;
  const float* shift_;
};

std::unique_ptr<cpu::PanelPass> LinesEncoder::on_cpu(View positions, const Views& parameters) const {
  return std::make_unique<LinesPass>(layout_, positions, parameters);
}

Tensor leaf(const Shape& shape, uint64_t seed) {
  Generator generator(seed);
  return rand(shape, -1, 1, DType::Float32, {}, generator).set_requires_grad(true);
}

// y, and the gradients of what wants one.
template <class Function>
Tensors pass(const Tensors& inputs, const Function& function) {
  for (const Tensor& x : inputs) x.set_grad(Tensor());
  const Tensor y = function(inputs);
  Generator generator(9);
  y.backward(rand(y.shape(), -1, 1, DType::Float32, {}, generator));
  Tensors all = {y.detach()};
  for (const Tensor& x : inputs)
    if (x.requires_grad()) all.push_back(x.grad());
  return all;
}

void require_close(const Tensors& got, const Tensors& expected) {
  REQUIRE(got.size() == expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    REQUIRE(got[i].shape() == expected[i].shape());
    const double scale = 1 + max(abs(expected[i])).item();
    CHECK(max(abs(sub(got[i], expected[i]))).item() <= 1e-5 * scale);
  }
}

}  // namespace

TEST_CASE("encoded_mlp: any encoder is an op, with a network behind it or without") {
  const MlpOptions options = {Activation::ReLU, Activation::Sigmoid, Precision::Float32};
  for (const PanelLayout layout : {PanelLayout{5, 2}, PanelLayout{1, 8}, PanelLayout{7, 1}, PanelLayout{3, 4}}) {
    const auto encoder = std::make_shared<LinesEncoder>(layout);
    const int64_t n = 5003;
    const Tensors encoded = {leaf({n, 3}, 1), leaf({layout.panels, layout.width}, 2),
                             leaf({layout.panels, layout.width}, 3)};
    Tensors all = encoded;
    all.insert(all.end(), {leaf({layout.features(), 24}, 4), leaf({24, 3}, 5)});

    const auto rows = [&](const Tensors& x) { return encode(Op("lines", x), encoder, x[0], {x[1], x[2]}); };
    require_close(pass(encoded, rows), pass(encoded, [&](const Tensors& x) { return encoder->composed(x); }));

    const auto fused = [&](const Tensors& x) {
      return encoded_mlp(Op("lines_mlp", x), encoder, x[0], {x[1], x[2]}, {x[3], x[4]}, options);
    };
    const auto twin = [&](const Tensors& x) {
      return encoded_mlp_composed(*encoder, x[0], {x[1], x[2]}, {x[3], x[4]}, options);
    };
    require_close(pass(all, fused), pass(all, twin));
    const NoGrad no_grad;
    require_close({fused(all)}, {twin(all)});
  }
}

TEST_CASE("encoded_mlp: gradients add to those of leaves, and only those wanted are made") {
  const PanelLayout layout = {4, 2};
  const auto encoder = std::make_shared<LinesEncoder>(layout);
  const MlpOptions options = {Activation::ReLU, Activation::None, Precision::Float32};
  const Tensors x = {leaf({300, 3}, 1).detach(), leaf({4, 2}, 2), leaf({4, 2}, 3), leaf({8, 16}, 4), leaf({16, 2}, 5)};
  const auto run = [&](const Tensors& from) {
    return encoded_mlp(Op("lines_mlp", from), encoder, from[0], {from[1], from[2]}, {from[3], from[4]}, options);
  };
  const Tensors once = pass(x, run);
  CHECK(once.size() == 5);
  const Tensor first = clone(once[1]);
  Generator generator(9);
  run(x).backward(rand({300, 2}, -1, 1, DType::Float32, {}, generator));
  require_close({x[1].grad()}, {mul(first, 2.0)});
  CHECK_FALSE(x[0].grad().defined());
}
