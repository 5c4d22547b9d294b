// Scans on the tape. Three steps go into every derivative: the scan the other way, a shift by one (which is its own
// kind of exclusive scan), and the recurrence y[i] = a[i] y[i-1] + x[i], which for products says in one pass what a sum
// over all later elements would. Each is differentiated by the same three, so derivatives of any order exist.
#include "needlecpp/ops/scan.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "ops/elementwise/elementwise_run.h"
#include "ops/reduce/scan_on_tape.h"
#include "ops/reduce/scan_run.h"

namespace needlecpp {
namespace {

DType scanned_dtype(ScanOp op, DType dtype) {
  if (op >= ScanOp::PlaceMax) return DType::Int64;
  const bool gathers = op == ScanOp::Sum || op == ScanOp::Prod;
  return gathers && !is_floating(dtype) ? DType::Int64 : dtype;
}

// Off the tape. x and a: no half type, at least one axis.
Tensor scanned(ScanOp op, const Tensor& x, const ScanWay& way, const Tensor& a = Tensor()) {
  const NoGrad off_the_tape;
  const Tensor y = Tensor::empty(x.shape(), scanned_dtype(op, x.dtype()), x.device());
  if (!way.offsets.defined()) {
    NDL_ON(x.device(), run_scan)(op, x, a, y, way.axis, way.exclusive, way.reverse);
    return y;
  }
  const Tensor rows = contiguous(x.detach());
  const Tensor factors = a.defined() ? contiguous(a.detach()) : a;
  NDL_ON(x.device(), run_scan_segments)(op, rows, factors, way.offsets, y, way.exclusive, way.reverse);
  return y;
}

// y[i] = x[i - 1] in the direction of the scan, 0 at its start.
Tensor shift(const Tensor& x, const ScanWay& way) {
  const ScanWay before = way.before();
  return record("shift", scanned(ScanOp::Last, x, before), {x}, {},
                [before](Backward& g) { g.give(0, shift(g.dy(), before.back())); });
}

// y[i] = a[i] y[i - 1] + x[i].
Tensor recurrence(const Tensor& a, const Tensor& x, const ScanWay& any_way) {
  const ScanWay way = any_way.inclusive();
  return record(
      "recurrence", scanned(ScanOp::Linear, x, way, a), {a, x}, {a},
      [way](Backward& g) {
        const Tensor dx = recurrence(shift(g.saved(0), way.back()), g.dy(), way.back());
        if (g.needs(0)) g.give(0, dx * shift(g.output(), way));
        g.give(1, dx);
      },
      SaveOutputs::Yes);
}

Tensor scan_sum(const char* op_name, const Tensor& x, const ScanWay& way) {
  return record(op_name, scanned(ScanOp::Sum, x, way), {x}, {}, [op_name, way](Backward& g) {
    g.give(0, scan_sum(op_name, g.dy(), way.back()));  // x[i] is in every sum that comes after it
  });
}

Tensor scan_prod(const char* op_name, const Tensor& x, const ScanWay& way) {
  return record(op_name, scanned(ScanOp::Prod, x, way), {x}, {x}, [op_name, way](Backward& g) {
    // dx[i] = (x[0] ... x[i-1]) (dy[i] + x[i+1] (dy[i+1] + x[i+2] (...))): right with any number of zeros.
    const Tensor from = g.saved(0);
    const ScanWay back = way.back();
    const Tensor dy = way.exclusive ? shift(g.dy(), back) : g.dy();
    g.give(0, scan_prod(op_name, from, way.before()) * recurrence(shift(from, back), dy, back));
  });
}

// The chosen elements' places; where there is none (an exclusive scan's first), a 0 for the gradient of.
Tensor scan_choice(const char* op_name, const Tensor& x, FoldOp op, const ScanWay& way) {
  const bool most = op == FoldOp::Max;
  return record(op_name, scanned(most ? ScanOp::Max : ScanOp::Min, x, way), {x}, {x}, [most, way](Backward& g) {
    const Tensor from = g.saved(0);
    const Tensor places = scanned(most ? ScanOp::PlaceMax : ScanOp::PlaceMin, from.detach(), way);
    const Tensor zeros = Tensor::zeros(from.shape(), g.dy().dtype(), from.device());
    const Tensor dy = way.exclusive ? where(ge(places, 0.0), g.dy(), zeros) : g.dy();
    const Tensor at = way.exclusive ? maximum(places, Tensor::zeros({}, DType::Int64, places.device())) : places;
    g.give(0, scatter_add(zeros, way.axis, at, dy));
  });
}

// A tensor without axes is scanned as a row of one element.
template <class Scan>
Tensor along_axis(const char* op, const Tensor& x, int64_t axis, Scan&& scan_row) {
  if (x.rank() == 0) {
    normalize_axis(op, axis, 1);
    return reshape(scan_row(reshape(x, {1}), 0), {});
  }
  return scan_row(x, normalize_axis(op, axis, x.rank()));
}

Tensor scan_axis(const char* name, const Tensor& x, int64_t axis, FoldOp fold, bool exclusive, bool reverse,
                 std::optional<DType> dtype) {
  Op op(name, x);
  const Tensor y = along_axis(op, dtype ? cast(x, *dtype) : x, axis, [&](const Tensor& row, int along) {
    return scan_on_tape(name, row, fold, {along, exclusive, reverse, Tensor()});
  });
  return dtype ? cast(y, *dtype) : y;
}

std::pair<Tensor, Tensor> with_places(const char* name, FoldOp fold, const Tensor& x, int64_t axis) {
  Op op(name, x);
  if (is_half(x.dtype())) {
    const auto [values, places] = with_places(name, fold, cast(x, DType::Float32), axis);
    return {cast(values, x.dtype()), places};
  }
  Tensor places;
  const Tensor values = along_axis(op, x, axis, [&](const Tensor& row, int along) {
    const ScanWay way = {along, false, false, Tensor()};
    places = reshape(scanned(fold == FoldOp::Max ? ScanOp::PlaceMax : ScanOp::PlaceMin, row, way), x.shape());
    return scan_choice(name, row, fold, way);
  });
  return {values, places};
}

}  // namespace

Tensor scan_on_tape(const char* op_name, const Tensor& x, FoldOp op, const ScanWay& way) {
  if (is_half(x.dtype())) return cast(scan_on_tape(op_name, cast(x, DType::Float32), op, way), x.dtype());
  switch (op) {
    case FoldOp::Sum:
      return scan_sum(op_name, x, way);
    case FoldOp::Prod:
      return scan_prod(op_name, x, way);
    default:
      return scan_choice(op_name, x, op, way);
  }
}

FoldOp fold_from_name(const char* op, const char* fold_name) {
  constexpr const char* names[] = {"sum", "prod", "max", "min"};
  for (int i = 0; i < 4; ++i)
    if (std::strcmp(names[i], fold_name) == 0) return static_cast<FoldOp>(i);
  detail::fail<ValueError>(op, "unknown op: got \"", fold_name,
                           "\", expected sum, prod, max or min (or mean where segments are reduced).");
}

Tensor scan(const Tensor& x, int64_t axis, FoldOp op, bool exclusive, bool reverse, std::optional<DType> dtype) {
  return scan_axis("scan", x, axis, op, exclusive, reverse, dtype);
}
Tensor cumsum(const Tensor& x, int64_t axis, bool exclusive, bool reverse, std::optional<DType> dtype) {
  return scan_axis("cumsum", x, axis, FoldOp::Sum, exclusive, reverse, dtype);
}
Tensor cumprod(const Tensor& x, int64_t axis, bool exclusive, bool reverse, std::optional<DType> dtype) {
  return scan_axis("cumprod", x, axis, FoldOp::Prod, exclusive, reverse, dtype);
}

std::pair<Tensor, Tensor> cummax(const Tensor& x, int64_t axis) { return with_places("cummax", FoldOp::Max, x, axis); }
std::pair<Tensor, Tensor> cummin(const Tensor& x, int64_t axis) { return with_places("cummin", FoldOp::Min, x, axis); }

Tensor logcumsumexp(const Tensor& x, int64_t axis) {
  Op op("logcumsumexp", x);
  if (!is_floating(x.dtype())) return logcumsumexp(cast(x, DType::Float32), axis);
  if (is_half(x.dtype())) return cast(logcumsumexp(cast(x, DType::Float32), axis), x.dtype());
  return along_axis("logcumsumexp", x, axis, [](const Tensor& row, int along) {
    const ScanWay way = {along, false, false, Tensor()};
    return record("logcumsumexp", scanned(ScanOp::LogSumExp, row, way), {row}, {row}, [way](Backward& g) {
      // y cannot tell it, having lost the sums' digits beside large x: y = m + log(s) with m the largest so far and
      // s[i] = exp(m[i-1] - m[i]) s[i-1] + exp(x[i] - m[i]), whatever m is. dx = exp(x - m) z with
      // z[i] = dy[i] / s[i] + exp(m[i] - m[i+1]) z[i+1]. Infinite x share alike; while all are -inf, none has any.
      const Tensor x = g.saved(0);
      const Tensor m = scanned(ScanOp::Max, x.detach(), way);
      const double most = largest_finite(m.dtype());
      const Tensor from = clamp(m, -most, most);
      const Tensor fall = exp(clamp(shift(from, way) - from, -INFINITY, 0));
      const Tensor share = zero_where(eq(m, -INFINITY), exp(clamp(x, -most, most) - from));
      const Tensor s = recurrence(fall, share, way);
      const Tensor z = recurrence(shift(fall, way.back()),
                                  g.dy() / where(eq(s, 0.0), Tensor::ones({}, s.dtype(), s.device()), s), way.back());
      g.give(0, share * z);
    });
  });
}

Tensor diff(const Tensor& x, int64_t n, int64_t axis, const Tensor& prepend, const Tensor& append) {
  Op op("diff", x, prepend, append);
  NDL_CHECK(x.rank() > 0, ValueError, "diff", "x has no axis: expected at least one. Reshape it.");
  NDL_CHECK(n >= 0, ValueError, "diff", "bad order: got ", n, ", expected 0 or more.");
  const int along = normalize_axis("diff", axis, x.rank());
  if (n == 0) return identity(x);
  if (n > 1 && is_half(x.dtype())) {  // rounded once
    const auto wide = [](const Tensor& part) { return part.defined() ? cast(part, DType::Float32) : part; };
    return cast(diff(wide(x), n, axis, wide(prepend), wide(append)), x.dtype());
  }
  Tensor y = x;
  if (prepend.defined() || append.defined()) {
    Tensors parts;
    for (const Tensor& part : {prepend, x, append}) {
      if (!part.defined()) continue;
      Shape shape = x.shape();  // a number stands for a slice of them
      shape[along] = 1;
      parts.push_back(part.rank() == 0 ? broadcast_to(part, shape) : part);
    }
    y = concat(parts, along);
  }
  for (n = std::min(n, y.size(along)); n > 0; --n) {
    const Tensor later = slice(y, along, 1);
    const Tensor earlier = slice(y, along, 0, std::max<int64_t>(0, y.size(along) - 1));
    y = y.dtype() == DType::Bool ? ne(later, earlier) : later - earlier;
  }
  return y;
}

Tensor trapezoid(const Tensor& y, const Tensor& x, double dx, int64_t axis) {
  Op op("trapezoid", y, x);
  NDL_CHECK(y.rank() > 0, ValueError, "trapezoid", "y has no axis: expected at least one. Reshape it.");
  NDL_CHECK(std::isfinite(dx), ValueError, "trapezoid", "bad dx: got ", dx, ", expected a finite number.");
  const DType result = real_type(x.defined() ? promote_types(y.dtype(), x.dtype()) : y.dtype());
  if (is_half(result)) {  // rounded once
    const Tensor wide = x.defined() ? cast(x, DType::Float32) : x;
    return cast(trapezoid(cast(y, DType::Float32), wide, dx, axis), result);
  }
  const int along = normalize_axis("trapezoid", axis, y.rank());
  const int64_t count = y.size(along);
  const Tensor pairs = slice(y, along, 1) + slice(y, along, 0, std::max<int64_t>(0, count - 1));
  if (!x.defined()) return cast(sum(pairs, {along}), result) * (dx / 2);
  NDL_CHECK(x.rank() == 1 || x.rank() == y.rank(), ValueError, "trapezoid", "x does not fit: got ", x.shape(),
            ", expected one axis or as many as ", y.shape(), ".");
  NDL_CHECK(x.size(x.rank() == 1 ? 0 : along) == count, ValueError, "trapezoid", "x does not fit: got ",
            x.size(x.rank() == 1 ? 0 : along), " places, expected the ", count, " of y on axis ", along, ".");
  Tensor steps = diff(x, 1, x.rank() == 1 ? 0 : along);
  if (x.rank() == 1) {
    Shape shape = Dims::filled(y.rank(), 1);
    shape[along] = steps.size(0);
    steps = reshape(steps, shape);
  }
  return sum(pairs * steps, {along}) * 0.5;
}

}  // namespace needlecpp
