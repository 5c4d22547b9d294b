// Elementwise ops.
#include "needlecpp/ops/elementwise.h"

#include "binder.h"

namespace needlecpp::python {

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

}  // namespace needlecpp::python
