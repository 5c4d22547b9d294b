// Grid sampling on the tape, and its composed twin.
#include "needlecpp/ops/grid_sample.h"

#include <vector>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/matmul.h"
#include "needlecpp/ops/shape.h"
#include "ops/window/grid_sample_run.h"

namespace needlecpp {
namespace {

GridOptions options_of(GridMode mode, GridPadding padding, bool align_corners) {
  const int taps = mode == GridMode::Nearest ? 1 : mode == GridMode::Bilinear ? 2 : 4;
  return {taps, static_cast<int>(padding), align_corners};
}

Shape check(const char* op, const Tensor& x, const Tensor& grid, GridMode mode) {
  NDL_CHECK(x.rank() == 4 || x.rank() == 5, ValueError, op, "wrong number of axes: got shape ", x.shape(),
            ", expected (n, c, h, w) or (n, c, d, h, w).");
  const int axes = x.rank() - 2;
  NDL_CHECK(grid.rank() == x.rank() && grid.size(0) == x.size(0) && grid.size(-1) == axes, ValueError, op,
            "grid does not fit: got shape ", grid.shape(), " for an input of shape ", x.shape(), ", expected (",
            x.size(0), axes == 2 ? ", ho, wo, 2)." : ", do, ho, wo, 3).");
  NDL_CHECK(is_floating(x.dtype()) && x.dtype() == grid.dtype(), TypeError, op, "wrong dtypes: got ", name(x.dtype()),
            " and ", name(grid.dtype()), ", expected one floating dtype. Cast first.");
  NDL_CHECK(mode != GridMode::Bicubic || axes == 2, ValueError, op, "bicubic is for images: got shape ", x.shape(),
            ", expected (n, c, h, w).");
  Shape shape = {x.size(0), x.size(1)};
  int64_t plane = 1;
  for (int i = 0; i < axes; ++i) {
    NDL_CHECK(x.shape()[i + 2] > 0, ValueError, op, "the input has no pixels: got shape ", x.shape(),
              ", expected positive sizes.");
    shape.push_back(grid.shape()[i + 1]);
    plane *= x.shape()[i + 2];
    NDL_CHECK(plane <= INT32_MAX, ValueError, op, "input too large: got ", plane, " pixels, expected at most ",
              INT32_MAX, ".");
  }
  return shape;
}

// 1 - t, t; the cubic weights; or 1.
Tensors weights_of(GridMode mode, const Tensor& t) {
  if (mode == GridMode::Bilinear) return {1.0 - t, t};
  const auto near = [](const Tensor& d) { return (d * 1.25 - 2.25) * square(d) + 1.0; };
  const auto far = [](const Tensor& d) { return ((d * -0.75 + 3.75) * d - 6.0) * d + 3.0; };
  return {far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)};
}

}  // namespace

Tensor grid_sample(const Tensor& x, const Tensor& grid, GridMode mode, GridPadding padding, bool align_corners) {
  Op op("grid_sample", x, grid);
  const Shape shape = check(op, x, grid, mode);
  if (is_half(x.dtype()))
    return cast(grid_sample(cast(x, DType::Float32), cast(grid, DType::Float32), mode, padding, align_corners),
                x.dtype());
  const GridOptions options = options_of(mode, padding, align_corners);
  const Tensor y = op.empty(shape, x.dtype());
  NDL_ON(op.device(), run_grid_sample)(options, contiguous(x.detach()), contiguous(grid.detach()), y);
  return op.record(y, {x, grid}, {x, grid}, [mode, padding, align_corners, options](Backward& g) {
    const Tensor x = g.saved(0), grid = g.saved(1);
    if (Backward::recording()) {
      g.through_twin(
          [=](const Tensors& in) { return Tensors{grid_sample_composed(in[0], in[1], mode, padding, align_corners)}; },
          {x, grid});
      return;
    }
    const Tensor image = contiguous(x), places = contiguous(grid), dy = contiguous(g.dy());
    if (g.needs(0)) {
      const Tensor dx = Tensor::zeros(x.shape(), x.dtype(), x.device());
      NDL_ON(x.device(), run_grid_sample_dx)(options, image, places, dy, dx);
      g.give(0, dx);
    }
    if (g.needs(1)) {
      const Tensor dgrid = Tensor::zeros(grid.shape(), x.dtype(), x.device());
      NDL_ON(x.device(), run_grid_sample_dgrid)(options, image, places, dy, dgrid);
      g.give(1, dgrid);
    }
  });
}

