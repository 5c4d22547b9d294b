// Packed segments against the plain ops on every segment by itself.
#include "needlecpp/ops/segment.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "support.h"

using namespace needlecpp;

namespace {

Segments segments_of(const std::vector<int64_t>& lengths) {
  std::vector<int64_t> offsets = {0};
  for (int64_t length : lengths) offsets.push_back(offsets.back() + length);
  return {Tensor::from_vector(offsets, {static_cast<int64_t>(offsets.size())})};
}

void require_parts(const Tensor& values, const std::vector<int64_t>& lengths) {
  const Segments segments = segments_of(lengths);
  for (const FoldOp op : {FoldOp::Sum, FoldOp::Prod, FoldOp::Max, FoldOp::Min}) {
    const Tensor reduced = segment_reduce(values, segments, op);
    for (const bool exclusive : {false, true})
      for (const bool reverse : {false, true}) {
        const Tensor scanned = segment_scan(values, segments, op, exclusive, reverse);
        int64_t at = 0;
        for (size_t s = 0; s < lengths.size(); ++s) {
          const int64_t end = at + lengths[s];
          INFO("op " << static_cast<int>(op) << " segment " << s << (exclusive ? " exclusive" : "")
                     << (reverse ? " reverse" : ""));
          if (lengths[s] > 0) {
            const Tensor part = slice(values, 0, at, end);
            const Tensor expected = scan(part, 0, op, exclusive, reverse);
            REQUIRE(doubles(slice(scanned, 0, at, end)) == doubles(expected));
            if (!exclusive)
              REQUIRE(doubles(select(reduced, 0, static_cast<int64_t>(s))) ==
                      doubles(select(expected, 0, reverse ? 0 : -1)));
          }
          at = end;
        }
      }
  }
}

}  // namespace

TEST_CASE("Segments agree with each one by itself, however long it is") {
  Generator generator(3);
  for (const DType dtype : {DType::Float32, DType::Float64, DType::Int32, DType::Int64, DType::UInt8}) {
    for (const int64_t columns : {1, 3, 5, 300}) {
      const Tensor values = cast(randint(1, 3, {40, columns}, DType::Int64, {}, generator), dtype);
      require_parts(values, {0, 1, 17, 0, 0, 2, 20, 0});
    }
  }
  // A long one among short ones is cut into slices; whole numbers add up exactly.
  const Tensor values = cast(randint(0, 2, {300001}, DType::Int64, {}, generator), DType::Float32);
  require_parts(values, {1, 0, 199999, 1, 100000});
  require_parts(slice(cast(randint(0, 2, {64, 6}, DType::Int64, {}, generator), DType::Float16), 1, 0, 6, 2), {60, 4});
}

TEST_CASE("Empty segments give the neutral element") {
  const Segments segments = segments_of({0, 2, 0});
  const Tensor values = Tensor::from_vector<float>({3, 5}, {2});
  REQUIRE(doubles(segment_reduce(values, segments)) == std::vector<double>{0, 8, 0});
  REQUIRE(doubles(segment_reduce(values, segments, FoldOp::Prod)) == std::vector<double>{1, 15, 1});
  REQUIRE(doubles(segment_reduce(values, segments, FoldOp::Max)) == std::vector<double>{-INFINITY, 5, -INFINITY});
  REQUIRE(doubles(segment_reduce(values, segments, FoldOp::Min)) == std::vector<double>{INFINITY, 3, INFINITY});
  const std::vector<double> means = doubles(segment_mean(values, segments));
  REQUIRE((std::isnan(means[0]) && means[1] == 4 && std::isnan(means[2])));
  const Tensor none = Tensor::zeros({0, 3});
  REQUIRE(segment_reduce(none, segments_of({})).shape() == Shape{0, 3});
  REQUIRE(doubles(segment_reduce(none, segments_of({0}))) == std::vector<double>{0, 0, 0});
  REQUIRE(segment_scan(none, segments_of({0, 0})).shape() == Shape{0, 3});
}

