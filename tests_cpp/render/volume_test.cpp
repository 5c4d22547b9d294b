// Volume rendering: the fused op against its composed twin and against a loop in double, gradients, and hard media.
#include "needlecpp/render/volume.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "support.h"

using namespace needlecpp;

namespace {

const float kInf = std::numeric_limits<float>::infinity();
const float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Packed {
  Tensor sigma, rgb, t, dt, offsets;
  int64_t n_rays() const { return offsets.size(0) - 1; }
};

Tensor offsets_of(const std::vector<int64_t>& lengths) {
  std::vector<int64_t> offsets = {0};
  for (const int64_t length : lengths) offsets.push_back(offsets.back() + length);
  return Tensor::from_vector(offsets, {static_cast<int64_t>(offsets.size())});
}

// Rays of the given lengths whose taus are uniform below `thickness`; colours may be negative.
Packed random_rays(const std::vector<int64_t>& lengths, double thickness, DType dtype, uint64_t seed) {
  Generator generator(seed);
  Packed p;
  p.offsets = offsets_of(lengths);
  const int64_t n = std::accumulate(lengths.begin(), lengths.end(), int64_t{0});
  p.dt = rand({n}, 0.001, 0.02, dtype, {}, generator);
  p.sigma = div(rand({n}, 0, thickness, dtype, {}, generator), p.dt);
  p.rgb = rand({n, 3}, -0.5, 1, dtype, {}, generator);
  p.t = rand({n}, 0, 4, dtype, {}, generator);
  return p;
}

// Empty rays, one-sample rays, lengths around vector widths, one ray longer than a tile.
std::vector<int64_t> mixed_lengths() {
  std::vector<int64_t> lengths = {0, 1, 2, 0, 0, 15, 16, 17, 31, 33, 1, 1, 700, 0, 511, 512, 513};
  for (int64_t i = 0; i < 300; ++i) lengths.push_back((i * 7919) % 40);
  lengths.push_back(0);
  return lengths;
}

struct Reference {
  std::vector<double> color, opacity, depth, dsigma, drgb, weights;
};

// The definition, sample by sample in double; gradients of <outputs, dys> by the quadratic-time formula.
Reference reference(const Packed& p, double early_stop, const std::vector<float>& dcolor = {},
                    const std::vector<float>& dopacity = {}, const std::vector<float>& ddepth = {}) {
  const std::vector<float> sigma = p.sigma.to_vector<float>(), rgb = p.rgb.to_vector<float>();
  const std::vector<float> t = p.t.to_vector<float>(), dt = p.dt.to_vector<float>();
  const std::vector<int64_t> offsets = p.offsets.to_vector<int64_t>();
  Reference r;
  r.dsigma.resize(sigma.size());
  r.drgb.resize(rgb.size());
  r.weights.resize(sigma.size());
  for (size_t ray = 0; ray + 1 < offsets.size(); ++ray) {
    double prefix = 0, color[3] = {}, opacity = 0, depth = 0;
    const size_t begin = static_cast<size_t>(offsets[ray]);
    size_t end = begin;
    std::vector<double> behind_transmittance;
    for (; end < static_cast<size_t>(offsets[ray + 1]) && !(std::exp(-prefix) < early_stop); ++end) {
      const double tau = sigma[end] * dt[end];
      const double w = std::exp(-prefix) * -std::expm1(-tau);
      prefix += tau;
      behind_transmittance.push_back(std::exp(-prefix));
      r.weights[end] = w;
      for (size_t c = 0; c < 3; ++c) color[c] += w * rgb[3 * end + c];
      opacity += w;
      depth += w * t[end];
    }
    r.color.insert(r.color.end(), color, color + 3);
    r.opacity.push_back(opacity);
    r.depth.push_back(depth);
    if (dcolor.empty()) continue;
    const auto g = [&](size_t i) {
      double sum = dopacity[ray] + double(ddepth[ray]) * t[i];
      for (size_t c = 0; c < 3; ++c) sum += double(dcolor[3 * ray + c]) * rgb[3 * i + c];
      return sum;
    };
    for (size_t i = begin; i < end; ++i) {
      double dtau = behind_transmittance[i - begin] * g(i);
      for (size_t j = i + 1; j < end; ++j) dtau -= r.weights[j] * g(j);
      r.dsigma[i] = dtau * dt[i];
      for (size_t c = 0; c < 3; ++c) r.drgb[3 * i + c] = r.weights[i] * dcolor[3 * ray + c];
    }
  }
  return r;
}

struct Gradients {
  std::vector<float> dsigma, drgb;
};

template <class Render>
Gradients gradients_of(const Render& render, const Packed& p, double early_stop, const Tensors& dys) {
  const Tensor sigma = p.sigma.detach().set_requires_grad(true);
  const Tensor rgb = p.rgb.detach().set_requires_grad(true);
  const VolumeOutput out = render(sigma, rgb, p.t, p.dt, p.offsets, early_stop);
  const Tensors gradients = grad({out.color, out.opacity, out.depth}, {sigma, rgb}, dys);
  return {gradients[0].to_vector<float>(), gradients[1].to_vector<float>()};
}

// Fused against the twin and the twin against the definition, forward and backward, 1e-5 relative.
void check_all(const Packed& p, double early_stop, uint64_t seed = 1) {
  Generator generator(seed);
  const Tensors dys = {rand({p.n_rays(), 3}, -1, 1, DType::Float32, {}, generator),
                       rand({p.n_rays()}, -1, 1, DType::Float32, {}, generator),
                       rand({p.n_rays()}, -1, 1, DType::Float32, {}, generator)};
  const VolumeOutput fused = render_volume(p.sigma, p.rgb, p.t, p.dt, p.offsets, early_stop);
  const VolumeOutput twin = render_volume_composed(p.sigma, p.rgb, p.t, p.dt, p.offsets, early_stop);
  const Reference expected =
      reference(p, early_stop, dys[0].to_vector<float>(), dys[1].to_vector<float>(), dys[2].to_vector<float>());
  require_close(fused.color.to_vector<float>(), twin.color.to_vector<float>(), 1e-5, 1e-2);
  require_close(fused.opacity.to_vector<float>(), twin.opacity.to_vector<float>(), 1e-5, 1e-4);
  require_close(fused.depth.to_vector<float>(), twin.depth.to_vector<float>(), 1e-5, 1e-4);
  require_close(twin.color.to_vector<float>(), expected.color, 1e-6, 1e-3);
  require_close(twin.opacity.to_vector<float>(), expected.opacity, 1e-6, 1e-6);
  require_close(twin.depth.to_vector<float>(), expected.depth, 1e-6, 1e-6);
  const Gradients a = gradients_of(render_volume, p, early_stop, dys);
  const Gradients b = gradients_of(render_volume_composed, p, early_stop, dys);
  // dL/dsigma is a difference: entries far below the largest have lost digits that no order of summation keeps.
  double largest = 1e-6;
  for (const double d : expected.dsigma) largest = std::max(largest, std::isfinite(d) ? std::abs(d) : 0);
  require_close(a.dsigma, b.dsigma, 1e-5, 0.03 * largest);
  require_close(a.drgb, b.drgb, 1e-5, 1e-6);
  require_close(b.dsigma, expected.dsigma, 1e-6, 1e-6);
  require_close(b.drgb, expected.drgb, 1e-6, 1e-6);
  require_close(volume_weights(p.sigma, p.dt, p.offsets, early_stop).to_vector<float>(), expected.weights, 1e-5, 1e-7);
}

}  // namespace

