// Draws from a Generator: each takes one key, and each element one counter (or a share of one) under that key.
#include "needlecpp/ops/random.h"

#include <cmath>

#include "needlecpp/autograd/op.h"
#include "ops/shape/random_run.h"

namespace needlecpp {
namespace {

void check_floating(const Op& op, DType dtype) {
  NDL_CHECK(is_floating(dtype), TypeError, op, "wrong dtype: got ", name(dtype),
            ", expected a floating one. Use randint for integers.");
}

}  // namespace

Tensor rand(const Shape& shape, double low, double high, DType dtype, Device device, Generator& generator) {
  Op op("rand", device);
  check_floating(op, dtype);
  const double span = dtype == DType::Float64 ? high - low : static_cast<float>(high) - static_cast<float>(low);
  NDL_CHECK(low <= high && std::isfinite(span), ValueError, op, "bad range: got low ", low, " and high ", high,
            ", expected low <= high and a finite difference.");
  const FloatDraw draw = {RandomLaw::Uniform, low, high, generator.next()};
  const Tensor y = op.empty(shape, dtype);
  NDL_ON(device, run_draw_floats)(draw, y);
  return y;
}

Tensor randn(const Shape& shape, double mean, double std, DType dtype, Device device, Generator& generator) {
  Op op("randn", device);
  check_floating(op, dtype);
  NDL_CHECK(std >= 0 && std::isfinite(std) && std::isfinite(mean), ValueError, op,
            "bad mean or standard deviation: got ", mean, " and ", std,
            ", expected finite numbers, the second of 0 or more.");
  const FloatDraw draw = {RandomLaw::Normal, mean, std, generator.next()};
  const Tensor y = op.empty(shape, dtype);
  NDL_ON(device, run_draw_floats)(draw, y);
  return y;
}

Tensor randint(int64_t low, int64_t high, const Shape& shape, DType dtype, Device device, Generator& generator) {
  Op op("randint", device);
  NDL_CHECK(dtype == DType::Int64 || dtype == DType::Int32, TypeError, op, "wrong dtype: got ", name(dtype),
            ", expected int64 or int32.");
  NDL_CHECK(low < high, ValueError, op, "empty range: got low ", low, " and high ", high, ", expected low < high.");
  NDL_CHECK(dtype == DType::Int64 || (low >= INT32_MIN && high <= int64_t{INT32_MAX} + 1), ValueError, op,
            "range beyond int32: got ", low, " to ", high, ". Use int64.");
  const Tensor y = op.empty(shape, dtype);
  NDL_ON(device, run_draw_integers)
  ({low, static_cast<uint64_t>(high) - static_cast<uint64_t>(low), generator.next()}, y);
  return y;
}

}  // namespace needlecpp