TEST_CASE("Gradients of segments, with empty ones, zeros and ties") {
  const Segments segments = segments_of({2, 0, 3, 1});
  const Tensor x = Tensor::from_vector<double>({0, 2, 3, 0, 0, 7}, {6}).set_requires_grad(true);
  segment_reduce(x, segments, FoldOp::Prod).backward(Tensor::ones({4}, DType::Float64));
  REQUIRE(doubles(x.grad()) == std::vector<double>{2, 0, 0, 0, 0, 1});
  x.set_grad(Tensor());
  segment_reduce(x, segments, FoldOp::Min).backward(Tensor::ones({4}, DType::Float64));
  REQUIRE(doubles(x.grad()) == std::vector<double>{1, 0, 0, 0.5, 0.5, 1});
  x.set_grad(Tensor());
  segment_scan(x, segments, FoldOp::Max, true).backward(Tensor::ones({6}, DType::Float64));
  REQUIRE(doubles(x.grad()) == std::vector<double>{1, 0, 2, 0, 0, 0});
  for (const FoldOp op : {FoldOp::Sum, FoldOp::Prod}) {
    REQUIRE(gradgradcheck([&](const Tensors& in) { return Tensors{segment_reduce(in[0], segments, op)}; }, {x}));
    REQUIRE(gradgradcheck([&](const Tensors& in) { return Tensors{segment_scan(in[0], segments, op, true)}; }, {x}));
  }
  REQUIRE(gradgradcheck(
      [&](const Tensors& in) { return Tensors{segment_expand(segment_mean(in[0], segments), segments)}; }, {x}));
}

TEST_CASE("Segments do not depend on the number of threads") {
  Generator generator(5);
  const Tensor values = randn({200000}, 0, 1, DType::Float32, {}, generator);
  std::vector<int64_t> lengths = {150000};
  for (int64_t left = 50000, length = 0; left > 0; left -= lengths.back(), ++length)
    lengths.push_back(std::min(left, length % 97));
  const Segments segments = segments_of(lengths);
  const Threads restored;
  std::vector<std::vector<double>> results;
  for (const int threads : {1, 3, 8}) {
    set_num_threads(threads);
    results.push_back(doubles(segment_reduce(values, segments)));
    results.push_back(doubles(segment_scan(values, segments)));
  }
  REQUIRE((results[2] == results[0] && results[4] == results[0]));
  REQUIRE((results[3] == results[1] && results[5] == results[1]));
}

TEST_CASE("Offsets are checked") {
  const Tensor values = Tensor::zeros({4});
  const auto offsets = [](const std::vector<int64_t>& at) {
    return Segments{Tensor::from_vector(at, {static_cast<int64_t>(at.size())})};
  };
  REQUIRE_THROWS_AS(segment_reduce(values, offsets({0, 3})), ValueError);
  REQUIRE_THROWS_AS(segment_reduce(values, offsets({1, 4})), ValueError);
  REQUIRE_THROWS_AS(segment_reduce(values, offsets({0, 3, 2, 4})), ValueError);
  REQUIRE_THROWS_AS(segment_scan(values, offsets({0, 9, 4})), ValueError);
  REQUIRE_THROWS_AS(segment_scan(values, {Tensor::zeros({2})}), TypeError);
  REQUIRE_THROWS_AS(segment_scan(values, {Tensor::zeros({0}, DType::Int64)}), ValueError);
  REQUIRE_THROWS_AS(segment_scan(values, {Tensor()}), ValueError);
  REQUIRE_THROWS_AS(segment_scan(Tensor::zeros({}), offsets({0})), ValueError);
  REQUIRE_THROWS_AS(segment_expand(values, offsets({0, 4})), ValueError);
  REQUIRE_THROWS_AS(segment_ids(offsets({0, -4})), ValueError);
}
