// Convolutions on the tape. With y = conv(x, w), the number sum(dy * y) is linear in each of x, w and dy; its
// derivatives by them are conv_transpose(dy, w), weight_of(x, dy) and conv(x, w). So three maps are closed under
// differentiation, and each below records the other two as its backward.
#include "needlecpp/ops/conv.h"

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/ops/matmul.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "ops/window/conv_run.h"
#include "ops/window/windows.h"

namespace needlecpp {
namespace {

Tensor transpose_of(const char* name, const ConvSizes& sizes, const Tensor& y, const Tensor& weight,
                    const Tensor& bias);
Tensor weight_of(const ConvSizes& sizes, const Tensor& x, const Tensor& y);

Shape image_shape(const ConvSizes& s, int64_t channels, const int64_t size[3]) {
  Shape shape = {s.batch, s.groups * channels};
  for (int i = 3 - s.axes; i < 3; ++i) shape.push_back(size[i]);
  return shape;
}

// Whether x, y and w are plain matrices and the convolution their product.
bool is_product(const ConvSizes& s) {
  bool plain = s.groups == 1;
  for (int i = 0; i < 3; ++i)
    plain = plain && s.kernel[i] == 1 && s.stride[i] == 1 && s.padding[i] == 0 && s.in[i] == s.out[i];
  return plain;
}

// weight [m, k, 1...], or [k, m, 1...] if `transposed`, times image [n, k, ...], plus the bias. Off the tape.
Tensor product_of(const Tensor& weight, bool transposed, const Tensor& image, const Tensor& bias, const Shape& shape) {
  const NoGrad off;
  const Tensor matrix = reshape(weight, {weight.size(0), weight.size(1)});
  const Tensor columns = reshape(image, {shape[0], image.size(1), numel(shape) / (shape[0] * shape[1])});
  Tensor y = matmul(transposed ? transpose(matrix) : matrix, columns);
  if (bias.defined()) add_(y, reshape(bias.detach(), {-1, 1}));
  return reshape(y, shape);
}

Tensor contiguous_bias(const Tensor& bias) { return bias.defined() ? contiguous(bias.detach()) : bias; }

// On the tape with the bias only if there is one; the backward gives the three gradients in the inputs' order.
template <class Fn>
Tensor record_biased(const Op& op, const Tensor& y, const Tensor& x, const Tensor& weight, const Tensor& bias,
                     const Fn& backward) {
  if (!bias.defined()) return op.record(y, {x, weight}, {x, weight}, backward);
  return op.record(y, {x, weight, bias}, {x, weight}, [backward](Backward& g) {
    backward(g);
    if (!g.needs(2)) return;
    Dims others;
    for (int i = 0; i < g.dy().rank(); ++i)
      if (i != 1) others.push_back(i);
    g.give(2, sum(g.dy(), others));
  });
}

Tensor conv_of(const char* name, const ConvSizes& sizes, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  Op op(name, x, weight, bias);
  const Shape shape = image_shape(sizes, sizes.out_channels, sizes.out);
  Tensor y;
  if (is_product(sizes) && numel(shape) > 0) {
    y = product_of(weight, false, x, bias, shape);
  } else {
    y = op.empty(shape, x.dtype());
    NDL_ON(op.device(), run_conv)(sizes, x, weight, contiguous_bias(bias), y);
  }
  return record_biased(op, y, x, weight, bias, [sizes](Backward& g) {
    if (g.needs(0)) g.give(0, transpose_of("conv_backward", sizes, g.dy(), g.saved(1), Tensor()));
    if (g.needs(1)) g.give(1, weight_of(sizes, g.saved(0), g.dy()));
  });
}

Tensor transpose_of(const char* name, const ConvSizes& sizes, const Tensor& y, const Tensor& weight,
                    const Tensor& bias) {
  Op op(name, y, weight, bias);
  const Shape shape = image_shape(sizes, sizes.in_channels, sizes.in);
  Tensor x;
  if (is_product(sizes) && numel(shape) > 0) {
    x = product_of(weight, true, y, bias, shape);
  } else {
    x = op.empty(shape, y.dtype());
    NDL_ON(op.device(), run_conv_transpose)(sizes, y, weight, contiguous_bias(bias), x);
  }
  return record_biased(op, x, y, weight, bias, [sizes](Backward& g) {
    if (g.needs(0)) g.give(0, conv_of("conv_transpose_backward", sizes, g.dy(), g.saved(1), Tensor()));
    if (g.needs(1)) g.give(1, weight_of(sizes, g.dy(), g.saved(0)));
  });
}

Tensor weight_of(const ConvSizes& sizes, const Tensor& x, const Tensor& y) {
  Op op("conv_weight_backward", x, y);
  Shape shape = {sizes.groups * sizes.out_channels, sizes.in_channels};
  for (int i = 3 - sizes.axes; i < 3; ++i) shape.push_back(sizes.kernel[i]);
  const Tensor weight = op.empty(shape, x.dtype());
  NDL_ON(op.device(), run_conv_weight)(sizes, x, y, weight);
  return op.record(weight, {x, y}, {x, y}, [sizes](Backward& g) {
    if (g.needs(0)) g.give(0, transpose_of("conv_backward", sizes, g.saved(1), g.dy(), Tensor()));
    if (g.needs(1)) g.give(1, conv_of("conv_transpose_backward", sizes, g.saved(0), g.dy(), Tensor()));
  });
}

// The dtype to compute in; also checks the bias.
DType check_operands(const char* op, const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t channels) {
  DType dtype = promote_types(x.dtype(), weight.dtype());
  if (bias.defined()) dtype = promote_types(dtype, bias.dtype());
  NDL_CHECK(is_floating(dtype), TypeError, op, "no convolution of this dtype: got ", name(dtype),
            ", expected a float. Cast first.");
  NDL_CHECK(!bias.defined() || bias.shape() == Shape{channels}, ValueError, op, "wrong bias: got shape ", bias.shape(),
            ", expected one number for each of ", channels, " output channels.");
  return dtype;
}

int check_weight(const char* op, const Tensor& weight) {
  NDL_CHECK(weight.rank() >= 3 && weight.rank() <= 5, ValueError, op, "wrong weight: got shape ", weight.shape(),
            ", expected two axes of channels and one to three of the kernel.");
  return weight.rank() - 2;
}

// Groups, strides and dilations; axes that the tensors lack get size 1.
ConvSizes start_sizes(const char* op, const Tensor& weight, const ConvOptions& options, Dims* stride, Dims* dilation) {
  ConvSizes s;
  s.axes = weight.rank() - 2;
  s.groups = options.groups;
  NDL_CHECK(s.groups >= 1, ValueError, op, "bad groups: got ", s.groups, ", expected 1 or more.");
  NDL_CHECK(weight.size(0) % s.groups == 0, ValueError, op, "groups do not divide the channels: got ", s.groups,
            " groups for a weight of shape ", weight.shape(), ", expected a divisor of ", weight.size(0), ".");
  s.out_channels = weight.size(0) / s.groups;
  s.in_channels = weight.size(1);
  *stride = per_axis(op, "stride", options.stride, s.axes, 1);
  *dilation = per_axis(op, "dilation", options.dilation, s.axes, 1);
  for (int i = 0; i < 3; ++i) {
    s.in[i] = s.out[i] = s.kernel[i] = s.stride[i] = s.dilation[i] = 1;
    s.padding[i] = 0;
    const int k = i - (3 - s.axes);
    if (k < 0) continue;
    s.kernel[i] = weight.size(k + 2);
    s.stride[i] = (*stride)[k];
    s.dilation[i] = (*dilation)[k];
    NDL_CHECK(s.kernel[i] >= 1 && s.kernel[i] <= kWindowLimit, ValueError, op, "bad kernel: got a weight of shape ",
              weight.shape(), ", expected sizes from 1 to ", kWindowLimit, ".");
  }
  return s;
}

Tensor conv_checked(const char* name, const Tensor& x, const Tensor& weight, const Tensor& bias,
                    const ConvOptions& options) {
  Op op(name, x, weight, bias);
  const int axes = check_weight(op, weight);
  check_image(op, x.shape(), axes);
  if (x.rank() == axes + 1) return squeeze(conv_checked(name, unsqueeze(x, 0), weight, bias, options), {0});
  const DType dtype = check_operands(op, x, weight, bias, weight.size(0));
  Dims stride, dilation;
  ConvSizes s = start_sizes(op, weight, options, &stride, &dilation);
  const Dims padding = options.same ? Dims::filled(axes, 0) : per_axis(op, "padding", options.padding, axes, 0);
  NDL_CHECK(x.size(1) == s.groups * s.in_channels, ValueError, op, "wrong number of channels: got ", x.size(1),
            " in an input of shape ", x.shape(), ", expected ", s.groups, " x ", s.in_channels,
            " for a weight of shape ", weight.shape(), ".");
  s.batch = x.size(0);
  for (int k = 0; k < axes; ++k) {
    const int i = k + 3 - axes;
    const int64_t extent = window_extent(s.kernel[i], s.dilation[i]);
    s.in[i] = x.size(k + 2);
    s.padding[i] = padding[k];
    int64_t padded = s.in[i] + 2 * padding[k];
    if (options.same) {
      NDL_CHECK(s.stride[i] == 1, ValueError, op, "padding \"same\" is for stride 1: got ", stride, ".");
      s.padding[i] = (extent - 1) / 2;
      padded = s.in[i] + extent - 1;
    }
    NDL_CHECK(padded >= extent, ValueError, op, "the kernel is larger than the input: got ", extent, " with dilation, ",
              "expected at most ", padded, ", the size of axis ", k + 2, " with padding.");
    s.out[i] = (padded - extent) / s.stride[i] + 1;
  }
  const DType wide = dtype == DType::Float64 ? dtype : DType::Float32;
  const Tensor b = bias.defined() ? cast(bias, wide) : bias;
  return cast(conv_of(name, s, cast(x, wide), cast(weight, wide), b), dtype);
}

}  // namespace

Tensor conv_nd(const Tensor& x,       // [n, c, ...] or [c, ...]
               const Tensor& weight,  // [o, c / groups, ...]
               const Tensor& bias,    // [o]
               const ConvOptions& options) {
  const char* const names[] = {"conv1d", "conv2d", "conv3d"};
  return conv_checked(names[check_weight("conv", weight) - 1], x, weight, bias, options);
}

Tensor conv_transpose_nd(const Tensor& x,       // [n, c, ...] or [c, ...]
                         const Tensor& weight,  // [c, o / groups, ...]
                         const Tensor& bias,    // [o]
                         const ConvOptions& options) {
  const char* const names[] = {"conv_transpose1d", "conv_transpose2d", "conv_transpose3d"};
  const int axes = check_weight("conv_transpose", weight);
  Op op(names[axes - 1], x, weight, bias);
  check_image(op, x.shape(), axes);
  if (x.rank() == axes + 1) return squeeze(conv_transpose_nd(unsqueeze(x, 0), weight, bias, options), {0});
  Dims stride, dilation;
  ConvSizes s = start_sizes(op, weight, options, &stride, &dilation);
  const Dims padding = per_axis(op, "padding", options.padding, axes, 0);
  const Dims extra = per_axis(op, "output_padding", options.output_padding, axes, 0);
  const DType dtype = check_operands(op, x, weight, bias, s.groups * s.in_channels);
  NDL_CHECK(x.size(1) == weight.size(0), ValueError, op, "wrong number of channels: got ", x.size(1),
            " in an input of shape ", x.shape(), ", expected ", weight.size(0), " for a weight of shape ",
            weight.shape(), ".");
  s.batch = x.size(0);
  for (int k = 0; k < axes; ++k) {
    const int i = k + 3 - axes;
    NDL_CHECK(extra[k] < s.stride[i] || extra[k] < s.dilation[i], ValueError, op, "output_padding too large: got ",
              extra, ", expected less than the stride or the dilation.");
    s.out[i] = x.size(k + 2);
    s.padding[i] = padding[k];
    // At most 2^31 * 2^31 + 2^31 * 2^31.
    s.in[i] = (s.out[i] - 1) * s.stride[i] - 2 * padding[k] + window_extent(s.kernel[i], s.dilation[i]) + extra[k];
    NDL_CHECK(s.out[i] >= 1 && s.in[i] >= 1 && s.in[i] <= kWindowLimit, ValueError, op, "impossible output size: got ",
              s.in[i], " along axis ", k + 2, " for an input of shape ", x.shape(), ", expected 1 to ", kWindowLimit,
              ".");
  }
  const DType wide = dtype == DType::Float64 ? dtype : DType::Float32;
  const Tensor b = bias.defined() ? cast(bias, wide) : bias;
  return cast(transpose_of(op, s, cast(x, wide), cast(weight, wide), b), dtype);
}

Tensor conv(const Tensor& a,  // [n, h, w, c]
            const Tensor& b,  // [k, k, c, o]
            int64_t stride, int64_t padding, int64_t dilation) {
  Op op("conv", a, b);
  NDL_CHECK(a.rank() == 4 && b.rank() == 4, ValueError, "conv", "wrong number of axes: got shapes ", a.shape(), " and ",
            b.shape(), ", expected [n, h, w, c] and [k, k, c, o].");
  ConvOptions options;
  options.stride = {stride};
  options.padding = {padding};
  options.dilation = {dilation};
  const Tensor y = conv_checked("conv", permute(a, {0, 3, 1, 2}), permute(b, {3, 2, 0, 1}), Tensor(), options);
  return permute(y, {0, 2, 3, 1});
}

Tensor dilate(const Tensor& x, const AxisSet& axes, int64_t dilation) {
  Op op("dilate", x);
  NDL_CHECK(dilation >= 0 && dilation <= kWindowLimit, ValueError, "dilate", "bad dilation: got ", dilation,
            ", expected 0 to ", kWindowLimit, ".");
  const Dims along = axes.of("dilate", x.rank());
  Shape shape = x.shape();
  for (const int64_t axis : along) {
    int64_t& size = shape[static_cast<int>(axis)];
    NDL_CHECK(size <= kWindowLimit, ValueError, "dilate", "too large: got shape ", x.shape(), ", expected at most ",
              kWindowLimit, " along an axis.");
    size *= dilation + 1;
  }
  const Tensor y = op.zeros(shape, x.dtype());
  {
    NoGrad off;
    copy_(undilate(y, along, dilation), x);
  }
  return op.record(y, {x}, {}, [along, dilation](Backward& g) { g.give(0, undilate(g.dy(), along, dilation)); });
}

Tensor undilate(const Tensor& x, const AxisSet& axes, int64_t dilation) {
  Op op("undilate", x);
  NDL_CHECK(dilation >= 0 && dilation <= kWindowLimit, ValueError, "undilate", "bad dilation: got ", dilation,
            ", expected 0 to ", kWindowLimit, ".");
  Tensor y = x;
  for (const int64_t axis : axes.of("undilate", x.rank())) y = slice(y, axis, 0, kSliceEnd, dilation + 1);
  return y;
}

}  // namespace needlecpp
