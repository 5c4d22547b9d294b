// Pooling. All kinds differ only in their windows: for every axis the clipped range of each window and the number its
// mean divides by. A mean and its gradient (each window's dy spread over its elements) are the transposes of one
// another; a maximum is a gather at the places it was found, and its gradient a scatter to them.
#include "needlecpp/ops/pool.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "ops/window/pool_run.h"
#include "ops/window/windows.h"

namespace needlecpp {
namespace {

using WindowsPtr = std::shared_ptr<const PoolWindows>;

// The shape with other sizes along the pooled axes.
Shape pooled_shape(const Shape& shape, int axes, const int64_t size[3]) {
  Shape result = shape;
  for (int i = 0; i < axes; ++i) result[shape.size() - axes + i] = size[3 - axes + i];
  return result;
}

// Whether there is a window at all. If not the tables stay as they are: they could be large, and nobody reads them. A
// result that no memory holds is refused here, before the tables fill what there is.
bool has_result(const Tensor& x, const PoolWindows& windows) {
  return Tensor::empty(pooled_shape(x.shape(), windows.axes, windows.out), x.dtype(), x.device()).numel() > 0;
}

// Each op's name by the number of axes.
struct Names {
  const char* name[3];
  const char* operator[](int axes) const { return name[axes - 1]; }
};
constexpr Names kMaxPool = {{"max_pool1d", "max_pool2d", "max_pool3d"}};
constexpr Names kAvgPool = {{"avg_pool1d", "avg_pool2d", "avg_pool3d"}};
constexpr Names kLpPool = {{"lp_pool1d", "lp_pool2d", "lp_pool3d"}};
constexpr Names kMaxUnpool = {{"max_unpool1d", "max_unpool2d", "max_unpool3d"}};
constexpr Names kAdaptiveMaxPool = {{"adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d"}};
constexpr Names kAdaptiveAvgPool = {{"adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"}};

void check_axes(int axes) {
  NDL_CHECK(axes >= 1 && axes <= 3, ValueError, "pool", "wrong number of axes: got ", axes, ", expected 1 to 3.");
}

// Sliding windows before their tables are made.
struct Sliding {
  Dims kernel, stride, padding, dilation;
  PoolWindows windows;
};

Sliding slide(const char* op, const Tensor& x, int axes, const PoolOptions& options) {
  check_image(op, x.shape(), axes);
  Sliding s;
  s.kernel = per_axis(op, "kernel_size", options.kernel, axes, 1);
  s.stride = options.stride.empty() ? s.kernel : per_axis(op, "stride", options.stride, axes, 1);
  s.padding = per_axis(op, "padding", options.padding, axes, 0);
  s.dilation = per_axis(op, "dilation", options.dilation, axes, 1);
  s.windows.axes = axes;
  for (int k = 0; k < axes; ++k) {
    const int i = 3 - axes + k;
    const int64_t size = x.size(k - axes), extent = window_extent(s.kernel[k], s.dilation[k]);
    NDL_CHECK(s.padding[k] <= s.kernel[k] / 2, ValueError, op, "padding too large: got ", s.padding,
              ", expected at most half of the kernel, ", s.kernel, ".");
    const int64_t room = size + 2 * s.padding[k] - extent + (options.ceil_mode ? s.stride[k] - 1 : 0);
    NDL_CHECK(size > 0 && room >= 0, ValueError, op, "the window is larger than the input: got ", extent,
              " with dilation, expected at most ", extent + room, " for axis ", k - axes, " with its padding.");
    int64_t out = room / s.stride[k] + 1;
    if (options.ceil_mode && (out - 1) * s.stride[k] >= size + s.padding[k]) --out;
    s.windows.in[i] = size;
    s.windows.out[i] = out;
    s.windows.step[i] = s.dilation[k];
  }
  return s;
}

WindowsPtr sliding_windows(const char* op, const Tensor& x, const Sliding& s, bool count_padding) {
  auto windows = std::make_shared<PoolWindows>(s.windows);
  if (!has_result(x, s.windows)) return windows;
  const int axes = s.windows.axes;
  for (int k = 0; k < axes; ++k) {
    const int i = 3 - axes + k;
    windows->begin[i].clear();
    windows->end[i].clear();
    windows->count[i].clear();
    for (int64_t o = 0; o < windows->out[i]; ++o) {
      const int64_t start = o * s.stride[k] - s.padding[k], stop = start + window_extent(s.kernel[k], s.dilation[k]);
      const int64_t begin = start < 0 ? start + (-start + s.dilation[k] - 1) / s.dilation[k] * s.dilation[k] : start;
      const int64_t end = std::min(stop, windows->in[i]);
      NDL_CHECK(begin < end, ValueError, op, "a window holds nothing but padding: got dilation ", s.dilation,
                " and padding ", s.padding, " for size ", windows->in[i], ". Lower one of them.");
      windows->begin[i].push_back(begin);
      windows->end[i].push_back(end);
      windows->count[i].push_back(count_padding ? std::min(stop, windows->in[i] + s.padding[k]) - start : end - begin);
    }
  }
  return windows;
}

PoolWindows adaptive_sizes(const char* op, const Tensor& x, int axes, const Dims& output) {
  check_image(op, x.shape(), axes);
  Dims sizes = per_axis(op, "output_size", output, axes, -1);
  PoolWindows windows;
  windows.axes = axes;
  for (int k = 0; k < axes; ++k) {
    const int i = 3 - axes + k;
    windows.in[i] = x.size(k - axes);
    windows.out[i] = sizes[k] < 0 ? windows.in[i] : sizes[k];
    NDL_CHECK(windows.in[i] > 0, ValueError, op, "nothing to pool: got shape ", x.shape(),
              ", expected at least one element along each pooled axis.");
  }
  return windows;
}

WindowsPtr adaptive_windows(const Tensor& x, const PoolWindows& sizes) {
  auto windows = std::make_shared<PoolWindows>(sizes);
  if (!has_result(x, sizes)) return windows;
  for (int i = 3 - sizes.axes; i < 3; ++i) {
    const int64_t in = sizes.in[i], out = sizes.out[i];
    windows->begin[i].clear();
    windows->end[i].clear();
    windows->count[i].clear();
    for (int64_t o = 0; o < out; ++o) {
      windows->begin[i].push_back(o * in / out);
      windows->end[i].push_back(((o + 1) * in + out - 1) / out);
      windows->count[i].push_back(windows->end[i].back() - windows->begin[i].back());
    }
  }
  return windows;
}

// Means and their transpose.

Tensor spread(const WindowsPtr& windows, const Tensor& dy);

Tensor mean_of(const char* name, const WindowsPtr& windows, const Tensor& x) {
  Op op(name, x);
  const Tensor y = op.empty(pooled_shape(x.shape(), windows->axes, windows->out), x.dtype());
  NDL_ON(op.device(), run_pool_mean)(*windows, contiguous(x.detach()), y);
  return op.record(y, {x}, {}, [windows](Backward& g) { g.give(0, spread(windows, g.dy())); });
}

Tensor spread(const WindowsPtr& windows, const Tensor& dy) {
  Op op("avg_pool_backward", dy);
  const Tensor x = op.empty(pooled_shape(dy.shape(), windows->axes, windows->in), dy.dtype());
  NDL_ON(op.device(), run_pool_spread)(*windows, contiguous(dy.detach()), x);
  return op.record(x, {dy}, {}, [windows](Backward& g) { g.give(0, mean_of("avg_pool", windows, g.dy())); });
}

// Maxima: dy scattered to where they stand, and its transpose, the gather.
Tensor scatter(const WindowsPtr& windows, const Tensor& dy, const Tensor& indices) {
  Op op("max_pool_backward", dy, indices);
  const Tensor x = op.empty(pooled_shape(dy.shape(), windows->axes, windows->in), dy.dtype());
  NDL_ON(op.device(), run_pool_scatter)(*windows, contiguous(dy.detach()), indices, x);
  return op.record(x, {dy}, {indices}, [windows](Backward& g) {
    const Tensor at = g.saved(0);
    const Tensor planes = reshape(g.dy(), {g.dy().numel() / windows->in_size(), windows->in_size()});
    g.give(0, reshape(gather(planes, 1, reshape(at, {planes.size(0), windows->out_size()})), at.shape()));
  });
}

MaxPooled max_of(const char* name, const WindowsPtr& windows, const Tensor& x) {
  Op op(name, x);
  const Shape shape = pooled_shape(x.shape(), windows->axes, windows->out);
  const Tensor y = op.empty(shape, x.dtype());
  const Tensor indices = op.empty(shape, DType::Int64);
  NDL_ON(op.device(), run_pool_max)(*windows, contiguous(x.detach()), y, indices);
  return {op.record(y, {x}, {indices}, [windows](Backward& g) { g.give(0, scatter(windows, g.dy(), g.saved(0))); }),
          indices};
}

// Halves are compared as float32; bool has no maximum pooled.
template <class MakeWindows>
MaxPooled max_checked(const char* op, const Tensor& x, const MakeWindows& make_windows) {
  NDL_CHECK(x.dtype() != DType::Bool, TypeError, op, "no pooling of bool: expected numbers. Cast first.");
  if (!is_half(x.dtype())) return max_of(op, make_windows(), x);
  MaxPooled pooled = max_of(op, make_windows(), cast(x, DType::Float32));
  return {cast(pooled.values, x.dtype()), pooled.indices};
}

template <class MakeWindows>
Tensor mean_checked(const char* op, const Tensor& x, const MakeWindows& make_windows) {
  NDL_CHECK(is_floating(x.dtype()), TypeError, op, "no mean of this dtype: got ", name(x.dtype()),
            ", expected a float. Cast first.");
  if (!is_half(x.dtype())) return mean_of(op, make_windows(), x);
  return cast(mean_of(op, make_windows(), cast(x, DType::Float32)), x.dtype());
}

}  // namespace

MaxPooled max_pool(const Tensor& x, int axes, const PoolOptions& options) {
  check_axes(axes);
  Op op(kMaxPool[axes], x);
  return max_checked(op, x, [&] { return sliding_windows(op, x, slide(op, x, axes, options), false); });
}

Tensor avg_pool(const Tensor& x, int axes, const PoolOptions& options, bool count_include_pad,
                std::optional<int64_t> divisor) {
  check_axes(axes);
  Op op(kAvgPool[axes], x);
  NDL_CHECK(options.dilation == Dims{1}, ValueError, op, "means have no dilation: got ", options.dilation,
            ", expected 1.");
  NDL_CHECK(divisor != 0, ValueError, op, "division by zero: got divisor_override 0, expected any other number.");
  return mean_checked(op, x, [&] {
    const WindowsPtr windows = sliding_windows(op, x, slide(op, x, axes, options), count_include_pad);
    if (!divisor) return windows;
    auto divided = std::make_shared<PoolWindows>(*windows);
    for (int i = 0; i < 3; ++i) std::fill(divided->count[i].begin(), divided->count[i].end(), i == 0 ? *divisor : 1);
    return WindowsPtr(divided);
  });
}

Tensor lp_pool(const Tensor& x, int axes, double norm, const PoolOptions& options) {
  check_axes(axes);
  Op op(kLpPool[axes], x);
  NDL_CHECK(norm != 0 && std::isfinite(norm), ValueError, op, "bad norm: got ", norm,
            ", expected a finite number other than 0.");
  NDL_CHECK(is_floating(x.dtype()), TypeError, op, "no roots of this dtype: got ", name(x.dtype()),
            ", expected a float. Cast first.");
  if (is_half(x.dtype()))  // rounded once
    return cast(lp_pool(cast(x, DType::Float32), axes, norm, options), x.dtype());
  const Dims kernel = per_axis(op, "kernel_size", options.kernel, axes, 1);
  double count = 1;
  for (const int64_t size : kernel) count *= static_cast<double>(size);
  return pow(mul(avg_pool(pow(x, norm), axes, options), count), 1 / norm);
}

MaxPooled adaptive_max_pool(const Tensor& x, int axes, const Dims& output) {
  check_axes(axes);
  Op op(kAdaptiveMaxPool[axes], x);
  return max_checked(op, x, [&] { return adaptive_windows(x, adaptive_sizes(op, x, axes, output)); });
}

Tensor adaptive_avg_pool(const Tensor& x, int axes, const Dims& output) {
  check_axes(axes);
  Op op(kAdaptiveAvgPool[axes], x);
  return mean_checked(op, x, [&] { return adaptive_windows(x, adaptive_sizes(op, x, axes, output)); });
}

Tensor max_unpool(const Tensor& x, const Tensor& indices, int axes, const PoolOptions& options,
                  const Dims& output_size) {
  check_axes(axes);
  Op op(kMaxUnpool[axes], x, indices);
  check_image(op, x.shape(), axes);
  NDL_CHECK(indices.dtype() == DType::Int64 && indices.shape() == x.shape(), TypeError, op, "wrong indices: got ",
            name(indices.dtype()), " of shape ", indices.shape(), ", expected int64 of shape ", x.shape(), ".");
  NDL_CHECK(output_size.empty() || output_size.size() >= axes, ValueError, op, "wrong output_size: got ", output_size,
            ", expected ", axes, " sizes.");
  const Dims kernel = per_axis(op, "kernel_size", options.kernel, axes, 1);
  const Dims stride = options.stride.empty() ? kernel : per_axis(op, "stride", options.stride, axes, 1);
  const Dims padding = per_axis(op, "padding", options.padding, axes, 0);
  Shape shape = x.shape();
  int64_t planes = 1;
  for (int i = 0; i < x.rank() - axes; ++i) planes *= x.shape()[i];
  for (int k = 0; k < axes; ++k) {
    const int64_t usual = (x.size(k - axes) - 1) * stride[k] - 2 * padding[k] + kernel[k];
    const int64_t wanted = output_size.empty() ? usual : output_size[output_size.size() - axes + k];
    NDL_CHECK(wanted >= 1 && wanted <= kWindowLimit && std::abs(wanted - usual) < stride[k], ValueError, op,
              "impossible output size: got ", wanted, " along axis ", k - axes, ", expected ", usual,
              " or less than the stride beside it.");
    shape[shape.size() - axes + k] = wanted;
  }
  const Tensor y = op.zeros(shape, x.dtype());
  Tensor places;  // of all planes in one
  if (x.numel() > 0) {
    NoGrad off;
    const int64_t size = y.numel() / planes;
    NDL_CHECK(min(indices).item_int() >= 0 && max(indices).item_int() < size, IndexError, op,
              "index out of range: got ", min(indices).item_int(), " to ", max(indices).item_int(), ", expected 0 to ",
              size - 1, ".");
    const Tensor starts =
        mul(Tensor::arange(planes, DType::Int64, op.device()), op.full({}, static_cast<double>(size), DType::Int64));
    places = reshape(add(reshape(indices, {planes, -1}), reshape(starts, {planes, 1})), {-1});
    index_put_(reshape(y, {-1}), {places}, reshape(x, {-1}));
  }
  return op.record(y, {x}, {}, [places](Backward& g) {
    const Shape& shape = g.input_shape(0);
    if (numel(shape) == 0) return g.give(0, Tensor::zeros(shape, g.dy().dtype(), g.dy().device()));
    g.give(0, reshape(index_lasting(reshape(g.dy(), {-1}), {places}), shape));
  });
}

}  // namespace needlecpp
