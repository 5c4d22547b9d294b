// im2col and col2im. Each is the transpose of the other, hence its backward.
#include "needlecpp/ops/unfold.h"

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/ops/shape.h"
#include "ops/window/unfold_run.h"
#include "ops/window/windows.h"

namespace needlecpp {
namespace {

// The sizes of one call.
struct Sizes {
  UnfoldSizes axes = {};
  Dims image;  // along its own axes
  int64_t taps = 1, windows = 1;
};

void check_axes(const char* op, int axes) {
  NDL_CHECK(axes >= 1 && axes <= 3, ValueError, op, "wrong number of axes: got ", axes, ", expected 1 to 3.");
}

Sizes make_sizes(const char* op, const Dims& image, const UnfoldOptions& options) {
  const int axes = image.size();
  const Dims kernel = per_axis(op, "kernel_size", options.kernel, axes, 1);
  const Dims dilation = per_axis(op, "dilation", options.dilation, axes, 1);
  const Dims padding = per_axis(op, "padding", options.padding, axes, 0);
  const Dims stride = per_axis(op, "stride", options.stride, axes, 1);
  Sizes s;
  s.image = image;
  Shape taps, windows;
  for (int i = 0; i < 3; ++i) {
    const int k = i - (3 - axes);
    s.axes.in[i] = k < 0 ? 1 : image[k];
    s.axes.kernel[i] = k < 0 ? 1 : kernel[k];
    s.axes.stride[i] = k < 0 ? 1 : stride[k];
    s.axes.padding[i] = k < 0 ? 0 : padding[k];
    s.axes.dilation[i] = k < 0 ? 1 : dilation[k];
    const int64_t extent = window_extent(s.axes.kernel[i], s.axes.dilation[i]);
    const int64_t padded = s.axes.in[i] + 2 * s.axes.padding[i];
    NDL_CHECK(padded >= extent, ValueError, op, "the window is larger than the image: got ", extent,
              " with dilation, expected at most ", padded, ", the size of an axis with padding.");
    s.axes.out[i] = (padded - extent) / s.axes.stride[i] + 1;
    taps.push_back(s.axes.kernel[i]);
    windows.push_back(s.axes.out[i]);
  }
  s.taps = numel(taps);
  s.windows = numel(windows);
  return s;
}

Tensor fold_of(const Sizes& sizes, const Tensor& y);

Tensor unfold_of(const Sizes& sizes, const Tensor& x) {  // [n, c, ...]
  Op op("im2col", x);
  const int64_t channels = numel({x.size(1), sizes.taps});
  const Tensor y = op.empty({x.size(0), channels, sizes.windows}, x.dtype());
  if (x.numel() == 0)
    fill_(y, 0);  // nothing but padding
  else if (y.numel() > 0)
    NDL_ON(op.device(), run_unfold)(sizes.axes, contiguous(x.detach()), y);
  return op.record(y, {x}, {}, [sizes](Backward& g) { g.give(0, fold_of(sizes, g.dy())); });
}

Tensor fold_of(const Sizes& sizes, const Tensor& y) {  // [n, c * taps, windows]
  Op op("col2im", y);
  if (y.dtype() == DType::Float16 || y.dtype() == DType::BFloat16)
    return cast(fold_of(sizes, cast(y, DType::Float32)), y.dtype());
  Shape shape = {y.size(0), y.size(1) / sizes.taps};
  for (const int64_t size : sizes.image) shape.push_back(size);
  const Tensor x = op.empty(shape, y.dtype());
  if (x.numel() > 0 && y.numel() > 0) NDL_ON(op.device(), run_fold)(sizes.axes, contiguous(y.detach()), x);
  return op.record(x, {y}, {}, [sizes](Backward& g) { g.give(0, unfold_of(sizes, g.dy())); });
}

}  // namespace

Tensor im2col(const Tensor& x, int axes, const UnfoldOptions& options) {
  Op op("im2col", x);
  check_axes("im2col", axes);
  check_image("im2col", x.shape(), axes);
  if (x.rank() == axes + 1) return squeeze(im2col(unsqueeze(x, 0), axes, options), {0});
  Dims image;
  for (int k = 0; k < axes; ++k) image.push_back(x.size(k + 2));
  return unfold_of(make_sizes("im2col", image, options), x);
}

Tensor col2im(const Tensor& y,  // [n, c * taps, windows] or [c * taps, windows]
              int axes, const Dims& output_size, const UnfoldOptions& options) {
  Op op("col2im", y);
  check_axes("col2im", axes);
  NDL_CHECK(y.rank() == 2 || y.rank() == 3, ValueError, "col2im", "wrong number of axes: got shape ", y.shape(),
            ", expected [n, c * taps, windows] or [c * taps, windows].");
  NDL_CHECK(y.dtype() != DType::Bool, TypeError, "col2im", "cannot add bool: expected numbers. Cast first.");
  if (y.rank() == 2) return squeeze(col2im(unsqueeze(y, 0), axes, output_size, options), {0});
  const Sizes sizes = make_sizes("col2im", per_axis("col2im", "output_size", output_size, axes, 1), options);
  NDL_CHECK(y.size(1) % sizes.taps == 0 && y.size(2) == sizes.windows, ValueError, "col2im", "wrong shape: got ",
            y.shape(), ", expected [n, a multiple of ", sizes.taps, ", ", sizes.windows, "] for an image of size ",
            sizes.image, ".");
  return fold_of(sizes, y);
}

}  // namespace needlecpp
