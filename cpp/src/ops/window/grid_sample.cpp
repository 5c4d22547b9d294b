// Grid sampling: checks, splitting over points (forward, the grid's gradient) or planes (the image's gradient, so that
// no two threads add to one pixel), the tape, and the composed twin.
#include "needlecpp/ops/grid_sample.h"

#include <algorithm>
#include <vector>

#include "needlecpp/autograd/op.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/matmul.h"
#include "needlecpp/ops/shape.h"
#include "ops/window/grid_sample_kernels.h"

namespace needlecpp {
namespace {

constexpr int64_t kGrain = 1 << 14;  // pixels that a thread must have to read

struct Float {
  static constexpr auto forward = [](const auto&... a) { NDL_KERNEL(grid_sample_f32)(a...); };
  static constexpr auto dx = [](const auto&... a) { NDL_KERNEL(grid_sample_dx_f32)(a...); };
  static constexpr auto dgrid = [](const auto&... a) { NDL_KERNEL(grid_sample_dgrid_f32)(a...); };
  static constexpr auto places = [](const auto&... a) { NDL_KERNEL(grid_places_f32)(a...); };
};
struct Double {
  static constexpr auto forward = [](const auto&... a) { NDL_KERNEL(grid_sample_f64)(a...); };
  static constexpr auto dx = [](const auto&... a) { NDL_KERNEL(grid_sample_dx_f64)(a...); };
  static constexpr auto dgrid = [](const auto&... a) { NDL_KERNEL(grid_sample_dgrid_f64)(a...); };
  static constexpr auto places = [](const auto&... a) { NDL_KERNEL(grid_places_f64)(a...); };
};
template <class T>
using Kernels = std::conditional_t<std::is_same_v<T, float>, Float, Double>;

struct Options {
  GridMode mode;
  GridPadding padding;
  bool align_corners;
};

// x and grid contiguous.
template <class T>
GridArgs<T> arguments(const Tensor& x, const Tensor& grid, const Options& options) {
  GridArgs<T> args = {};
  args.x = x.data<T>();
  args.grid = grid.data<T>();
  args.channels = x.size(1);
  args.axes = x.rank() - 2;
  args.points = 1;
  for (int i = 1; i <= args.axes; ++i) args.points *= grid.shape()[i];
  for (int i = 0; i < 3; ++i) args.size[i] = i < args.axes ? static_cast<int32_t>(x.size(-1 - i)) : 1;
  args.taps = options.mode == GridMode::Nearest ? 1 : options.mode == GridMode::Bilinear ? 2 : 4;
  args.padding = static_cast<int>(options.padding);
  args.align_corners = options.align_corners;
  return args;
}

template <class T>
int pixels_of(const GridArgs<T>& args) {
  return args.axes == 3 ? args.taps * args.taps * args.taps : args.taps * args.taps;
}

template <class T, class Kernel>
void for_blocks(const GridArgs<T>& args, int64_t images, Kernel&& kernel) {
  const int64_t work = std::max<int64_t>(1, kGridBlock * args.channels * pixels_of(args));
  parallel_for(images * ((args.points + kGridBlock - 1) / kGridBlock), std::max<int64_t>(1, kGrain / work), kernel);
}

template <class T>
Tensor run_forward(const Tensor& x, const Tensor& grid, const Options& options, const Shape& shape) {
  const Tensor image = contiguous(x.detach()), where_to = contiguous(grid.detach());
  const Tensor y = Tensor::empty(shape, x.dtype(), x.device());
  if (y.numel() == 0) return y;
  GridArgs<T> args = arguments<T>(image, where_to, options);
  args.y = y.data<T>();
  for_blocks(args, x.size(0), [&](int64_t begin, int64_t end) { Kernels<T>::forward(args, begin, end); });
  return y;
}

template <class T>
void run_backward(Backward& g, const Tensor& x, const Tensor& grid, const Options& options) {
  const Tensor image = contiguous(x.detach()), where_to = contiguous(grid.detach());
  const Tensor dy = contiguous(g.dy().detach());
  GridArgs<T> args = arguments<T>(image, where_to, options);
  args.y = dy.data<T>();
  if (g.needs(0)) {
    const Tensor dx = Tensor::zeros(x.shape(), x.dtype(), x.device());
    args.dx = dx.data<T>();
    const int64_t work = std::max<int64_t>(1, args.points * pixels_of(args));
    if (dy.numel() > 0)
      parallel_for(x.size(0) * x.size(1), std::max<int64_t>(1, kGrain / work),
                   [&](int64_t begin, int64_t end) { Kernels<T>::dx(args, begin, end); });
    g.give(0, dx);
  }
  if (g.needs(1)) {
    const Tensor dgrid = Tensor::zeros(grid.shape(), x.dtype(), x.device());
    args.dgrid = dgrid.data<T>();
    if (dy.numel() > 0)
      for_blocks(args, x.size(0), [&](int64_t begin, int64_t end) { Kernels<T>::dgrid(args, begin, end); });
    g.give(1, dgrid);
  }
}

Shape check(const char* op, const Tensor& x, const Tensor& grid, const Options& options) {
  NDL_CHECK(x.rank() == 4 || x.rank() == 5, ValueError, op, "wrong number of axes: got shape ", x.shape(),
            ", expected (n, c, h, w) or (n, c, d, h, w).");
  const int axes = x.rank() - 2;
  NDL_CHECK(grid.rank() == x.rank() && grid.size(0) == x.size(0) && grid.size(-1) == axes, ValueError, op,
            "grid does not fit: got shape ", grid.shape(), " for an input of shape ", x.shape(), ", expected (",
            x.size(0), axes == 2 ? ", ho, wo, 2)." : ", do, ho, wo, 3).");
  NDL_CHECK(is_floating(x.dtype()) && x.dtype() == grid.dtype(), TypeError, op, "wrong dtypes: got ", name(x.dtype()),
            " and ", name(grid.dtype()), ", expected one floating dtype. Cast first.");
  NDL_CHECK(options.mode != GridMode::Bicubic || axes == 2, ValueError, op, "bicubic is for images: got shape ",
            x.shape(), ", expected (n, c, h, w).");
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

template <class T>
Tensor composed(const Tensor& x, const Tensor& grid, const Options& options, const Shape& shape) {
  const Tensor image = contiguous(x.detach()), where_to = contiguous(grid.detach());
  const GridArgs<T> args = arguments<T>(image, where_to, options);
  const int64_t n = x.size(0), all = n * args.points;
  const int pixels = pixels_of(args);
  const Tensor pixel = Tensor::empty({pixels, n, args.points}, DType::Int64);
  const Tensor fraction = Tensor::empty({args.axes, n, args.points}, x.dtype());
  const Tensor slope = Tensor::empty({args.axes, n, args.points}, x.dtype());
  if (all > 0)
    for_blocks(args, n, [&](int64_t begin, int64_t end) {
      Kernels<T>::places(args, GridPlaces<T>{pixel.data<int64_t>(), fraction.data<T>(), slope.data<T>()}, all, begin,
                         end);
    });
  // Between two pixels the place moves in proportion to the coordinate: t = fraction + slope * (grid - its value).
  // At infinity it does not move.
  const Tensor still = grid.detach();
  const Tensor moved =
      reshape(where(isfinite(still), grid - still, Tensor::zeros({}, x.dtype())), {n, args.points, args.axes});
  std::vector<Tensors> weights;
  for (int axis = 0; axis < args.axes && args.taps > 1; ++axis)
    weights.push_back(
        weights_of(options.mode, select(fraction, 0, axis) + select(slope, 0, axis) * select(moved, 2, axis)));
  const Tensor flat = reshape(x, {n, args.channels, -1});
  const Tensor zero = Tensor::zeros({}, x.dtype());
  Tensor y;
  for (int k = 0; k < pixels; ++k) {
    const Tensor at = broadcast_to(unsqueeze(select(pixel, 0, k), 1), {n, args.channels, args.points});
    const Tensor none = lt(at, 0.0);
    Tensor part = where(none, zero, gather(flat, 2, where(none, Tensor::zeros({}, DType::Int64), at)));
    int tap = k;
    for (const Tensors& of_axis : weights) {
      part = part * unsqueeze(of_axis[static_cast<size_t>(tap % args.taps)], 1);
      tap /= args.taps;
    }
    y = y.defined() ? y + part : part;
  }
  return reshape(y, shape);
}

}  // namespace

Tensor grid_sample(const Tensor& x, const Tensor& grid, GridMode mode, GridPadding padding, bool align_corners) {
  Op op("grid_sample", x, grid);
  const Options options = {mode, padding, align_corners};
  const Shape shape = check(op, x, grid, options);
  if (is_half(x.dtype()))
    return cast(grid_sample(cast(x, DType::Float32), cast(grid, DType::Float32), mode, padding, align_corners),
                x.dtype());
  const bool wide = x.dtype() == DType::Float64;
  const Tensor y = wide ? run_forward<double>(x, grid, options, shape) : run_forward<float>(x, grid, options, shape);
  return record(op, y, {x, grid}, {x, grid}, [options, wide](Backward& g) {
    const Tensor image = g.saved(0), places = g.saved(1);
    if (Backward::recording()) {
      g.through_twin(
          [options](const Tensors& in) {
            return Tensors{grid_sample_composed(in[0], in[1], options.mode, options.padding, options.align_corners)};
          },
          {image, places});
      return;
    }
    wide ? run_backward<double>(g, image, places, options) : run_backward<float>(g, image, places, options);
  });
}

Tensor grid_sample_composed(const Tensor& x, const Tensor& grid, GridMode mode, GridPadding padding,
                            bool align_corners) {
  Op op("grid_sample_composed", x, grid);
  const Options options = {mode, padding, align_corners};
  const Shape shape = check("grid_sample_composed", x, grid, options);
  if (is_half(x.dtype()))
    return cast(grid_sample_composed(cast(x, DType::Float32), cast(grid, DType::Float32), mode, padding, align_corners),
                x.dtype());
  return x.dtype() == DType::Float64 ? composed<double>(x, grid, options, shape)
                                     : composed<float>(x, grid, options, shape);
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
    const Tensor line = cast(Tensor::arange(places[i]), DType::Float64) * step + first;
    columns.push_back(reshape(broadcast_to(reshape(line, along), places), {points}));
  }
  columns.push_back(Tensor::ones({points}, DType::Float64));
  const DType wide = is_half(theta.dtype()) ? DType::Float32 : theta.dtype();  // halves are rounded once
  const Tensor moved = matmul(cast(stack(columns, 1), wide), transpose(cast(theta, wide)));
  return reshape(cast(moved, theta.dtype()), result);
}

}  // namespace needlecpp
