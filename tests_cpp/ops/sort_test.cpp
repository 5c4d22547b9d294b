// Sorting, searching and counting against std::stable_sort and plain loops.
#include "needlecpp/ops/sort.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/histogram.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/search.h"
#include "needlecpp/ops/shape.h"
#include "support.h"

using namespace needlecpp;

namespace {

// Whether a stands in front of b: NaN is the largest.
bool before(double a, double b, bool descending) {
  if (std::isnan(a) || std::isnan(b))
    return descending ? std::isnan(a) && !std::isnan(b) : !std::isnan(a) && std::isnan(b);
  return descending ? a > b : a < b;
}

std::vector<int64_t> order_of(const std::vector<double>& row, bool descending) {
  std::vector<int64_t> order(row.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](int64_t i, int64_t j) {
    return before(row[static_cast<size_t>(i)], row[static_cast<size_t>(j)], descending);
  });
  return order;
}

// Sorts the last axis of x in all ways.
void require_sorted(const Tensor& x) {
  const int64_t n = x.size(-1);
  const std::vector<double> values = doubles(x);
  for (bool descending : {false, true}) {
    INFO("dtype " << name(x.dtype()) << " shape " << to_string(x.shape()) << " descending " << descending);
    const auto [sorted, places] = sort_with_index(x, -1, descending);
    REQUIRE(sorted.dtype() == x.dtype());
    const std::vector<int64_t> got = contiguous(places).to_vector<int64_t>();
    const std::vector<double> got_values = doubles(sorted);
    for (size_t start = 0; start < values.size(); start += static_cast<size_t>(n)) {
      const std::vector<double> row(values.begin() + static_cast<int64_t>(start),
                                    values.begin() + static_cast<int64_t>(start) + n);
      const std::vector<int64_t> want = order_of(row, descending);
      REQUIRE(std::vector<int64_t>(got.begin() + static_cast<int64_t>(start),
                                   got.begin() + static_cast<int64_t>(start) + n) == want);
      for (size_t i = 0; i < want.size(); ++i) {
        const double value = row[static_cast<size_t>(want[i])];
        const double now = got_values[start + i];
        if (!(std::isnan(value) && std::isnan(now)) && (value != now || std::signbit(value) != std::signbit(now)))
          REQUIRE(now == value);
      }
    }
    REQUIRE(contiguous(argsort(x, -1, descending)).to_vector<int64_t>() == got);
    const std::vector<double> alone = doubles(sort(x, -1, descending));
    for (size_t i = 0; i < alone.size(); ++i) REQUIRE((alone[i] == got_values[i] || std::isnan(alone[i])));
    for (int64_t k : {int64_t{1}, (n + 2) / 3, n}) {
      if (k > n) continue;
      const auto [best, best_places] = topk(x, k, -1, descending);
      REQUIRE(best_places.to_vector<int64_t>() == contiguous(slice(places, -1, 0, k)).to_vector<int64_t>());
    }
  }
}

}  // namespace

TEST_CASE("sort agrees with std::stable_sort for every dtype and length") {
  for (int64_t n : {1, 2, 16, 17, 33, 400, 401, 3000})
    for (DType dtype : {DType::Float32, DType::Float64, DType::Float16, DType::BFloat16, DType::Int32, DType::Int64})
      require_sorted(whole_numbers({3, n}, dtype));
  require_sorted(whole_numbers({2, 500}, DType::UInt8, 0, 256));
  require_sorted(whole_numbers({2, 500}, DType::Bool, 0, 2));
  require_sorted(whole_numbers({1000}, DType::Int64, INT64_MIN / 2, INT64_MAX / 2));
  require_sorted(whole_numbers({70000}, DType::Float32, -1000000, 1000000));
}

TEST_CASE("sort of special values is stable and keeps their bits") {
  const float inf = INFINITY;
  const Tensor x =
      Tensor::from_vector<float>({NAN, 0.0f, -0.0f, inf, -inf, -NAN, 1e-45f, -1e-45f, 0.0f, -0.0f, NAN}, {11});
  for (DType dtype : {DType::Float32, DType::Float64, DType::Float16, DType::BFloat16}) require_sorted(cast(x, dtype));
  require_sorted(reshape(broadcast_to(x, {60, 11}), {660}));
  require_sorted(Tensor::from_vector<int64_t>({INT64_MAX, INT64_MIN, 0, -1, 1}, {5}));
}

TEST_CASE("sort takes any strides and axes") {
  const Tensor x = whole_numbers({4, 30, 5}, DType::Float32);
  require_sorted(transpose(x));
  require_sorted(flip(x, {0, 2}));
  require_sorted(slice(x, 1, 1, 29, 3));
  require_sorted(broadcast_to(whole_numbers({6, 1}, DType::Int32), {6, 7}));
  REQUIRE(doubles(sort(x, 1)) == doubles(transpose(sort(transpose(x)))));
  REQUIRE(sort(Tensor::scalar(3)).item() == 3);
  REQUIRE(argsort(Tensor::scalar(3)).item_int() == 0);
  REQUIRE(sort(Tensor::zeros({3, 0})).shape() == Shape{3, 0});
  REQUIRE(topk(Tensor::zeros({0, 3}), 2).first.shape() == Shape{0, 2});
  REQUIRE(topk(Tensor::zeros({3}), 0).second.shape() == Shape{0});
}