TEST_CASE("fused, composed and definition agree") {
  SECTION("thin") { check_all(random_rays(mixed_lengths(), 0.02, DType::Float32, 1), 1e-4); }
  SECTION("medium") { check_all(random_rays(mixed_lengths(), 0.5, DType::Float32, 2), 1e-4); }
  SECTION("thick, stopping early") { check_all(random_rays(mixed_lengths(), 3, DType::Float32, 3), 1e-4); }
  SECTION("stopping very early") { check_all(random_rays(mixed_lengths(), 0.5, DType::Float32, 4), 0.3); }
  SECTION("never stopping") { check_all(random_rays(mixed_lengths(), 0.5, DType::Float32, 5), 0); }
  SECTION("tau around the switch to the series") {
    Packed p = random_rays({2000}, 1, DType::Float32, 6);
    p.dt = Tensor::ones({2000});
    p.sigma = rand({2000}, 0.124, 0.126);
    p.offsets = offsets_of(std::vector<int64_t>(1000, 2));
    check_all(p, 0);
  }
  SECTION("all rays empty") { check_all(random_rays({0, 0, 0}, 1, DType::Float32, 7), 1e-4); }
  SECTION("no rays") { check_all(random_rays({}, 1, DType::Float32, 8), 1e-4); }
  SECTION("one ray of one sample") { check_all(random_rays({1}, 1, DType::Float32, 9), 1e-4); }
  SECTION("one long ray") { check_all(random_rays({3001}, 0.005, DType::Float32, 10), 1e-4); }
}

