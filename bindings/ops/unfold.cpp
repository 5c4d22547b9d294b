// Windows of an image as columns of a matrix, and back.
#include "needlecpp/ops/unfold.h"

#include "binder.h"

namespace needlecpp::python {
namespace {

UnfoldOptions options_of(nb::object kernel, nb::object dilation, nb::object padding, nb::object stride) {
  UnfoldOptions options;
  options.kernel = dims_of(kernel);
  options.dilation = dims_of(dilation);
  options.padding = dims_of(padding);
  options.stride = dims_of(stride);
  return options;
}

}  // namespace

void bind_unfold(Binder b) {
  b.def(
      "im2col",
      [](const Tensor& input, nb::object kernel_size, nb::object dilation, nb::object padding, nb::object stride) {
        const UnfoldOptions options = options_of(kernel_size, dilation, padding, stride);
        return unlocked([&] { return im2col(input, 2, options); });
      },
      "input"_a, "kernel_size"_a, "dilation"_a = 1, "padding"_a = 0, "stride"_a = 1,
      "The windows of an image as columns: input [n, c, h, w] or [c, h, w] gives [n, c * taps, windows], zeros outside "
      "the\nimage. Any dtype; differentiable. PyTorch's functional unfold.\n\n"
      ">>> import needlecpp as ndl\n>>> ndl.im2col(ndl.ones(1, 2, 4, 4), 3).shape\n(1, 18, 4)");
  b.def(
      "col2im",
      [](const Tensor& input, nb::object output_size, nb::object kernel_size, nb::object dilation, nb::object padding,
         nb::object stride) {
        const UnfoldOptions options = options_of(kernel_size, dilation, padding, stride);
        const Dims size = dims_of(output_size);
        return unlocked([&] { return col2im(input, 2, size, options); });
      },
      "input"_a, "output_size"_a, "kernel_size"_a, "dilation"_a = 1, "padding"_a = 0, "stride"_a = 1,
      "The transpose of im2col: columns [n, c * taps, windows] added up where im2col read them, [n, c, h, w]. Numbers;"
      "\ndifferentiable. PyTorch's functional fold.\n\n"
      ">>> import needlecpp as ndl\n>>> ndl.col2im(ndl.ones(1, 4, 4), 3, 2).tolist()\n"
      "[[[[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]]]");
  // PyTorch's names, which mean something else as methods of Tensor.
  b.functional.attr("unfold") = b.ops.attr("im2col");
  b.functional.attr("fold") = b.ops.attr("col2im");
}

}  // namespace needlecpp::python