TEST_CASE("sort of one long row gives the same on any number of threads") {
  const Tensor x = whole_numbers({300000}, DType::Float64, -1000, 1000);
  const int threads = num_threads();
  set_num_threads(1);
  const auto alone = argsort(x).to_vector<int64_t>();
  set_num_threads(3);
  require_sorted(x);
  REQUIRE(argsort(x).to_vector<int64_t>() == alone);
  set_num_threads(threads);
}

TEST_CASE("sort gives gradients to the elements chosen") {
  Generator generator(3);
  const Tensor x = randn({3, 7}, 0, 1, DType::Float64, {}, generator).set_requires_grad(true);
  REQUIRE(gradcheck([](const Tensors& in) { return Tensors{sort(in[0], 0, true)}; }, {x}));
  REQUIRE(gradgradcheck([](const Tensors& in) { return Tensors{square(topk(in[0], 2, 1).first)}; }, {x}));
  REQUIRE_THROWS_AS(topk(x, 8), ValueError);
  REQUIRE_THROWS_AS(sort(x, 2), IndexError);
}

TEST_CASE("unique finds values, first places, inverse and counts") {
  const Tensor x = Tensor::from_vector<float>({2, NAN, 1, 2, NAN, -0.0f, 0, 1}, {2, 4});
  const Unique one = unique(x);
  REQUIRE(one.indices.to_vector<int64_t>() == std::vector<int64_t>{5, 2, 0, 1});
  REQUIRE(one.counts.to_vector<int64_t>() == std::vector<int64_t>{2, 2, 2, 2});
  REQUIRE(one.inverse.shape() == x.shape());
  REQUIRE(one.inverse.to_vector<int64_t>() == std::vector<int64_t>{2, 3, 1, 2, 3, 0, 0, 1});
  REQUIRE(unique(x, false).values.numel() == 5);
  REQUIRE(unique(Tensor::zeros({0})).counts.numel() == 0);
  REQUIRE(unique(Tensor::scalar(4)).inverse.shape() == Shape{});
}

TEST_CASE("searchsorted takes rows, sides and NaN") {
  const Tensor row = Tensor::from_vector<double>({1, 2, 2, 3, NAN}, {5});
  const Tensor values = Tensor::from_vector<double>({0, 2, 2.5, 3, INFINITY, NAN}, {6});
  REQUIRE(searchsorted(row, values).to_vector<int64_t>() == std::vector<int64_t>{0, 1, 3, 3, 4, 4});
  REQUIRE(searchsorted(row, values, true).to_vector<int64_t>() == std::vector<int64_t>{0, 3, 3, 4, 4, 5});
  const Tensor rows = Tensor::from_vector<int32_t>({1, 3, 5, 2, 4, 6}, {2, 3});
  const Tensor both = Tensor::from_vector<float>({2.5f, 5, 3, 9}, {2, 2});
  REQUIRE(searchsorted(rows, both).to_vector<int64_t>() == std::vector<int64_t>{1, 2, 1, 3});
  const Tensor order = argsort(flip(rows, {1}));
  REQUIRE(searchsorted(flip(rows, {1}), both, false, order).to_vector<int64_t>() == std::vector<int64_t>{1, 2, 1, 3});
  REQUIRE(searchsorted(Tensor::zeros({0}), both).to_vector<int64_t>() == std::vector<int64_t>(4, 0));
  REQUIRE_THROWS_AS(searchsorted(rows, Tensor::zeros({3, 2})), ValueError);
  REQUIRE_THROWS_AS(bucketize(both, rows), ValueError);
}

TEST_CASE("bincount and histogram count") {
  const Tensor x = whole_numbers({50000}, DType::Int32, 0, 7);
  const Tensor counts = bincount(x);
  for (int64_t v = 0; v < 7; ++v) REQUIRE(select(counts, 0, v).item() == sum(eq(x, static_cast<double>(v))).item());
  REQUIRE(bincount(Tensor::zeros({0}, DType::Int64), Tensor(), 3).to_vector<int64_t>() == std::vector<int64_t>(3, 0));
  REQUIRE_THROWS_AS(bincount(Tensor::from_vector<int64_t>({-1}, {1})), ValueError);
  REQUIRE_THROWS_AS(bincount(Tensor::zeros({2})), TypeError);
  const Tensor y = Tensor::from_vector<float>({0, 1, 2, 3, NAN, -1, 4, INFINITY}, {8});
  REQUIRE(histogram(y, 3, std::pair(0.0, 3.0)).counts.to_vector<int64_t>() == std::vector<int64_t>{1, 1, 2});
  const Tensor edges = Tensor::from_vector<float>({0, 1, 1, 3}, {4});
  REQUIRE(histogram(y, edges).counts.to_vector<int64_t>() == std::vector<int64_t>{1, 0, 3});
  REQUIRE(histogram(Tensor::full({4}, 2), 2).counts.to_vector<int64_t>() == std::vector<int64_t>{0, 4});
  REQUIRE(histogram(Tensor::zeros({0})).counts.numel() == 10);
  REQUIRE_THROWS_AS(histogram(y), ValueError);
  REQUIRE_THROWS_AS(histogram(y, flip(edges, {0})), ValueError);
  REQUIRE_THROWS_AS(histogram(y, 0), ValueError);
  // The edges decide, though the bin is computed.
  const Tensor fine = div(cast(Tensor::arange(1001), DType::Float32), 1000.0);
  const Histogram h = histogram(fine, 1000);
  REQUIRE(sum(h.counts).item() == 1001);
  REQUIRE(h.counts.to_vector<int64_t>() == histogram(fine, h.edges).counts.to_vector<int64_t>());
}