TEST_CASE("gradients behind a surface keep their digits") {
  // One sample takes nearly all the light; the suffix behind it is 1e-4 of the total.
  Packed p = random_rays({40}, 0.1, DType::Float32, 12);
  p.sigma.data<float>()[3] = 8.8f / p.dt.data<float>()[3];
  const Tensors dys = {Tensor::ones({1, 3}), Tensor::ones({1}), Tensor::ones({1})};
  const std::vector<float> one(3, 1.0f);
  const Gradients fused = gradients_of(render_volume, p, 0, dys);
  const Reference expected = reference(p, 0, one, {1}, {1});
  for (size_t i = 4; i < 40; ++i) REQUIRE(fused.dsigma[i] == Approx(expected.dsigma[i]).epsilon(1e-4).margin(1e-11));
}

TEST_CASE("a homogeneous medium of constant colour has a closed form") {
  for (const int64_t n : {1, 10, 1000}) {
    const double density = 2.5, length = 1.7;
    const Tensor sigma = Tensor::full({n}, density);
    const Tensor rgb = Tensor::full({n, 3}, 0.25);
    const Tensor dt = Tensor::full({n}, length / static_cast<double>(n));
    const VolumeOutput out = render_volume(sigma, rgb, Tensor::ones({n}), dt, offsets_of({n}), 0);
    const double opacity = 1 - std::exp(-density * length);
    REQUIRE(out.opacity.item() == Approx(opacity).epsilon(2e-6));
    REQUIRE(out.depth.item() == Approx(opacity).epsilon(2e-6));
    for (const float c : out.color.to_vector<float>()) REQUIRE(c == Approx(0.25 * opacity).epsilon(2e-6));
  }
}

TEST_CASE("very thin media keep their digits") {
  const Tensor dt = Tensor::full({3}, 1e-3);
  const Tensor sigma = Tensor::full({3}, 1e-3);
  const VolumeOutput out = render_volume(sigma, Tensor::ones({3, 3}), dt, dt, offsets_of({3}));
  REQUIRE(out.opacity.item() == Approx(3e-6).epsilon(1e-5));
}

TEST_CASE("opaque and empty samples") {
  for (const float dense : {1e30f, kInf}) {
    for (const double early_stop : {1e-4, 0.0}) {
      Packed p = random_rays({4, 3, 2}, 0.3, DType::Float32, 13);
      p.sigma = Tensor::from_vector(std::vector<float>{0, 1, dense, 1, dense, 5, 5, 0, 0}, {9});
      check_all(p, early_stop);
      const std::vector<float> weights = volume_weights(p.sigma, p.dt, p.offsets, early_stop).to_vector<float>();
      REQUIRE(weights[4] == 1);
      REQUIRE(weights[5] == 0);
      const VolumeOutput out = render_volume(p.sigma, p.rgb, p.t, p.dt, p.offsets, early_stop);
      REQUIRE(out.opacity.to_vector<float>()[1] == 1);
      REQUIRE(out.opacity.to_vector<float>()[2] == 0);
      REQUIRE(out.color.data<float>()[3] == p.rgb.data<float>()[12]);
    }
  }
}

