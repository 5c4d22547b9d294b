// The hash grid against tiny-cuda-nn's numbers, its composed twin, finite differences and hostile positions.
#include "needlecpp/render/hashgrid.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "render/ops/hashgrid_kernels.h"
#include "support.h"

using namespace needlecpp;

namespace {

// Positions in [low, high] and an encoding of them with gradients, fused against composed.
void compare_with_twin(const HashGridConfig& config, int64_t n, double low, double high) {
  const Tensor x = uniform({n, 3}, 3, low, high).set_requires_grad(true);
  const Tensor table = uniform({hashgrid_entries(config), config.features}, 4).set_requires_grad(true);
  const Tensor dy = uniform({n, config.levels * config.features}, 5);
  const Tensor fused = hashgrid(x, table, config);
  const Tensor twin = hashgrid_composed(x, table, config);
  REQUIRE(relative_error(fused, twin) < 1e-5);
  const Tensors fused_grads = grad({fused}, {x, table}, {dy});
  const Tensors twin_grads = grad({twin}, {x, table}, {dy});
  REQUIRE(relative_error(fused_grads[0], twin_grads[0]) < 1e-5);
  REQUIRE(relative_error(fused_grads[1], twin_grads[1]) < 1e-5);
}

}  // namespace

TEST_CASE("levels are laid out as in tiny-cuda-nn") {
  const std::vector<HashGridLevel> levels = hashgrid_levels(HashGridConfig{});
  REQUIRE(levels.size() == 16);
  REQUIRE(levels[0].scale == 15.0f);
  REQUIRE(levels[0].resolution == 16);
  REQUIRE(levels[0].size == 4096);
  REQUIRE_FALSE(levels[0].hashed);
  REQUIRE(levels[1].resolution == 23);
  REQUIRE(levels[1].offset == 4096);
  REQUIRE(levels[1].size == 12168);  // 23^3 = 12167, to a multiple of 8
  REQUIRE(levels[3].size == 43 * 43 * 43 + 5);
  REQUIRE_FALSE(levels[3].hashed);
  REQUIRE(levels[4].hashed);
  REQUIRE(levels[4].size == 1 << 17);
  REQUIRE(levels[15].resolution == 2048);
  REQUIRE(hashgrid_entries(HashGridConfig{}) == levels[15].offset + (1 << 17));
  // A level that just fits is dense.
  REQUIRE_FALSE(hashgrid_levels(HashGridConfig{1, 2, 12, 16, 1})[0].hashed);
  REQUIRE(hashgrid_levels(HashGridConfig{1, 2, 11, 16, 1})[0].hashed);
}

