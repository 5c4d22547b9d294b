// Activation functions.
#include "needlecpp/ops/activation.h"

#include "binder.h"
#include "needlecpp/ops/elementwise.h"

namespace needlecpp::python {

void bind_activation(Binder& b) {
  b.unary("relu", &relu, "max(x, 0); the derivative at 0 is 0.");
  b.both("leaky_relu", &leaky_relu, "a"_a, "negative_slope"_a = 0.01, Release(), "x, and negative_slope x below zero.");
  b.both("elu", &elu, "a"_a, "alpha"_a = 1.0, Release(), "x, and alpha (exp(x) - 1) below zero.");
  b.both("celu", &celu, "a"_a, "alpha"_a = 1.0, Release(), "x, and alpha (exp(x / alpha) - 1) below zero.");
  b.unary("selu", &selu, "1.0507 x, and 1.0507 * 1.6733 (exp(x) - 1) below zero: keeps mean 0 and variance 1.");
  for (const char* name : {"silu", "swish"}) b.unary(name, &silu, "x sigmoid(x).");
  b.unary("mish", &mish, "x tanh(softplus(x)).");
  b.both(
      "gelu",
      [](const Tensor& x, const std::string& approximate) {
        NDL_CHECK(approximate == "none" || approximate == "tanh", ValueError, "gelu", "unknown approximation: got ",
                  approximate, ", expected none or tanh.");
        return gelu(x, approximate == "tanh");
      },
      "a"_a, "approximate"_a = "none", Release(),
      "x Phi(x) with Phi the normal distribution; 'tanh' gives x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.");
  b.both("softplus", nb::overload_cast<const Tensor&, double, double>(&softplus), "a"_a, "beta"_a = 1.0,
         "threshold"_a = 20.0, Release(), "log(1 + exp(beta x)) / beta, stable; x where beta x > threshold.");
  b.both("hardtanh", &hardtanh, "a"_a, "min_val"_a = -1.0, "max_val"_a = 1.0, Release(),
         "x limited to [min_val, max_val]; the derivative at the bounds is 0.");
  b.unary("relu6", &relu6, "x limited to [0, 6].");
  b.unary("hardsigmoid", &hardsigmoid, "clamp(x + 3, 0, 6) / 6.");
  b.unary("hardswish", &hardswish, "x hardsigmoid(x).");
  b.both("hardshrink", &hardshrink, "a"_a, "lambd"_a = 0.5, Release(), "x, and 0 where |x| <= lambd.");
  b.both("softshrink", &softshrink, "a"_a, "lambd"_a = 0.5, Release(), "x moved by lambd towards zero, 0 within it.");
  b.unary("softsign", &softsign, "x / (1 + |x|).");
  b.unary("logsigmoid", &logsigmoid, "log(sigmoid(x)), stable.");
  b.unary("tanhshrink", &tanhshrink, "x - tanh(x).");
  b.both("threshold", &threshold, "a"_a, "threshold"_a, "value"_a, Release(),
         "x where x > threshold, value elsewhere.");
  b.both("prelu", &prelu, "a"_a, "weight"_a, Release(),
         "x, and weight x below zero; one weight, or one for each channel (axis 1).");
  b.both("glu", &glu, "a"_a, "axis"_a = -1, Release(), "a sigmoid(b) for the two halves a and b of an axis.");
}

}  // namespace needlecpp::python
