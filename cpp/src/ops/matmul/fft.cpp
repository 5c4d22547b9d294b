// Fourier transforms as ops. Three kinds, and each one's derivative is another: of a complex transform the one of the
// other sign, of a real one the real part of that, of its inverse the real transform with its inner numbers doubled.
#include "needlecpp/ops/fft.h"

#include <cmath>
#include <vector>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/shape.h"
#include "ops/matmul/fft_run.h"
#include "ops/plumbing/strided.h"

namespace needlecpp::fft {
namespace {

enum class Kind { Complex, ToHalf, FromHalf };

struct Call {
  Kind kind;
  bool inverse;
  int64_t n;
  int axis;  // of x, counted from its front
  double scale;
};

// x with `size` numbers on an axis: the first ones, or zeros behind.
Tensor resized(const Tensor& x, int axis, int64_t size) {
  const int64_t have = x.shape()[axis];
  if (have == size) return x;
  if (have > size) return slice(x, axis, 0, size);
  Shape rest = x.shape();
  rest[axis] = size - have;
  return concat({x, Tensor::zeros(rest, x.dtype())}, axis);
}

Tensor run(const Call& call, const Tensor& x) {
  const int64_t half = call.n / 2 + 1;
  Shape shape = x.shape();
  shape[call.axis] = call.kind == Kind::ToHalf ? half : call.n;
  if (call.kind == Kind::ToHalf) shape.push_back(2);
  if (call.kind == Kind::FromHalf) shape.erase(shape.size() - 1);
  const Tensor y = Tensor::empty(shape, x.dtype());
  // What both share: the axes beside the transform's and the pair.
  Shape others = x.shape();
  Strides from = x.strides(), to = y.strides();
  const int64_t from_part = from.back(), to_part = to.back();
  if (call.kind != Kind::ToHalf) {
    others.erase(others.size() - 1);
    from.erase(from.size() - 1);
  }
  if (call.kind != Kind::FromHalf) to.erase(to.size() - 1);
  const int64_t from_axis = from[call.axis], to_axis = to[call.axis];
  others.erase(call.axis);
  from.erase(call.axis);
  to.erase(call.axis);
  const StridedLoop<2> loop = make_loop<2>(others, {from, to});
  const auto offsets = [&](int64_t line, int64_t& a, int64_t& b) {
    const auto at = loop.offsets(line);
    a = at[0];
    b = at[1];
  };
  const auto typed = [&]<class T>(T) {
    fft_lines<T>(
        call.n, call.inverse, static_cast<T>(call.scale), loop.count,
        {static_cast<T*>(x.raw()), from_axis, call.kind == Kind::ToHalf ? 0 : from_part, x.shape()[call.axis],
         call.kind == Kind::FromHalf},
        {static_cast<T*>(y.raw()), to_axis, call.kind == Kind::FromHalf ? 0 : to_part, y.shape()[call.axis], false},
        offsets);
  };
  if (x.dtype() == DType::Float32)
    typed(float{});
  else
    typed(double{});
  return y;
}

Tensor apply(const char* op, const Call& call, const Tensor& x) {
  return record(op, run(call, x.detach()), {x}, {}, [op, call](Backward& g) {
    const int64_t have = g.input_shape(0)[call.axis], half = call.n / 2 + 1;
    Call back = call;
    if (call.kind == Kind::FromHalf) {
      back.kind = Kind::ToHalf;
      back.inverse = false;
      const Tensor numbers = apply(op, back, g.dy());
      // All but the first, and the middle one of an even length, stand for two.
      std::vector<double> values(static_cast<size_t>(half), 2);
      values[0] = 1;
      if (call.n % 2 == 0) values.back() = 1;
      Shape along = Dims::filled(numbers.rank(), 1);
      along[call.axis] = half;
      const Tensor weights = cast(reshape(Tensor::from_vector(values, {half}), along), numbers.dtype());
      g.give(0, resized(mul(numbers, weights), call.axis, have));
      return;
    }
    back.kind = Kind::Complex;
    back.inverse = !call.inverse;
    const Tensor sums = apply(op, back, g.dy());
    g.give(0, resized(call.kind == Kind::ToHalf ? select(sums, -1, 0) : sums, call.axis, have));
  });
}

// Checks, fills in the defaults and computes in float32 or float64.
Tensor start(const char* op, Kind kind, const Tensor& x, bool inverse, MaybeSize n, int64_t axis, Norm norm) {
  OpScope scope(op);
  const bool pairs = kind != Kind::ToHalf;
  NDL_CHECK(!pairs || (x.rank() >= 2 && x.size(-1) == 2), ValueError, op, "not complex numbers: got shape ", x.shape(),
            ", expected [..., n, 2], real and imaginary parts. Use rfft for real numbers.");
  NDL_CHECK(x.rank() >= 1, ValueError, op, "no axis to transform: got a number, expected an axis or more.");
  if (x.dtype() != DType::Float32 && x.dtype() != DType::Float64) {
    const Tensor y = start(op, kind, cast(x, DType::Float32), inverse, n, axis, norm);
    return is_floating(x.dtype()) ? cast(y, x.dtype()) : y;
  }
  Call call = {kind, inverse, 0, normalize_axis(op, axis, pairs ? x.rank() - 1 : x.rank()), 1};
  const int64_t have = x.shape()[call.axis];
  call.n = n.value_or(kind == Kind::FromHalf ? 2 * (have - 1) : have);
  NDL_CHECK(call.n >= 1, ValueError, op, "bad number of points: got ", call.n, " for shape ", x.shape(),
            ", expected 1 or more.");
  const double points = static_cast<double>(call.n);
  const bool divides = norm == (inverse ? Norm::Backward : Norm::Forward);
  call.scale = norm == Norm::Ortho ? 1 / std::sqrt(points) : divides ? 1 / points : 1;
  return apply(op, call, x);
}

}  // namespace

Tensor transform(const Tensor& x, bool inverse, MaybeSize n, int64_t axis, Norm norm) {
  return start(inverse ? "fft.ifft" : "fft.fft", Kind::Complex, x, inverse, n, axis, norm);
}
Tensor real_transform(const Tensor& x, MaybeSize n, int64_t axis, Norm norm) {
  return start("fft.rfft", Kind::ToHalf, x, false, n, axis, norm);
}
Tensor inverse_real_transform(const Tensor& x, MaybeSize n, int64_t axis, Norm norm) {
  return start("fft.irfft", Kind::FromHalf, x, true, n, axis, norm);
}

Tensor conjugate(const Tensor& x) {
  Op op("fft.conjugate", x);
  NDL_CHECK(x.rank() >= 1 && x.size(-1) == 2, ValueError, "fft.conjugate", "not complex numbers: got shape ", x.shape(),
            ", expected [..., 2], real and imaginary parts.");
  return mul(x, cast(Tensor::from_vector<float>({1, -1}, {2}), x.dtype()));
}

}  // namespace needlecpp::fft