TEST_CASE("values of tiny-cuda-nn") {
  // From drjit tests/test_hashgrid.py test02_hashgrid_ref (BSD-3, Wenzel Jakob).
  const std::vector<float> positions = {0.10837864875793457f,  0.9069600105285645f,  0.4066922664642334f,
                                        0.5339087247848511f,   0.32577335834503174f, 0.783376932144165f,
                                        0.006844520568847656f, 0.4792912006378174f,  0.4650775194168091f,
                                        0.6235827207565308f,   0.6818197965621948f,  0.3014794588088989f};
  const std::vector<float> reference = {
      2.0091782f, 2.009702f,  19.319187f, 19.319712f, 82.210266f, 82.21078f,  153.39827f, 153.39879f, 224.21854f,
      224.21907f, 279.48984f, 279.49036f, 346.69785f, 346.69836f, 402.95966f, 402.96017f, 472.5495f,  472.55002f,
      549.6837f,  549.6842f,  630.8403f,  630.84076f, 676.8451f,  676.84564f, 744.865f,   744.8654f,  838.08276f,
      838.08325f, 899.3081f,  899.30865f, 960.4274f,  960.428f,   3.3853433f, 3.385867f,  31.258121f, 31.258648f,
      91.74675f,  91.74728f,  154.80888f, 154.8094f,  200.20016f, 200.20071f, 273.01324f, 273.01376f, 351.10532f,
      351.10583f, 424.1198f,  424.1203f,  481.44485f, 481.44534f, 573.11414f, 573.1146f,  627.67163f, 627.67224f,
      693.41394f, 693.4145f,  763.62524f, 763.6258f,  834.42194f, 834.4224f,  894.0666f,  894.06714f, 959.1223f,
      959.12286f, 2.1349537f, 2.1354773f, 20.813356f, 20.813877f, 82.839745f, 82.84027f,  152.27963f, 152.28017f,
      220.80148f, 220.80202f, 268.23297f, 268.2335f,  353.82407f, 353.82462f, 425.00317f, 425.00372f, 485.95703f,
      485.95755f, 549.44934f, 549.4498f,  601.86285f, 601.8634f,  693.47345f, 693.474f,   750.0215f,  750.02203f,
      829.39764f, 829.3982f,  890.1944f,  890.195f,   964.1252f,  964.1257f,  1.5373236f, 1.5378475f, 15.602333f,
      15.602858f, 78.82015f,  78.82066f,  118.10999f, 118.11051f, 213.58574f, 213.58624f, 286.47266f, 286.47318f,
      346.19147f, 346.192f,   430.22342f, 430.22394f, 479.4993f,  479.49982f, 563.9181f,  563.9187f,  611.5191f,
      611.51965f, 706.95087f, 706.95135f, 768.94684f, 768.9473f,  818.9452f,  818.94574f, 895.054f,   895.05457f,
      960.06976f, 960.0703f};
  const HashGridConfig config{16, 2, 16, 16, 2};
  const int64_t count = hashgrid_entries(config) * 2;
  REQUIRE(count == 1908736);
  std::vector<float> params(count);
  for (int64_t i = 0; i < count; ++i) params[i] = static_cast<float>(i * (1000.0 / (count - 1)));
  const Tensor x = Tensor::from_vector(positions, {4, 3});
  const Tensor table = Tensor::from_vector(params, {count / 2, 2});
  for (const Tensor& y : {hashgrid(x, table, config), hashgrid_composed(x, table, config)}) {
    const std::vector<float> got = y.to_vector<float>();
    for (size_t i = 0; i < reference.size(); ++i) REQUIRE(got[i] == Approx(reference[i]).epsilon(1e-6).margin(0));
  }
}

TEST_CASE("fused equals composed, forward and backward") {
  SECTION("every feature count, odd and empty batches") {
    for (int features : {1, 2, 4, 8})
      for (int64_t n : {0, 1, 15, 17, 300}) {
        CAPTURE(features, n);
        compare_with_twin(HashGridConfig{5, features, 9, 4, 1.7}, n, 0, 1);
      }
  }
  SECTION("smallest table, one level, one cell") {
    for (int features : {1, 2, 4, 8}) {
      compare_with_twin(HashGridConfig{3, features, 3, 2, 2}, 65, 0, 1);
      compare_with_twin(HashGridConfig{1, features, 3, 1, 1}, 33, 0, 1);
      compare_with_twin(HashGridConfig{1, features, 3, 2, 1}, 33, -3, 4);
    }
  }
  SECTION("positions outside the unit cube") {
    compare_with_twin(HashGridConfig{4, 2, 10, 3, 1.9}, 500, -2, 3);
    compare_with_twin(HashGridConfig{2, 2, 14, 10, 2}, 500, -1e4, 1e4);
  }
  SECTION("the default grid, levels larger than the prefetch threshold") {
    compare_with_twin(HashGridConfig{}, 257, 0, 1);
    compare_with_twin(HashGridConfig{2, 8, 15, 40, 4}, 100, 0, 1);
  }
}

TEST_CASE("the borders of the cube read and write inside the table") {
  const HashGridConfig config{6, 2, 12, 4, 1.5};
  std::vector<float> corners;
  for (int c = 0; c < 8; ++c)
    for (int axis = 0; axis < 3; ++axis) corners.push_back(static_cast<float>(c >> axis & 1));
  const Tensor x = Tensor::from_vector(corners, {8, 3});
  const Tensor table = uniform({hashgrid_entries(config), 2}, 4);
  REQUIRE(relative_error(hashgrid(x, table, config), hashgrid_composed(x, table, config)) < 1e-6);
}

