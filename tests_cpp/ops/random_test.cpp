// Random numbers: Philox against its published answers, independence of threads and of position, ranges and moments.
#include "needlecpp/ops/random.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "needlecpp/core/parallel.h"
#include "ops/shape/random_kernels.h"
#include "simd/philox.h"
#include "support.h"

using namespace needlecpp;

namespace {

struct Moments {
  double mean = 0, variance = 0, skew = 0, kurtosis = 0;
};
template <class T>
Moments moments(const std::vector<T>& x) {
  Moments m;
  const double count = static_cast<double>(x.size());
  for (T v : x) m.mean += static_cast<double>(v) / count;
  for (T v : x) m.variance += std::pow(static_cast<double>(v) - m.mean, 2) / count;
  for (T v : x) {
    const double z = (static_cast<double>(v) - m.mean) / std::sqrt(m.variance);
    m.skew += z * z * z / count;
    m.kurtosis += z * z * z * z / count;
  }
  return m;
}

}  // namespace

TEST_CASE("Philox4x32-10 gives the answers published with Random123") {
  const auto words = [](uint64_t seed, uint64_t draw, uint64_t counter) {
    const NDL_ISA::Philox4 p = NDL_ISA::philox(seed, draw, counter);
    return std::vector<uint32_t>{p.x, p.y, p.z, p.w};
  };
  CHECK(words(0, 0, 0) == std::vector<uint32_t>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(words(UINT64_MAX, UINT64_MAX, UINT64_MAX) ==
        std::vector<uint32_t>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(words(0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88) ==
        std::vector<uint32_t>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("formulas at their ends") {
  CHECK(NDL_ISA::uniform24(0) == 0.0f);
  CHECK(NDL_ISA::uniform24(UINT32_MAX) == 1.0f - 0x1p-24f);
  CHECK(NDL_ISA::uniform53(0, 0) == 0.0);
  CHECK(NDL_ISA::uniform53(UINT32_MAX, UINT32_MAX) == 1.0 - 0x1p-53);
  CHECK(NDL_ISA::positive_uniform(0u) == 0x1p-31f);
  CHECK(NDL_ISA::positive_uniform(UINT32_MAX) == 1.0f);
  CHECK(NDL_ISA::positive_uniform(UINT32_MAX, UINT32_MAX) == 1.0);
  CHECK(NDL_ISA::multiply_high(UINT64_MAX, UINT64_MAX) == UINT64_MAX - 1);
  CHECK(NDL_ISA::multiply_high(0x123456789abcdef0, 0xfedcba9876543210) == 0x121fa00ad77d7422);
  CHECK(NDL_ISA::integer_in_range(0, 0, -5, 10) == -5);
  CHECK(NDL_ISA::integer_in_range(UINT32_MAX, UINT32_MAX, -5, 10) == 4);
  CHECK(NDL_ISA::integer_in_range(UINT32_MAX, UINT32_MAX, INT64_MIN, UINT64_MAX) == INT64_MAX - 1);
}

TEST_CASE("elements are the words of Philox in order") {
  Generator generator(42);
  generator.set_draw(7);
  const auto x = rand({11}, 0, 1, DType::Float32, {}, generator).to_vector<float>();
  CHECK(generator.draw() == 8);
  for (uint64_t i = 0; i < 11; ++i) {
    const NDL_ISA::Philox4 p = NDL_ISA::philox(42, 7, i / 4);
    const uint32_t words[] = {p.x, p.y, p.z, p.w};
    CHECK(x[i] == NDL_ISA::uniform24(words[i % 4]));
  }
  generator.set_draw(7);
  const auto d = rand({5}, 0, 1, DType::Float64, {}, generator).to_vector<double>();
  for (uint64_t i = 0; i < 5; ++i) {
    const NDL_ISA::Philox4 p = NDL_ISA::philox(42, 7, i / 2);
    CHECK(d[i] == (i % 2 == 0 ? NDL_ISA::uniform53(p.x, p.y) : NDL_ISA::uniform53(p.z, p.w)));
  }
  // Normals against Box and Muller in double precision.
  generator.set_draw(7);
  const auto n = randn({8}, 1, 2, DType::Float32, {}, generator).to_vector<float>();
  for (uint64_t i = 0; i < 8; i += 2) {
    const NDL_ISA::Philox4 p = NDL_ISA::philox(42, 7, i / 4);
    const double u = NDL_ISA::positive_uniform(i % 4 == 0 ? p.x : p.z);
    const double v = NDL_ISA::uniform24(i % 4 == 0 ? p.y : p.w);
    const double radius = std::sqrt(-2 * std::log(u));
    CHECK(n[i] == Approx(1 + 2 * radius * std::cos(2 * M_PI * v)).margin(1e-5));
    CHECK(n[i + 1] == Approx(1 + 2 * radius * std::sin(2 * M_PI * v)).margin(1e-5));
  }
}

TEST_CASE("an element depends on seed, draw and position alone") {
  const int64_t count = 150001;
  for (DType dtype : {DType::Float32, DType::Float64, DType::Float16, DType::BFloat16}) {
    INFO(name(dtype));
    const auto draws = [&](int threads, int64_t length) {
      const Threads scope(threads);
      Generator generator(5);
      const Tensor all[] = {rand({length}, 0, 1, dtype, {}, generator), randn({length}, 0, 1, dtype, {}, generator),
                            randint(-3, 9, {length}, DType::Int64, {}, generator),
                            randint(-3, 9, {length}, DType::Int32, {}, generator)};
      std::vector<std::vector<char>> bytes;
      for (const Tensor& x : all) {
        const char* data = static_cast<const char*>(x.raw());
        bytes.emplace_back(data, data + x.nbytes());
      }
      return bytes;
    };
    const auto one = draws(1, count);
    CHECK(one == draws(2, count));
    CHECK(one == draws(3, count));
    // A shorter draw is a prefix, whatever the vectors' width.
    for (int64_t length : {1, 2, 3, 5, 31, 63, 64, 65, 1001}) {
      const auto shorter = draws(2, length);
      for (size_t k = 0; k < shorter.size(); ++k)
        CHECK(std::equal(shorter[k].begin(), shorter[k].end(), one[k].begin()));
    }
  }
  Generator a(1);
  Generator b(2);
  const auto first = rand({64}, 0, 1, DType::Float32, {}, a).to_vector<float>();
  CHECK(first != rand({64}, 0, 1, DType::Float32, {}, a).to_vector<float>());  // next draw
  CHECK(first != rand({64}, 0, 1, DType::Float32, {}, b).to_vector<float>());  // other seed
  a.seed(1);
  CHECK(first == rand({64}, 0, 1, DType::Float32, {}, a).to_vector<float>());
  manual_seed(1);
  CHECK(first == rand({64}).to_vector<float>());
}

TEST_CASE("uniform: range and moments") {
  Generator generator(9);
  const int64_t count = 1 << 20;
  const auto x = rand({count}, -1, 3, DType::Float32, {}, generator).to_vector<float>();
  CHECK(*std::min_element(x.begin(), x.end()) >= -1);
  CHECK(*std::max_element(x.begin(), x.end()) < 3);
  const Moments m = moments(x);  // five standard errors each
  CHECK(m.mean == Approx(1).margin(5 * std::sqrt(16.0 / 12 / count)));
  CHECK(m.variance == Approx(16.0 / 12).epsilon(0.005));
  CHECK(m.kurtosis == Approx(1.8).margin(0.01));
  const auto d = rand({count}, 0, 1, DType::Float64, {}, generator).to_vector<double>();
  CHECK(moments(d).mean == Approx(0.5).margin(5 * std::sqrt(1.0 / 12 / count)));
  // Neighbours are uncorrelated.
  double correlation = 0;
  for (int64_t i = 1; i < count; ++i) correlation += (d[i] - 0.5) * (d[i - 1] - 0.5) * 12 / count;
  CHECK(std::abs(correlation) < 5 / std::sqrt(count));
  // The upper end stays out even where rounding would reach it.
  for (float v : rand({count}, 16777216, 16777218, DType::Float32, {}, generator).to_vector<float>())
    REQUIRE(v < 16777218);
  for (Float16 v : rand({count}, 0, 1, DType::Float16, {}, generator).to_vector<Float16>()) REQUIRE(to_float(v) < 1);
  for (BFloat16 v : rand({count}, 0, 1, DType::BFloat16, {}, generator).to_vector<BFloat16>()) REQUIRE(to_float(v) < 1);
  for (float v : rand({100}, 2, 2, DType::Float32, {}, generator).to_vector<float>()) REQUIRE(v == 2);
}

TEST_CASE("normal: moments") {
  Generator generator(10);
  const int64_t count = 1 << 20;
  const auto check = [&](const auto& x, double mean, double std) {
    const Moments m = moments(x);
    CHECK(m.mean == Approx(mean).margin(5 * std / std::sqrt(count)));
    CHECK(m.variance == Approx(std * std).epsilon(5 * std::sqrt(2.0 / count)));
    CHECK(m.skew == Approx(0).margin(5 * std::sqrt(6.0 / count)));
    CHECK(m.kurtosis == Approx(3).margin(5 * std::sqrt(24.0 / count)));
    for (auto v : x) REQUIRE(std::isfinite(v));
  };
  check(randn({count}, 0, 1, DType::Float32, {}, generator).to_vector<float>(), 0, 1);
  check(randn({count}, -2, 3, DType::Float32, {}, generator).to_vector<float>(), -2, 3);
  check(randn({count}, 1, 0.5, DType::Float64, {}, generator).to_vector<double>(), 1, 0.5);
}

TEST_CASE("integers: every value, equally often") {
  Generator generator(11);
  const int64_t count = 1 << 20;
  std::vector<int64_t> seen(7, 0);
  for (int64_t v : randint(-3, 4, {count}, DType::Int64, {}, generator).to_vector<int64_t>()) {
    REQUIRE(v >= -3);
    REQUIRE(v < 4);
    ++seen[static_cast<size_t>(v + 3)];
  }
  double chi = 0;
  for (int64_t n : seen) chi += std::pow(static_cast<double>(n) - count / 7.0, 2) / (count / 7.0);
  CHECK(chi < 35);  // six degrees of freedom: beyond this once in 200,000
  for (int32_t v : randint(5, 6, {50}, DType::Int32, {}, generator).to_vector<int32_t>()) REQUIRE(v == 5);
  const auto wide = randint(INT64_MIN, INT64_MAX, {1000}, DType::Int64, {}, generator).to_vector<int64_t>();
  CHECK(std::count_if(wide.begin(), wide.end(), [](int64_t v) { return v < 0; }) > 400);
  CHECK(std::set<int64_t>(wide.begin(), wide.end()).size() == 1000);
  const auto low = randint(INT32_MIN, int64_t{INT32_MAX} + 1, {1000}, DType::Int32, {}, generator).to_vector<int32_t>();
  CHECK(std::count_if(low.begin(), low.end(), [](int32_t v) { return v < 0; }) > 400);
}

TEST_CASE("empty draws and refusals") {
  Generator generator(1);
  CHECK(rand({0, 3}, 0, 1, DType::Float32, {}, generator).shape() == Shape{0, 3});
  CHECK(randn({0}, 0, 1, DType::Float64, {}, generator).numel() == 0);
  CHECK(randint(0, 2, {0}, DType::Int64, {}, generator).numel() == 0);
  CHECK(rand({}, 0, 1, DType::Float32, {}, generator).rank() == 0);
  CHECK_THROWS_AS(rand({2}, 0, 1, DType::Int64, {}, generator), TypeError);
  CHECK_THROWS_AS(randn({2}, 0, 1, DType::Bool, {}, generator), TypeError);
  CHECK_THROWS_AS(randint(0, 2, {2}, DType::Float32, {}, generator), TypeError);
  CHECK_THROWS_AS(rand({2}, 1, 0, DType::Float32, {}, generator), ValueError);
  CHECK_THROWS_AS(rand({2}, -3e38, 3e38, DType::Float32, {}, generator), ValueError);
  CHECK_THROWS_AS(rand({2}, 0, NAN, DType::Float32, {}, generator), ValueError);
  CHECK_THROWS_AS(randn({2}, 0, -1, DType::Float32, {}, generator), ValueError);
  CHECK_THROWS_AS(randint(2, 2, {2}, DType::Int64, {}, generator), ValueError);
  CHECK_THROWS_AS(randint(0, int64_t{1} << 32, {2}, DType::Int32, {}, generator), ValueError);
  CHECK_THROWS_AS(rand({-1}, 0, 1, DType::Float32, {}, generator), ValueError);
}
