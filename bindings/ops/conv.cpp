// Convolutions, and needle's dilate.
#include "needlecpp/ops/conv.h"

#include "binder.h"

namespace needlecpp::python {
namespace {

using Conv = Tensor (*)(const Tensor&, const Tensor&, const Tensor&, const ConvOptions&);

Tensor run(Conv fn, const char* name, int axes, const Tensor& x, const Tensor& weight,
           const std::optional<Tensor>& bias, const ConvOptions& options) {
  NDL_CHECK(weight.rank() == axes + 2, ValueError, name, "wrong weight: got shape ", weight.shape(), ", expected ",
            axes + 2, " axes: two of channels, ", axes, " of the kernel.");
  return unlocked([&] { return fn(x, weight, bias.value_or(Tensor()), options); });
}

ConvOptions options_of(const char* name, nb::object stride, nb::object padding, nb::object dilation, int64_t groups) {
  ConvOptions options;
  options.stride = dims_of(stride);
  options.dilation = dims_of(dilation);
  options.groups = groups;
  if (nb::isinstance<nb::str>(padding)) {
    const std::string mode = text_of(padding);
    NDL_CHECK(mode == "same" || mode == "valid", ValueError, name, "bad padding: got \"", mode,
              "\", expected numbers, \"same\" or \"valid\".");
    options.same = mode == "same";
  } else {
    options.padding = dims_of(padding);
  }
  return options;
}

// "[2, 5, 5]" and the like: `size` along each of the axes, after the two leading sizes.
std::string shape_text(const char* leading, int axes, const char* size) {
  std::string text = leading;
  for (int i = 0; i < axes; ++i) text += std::string(", ") + size;
  return text;
}

void bind_conv_nd(Binder b, int axes) {
  const std::string digit = std::to_string(axes) + "d", conv = "conv" + digit, transposed = "conv_transpose" + digit;
  const std::string doc =
      "y[n, o, i] = bias[o] + sum over c, t of x[n, c, i * stride + t * dilation - padding] weight[o, c, t], over " +
      std::to_string(axes) +
      " axes.\n\ninput [n, c, ...] or [c, ...], weight [o, c / groups, ...], bias [o]; floats. stride, padding and "
      "dilation are one number\nor one an axis; padding \"same\" keeps the size, \"valid\" adds nothing. "
      "Differentiable in input, weight and bias.\n\n>>> import needlecpp as ndl\n>>> ndl." +
      conv + "(ndl.ones(" + shape_text("1, 2", axes, "5") + "), ndl.ones(" + shape_text("3, 2", axes, "3") +
      "), padding=1).shape\n(" + shape_text("1, 3", axes, "5") + ")";
  b.def(
      conv.c_str(),
      [axes, conv](const Tensor& x, const Tensor& weight, std::optional<Tensor> bias, nb::object stride,
                   nb::object padding, nb::object dilation, int64_t groups) {
        return run(&conv_nd, conv.c_str(), axes, x, weight, bias,
                   options_of(conv.c_str(), stride, padding, dilation, groups));
      },
      "input"_a, "weight"_a, "bias"_a = nb::none(), "stride"_a = 1, "padding"_a = 0, "dilation"_a = 1, "groups"_a = 1,
      doc.c_str());

  const std::string transposed_doc =
      "The transpose of " + conv +
      " as a map of images: every input[n, c, i] adds itself times weight[c, o, t] to\ny[n, o, i * stride + t * "
      "dilation - padding].\n\ninput [n, c, ...] or [c, ...], weight [c, o / groups, ...], bias [o]; floats. "
      "output_padding makes y that much longer.\nDifferentiable in input, weight and bias.\n\n>>> import needlecpp as "
      "ndl\n>>> ndl." +
      transposed + "(ndl.ones(" + shape_text("1, 2", axes, "4") + "), ndl.ones(" + shape_text("2, 3", axes, "2") +
      "), stride=2).shape\n(" + shape_text("1, 3", axes, "8") + ")";
  b.def(
      transposed.c_str(),
      [axes, transposed](const Tensor& x, const Tensor& weight, std::optional<Tensor> bias, nb::object stride,
                         nb::object padding, nb::object output_padding, int64_t groups, nb::object dilation) {
        ConvOptions options = options_of(transposed.c_str(), stride, nb::int_(0), dilation, groups);
        options.padding = dims_of(padding);
        options.output_padding = dims_of(output_padding);
        return run(&conv_transpose_nd, transposed.c_str(), axes, x, weight, bias, options);
      },
      "input"_a, "weight"_a, "bias"_a = nb::none(), "stride"_a = 1, "padding"_a = 0, "output_padding"_a = 0,
      "groups"_a = 1, "dilation"_a = 1, transposed_doc.c_str());
}

}  // namespace

void bind_conv(Binder b) {
  for (int axes = 1; axes <= 3; ++axes) bind_conv_nd(b.layers(), axes);
  b.def("conv", &conv, "a"_a, "b"_a, "stride"_a = 1, "padding"_a = 0, "dilation"_a = 1, Release(),
        "needle's convolution: a [n, h, w, c], b [k, k, c, o] gives [n, h', w', o]. Floats; differentiable.\n\n"
        ">>> import needlecpp as ndl\n>>> ndl.conv(ndl.ones(1, 5, 5, 2), ndl.ones(3, 3, 2, 4), padding=1).shape\n"
        "(1, 5, 5, 4)");
  b.def(
      "dilate",
      [](const Tensor& a, nb::object axes, int64_t dilation) {
        const AxisSet over = axes_of(axes);
        return unlocked([&] { return dilate(a, over, dilation); });
      },
      "a"_a, "axes"_a, "dilation"_a,
      "needle's: `dilation` zeros after every element along the axes. Any dtype; differentiable.\n\n"
      ">>> import needlecpp as ndl\n>>> ndl.dilate(ndl.Tensor([1.0, 2.0]), 0, 2).tolist()\n"
      "[1.0, 0.0, 0.0, 2.0, 0.0, 0.0]");
  b.def(
      "undilate",
      [](const Tensor& a, nb::object axes, int64_t dilation) {
        const AxisSet over = axes_of(axes);
        return unlocked([&] { return undilate(a, over, dilation); });
      },
      "a"_a, "axes"_a, "dilation"_a,
      "needle's: every (dilation + 1)-th element along the axes, a view: what dilate spread. Differentiable.\n\n"
      ">>> import needlecpp as ndl\n>>> ndl.undilate(ndl.Tensor([1.0, 0.0, 2.0, 0.0]), 0, 1).tolist()\n[1.0, 2.0]");
}

}  // namespace needlecpp::python