TEST_CASE("samples behind the stop count for nothing, whatever they hold") {
  Packed p = random_rays({5}, 0.1, DType::Float32, 14);
  p.sigma = Tensor::from_vector(std::vector<float>{1, 1e6f, kNaN, kInf, 3}, {5});
  p.dt = Tensor::full({5}, 0.1);
  for (int c = 6; c < 15; ++c) p.rgb.data<float>()[c] = kNaN;
  p.t.data<float>()[3] = kInf;
  const Tensors dys = {Tensor::ones({1, 3}), Tensor::ones({1}), Tensor::ones({1})};
  for (const auto render : {render_volume, render_volume_composed}) {
    const VolumeOutput out = render(p.sigma, p.rgb, p.t, p.dt, p.offsets, 1e-3);
    REQUIRE(out.opacity.item() == Approx(1));
    REQUIRE(std::isfinite(out.depth.item()));
    const Gradients gradients = gradients_of(render, p, 1e-3, dys);
    for (size_t i = 0; i < 5; ++i) {
      REQUIRE(std::isfinite(gradients.dsigma[i]));
      for (size_t c = 0; c < 3; ++c) REQUIRE((gradients.drgb[3 * i + c] == 0) == (i >= 2));
      if (i >= 2) REQUIRE(gradients.dsigma[i] == 0);
    }
  }
}

TEST_CASE("a NaN reaches its own ray only, in the fused op as in the twin") {
  Packed p = random_rays({3, 4, 3}, 0.5, DType::Float32, 15);
  SECTION("in sigma") { p.sigma.data<float>()[4] = kNaN; }
  SECTION("in a colour") { p.rgb.data<float>()[3 * 4 + 1] = kNaN; }
  const VolumeOutput fused = render_volume(p.sigma, p.rgb, p.t, p.dt, p.offsets);
  const VolumeOutput twin = render_volume_composed(p.sigma, p.rgb, p.t, p.dt, p.offsets);
  REQUIRE(std::isnan(fused.color.data<float>()[4]));
  for (const int64_t ray : {0, 2}) REQUIRE(std::isfinite(fused.color.data<float>()[3 * ray + 1]));
  require_close(fused.color.to_vector<float>(), twin.color.to_vector<float>(), 1e-5, 1e-2);
  const Tensors dys = {Tensor::ones({3, 3}), Tensor::ones({3}), Tensor::ones({3})};
  const Gradients a = gradients_of(render_volume, p, 1e-4, dys);
  const Gradients b = gradients_of(render_volume_composed, p, 1e-4, dys);
  require_close(a.dsigma, b.dsigma, 1e-5, 1e-4);
  require_close(a.drgb, b.drgb, 1e-5, 1e-6);
}

TEST_CASE("gradcheck of the twin, and of render_volume in float64") {
  const Packed p = random_rays({0, 1, 5, 0, 7, 2}, 0.8, DType::Float64, 16);
  const Tensor sigma = p.sigma.detach().set_requires_grad(true);
  const Tensor rgb = p.rgb.detach().set_requires_grad(true);
  for (const auto render : {render_volume_composed, render_volume}) {
    for (const double early_stop : {0.0, 0.2}) {
      const auto fn = [&](const Tensors& in) -> Tensors {
        const VolumeOutput out = render(in[0], in[1], p.t, p.dt, p.offsets, early_stop);
        return {out.color, out.opacity, out.depth};
      };
      REQUIRE(gradcheck(fn, {sigma, rgb}));
      REQUIRE(gradgradcheck(fn, {sigma, rgb}));
    }
  }
}

