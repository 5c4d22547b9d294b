// Random numbers.
#include "needlecpp/ops/random.h"

#include "binder.h"
#include "creation_options.h"

namespace needlecpp::python {

void bind_random(Binder b) {
  b.core.def(
      "rand",
      [](nb::args shape, double low, double high, nb::object dtype, nb::object device, bool requires_grad) {
        const Shape sizes = dims_of_args(shape);
        return CreationOptions(dtype, DType::Float32, device,
                               requires_grad)([&](DType to, Device on) { return rand(sizes, low, high, to, on); });
      },
      "shape"_a, "low"_a = 0.0, "high"_a = 1.0, "dtype"_a = nb::none(), "device"_a = nb::none(),
      "requires_grad"_a = false, "Uniform in [low, high).\n\n>>> ndl.rand(2, 3).shape\n(2, 3)");
  b.core.def(
      "randn",
      [](nb::args shape, double mean, double std, nb::object dtype, nb::object device, bool requires_grad) {
        const Shape sizes = dims_of_args(shape);
        return CreationOptions(dtype, DType::Float32, device,
                               requires_grad)([&](DType to, Device on) { return randn(sizes, mean, std, to, on); });
      },
      "shape"_a, "mean"_a = 0.0, "std"_a = 1.0, "dtype"_a = nb::none(), "device"_a = nb::none(),
      "requires_grad"_a = false, "Normal.\n\n>>> ndl.randn(2, 3).shape\n(2, 3)");
  b.core.def(
      "randint",
      [](int64_t low, int64_t high, nb::object shape, nb::object dtype, nb::object device) {
        return randint(low, high, dims_of(shape), dtype_of(dtype, DType::Int64), device_of(device));
      },
      "low"_a, "high"_a, "shape"_a, "dtype"_a = nb::none(), "device"_a = nb::none(),
      "Integers in [low, high).\n\n>>> ndl.randint(0, 1, 2).tolist()\n[0, 0]");
}

}  // namespace needlecpp::python
