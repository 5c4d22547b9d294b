// What the tests share: numbers to test with, comparisons, checks of gradients, and settings that end with their scope.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "catch.h"
#include "needlecpp/autograd/autograd.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/shape.h"

namespace needlecpp {

// Numbers in C order, whatever the dtype and the layout.
inline std::vector<double> doubles(const Tensor& x) {
  return contiguous(cast(x.detach(), DType::Float64)).to_vector<double>();
}
inline std::vector<int64_t> integers(const Tensor& x) {
  return contiguous(cast(x.detach(), DType::Int64)).to_vector<int64_t>();
}

inline Tensor leaf(const Tensor& x) { return x.detach().set_requires_grad(true); }
inline Tensor leaf(const std::vector<double>& values, const Shape& shape) {
  return leaf(Tensor::from_vector(values, shape));
}
inline Tensor leaf(const std::vector<double>& values) { return leaf(values, {static_cast<int64_t>(values.size())}); }

// 0, 1, 2, ... in C order.
inline Tensor counting(const Shape& shape, DType dtype = DType::Int64) {
  return reshape(Tensor::arange(numel(shape), dtype), shape);
}

// Random numbers: of one seed, or of the program's own stream, so that each call gives others.
inline Tensor uniform(const Shape& shape, uint64_t seed, double low = -1, double high = 1,
                      DType dtype = DType::Float32) {
  Generator generator(seed);
  return rand(shape, low, high, dtype, Device{}, generator);
}
inline Tensor normal_leaf(const Shape& shape, uint64_t seed) {
  Generator generator(seed);
  return leaf(randn(shape, 0, 1, DType::Float64, Device{}, generator));
}
// Whole numbers in [low, high), whose sums and products are exact in every floating dtype that holds them.
inline Tensor whole_numbers(const Shape& shape, DType dtype, int64_t low = -50, int64_t high = 50) {
  static Generator generator(7);
  return cast(randint(low, high, shape, DType::Int64, Device{}, generator), dtype);
}

// Whether every |got - expected| is at most tolerance * max(|expected|, scale): relative for large numbers, absolute
// for those below `scale`. Infinities must be equal, and NaN stand for NaN.
template <class T, class U>
void require_close(const std::vector<T>& got, const std::vector<U>& expected, double tolerance, double scale = 1) {
  REQUIRE(got.size() == expected.size());
  size_t worst = 0;
  double worst_error = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double a = static_cast<double>(got[i]), b = static_cast<double>(expected[i]);
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    // An error that is no number is larger than every other.
    const double ratio = std::abs(a - b) / std::max(std::abs(b), scale);
    const double error = std::isfinite(a) && std::isfinite(b) ? ratio : std::numeric_limits<double>::infinity();
    if (error > worst_error) {
      worst = i;
      worst_error = error;
    }
  }
  if (worst_error > 0) {
    INFO("entry " << worst << ": got " << got[worst] << ", expected " << expected[worst]);
    REQUIRE(worst_error <= tolerance);
  }
}
inline void require_close(double got, double expected, double tolerance, double scale = 1) {
  require_close(std::vector<double>{got}, std::vector<double>{expected}, tolerance, scale);
}
inline void require_close(const Tensor& got, const std::vector<double>& expected, double tolerance, double scale = 1) {
  require_close(doubles(got), expected, tolerance, scale);
}
inline void require_close(const Tensor& got, const Tensor& expected, double tolerance, double scale = 1) {
  REQUIRE(got.shape() == expected.shape());
  require_close(doubles(got), doubles(expected), tolerance, scale);
}

// The largest difference relative to the largest expected magnitude, or to `floor` if that is larger: for sums of many
// terms, which cancel in single entries. Infinite where NaN and infinities do not stand in the same places.
inline double relative_error(const Tensor& got, const Tensor& expected, double floor = 1e-30) {
  REQUIRE(got.defined());
  REQUIRE(got.shape() == expected.shape());
  const std::vector<double> a = doubles(got), b = doubles(expected);
  double error = 0, largest = floor;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isfinite(b[i])) largest = std::max(largest, std::abs(b[i]));
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    if (!std::isfinite(a[i]) || !std::isfinite(b[i])) return std::numeric_limits<double>::infinity();
    error = std::max(error, std::abs(a[i] - b[i]));
  }
  return error / largest;
}

// Both derivatives of fn's squares, by which the second differs from zero also where fn is linear.
inline void check_gradients(const std::function<Tensors(const Tensors&)>& fn, const Tensors& inputs) {
  const auto squared = [&](const Tensors& in) {
    Tensors ys;
    for (const Tensor& y : fn(in)) ys.push_back(square(y));
    return ys;
  };
  CHECK(gradcheck(squared, inputs));
  CHECK(gradgradcheck(squared, inputs));
}
inline void check_gradients(const std::function<Tensor(const Tensor&)>& fn, const Shape& shape) {
  check_gradients([&](const Tensors& in) { return Tensors{fn(in[0])}; }, {normal_leaf(shape, 7)});
}

// Gives back the number of threads as it was; meanwhile there are `count`.
class Threads {
 public:
  explicit Threads(int count = num_threads()) : before_(num_threads()) { set_num_threads(count); }
  ~Threads() { set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

// A folder that goes away with the test.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("needlecpp_test_" + std::to_string(getpid()))) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string file(const std::string& file_name) const { return (path_ / file_name).string(); }
  size_t entries() const {
    return static_cast<size_t>(
        std::distance(std::filesystem::directory_iterator(path_), std::filesystem::directory_iterator()));
  }

 private:
  std::filesystem::path path_;
};

// Whether a message holds this part; a failed test shows the message.
inline bool says(const std::string& text, const std::string& part) {
  INFO(text);
  CHECK(text.find(part) != std::string::npos);
  return text.find(part) != std::string::npos;
}

}  // namespace needlecpp