TEST_CASE("second derivatives of the fused op go through the twin") {
  const Packed p = random_rays({3, 4}, 0.8, DType::Float32, 17);
  std::vector<std::vector<float>> results;
  for (const auto render : {render_volume, render_volume_composed}) {
    const Tensor sigma = p.sigma.detach().set_requires_grad(true);
    const Tensor rgb = p.rgb.detach().set_requires_grad(true);
    const VolumeOutput out = render(sigma, rgb, p.t, p.dt, p.offsets, 1e-4);
    const Tensor loss = sum(square(out.color)) + sum(out.depth * out.opacity);
    const Tensors first = grad({loss}, {sigma, rgb}, {}, true, true);
    const Tensors second = grad({sum(square(first[0])) + sum(square(first[1]))}, {sigma, rgb});
    results.push_back(second[0].to_vector<float>());
    results.push_back(second[1].to_vector<float>());
  }
  require_close(results[0], results[2], 1e-4, 1e-6);
  require_close(results[1], results[3], 1e-4, 1e-6);
}

TEST_CASE("one output, or one input, alone has a gradient too") {
  const Packed p = random_rays({6, 9}, 0.5, DType::Float32, 18);
  const auto gradient = [&](const auto& render, int output, int input) {
    const Tensor sigma = input == 0 ? p.sigma.detach().set_requires_grad(true) : p.sigma.detach();
    const Tensor rgb = input == 1 ? p.rgb.detach().set_requires_grad(true) : p.rgb.detach();
    const VolumeOutput out = render(sigma, rgb, p.t, p.dt, p.offsets, 1e-4);
    const Tensors outputs = {out.color, out.opacity, out.depth};
    const Tensor loss = sum(outputs[static_cast<size_t>(output)] * 1.5);
    return grad({loss}, {input == 0 ? sigma : rgb})[0].template to_vector<float>();
  };
  for (int output = 0; output < 3; ++output)
    require_close(gradient(render_volume, output, 0), gradient(render_volume_composed, output, 0), 1e-5, 1e-5);
  require_close(gradient(render_volume, 0, 1), gradient(render_volume_composed, 0, 1), 1e-5, 1e-5);
}

TEST_CASE("strided inputs and gradients") {
  const Packed p = random_rays({6, 9, 3}, 0.5, DType::Float32, 19);
  const Tensor wide = stack({p.sigma, p.t, p.dt}, 1);
  const Tensor turned = transpose(contiguous(transpose(p.rgb)));
  REQUIRE_FALSE(turned.is_contiguous());
  const VolumeOutput a = render_volume(select(wide, 1, 0), turned, select(wide, 1, 1), select(wide, 1, 2), p.offsets);
  const VolumeOutput b = render_volume(p.sigma, p.rgb, p.t, p.dt, p.offsets);
  REQUIRE(a.color.to_vector<float>() == b.color.to_vector<float>());
  REQUIRE(a.depth.to_vector<float>() == b.depth.to_vector<float>());
  // sum() hands back an expanded gradient; the packed one must give the same.
  const Tensor sigma = p.sigma.detach().set_requires_grad(true);
  const VolumeOutput out = render_volume(sigma, turned, p.t, p.dt, p.offsets);
  const Tensor by_sum = grad({sum(out.color)}, {sigma}, {}, true)[0];
  const Tensor by_ones = grad({out.color}, {sigma}, {Tensor::ones({3, 3})})[0];
  REQUIRE(by_sum.to_vector<float>() == by_ones.to_vector<float>());
}

TEST_CASE("weights off the tape, in both dtypes") {
  const Packed p = random_rays(mixed_lengths(), 0.5, DType::Float64, 20);
  const Tensor sigma = p.sigma.detach().set_requires_grad(true);
  const Tensor exact = volume_weights(sigma, p.dt, p.offsets, 0.01);
  REQUIRE_FALSE(exact.requires_grad());
  REQUIRE(exact.dtype() == DType::Float64);
  const Tensor fused = volume_weights(cast(p.sigma, DType::Float32), cast(p.dt, DType::Float32), p.offsets, 0.01);
  require_close(fused.to_vector<float>(), exact.to_vector<double>(), 2e-5, 1e-5);
}

