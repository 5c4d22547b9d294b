// Ops as module functions, and as methods of Tensor under the same names.
#include "convert.h"
#include "needlecpp/core/random.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/matmul.h"
#include "needlecpp/ops/optim_step.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/scan.h"
#include "needlecpp/ops/shape.h"
#include "needlecpp/ops/softmax.h"

namespace needlecpp::python {
namespace {

using Release = nb::call_guard<nb::gil_scoped_release>;
using Unary = Tensor (*)(const Tensor&);
using Binary = Tensor (*)(const Tensor&, const Tensor&);
using BinaryNumber = Tensor (*)(const Tensor&, double);
using Reduction = Tensor (*)(const Tensor&, const Dims&, bool);

struct Binder {
  nb::module_& m;
  nb::class_<Tensor> tensor;

  // A module function and the method of the same name; `self` is the first argument's name in the function.
  template <class Fn, class... Extra>
  void both(const char* name, Fn&& fn, nb::arg self, const Extra&... extra) {
    m.def(name, fn, self, extra...);
    tensor.def(name, fn, extra...);
  }
  void unary(const char* name, Unary fn, const char* doc) { both(name, fn, "a"_a, Release(), doc); }
  void binary(const char* name, Binary fn, BinaryNumber number, const char* doc) {
    both(name, fn, "a"_a, "b"_a, Release(), doc);
    if (number) both(name, number, "a"_a, "b"_a, Release());
  }
  void reduction(const char* name, Reduction fn, const char* doc) {
    both(
        name,
        [fn](const Tensor& x, nb::object axis, bool keepdims, nb::object axes) {
          const Dims dims = dims_of(axes.is_none() ? axis : axes);
          return unlocked([&] { return fn(x, dims, keepdims); });
        },
        "a"_a, "axis"_a = nb::none(), "keepdims"_a = false, "axes"_a = nb::none(), doc);
  }
};

void bind_elementwise(Binder& b) {
  b.unary("neg", &neg, "-x.");
  b.unary("abs", &abs, "|x|; the derivative at 0 is 0.");
  b.unary("sign", &sign, "-1, 0 or 1.");
  b.unary("exp", &exp, "e^x.");
  b.unary("log", &log, "Natural logarithm.");
  b.unary("sqrt", &sqrt, "Square root.");
  b.unary("rsqrt", &rsqrt, "1 / sqrt(x).");
  b.unary("sin", &sin, "Sine, radians.");
  b.unary("cos", &cos, "Cosine, radians.");
  b.unary("tanh", &tanh, "Hyperbolic tangent.");
  b.unary("sigmoid", &sigmoid, "1 / (1 + exp(-x)).");
  b.unary("relu", &relu, "max(x, 0); the derivative at 0 is 0.");
  b.unary("softplus", &softplus, "log(1 + exp(x)).");
  b.unary("trunc_exp", &trunc_exp, "exp(x) with the derivative exp(clamp(x, -15, 15)).");
  b.unary("square", &square, "x^2.");
  b.unary("identity", &identity, "A copy of x on the tape.");
  b.unary("isnan", &isnan, "Whether x is NaN (bool).");
  b.unary("logical_not", &logical_not, "x == 0 (bool).");
  b.binary("add", &add, &add, "a + b.");
  b.binary("subtract", &sub, &sub, "a - b.");
  b.binary("multiply", &mul, &mul, "a * b.");
  b.binary("divide", &div, &div, "a / b.");
  b.binary("power", &pow, &pow, "a ** b.");
  b.binary("pow", &pow, &pow, "a ** b.");
  b.binary("maximum", &maximum, nullptr, "The larger of a and b; NaN wins, ties share the gradient.");
  b.binary("minimum", &minimum, nullptr, "The smaller of a and b; NaN wins, ties share the gradient.");
  b.binary("equal", &eq, &eq, "a == b (bool).");
  b.binary("not_equal", &ne, &ne, "a != b (bool).");
  b.binary("less", &lt, &lt, "a < b (bool).");
  b.binary("less_equal", &le, &le, "a <= b (bool).");
  b.binary("greater", &gt, &gt, "a > b (bool).");
  b.binary("greater_equal", &ge, &ge, "a >= b (bool).");
  b.binary("logical_and", &logical_and, nullptr, "Both nonzero (bool).");
  b.binary("logical_or", &logical_or, nullptr, "Either nonzero (bool).");
  b.both(
      "clamp",
      [](const Tensor& x, std::optional<double> low, std::optional<double> high) {
        return clamp(x, low.value_or(-INFINITY), high.value_or(INFINITY));
      },
      "a"_a, "min"_a = nb::none(), "max"_a = nb::none(), Release(), "x limited to [min, max].");
  b.m.def(
      "where",
      [](const Tensor& condition, nb::object x, nb::object y) {
        // Numbers are weak: they take the other side's dtype.
        const bool x_tensor = nb::isinstance<Tensor>(x);
        const bool y_tensor = nb::isinstance<Tensor>(y);
        const auto beside = [](nb::handle number, nb::handle other, bool other_is_tensor) {
          if (other_is_tensor && is_floating(nb::cast<Tensor>(other).dtype()))
            return value_of(number, nb::cast<Tensor>(other).dtype());
          return tensor_of(number, nb::none(), true);
        };
        const Tensor a = x_tensor ? nb::cast<Tensor>(x) : beside(x, y, y_tensor);
        const Tensor c = y_tensor ? nb::cast<Tensor>(y) : beside(y, x, x_tensor);
        return unlocked([&] { return where(condition, a, c); });
      },
      "condition"_a, "a"_a, "b"_a, "a where condition is true, b elsewhere.");
}

void bind_reductions(Binder& b) {
  b.reduction("sum", &sum, "Sum over the axes (all by default).");
  b.reduction("mean", &mean, "Mean over the axes (all by default).");
  b.reduction("max", &max, "Maximum over the axes; ties share the gradient.");
  b.reduction("min", &min, "Minimum over the axes; ties share the gradient.");
  b.reduction("logsumexp", &logsumexp, "log(sum(exp(x))) over the axes, without overflow.");
  for (const bool is_max : {true, false}) {
    const char* name = is_max ? "argmax" : "argmin";
    b.both(
        name,
        [is_max](const Tensor& x, std::optional<int64_t> axis, bool keepdims) {
          const auto fn = is_max ? &argmax : &argmin;
          if (axis) return fn(x, *axis, keepdims);
          const Tensor flat = fn(reshape(x, {-1}), 0, false);
          return keepdims ? reshape(flat, Dims::filled(x.rank(), 1)) : flat;
        },
        "a"_a, "axis"_a = nb::none(), "keepdims"_a = false, Release(), "Index of the first extreme value, int64.");
  }
  b.both("cumsum", &cumsum, "a"_a, "axis"_a, "exclusive"_a = false, "reverse"_a = false, Release(),
         "Prefix sums along an axis.");
  b.both("softmax", &softmax, "a"_a, "axis"_a = -1, Release(), "exp(x) / sum(exp(x)) along an axis.");
  b.both("log_softmax", &log_softmax, "a"_a, "axis"_a = -1, Release(), "log(softmax(x)) along an axis.");
  b.both("matmul", &matmul, "a"_a, "b"_a, Release(), "Matrix product; leading axes broadcast.");
}

void bind_shape(Binder& b) {
  b.m.def(
      "reshape", [](const Tensor& x, nb::object shape) { return reshape(x, dims_of(shape)); }, "a"_a, "shape"_a,
      "The same elements in another shape; one size may be -1.");
  b.m.def(
      "broadcast_to", [](const Tensor& x, nb::object shape) { return broadcast_to(x, dims_of(shape)); }, "a"_a,
      "shape"_a, "x repeated along axes of size 1, without a copy.");
  b.m.def(
      "permute", [](const Tensor& x, nb::object axes) { return permute(x, dims_of(axes)); }, "a"_a, "axes"_a,
      "The axes in another order.");
  b.m.def(
      "transpose",
      [](const Tensor& x, nb::object axes) {
        const Dims pair = dims_of(axes);
        NDL_CHECK(pair.empty() || pair.size() == 2, ValueError, "transpose", "swaps two axes: got ", pair.size(),
                  " axes, expected 2. Use permute for more.");
        return pair.empty() ? transpose(x) : transpose(x, pair[0], pair[1]);
      },
      "a"_a, "axes"_a = nb::none(), "Two axes swapped (the last two by default).");
  b.both(
      "flip", [](const Tensor& x, nb::object axes) { return flip(x, dims_of(axes)); }, "a"_a, "axes"_a = nb::none(),
      "The order along the axes reversed, without a copy.");
  b.both(
      "squeeze", [](const Tensor& x, nb::object axis) { return squeeze(x, dims_of(axis)); }, "a"_a,
      "axis"_a = nb::none(), "Without the axes of size 1.");
  b.both("unsqueeze", &unsqueeze, "a"_a, "axis"_a, "A new axis of size 1.");
  b.m.def(
      "slice",
      [](const Tensor& x, int64_t axis, int64_t start, std::optional<int64_t> stop, int64_t step) {
        return slice(x, axis, start, stop.value_or(kSliceEnd), step);
      },
      "a"_a, "axis"_a, "start"_a = 0, "stop"_a = nb::none(), "step"_a = 1, "x[start:stop:step] along one axis.");
  b.m.def("unbind", &unbind, "a"_a, "axis"_a = 0, "The slices along an axis.");
  b.m.def(
      "split",
      [](const Tensor& x, nb::object sections, int64_t axis) {
        const int at = normalize_axis("split", axis, x.rank());
        std::vector<int64_t> sizes;
        if (is_integer(sections)) {
          const int64_t size = nb::cast<int64_t>(sections);
          NDL_CHECK(size > 0, ValueError, "split", "bad section size: got ", size, ", expected 1 or more.");
          for (int64_t left = x.shape()[at]; left > 0; left -= size) sizes.push_back(left < size ? left : size);
        } else {
          sizes = dims_of(sections).to_vector();
        }
        return split(x, axis, sizes);
      },
      "a"_a, "sections"_a, "axis"_a = 0, "Parts along an axis: of one size, or of the sizes listed.");
  b.m.def("concat", &concat, "tensors"_a, "axis"_a = 0, Release(), "Joined along an axis.");
  b.m.def("stack", &stack, "tensors"_a, "axis"_a = 0, Release(), "Joined along a new axis.");
  b.m.def(
      "pad",
      [](const Tensor& x, const std::vector<std::pair<int64_t, int64_t>>& widths, double value) {
        std::vector<int64_t> before;
        std::vector<int64_t> after;
        for (auto [front, back] : widths) {
          before.push_back(front);
          after.push_back(back);
        }
        return pad(x, before, after, value);
      },
      "a"_a, "pad_width"_a, "value"_a = 0.0, Release(), "`value` around x: (before, after) for each axis.");
}

void bind_gather(Binder& b) {
  b.both("gather", &gather, "a"_a, "axis"_a, "index"_a, Release(), "y[i][j] = x[index[i][j]][j] for axis 0.");
  b.both("scatter_add", &scatter_add, "a"_a, "axis"_a, "index"_a, "src"_a, Release(),
         "x with src added at the places that gather reads.");
  b.both("index_select", &index_select, "a"_a, "axis"_a, "index"_a, Release(), "Slices of x along an axis.");
  b.both("index_add", &index_add, "a"_a, "axis"_a, "index"_a, "src"_a, Release(), "x with slices of src added.");
  b.m.def("nonzero", &nonzero, "a"_a, Release(), "Positions of nonzero elements, int64 [count, ndim].");
  b.m.def(
      "one_hot",
      [](const Tensor& classes, int64_t num_classes, nb::object dtype) {
        return one_hot(classes, num_classes, dtype_of(dtype, DType::Float32));
      },
      "classes"_a, "num_classes"_a, "dtype"_a = nb::none(), "1 at the class, 0 elsewhere.");
}

void bind_creation(nb::module_& m) {
  m.def(
      "zeros",
      [](nb::args shape, nb::object dtype) {
        return Tensor::zeros(dims_of_args(shape), dtype_of(dtype, DType::Float32));
      },
      "shape"_a, "dtype"_a = nb::none(), "Zeros.");
  m.def(
      "ones",
      [](nb::args shape, nb::object dtype) {
        return Tensor::ones(dims_of_args(shape), dtype_of(dtype, DType::Float32));
      },
      "shape"_a, "dtype"_a = nb::none(), "Ones.");
  m.def(
      "empty",
      [](nb::args shape, nb::object dtype) {
        return Tensor::empty(dims_of_args(shape), dtype_of(dtype, DType::Float32));
      },
      "shape"_a, "dtype"_a = nb::none(), "Uninitialised.");
  m.def(
      "full",
      [](nb::object shape, double value, nb::object dtype) {
        return Tensor::full(dims_of(shape), value, dtype_of(dtype, DType::Float32));
      },
      "shape"_a, "value"_a, "dtype"_a = nb::none(), "One value everywhere.");
  m.def(
      "arange", [](int64_t count, nb::object dtype) { return Tensor::arange(count, dtype_of(dtype, DType::Int64)); },
      "count"_a, "dtype"_a = nb::none(), "0, 1, ... count - 1.");
  m.def(
      "rand",
      [](nb::args shape, double low, double high, nb::object dtype) {
        return rand(dims_of_args(shape), low, high, dtype_of(dtype, DType::Float32));
      },
      "shape"_a, "low"_a = 0.0, "high"_a = 1.0, "dtype"_a = nb::none(), "Uniform in [low, high).");
  m.def(
      "randn",
      [](nb::args shape, double mean, double std, nb::object dtype) {
        return randn(dims_of_args(shape), mean, std, dtype_of(dtype, DType::Float32));
      },
      "shape"_a, "mean"_a = 0.0, "std"_a = 1.0, "dtype"_a = nb::none(), "Normal.");
  m.def(
      "randint",
      [](int64_t low, int64_t high, nb::object shape, nb::object dtype) {
        return randint(low, high, dims_of(shape), dtype_of(dtype, DType::Int64));
      },
      "low"_a, "high"_a, "shape"_a, "dtype"_a = nb::none(), "Integers in [low, high).");
}

void bind_optim(nb::module_& m) {
  m.def(
      "adam_step_",
      [](const Tensor& p, const Tensor& g, const Tensor& m1, const Tensor& m2, double lr, double beta1, double beta2,
         double eps, double weight_decay, int64_t step, bool touched_only) {
        adam_step_(p, g, m1, m2, {lr, beta1, beta2, eps, weight_decay, step, touched_only, false});
      },
      "parameter"_a, "gradient"_a, "m"_a, "v"_a, "lr"_a, "beta1"_a, "beta2"_a, "eps"_a, "weight_decay"_a, "step"_a,
      "touched_only"_a = false, Release(), "One fused Adam update in place.");
  m.def(
      "sgd_step_",
      [](const Tensor& p, const Tensor& g, std::optional<Tensor> buffer, double lr, double momentum,
         double weight_decay) { sgd_step_(p, g, buffer ? *buffer : Tensor(), lr, momentum, weight_decay); },
      "parameter"_a, "gradient"_a, "momentum_buffer"_a.none(), "lr"_a, "momentum"_a, "weight_decay"_a, Release(),
      "One fused SGD update in place.");
}

}  // namespace

void bind_ops(nb::module_& m) {
  Binder b{m, nb::borrow<nb::class_<Tensor>>(m.attr("Tensor"))};
  bind_elementwise(b);
  bind_reductions(b);
  bind_shape(b);
  bind_gather(b);
  bind_creation(m);
  bind_optim(m);
}

}  // namespace needlecpp::python