TEST_CASE("hostile positions stay inside the table") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  std::vector<float> values;
  for (float v : {nan, inf, -inf, 3e38f, -3e38f, 1e10f, -1e10f, 4.3e9f, -2147483648.0f, -1e-30f, 1.0f})
    for (int axis = 0; axis < 3; ++axis)
      for (int other = 0; other < 3; ++other) values.push_back(other == axis ? v : 0.3f);
  const int64_t n = static_cast<int64_t>(values.size()) / 3;
  for (int features : {1, 2, 4, 8}) {
    const HashGridConfig config{4, features, 10, 5, 2};  // two dense levels, two hashed
    const Tensor x = Tensor::from_vector(values, {n, 3}).set_requires_grad(true);
    const Tensor table = uniform({hashgrid_entries(config), features}, 4).set_requires_grad(true);
    const Tensor y = hashgrid(x, table, config);
    const std::vector<float> got = y.to_vector<float>();
    const int width = 4 * features;
    for (int i = 0; i < 3 * width; ++i) REQUIRE(std::isnan(got[i]));                   // the NaN rows
    for (int i = 27 * width; i < n * width; ++i) REQUIRE(std::abs(got[i]) <= 1.001f);  // the tame ones
    const Tensors grads = grad({y}, {x, table}, {Tensor::ones(y.shape())});
    REQUIRE(grads[1].shape() == table.shape());
    const std::vector<float> by_x = grads[0].to_vector<float>();
    for (int i = 27 * 3; i < n * 3; ++i) REQUIRE(std::isfinite(by_x[i]));
  }
}

TEST_CASE("gradients in float64") {
  for (int features : {1, 2}) {
    const HashGridConfig config{3, features, 6, 2, 1.8};  // a dense, two hashed levels
    // Away from the cells' borders of all three levels.
    std::vector<double> values;
    Generator generator(9);
    for (int tries = 0; values.size() < 5 * 3 && tries < 1000; ++tries) {
      const std::vector<double> candidate = rand({3}, -0.5, 1.5, DType::Float64, {}, generator).to_vector<double>();
      bool inside = true;
      for (const HashGridLevel& level : hashgrid_levels(config))
        for (double v : candidate) {
          const double fraction = v * level.scale + 0.5 - std::floor(v * level.scale + 0.5);
          inside = inside && fraction > 0.05 && fraction < 0.95;
        }
      if (inside) values.insert(values.end(), candidate.begin(), candidate.end());
    }
    REQUIRE(values.size() == 15);
    const Tensor x = Tensor::from_vector(values, {5, 3}).set_requires_grad(true);
    const Tensor table =
        rand({hashgrid_entries(config), features}, -1, 1, DType::Float64, {}, generator).set_requires_grad(true);
    const auto encode = [&](const Tensors& in) { return Tensors{hashgrid(in[0], in[1], config)}; };
    REQUIRE(hashgrid(x, table, config).dtype() == DType::Float64);
    REQUIRE(gradcheck(encode, {x, table}));
    REQUIRE(gradgradcheck(encode, {x, table}));
  }
}

TEST_CASE("second derivatives of the fused op are those of the twin") {
  const HashGridConfig config{3, 2, 9, 4, 1.7};
  const Tensor x = uniform({17, 3}, 3, 0, 1).set_requires_grad(true);
  const Tensor table = uniform({hashgrid_entries(config), 2}, 4).set_requires_grad(true);
  const auto penalty_grads = [&](const Tensor& y) {
    const Tensor by_x = grad({sum(square(y))}, {x}, {}, true, true)[0];
    return grad({sum(square(by_x))}, {x, table});
  };
  const Tensors fused = penalty_grads(hashgrid(x, table, config));
  const Tensors twin = penalty_grads(hashgrid_composed(x, table, config));
  REQUIRE(relative_error(fused[0], twin[0]) < 1e-5);
  REQUIRE(relative_error(fused[1], twin[1]) < 1e-5);
}

