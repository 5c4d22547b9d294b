// Fourier transforms as ops. Three kinds, and each one's derivative is another: of a complex transform the one of the
// other sign, of a real one the real part of that, of its inverse the real transform with its inner numbers doubled.
#include "needlecpp/ops/fft.h"

#include <cmath>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/ops/shape.h"
#include "ops/matmul/fft_run.h"

namespace needlecpp::fft {
namespace {

// x with `size` numbers on an axis: the first ones, or zeros behind.
Tensor resized(const Tensor& x, int axis, int64_t size) {
  const int64_t have = x.shape()[axis];
  if (have == size) return x;
  if (have > size) return slice(x, axis, 0, size);
  Shape rest = x.shape();
  rest[axis] = size - have;
  return concat({x, Tensor::zeros(rest, x.dtype(), x.device())}, axis);
}

Tensor apply(const char* name, const FftCall& call, const Tensor& x) {
  Op op(name, x);
  Shape shape = x.shape();
  shape[call.axis] = call.kind == FftKind::ToHalf ? call.n / 2 + 1 : call.n;
  if (call.kind == FftKind::ToHalf) shape.push_back(2);
  if (call.kind == FftKind::FromHalf) shape.erase(shape.size() - 1);
  const Tensor y = op.empty(shape, x.dtype());
  NDL_ON(op.device(), run_fft)(call, x, y);
  return op.record(y, {x}, {}, [name, call](Backward& g) {
    const int64_t have = g.input_shape(0)[call.axis], half = call.n / 2 + 1;
    FftCall back = call;
    if (call.kind == FftKind::FromHalf) {
      back.kind = FftKind::ToHalf;
      back.inverse = false;
      const Tensor numbers = apply(name, back, g.dy());
      // All but the first, and the middle one of an even length, stand for two.
      Shape along = Dims::filled(numbers.rank(), 1);
      along[call.axis] = half;
      const Tensor weights = Tensor::full(along, 2, numbers.dtype(), numbers.device());
      fill_(slice(weights, call.axis, 0, 1), 1);
      if (call.n % 2 == 0) fill_(slice(weights, call.axis, half - 1), 1);
      g.give(0, resized(mul(numbers, weights), call.axis, have));
      return;
    }
    back.kind = FftKind::Complex;
    back.inverse = !call.inverse;
    const Tensor sums = apply(name, back, g.dy());
    g.give(0, resized(call.kind == FftKind::ToHalf ? select(sums, -1, 0) : sums, call.axis, have));
  });
}

// Checks, fills in the defaults and computes in float32 or float64.
Tensor start(const char* name, FftKind kind, const Tensor& x, bool inverse, MaybeSize n, int64_t axis, Norm norm) {
  Op op(name, x);
  const bool pairs = kind != FftKind::ToHalf;
  NDL_CHECK(!pairs || (x.rank() >= 2 && x.size(-1) == 2), ValueError, op, "not complex numbers: got shape ", x.shape(),
            ", expected [..., n, 2], real and imaginary parts. Use rfft for real numbers.");
  NDL_CHECK(x.rank() >= 1, ValueError, op, "no axis to transform: got a number, expected an axis or more.");
  if (x.dtype() != DType::Float32 && x.dtype() != DType::Float64) {
    const Tensor y = start(name, kind, cast(x, DType::Float32), inverse, n, axis, norm);
    return is_floating(x.dtype()) ? cast(y, x.dtype()) : y;
  }
  FftCall call = {kind, inverse, 0, normalize_axis(op, axis, pairs ? x.rank() - 1 : x.rank()), 1};
  const int64_t have = x.shape()[call.axis];
  call.n = n.value_or(kind == FftKind::FromHalf ? 2 * (have - 1) : have);
  NDL_CHECK(call.n >= 1, ValueError, op, "bad number of points: got ", call.n, " for shape ", x.shape(),
            ", expected 1 or more.");
  const double points = static_cast<double>(call.n);
  const bool divides = norm == (inverse ? Norm::Backward : Norm::Forward);
  call.scale = norm == Norm::Ortho ? 1 / std::sqrt(points) : divides ? 1 / points : 1;
  return apply(name, call, x);
}

}  // namespace

Tensor transform(const Tensor& x, bool inverse, MaybeSize n, int64_t axis, Norm norm) {
  return start(inverse ? "fft.ifft" : "fft.fft", FftKind::Complex, x, inverse, n, axis, norm);
}
Tensor real_transform(const Tensor& x, MaybeSize n, int64_t axis, Norm norm) {
  return start("fft.rfft", FftKind::ToHalf, x, false, n, axis, norm);
}
Tensor inverse_real_transform(const Tensor& x, MaybeSize n, int64_t axis, Norm norm) {
  return start("fft.irfft", FftKind::FromHalf, x, true, n, axis, norm);
}

Tensor conjugate(const Tensor& x) {
  Op op("fft.conjugate", x);
  NDL_CHECK(x.rank() >= 1 && x.size(-1) == 2, ValueError, op, "not complex numbers: got shape ", x.shape(),
            ", expected [..., 2], real and imaginary parts.");
  if (x.dtype() == DType::UInt8 || x.dtype() == DType::Bool) return conjugate(cast(x, DType::Float32));
  const Tensor signs = op.full({2}, 1, x.dtype());
  fill_(slice(signs, 0, 1), -1);
  return mul(x, signs);
}

}  // namespace needlecpp::fft
