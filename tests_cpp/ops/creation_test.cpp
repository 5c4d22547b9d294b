// New tensors from a rule: exact ends, no elements, overflow.
#include "needlecpp/ops/creation.h"

#include <cmath>
#include <vector>

#include "support.h"

using namespace needlecpp;

namespace {

using Ints = std::vector<int64_t>;

}  // namespace

TEST_CASE("arange") {
  CHECK(integers(arange(int64_t{7}, -3, -4)) == Ints{7, 3, -1});
  CHECK(arange(int64_t{3}, 3).numel() == 0);
  CHECK(arange(int64_t{3}, 0).numel() == 0);
  CHECK(integers(arange(INT64_MAX - 2, INT64_MAX)) == Ints{INT64_MAX - 2, INT64_MAX - 1});
  CHECK(integers(arange(INT64_MIN, INT64_MAX, INT64_MAX)) == Ints{INT64_MIN, -1, INT64_MAX - 1});
  CHECK(integers(arange(INT64_MAX, INT64_MIN, INT64_MIN)) == Ints{INT64_MAX, -1});
  CHECK(arange(0.0, 1.0, 0.1).numel() == 10);
  CHECK(arange(1.0, 0.0, -0.25).to_vector<float>() == std::vector<float>{1, 0.75f, 0.5f, 0.25f});
  CHECK_THROWS_AS(arange(int64_t{0}, 1, 0), ValueError);
  CHECK_THROWS_AS(arange(INT64_MIN, INT64_MAX), ValueError);
  CHECK_THROWS_AS(arange(0.0, INFINITY), ValueError);
  CHECK_THROWS_AS(arange(0.0, 1e30), ValueError);
}

TEST_CASE("linspace and logspace") {
  CHECK(linspace(0, 1, 0).numel() == 0);
  CHECK(linspace(3, 9, 1).to_vector<float>() == std::vector<float>{3});
  CHECK(linspace(0, 0.1, 7, true, DType::Float64).to_vector<double>().back() == 0.1);
  CHECK(linspace(0, 1, 4, false).to_vector<float>() == std::vector<float>{0, 0.25f, 0.5f, 0.75f});
  CHECK(integers(linspace(0, 10, 4, true, DType::Int64)) == Ints{0, 3, 6, 10});
  CHECK(logspace(0, 3, 4, 2).to_vector<float>() == std::vector<float>{1, 2, 4, 8});
  CHECK_THROWS_AS(linspace(0, 1, -1), ValueError);
}

TEST_CASE("eye and the indices of triangles") {
  CHECK(integers(eye(2, 3, 1, DType::Int64)) == Ints{0, 1, 0, 0, 0, 1});
  CHECK(integers(eye(3, 2, -2, DType::Int64)) == Ints{0, 0, 0, 0, 1, 0});
  CHECK(integers(eye(2, 2, 9, DType::Int64)) == Ints{0, 0, 0, 0});
  CHECK(eye(0, 3).shape() == Shape{0, 3});
  CHECK(integers(tril_indices(2, 3)) == Ints{0, 1, 1, 0, 0, 1});
  CHECK(integers(triu_indices(2, 3, 1)) == Ints{0, 0, 1, 1, 2, 2});
  CHECK(tril_indices(2, 3, INT64_MIN).shape() == Shape{2, 0});
  CHECK(triu_indices(0, int64_t{1} << 50).shape() == Shape{2, 0});
  CHECK_THROWS_AS(eye(-1, 2), ValueError);
  CHECK_THROWS_AS(tril_indices(int64_t{1} << 40, 2), ValueError);
}