TEST_CASE("results do not depend on the number of threads") {
  const HashGridConfig config{8, 2, 12, 8, 1.6};
  const Tensor table = uniform({hashgrid_entries(config), 2}, 4).set_requires_grad(true);
  for (int64_t n : {5000, 140000}) {  // the second takes two batches
    const Tensor x = uniform({n, 3}, 3, 0, 1).set_requires_grad(true);
    const Tensor dy = uniform({n, 16}, 5);
    std::vector<float> expected[3];
    for (int threads : {1, 2, 5}) {
      const Threads scope(threads);
      const Tensor y = hashgrid(x, table, config);
      const Tensors grads = grad({y}, {x, table}, {dy});
      const Tensor results[3] = {y, grads[0], grads[1]};
      for (int k = 0; k < 3; ++k) {
        if (threads == 1) expected[k] = results[k].to_vector<float>();
        REQUIRE(results[k].to_vector<float>() == expected[k]);
      }
    }
  }
}

TEST_CASE("runs of points in one cell add up") {
  // Samples along rays: the same cell many times in a row, then its neighbour, then back.
  const HashGridConfig config{3, 2, 12, 4, 1.5};
  std::vector<float> values;
  for (int i = 0; i < 333; ++i) {
    const float t = static_cast<float>(i % 100) / 100;
    values.insert(values.end(), {t, 0.4f, 0.9f - 0.7f * t});
  }
  const Tensor x = Tensor::from_vector(values, {333, 3});
  const Tensor table = uniform({hashgrid_entries(config), 2}, 4).set_requires_grad(true);
  const Tensor dy = uniform({333, 6}, 5);
  const Tensor fused = grad({hashgrid(x, table, config)}, {table}, {dy})[0];
  REQUIRE(relative_error(fused, grad({hashgrid_composed(x, table, config)}, {table}, {dy})[0]) < 1e-5);

  SECTION("a second backward adds into the gradient that is there") {
    hashgrid(x, table, config).backward(dy);
    const void* buffer = table.grad().raw();
    hashgrid(x, table, config).backward(dy);
    REQUIRE(table.grad().raw() == buffer);
    REQUIRE(relative_error(table.grad(), mul(fused, 2.0)) < 1e-6);
  }
}

TEST_CASE("strided inputs") {
  const HashGridConfig config{3, 2, 9, 4, 1.7};
  const Tensor base = uniform({3, 40}, 3, 0, 1);
  const Tensor table_t = uniform({2, hashgrid_entries(config)}, 4);
  const Tensor x = flip(transpose(base), {0});
  const Tensor table = transpose(table_t).detach().set_requires_grad(true);
  REQUIRE_FALSE(x.is_contiguous());
  const Tensor y = hashgrid(x, table, config);
  const Tensor dense_table = clone(table.detach()).set_requires_grad(true);
  const Tensor dense = hashgrid(contiguous(x), dense_table, config);
  REQUIRE(y.to_vector<float>() == dense.to_vector<float>());
  // sum's gradient is a broadcast view
  const Tensor by_table = grad({sum(y)}, {table})[0];
  const Tensor by_dense = grad({sum(dense)}, {dense_table})[0];
  REQUIRE(contiguous(by_table).to_vector<float>() == by_dense.to_vector<float>());
}