Tensor grid_sample_composed(const Tensor& x, const Tensor& grid, GridMode mode, GridPadding padding,
                            bool align_corners) {
  Op op("grid_sample_composed", x, grid);
  const Shape shape = check(op, x, grid, mode);
  if (is_half(x.dtype()))
    return cast(grid_sample_composed(cast(x, DType::Float32), cast(grid, DType::Float32), mode, padding, align_corners),
                x.dtype());
  const GridOptions options = options_of(mode, padding, align_corners);
  const int64_t n = x.size(0), channels = x.size(1);
  const int axes = x.rank() - 2;
  int64_t points = 1, pixels = 1;
  for (int i = 1; i <= axes; ++i) {
    points *= grid.shape()[i];
    pixels *= options.taps;
  }
  const Tensor pixel = op.empty({pixels, n, points}, DType::Int64);
  const Tensor fraction = op.empty({axes, n, points}, x.dtype());
  const Tensor slope = op.empty({axes, n, points}, x.dtype());
  const Tensor image = contiguous(x.detach()), places = contiguous(grid.detach());
  NDL_ON(op.device(), run_grid_places)(options, image, places, pixel, fraction, slope);
  // Between two pixels the place moves in proportion to the coordinate: t = fraction + slope * (grid - its value).
  // At infinity it does not move.
  const Tensor still = grid.detach();
  const Tensor moved = reshape(where(isfinite(still), grid - still, op.zeros({}, x.dtype())), {n, points, axes});
  std::vector<Tensors> weights;
  for (int axis = 0; axis < axes && options.taps > 1; ++axis)
    weights.push_back(weights_of(mode, select(fraction, 0, axis) + select(slope, 0, axis) * select(moved, 2, axis)));
  const Tensor flat = reshape(x, {n, channels, -1});
  const Tensor zero = op.zeros({}, x.dtype());
  Tensor y;
  for (int k = 0; k < pixels; ++k) {
    const Tensor at = broadcast_to(unsqueeze(select(pixel, 0, k), 1), {n, channels, points});
    const Tensor none = lt(at, 0.0);
    Tensor part = where(none, zero, gather(flat, 2, where(none, op.zeros({}, DType::Int64), at)));
    int tap = k;
    for (const Tensors& of_axis : weights) {
      part = part * unsqueeze(of_axis[static_cast<size_t>(tap % options.taps)], 1);
      tap /= options.taps;
    }
    y = y.defined() ? y + part : part;
  }
  return reshape(y, shape);
}

Tensor affine_grid(const Tensor& theta, const Shape& size, bool align_corners) {
  Op op("affine_grid", theta);
  NDL_CHECK(size.size() == 4 || size.size() == 5, ValueError, op, "bad size: got ", size,
            ", expected (n, c, h, w) or (n, c, d, h, w).");
  const int axes = size.size() - 2;
  NDL_CHECK(is_floating(theta.dtype()), TypeError, op, "wrong dtype: got ", name(theta.dtype()),
            ", expected a floating one. Cast first.");
  NDL_CHECK(theta.shape() == Shape({size[0], axes, axes + 1}), ValueError, op, "theta does not fit: got shape ",
            theta.shape(), ", expected ", Shape({size[0], axes, axes + 1}), ".");
  Shape places;
  for (int i = 0; i < axes; ++i) {
    NDL_CHECK(size[i + 2] > 0, ValueError, op, "bad size: got ", size, ", expected positive numbers.");
    places.push_back(size[i + 2]);
  }
  Shape result = places;
  result.insert(0, size[0]);
  result.push_back(axes);
  const int64_t points = numel(places);
  Tensors columns;  // x first, which varies along the last axis; then the constant
  for (int i = axes - 1; i >= 0; --i) {
    const double n = static_cast<double>(places[i]);
    const double step = align_corners ? (n > 1 ? 2 / (n - 1) : 0) : 2 / n;
    const double first = align_corners ? (n > 1 ? -1 : 0) : 1 / n - 1;
    Shape along = Dims::filled(axes, 1);
    along[i] = places[i];
    const Tensor line = cast(Tensor::arange(places[i], DType::Int64, op.device()), DType::Float64) * step + first;
    columns.push_back(reshape(broadcast_to(reshape(line, along), places), {points}));
  }
  columns.push_back(op.full({points}, 1, DType::Float64));
  const DType wide = is_half(theta.dtype()) ? DType::Float32 : theta.dtype();  // halves are rounded once
  const Tensor moved = matmul(cast(stack(columns, 1), wide), transpose(cast(theta, wide)));
  return reshape(cast(moved, theta.dtype()), result);
}

}  // namespace needlecpp
