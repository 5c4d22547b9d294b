// im2col and col2im. Each is the transpose of the other, hence its backward.
#include "needlecpp/ops/unfold.h"

#include <algorithm>

#include "needlecpp/autograd/op.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/ops/shape.h"
#include "ops/window/unfold_kernels.h"
#include "ops/window/windows.h"

namespace needlecpp {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements of y a thread must have before a second one pays

// The sizes of one call; the pointers are unset.
struct Sizes {
  UnfoldArgs args = {};
  Dims image;  // along the axes
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
    s.args.in[i] = k < 0 ? 1 : image[k];
    s.args.kernel[i] = k < 0 ? 1 : kernel[k];
    s.args.stride[i] = k < 0 ? 1 : stride[k];
    s.args.padding[i] = k < 0 ? 0 : padding[k];
    s.args.dilation[i] = k < 0 ? 1 : dilation[k];
    const int64_t extent = window_extent(s.args.kernel[i], s.args.dilation[i]);
    const int64_t padded = s.args.in[i] + 2 * s.args.padding[i];
    NDL_CHECK(padded >= extent, ValueError, op, "the window is larger than the image: got ", extent,
              " with dilation, expected at most ", padded, ", the size of an axis with padding.");
    s.args.out[i] = (padded - extent) / s.args.stride[i] + 1;
    taps.push_back(s.args.kernel[i]);
    windows.push_back(s.args.out[i]);
  }
  s.taps = numel(taps);
  s.windows = numel(windows);
  return s;
}

void run(Sizes sizes, const Tensor& x, const Tensor& y, void (*kernel)(const UnfoldArgs&, int64_t, int64_t)) {
  UnfoldArgs& args = sizes.args;
  if (x.numel() == 0 || y.numel() == 0) return;
  const int64_t columns = sizes.taps * sizes.windows, planes = y.numel() / columns;
  args.x = x.raw();
  args.y = y.raw();
  args.item = static_cast<int>(itemsize(x.dtype()));
  args.type = x.dtype() == DType::Float32   ? FoldType::F32
              : x.dtype() == DType::Float64 ? FoldType::F64
              : x.dtype() == DType::Int32   ? FoldType::I32
              : x.dtype() == DType::Int64   ? FoldType::I64
                                            : FoldType::U8;
  parallel_for(planes, std::max<int64_t>(1, kGrain / columns),
               [&](int64_t begin, int64_t end) { kernel(args, begin, end); });
}

Tensor fold_of(const Sizes& sizes, const Tensor& y);

Tensor unfold_of(const Sizes& sizes, const Tensor& x) {  // [n, c, ...]
  OpScope scope("im2col");
  const int64_t channels = numel({x.size(1), sizes.taps});
  const Tensor y = Tensor::empty({x.size(0), channels, sizes.windows}, x.dtype(), x.device());
  if (x.numel() == 0)
    fill_(y, 0);  // nothing but padding
  else
    run(sizes, contiguous(x.detach()), y, NDL_KERNEL(unfold_planes));
  return record("im2col", y, {x}, {}, [sizes](Backward& g) { g.give(0, fold_of(sizes, g.dy())); });
}

Tensor fold_of(const Sizes& sizes, const Tensor& y) {  // [n, c * taps, windows]
  OpScope scope("col2im");
  if (y.dtype() == DType::Float16 || y.dtype() == DType::BFloat16)
    return cast(fold_of(sizes, cast(y, DType::Float32)), y.dtype());
  Shape shape = {y.size(0), y.size(1) / sizes.taps};
  for (const int64_t size : sizes.image) shape.push_back(size);
  const Tensor x = Tensor::empty(shape, y.dtype(), y.device());
  run(sizes, x, contiguous(y.detach()), NDL_KERNEL(fold_planes));
  return record("col2im", x, {y}, {}, [sizes](Backward& g) { g.give(0, unfold_of(sizes, g.dy())); });
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
