// New tensors.
#include "binder.h"
#include "needlecpp/core/random.h"

namespace needlecpp::python {

void bind_creation(Binder& b) {
  b.m.def(
      "zeros",
      [](nb::args shape, nb::object dtype) {
        return Tensor::zeros(dims_of_args(shape), dtype_of(dtype, DType::Float32));
      },
      "shape"_a, "dtype"_a = nb::none(), "Zeros.");
  b.m.def(
      "ones",
      [](nb::args shape, nb::object dtype) {
        return Tensor::ones(dims_of_args(shape), dtype_of(dtype, DType::Float32));
      },
      "shape"_a, "dtype"_a = nb::none(), "Ones.");
  b.m.def(
      "empty",
      [](nb::args shape, nb::object dtype) {
        return Tensor::empty(dims_of_args(shape), dtype_of(dtype, DType::Float32));
      },
      "shape"_a, "dtype"_a = nb::none(), "Uninitialised.");
  b.m.def(
      "full",
      [](nb::object shape, double value, nb::object dtype) {
        return Tensor::full(dims_of(shape), value, dtype_of(dtype, DType::Float32));
      },
      "shape"_a, "value"_a, "dtype"_a = nb::none(), "One value everywhere.");
  b.m.def(
      "arange", [](int64_t count, nb::object dtype) { return Tensor::arange(count, dtype_of(dtype, DType::Int64)); },
      "count"_a, "dtype"_a = nb::none(), "0, 1, ... count - 1.");
  b.m.def(
      "rand",
      [](nb::args shape, double low, double high, nb::object dtype) {
        return rand(dims_of_args(shape), low, high, dtype_of(dtype, DType::Float32));
      },
      "shape"_a, "low"_a = 0.0, "high"_a = 1.0, "dtype"_a = nb::none(), "Uniform in [low, high).");
  b.m.def(
      "randn",
      [](nb::args shape, double mean, double std, nb::object dtype) {
        return randn(dims_of_args(shape), mean, std, dtype_of(dtype, DType::Float32));
      },
      "shape"_a, "mean"_a = 0.0, "std"_a = 1.0, "dtype"_a = nb::none(), "Normal.");
  b.m.def(
      "randint",
      [](int64_t low, int64_t high, nb::object shape, nb::object dtype) {
        return randint(low, high, dims_of(shape), dtype_of(dtype, DType::Int64));
      },
      "low"_a, "high"_a, "shape"_a, "dtype"_a = nb::none(), "Integers in [low, high).");
}

}  // namespace needlecpp::python