TEST_CASE("instruction sets agree") {
#if NDL_AVX2 && NDL_AVX512
  const int64_t n = 103;
  const std::vector<float> xyz = uniform({3 * n}, 3, -0.2, 1.2).to_vector<float>();
  const HashGridPoints points{xyz.data(), xyz.data() + n, xyz.data() + 2 * n, n};
  for (int features : {1, 2, 4, 8})
    for (bool hashed : {false, true}) {
      const HashGridLevelArgs level{6.7f, 8, 512, hashed, 3, features};
      const std::vector<float> table = uniform({515 * features}, 4).to_vector<float>();
      const std::vector<float> dy = uniform({n * features}, 5).to_vector<float>();
      struct Results {
        std::vector<float> y, by_table, by_x;
      };
      const auto run = [&](auto encode, auto scatter, auto position_grad) {
        Results r{std::vector<float>(n * features), std::vector<float>(515 * features), std::vector<float>(3 * n)};
        encode({level, points, table.data(), Element::F32, r.y.data()});
        scatter({level, points, dy.data(), r.by_table.data(), false});
        position_grad({level, points, table.data(), Element::F32, dy.data(), r.by_x.data()});
        return r;
      };
      const auto check = [](const Results& got, const Results& expected) {
        const auto near = [](const std::vector<float>& a, const std::vector<float>& b) {
          for (size_t i = 0; i < a.size(); ++i) REQUIRE(a[i] == Approx(b[i]).epsilon(1e-5).margin(1e-4));
        };
        near(got.y, expected.y);
        near(got.by_table, expected.by_table);
        near(got.by_x, expected.by_x);
      };
#define RUN(isa)                                                            \
  run([](const HashGridEncodeArgs& args) { isa::hashgrid_encode(args); },   \
      [](const HashGridScatterArgs& args) { isa::hashgrid_scatter(args); }, \
      [](const HashGridPositionArgs& args) { isa::hashgrid_position_grad(args); })
      const Results expected = RUN(baseline);
      if (kIsa != Isa::Baseline) check(RUN(avx2), expected);
      if (kIsa == Isa::Avx512) check(RUN(avx512), expected);
#undef RUN
    }
#endif
}

TEST_CASE("mistakes are told") {
  const HashGridConfig config{2, 2, 9, 4, 1.7};
  const Tensor table = hashgrid_init(config, 1);
  const Tensor x = Tensor::zeros({5, 3});
  REQUIRE_THROWS_AS(hashgrid(Tensor(), table, config), ValueError);
  REQUIRE_THROWS_AS(hashgrid(x, Tensor(), config), ValueError);
  REQUIRE_THROWS_AS(hashgrid(Tensor::zeros({5, 2}), table, config), ValueError);
  REQUIRE_THROWS_AS(hashgrid(Tensor::zeros({3}), table, config), ValueError);
  REQUIRE_THROWS_AS(hashgrid(x, Tensor::zeros({5, 2}), config), ValueError);
  REQUIRE_THROWS_AS(hashgrid(Tensor::zeros({5, 3}, DType::Int64), table, config), TypeError);
  REQUIRE_THROWS_AS(hashgrid(x, cast(table, DType::Int32), config), TypeError);
  for (const HashGridConfig& bad :
       {HashGridConfig{0, 2, 9, 4, 1.7}, HashGridConfig{2, 3, 9, 4, 1.7}, HashGridConfig{2, 2, 2, 4, 1.7},
        HashGridConfig{2, 2, 40, 4, 1.7}, HashGridConfig{2, 2, 9, 0, 1.7}, HashGridConfig{2, 2, 9, 4, 0.5},
        HashGridConfig{16, 2, 9, 16, 16}, HashGridConfig{2, 2, 9, 4, std::nan("")}}) {
    REQUIRE_THROWS_AS(hashgrid_levels(bad), ValueError);
    REQUIRE_THROWS_AS(hashgrid(x, table, bad), ValueError);
    REQUIRE_THROWS_AS(hashgrid_composed(x, table, bad), ValueError);
  }
}

TEST_CASE("a fresh table is small, reproducible and not constant") {
  const HashGridConfig config{2, 2, 9, 4, 1.7};
  const std::vector<float> a = hashgrid_init(config, 1).to_vector<float>();
  REQUIRE(a == hashgrid_init(config, 1).to_vector<float>());
  REQUIRE(a != hashgrid_init(config, 2).to_vector<float>());
  float low = 0, high = 0;
  for (float v : a) low = std::min(low, v), high = std::max(high, v);
  REQUIRE(low >= -1e-4f);
  REQUIRE(high < 1e-4f);
  REQUIRE(high - low > 1.5e-4f);
}