TEST_CASE("the tape refuses an edit of what the backward needs") {
  const Packed p = random_rays({3}, 0.5, DType::Float32, 21);
  const Tensor sigma = p.sigma.detach().set_requires_grad(true);
  const VolumeOutput out = render_volume(sigma, p.rgb, p.t, p.dt, p.offsets);
  fill_(p.dt, 1);
  REQUIRE_THROWS_AS(sum(out.color).backward(), Error);
}

TEST_CASE("results do not depend on the number of threads") {
  const Packed p = random_rays(mixed_lengths(), 0.5, DType::Float32, 22);
  const Tensors dys = {Tensor::ones({p.n_rays(), 3}), Tensor::ones({p.n_rays()}), Tensor::ones({p.n_rays()})};
  const Threads restored;
  set_num_threads(1);
  const std::vector<float> one = render_volume(p.sigma, p.rgb, p.t, p.dt, p.offsets).color.to_vector<float>();
  const Gradients gradients_one = gradients_of(render_volume, p, 1e-4, dys);
  set_num_threads(2);
  const std::vector<float> two = render_volume(p.sigma, p.rgb, p.t, p.dt, p.offsets).color.to_vector<float>();
  const Gradients gradients_two = gradients_of(render_volume, p, 1e-4, dys);
  REQUIRE(one == two);
  REQUIRE(gradients_one.dsigma == gradients_two.dsigma);
  REQUIRE(gradients_one.drgb == gradients_two.drgb);
}

TEST_CASE("volume rendering refuses what it cannot use") {
  const Packed p = random_rays({3, 2}, 0.5, DType::Float32, 23);
  const auto with_offsets = [&](const std::vector<int64_t>& offsets) {
    return render_volume(p.sigma, p.rgb, p.t, p.dt,
                         Tensor::from_vector(offsets, {static_cast<int64_t>(offsets.size())}));
  };
  REQUIRE_THROWS_AS(with_offsets({0, 3, 4}), ValueError);
  REQUIRE_THROWS_AS(with_offsets({1, 3, 5}), ValueError);
  REQUIRE_THROWS_AS(with_offsets({0, 4, 3, 5}), ValueError);
  REQUIRE_THROWS_AS(with_offsets({0, -100, 5}), ValueError);
  REQUIRE_THROWS_AS(with_offsets({0, 1000, 5}), ValueError);
  REQUIRE_THROWS_AS(with_offsets({}), ValueError);
  const Tensor short_offsets = cast(p.offsets, DType::Int32);
  REQUIRE_THROWS_AS(render_volume(p.sigma, p.rgb, p.t, p.dt, short_offsets), TypeError);
  REQUIRE_THROWS_AS(render_volume(p.sigma, p.rgb, p.t, p.dt, Tensor()), ValueError);
  REQUIRE_THROWS_AS(render_volume(Tensor(), p.rgb, p.t, p.dt, p.offsets), ValueError);
  REQUIRE_THROWS_AS(render_volume(p.sigma, Tensor::zeros({5, 4}), p.t, p.dt, p.offsets), ValueError);
  REQUIRE_THROWS_AS(render_volume(p.sigma, p.rgb, Tensor::zeros({4}), p.dt, p.offsets), ValueError);
  REQUIRE_THROWS_AS(render_volume(p.sigma, cast(p.rgb, DType::Float64), p.t, p.dt, p.offsets), TypeError);
  REQUIRE_THROWS_AS(render_volume(cast(p.sigma, DType::Float16), p.rgb, p.t, p.dt, p.offsets), TypeError);
  REQUIRE_THROWS_AS(render_volume(p.sigma, p.rgb, p.t, p.dt, p.offsets, 1.0), ValueError);
  REQUIRE_THROWS_AS(render_volume(p.sigma, p.rgb, p.t, p.dt, p.offsets, -0.1), ValueError);
  REQUIRE_THROWS_AS(volume_weights(p.sigma, Tensor::zeros({4}), p.offsets), ValueError);
  REQUIRE_THROWS_AS(volume_weights(p.sigma, p.dt, offsets_of({3})), ValueError);
}
