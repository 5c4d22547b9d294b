// Pooling.
#include "needlecpp/ops/pool.h"

#include "binder.h"

namespace needlecpp::python {
namespace {

PoolOptions options_of(nb::object kernel, nb::object stride, nb::object padding, nb::object dilation, bool ceil_mode) {
  PoolOptions options;
  options.kernel = dims_of(kernel);
  options.stride = dims_of(stride);
  options.padding = dims_of(padding);
  options.dilation = dims_of(dilation);
  options.ceil_mode = ceil_mode;
  return options;
}

// None stands for the size that the axis has.
Dims output_of(nb::object output) {
  const auto size_of = [](nb::handle size) {
    const int64_t value = size.is_none() ? -1 : int64_of(size);
    NDL_CHECK(size.is_none() || value >= 0, ValueError, "output_size", "negative size: got ", value,
              ", expected at least 0, or None to keep the axis.");
    return value;
  };
  if (output.is_none() || is_integer(output)) return {size_of(output)};
  NDL_CHECK(nb::isinstance<nb::sequence>(output) && !nb::isinstance<nb::str>(output), TypeError, "output_size",
            "not integers: got ", text_of(output.type()), ", expected an int or a sequence of ints and None.");
  Dims sizes;
  for (nb::handle size : nb::borrow<nb::sequence>(output)) sizes.push_back(size_of(size));
  return sizes;
}

nb::object pooled(const MaxPooled& pooled, bool return_indices) {
  if (!return_indices) return nb::cast(pooled.values);
  return nb::make_tuple(pooled.values, pooled.indices);
}

// A line of what is computed, what is common to all, and an example.
std::string document(const std::string& what, const std::string& example, const std::string& result) {
  return what + "\n\ninput [n, c, ...] or [c, ...]; sizes are one number or one an axis. Differentiable.\n\n" +
         ">>> import needlecpp as ndl\n>>> " + example + "\n" + result;
}

// ndl.ones(1, 4, ...) with `axes` axes of size 4, and the shape with another size there.
std::string ones(int axes) {
  std::string text = "ndl.ones(1, 4";
  for (int i = 0; i < axes; ++i) text += ", 4";
  return text + ")";
}
std::string shape(int axes, const char* size) {
  std::string text = "(1, 4";
  for (int i = 0; i < axes; ++i) text += std::string(", ") + size;
  return text + ")";
}

void bind_pool_nd(Binder b, int axes) {
  const std::string digit = std::to_string(axes) + "d", over = " over " + std::to_string(axes) + " axes";
  const std::string x = ones(axes), halves = shape(axes, "2");
  b.def(
      ("max_pool" + digit).c_str(),
      [axes](const Tensor& input, nb::object kernel, nb::object stride, nb::object padding, nb::object dilation,
             bool ceil_mode, bool return_indices) {
        const PoolOptions options = options_of(kernel, stride, padding, dilation, ceil_mode);
        return pooled(unlocked([&] { return max_pool(input, axes, options); }), return_indices);
      },
      "input"_a, "kernel_size"_a, "stride"_a = nb::none(), "padding"_a = 0, "dilation"_a = 1, "ceil_mode"_a = false,
      "return_indices"_a = false,
      document("The maximum of each window" + over +
                   "; NaN wins. Numbers. stride is kernel_size unless given; padding never wins.\nWith return_indices "
                   "also where in its channel each maximum stands, int64, counted in C order.",
               "ndl.max_pool" + digit + "(" + x + ", 2).shape", halves)
          .c_str());
  b.def(("max_unpool" + digit).c_str(),
        [axes](const Tensor& input, const Tensor& indices, nb::object kernel, nb::object stride, nb::object padding,
               nb::object output_size) {
          const PoolOptions options = options_of(kernel, stride, padding, nb::int_(1), false);
          const Dims output = dims_of(output_size);
          return unlocked([&] { return max_unpool(input, indices, axes, options, output); });
        },
        "input"_a, "indices"_a, "kernel_size"_a, "stride"_a = nb::none(), "padding"_a = 0, "output_size"_a = nb::none(),
        document("Zeros with input where max_pool" + digit +
                     " took it from, which its indices say; of several values for one place the last stays.\nNumbers. "
                     "output_size names sizes that the pooling rounded off.",
                 "ndl.max_unpool" + digit + "(*ndl.max_pool" + digit + "(" + x + ", 2, return_indices=True), 2).shape",
                 shape(axes, "4"))
            .c_str());
  b.def(("avg_pool" + digit).c_str(),
        [axes](const Tensor& input, nb::object kernel, nb::object stride, nb::object padding, bool ceil_mode,
               bool count_include_pad, std::optional<int64_t> divisor) {
          const PoolOptions options = options_of(kernel, stride, padding, nb::int_(1), ceil_mode);
          return unlocked([&] { return avg_pool(input, axes, options, count_include_pad, divisor); });
        },
        "input"_a, "kernel_size"_a, "stride"_a = nb::none(), "padding"_a = 0, "ceil_mode"_a = false,
        "count_include_pad"_a = true, "divisor_override"_a = nb::none(),
        document("The mean of each window" + over +
                     ". Floats. Padding counts as zeros or, without count_include_pad, not at all;\ndivisor_override "
                     "takes the place of the number of elements.",
                 "ndl.avg_pool" + digit + "(" + x + ", 2).shape", halves)
            .c_str());
  b.def(("lp_pool" + digit).c_str(),
        [axes](const Tensor& input, double norm, nb::object kernel, nb::object stride, bool ceil_mode) {
          const PoolOptions options = options_of(kernel, stride, nb::int_(0), nb::int_(1), ceil_mode);
          return unlocked([&] { return lp_pool(input, axes, norm, options); });
        },
        "input"_a, "norm_type"_a, "kernel_size"_a, "stride"_a = nb::none(), "ceil_mode"_a = false,
        document("(sum of x^norm_type)^(1 / norm_type) of each window" + over + ". Floats.",
                 "ndl.lp_pool" + digit + "(" + x + ", 2, 2).shape", halves)
            .c_str());
  b.def(("adaptive_max_pool" + digit).c_str(),
        [axes](const Tensor& input, nb::object output_size, bool return_indices) {
          const Dims output = output_of(output_size);
          return pooled(unlocked([&] { return adaptive_max_pool(input, axes, output); }), return_indices);
        },
        "input"_a, "output_size"_a.none(), "return_indices"_a = false,
        document("Maxima of windows that divide each of " + std::to_string(axes) +
                     " axes into output_size parts (None keeps the axis);\npart i is [floor(i * size / output_size), "
                     "ceil((i + 1) * size / output_size)). Numbers.",
                 "ndl.adaptive_max_pool" + digit + "(" + x + ", 3).shape", shape(axes, "3"))
            .c_str());
  b.def(("adaptive_avg_pool" + digit).c_str(),
        [axes](const Tensor& input, nb::object output_size) {
          const Dims output = output_of(output_size);
          return unlocked([&] { return adaptive_avg_pool(input, axes, output); });
        },
        "input"_a, "output_size"_a.none(),
        document("Means of windows that divide each of " + std::to_string(axes) +
                     " axes into output_size parts (None keeps the axis);\npart i is [floor(i * size / output_size), "
                     "ceil((i + 1) * size / output_size)). Floats.",
                 "ndl.adaptive_avg_pool" + digit + "(" + x + ", 3).shape", shape(axes, "3"))
            .c_str());
}

}  // namespace

void bind_pool(Binder b) {
  b = b.layers();
  for (int axes = 1; axes <= 3; ++axes) bind_pool_nd(b, axes);
}

}  // namespace needlecpp::python
