// Activation functions.
#include "needlecpp/ops/activation.h"

#include "binder.h"
#include "needlecpp/ops/elementwise.h"

namespace needlecpp::python {

void bind_activation(Binder b) {
  b = b.layers();
  b.unary("relu", &relu,
          "max(x, 0); the derivative at 0 is 0.\n\n"
          ">>> ndl.relu(ndl.Tensor([-1.0, 2.0]))\n"
          "tensor([0., 2.])");
  b.both("leaky_relu", &leaky_relu, "a"_a, "negative_slope"_a = 0.01, Release(),
         "x, and negative_slope x below zero.\n\n"
         ">>> ndl.leaky_relu(ndl.Tensor([-1.0, 2.0]))\n"
         "tensor([-0.01,  2.  ])");
  b.both("elu", &elu, "a"_a, "alpha"_a = 1.0, Release(),
         "x, and alpha (exp(x) - 1) below zero.\n\n"
         ">>> ndl.elu(ndl.Tensor([-1.0, 2.0]))\n"
         "tensor([-0.63212055,  2.        ])");
  b.both("celu", &celu, "a"_a, "alpha"_a = 1.0, Release(),
         "x, and alpha (exp(x / alpha) - 1) below zero.\n\n"
         ">>> ndl.celu(ndl.Tensor([-1.0, 2.0]))\n"
         "tensor([-0.63212055,  2.        ])");
  b.unary("selu", &selu,
          "1.0507 x, and 1.0507 * 1.6733 (exp(x) - 1) below zero: keeps mean 0 and variance 1.\n\n"
          ">>> ndl.selu(ndl.Tensor([-1.0, 2.0]))\n"
          "tensor([-1.1113307,  2.101402 ])");
  for (const char* name : {"silu", "swish"})
    b.unary(name, &silu,
            "x sigmoid(x).\n\n"
            ">>> ndl.silu(ndl.Tensor([-1.0, 2.0]))\n"
            "tensor([-0.26894143,  1.761594  ])");
  b.unary("mish", &mish,
          "x tanh(softplus(x)).\n\n"
          ">>> ndl.mish(ndl.Tensor([-1.0, 2.0]))\n"
          "tensor([-0.30340147,  1.943959  ])");
  b.both(
      "gelu",
      [](const Tensor& x, const std::string& approximate) {
        NDL_CHECK(approximate == "none" || approximate == "tanh", ValueError, "gelu", "unknown approximation: got ",
                  approximate, ", expected none or tanh.");
        return gelu(x, approximate == "tanh");
      },
      "a"_a, "approximate"_a = "none", Release(),
      "x Phi(x) with Phi the normal distribution; 'tanh' gives x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.\n\n"
      ">>> ndl.gelu(ndl.Tensor([0.0, 2.0]))\n"
      "tensor([0.       , 1.9544997])");
  b.both("softplus", nb::overload_cast<const Tensor&, double, double>(&softplus), "a"_a, "beta"_a = 1.0,
         "threshold"_a = 20.0, Release(),
         "log(1 + exp(beta x)) / beta, stable; x where beta x > threshold.\n\n"
         ">>> ndl.softplus(ndl.Tensor([0.0, 30.0]))\n"
         "tensor([ 0.6931472, 30.       ])");
  b.both("hardtanh", &hardtanh, "a"_a, "min_val"_a = -1.0, "max_val"_a = 1.0, Release(),
         "x limited to [min_val, max_val]; the derivative at the bounds is 0.\n\n"
         ">>> ndl.hardtanh(ndl.Tensor([-3.0, 0.5]))\n"
         "tensor([-1. ,  0.5])");
  b.unary("relu6", &relu6,
          "x limited to [0, 6].\n\n"
          ">>> ndl.relu6(ndl.Tensor([-1.0, 7.0]))\n"
          "tensor([0., 6.])");
  b.unary("hardsigmoid", &hardsigmoid,
          "clamp(x + 3, 0, 6) / 6.\n\n"
          ">>> ndl.hardsigmoid(ndl.Tensor([-4.0, 0.0, 1.5]))\n"
          "tensor([0.  , 0.5 , 0.75])");
  b.unary("hardswish", &hardswish,
          "x hardsigmoid(x).\n\n"
          ">>> ndl.hardswish(ndl.Tensor([-4.0, 1.5]))\n"
          "tensor([-0.   ,  1.125])");
  b.both("hardshrink", &hardshrink, "a"_a, "lambd"_a = 0.5, Release(),
         "x, and 0 where |x| <= lambd.\n\n"
         ">>> ndl.hardshrink(ndl.Tensor([0.2, -3.0]))\n"
         "tensor([ 0., -3.])");
  b.both("softshrink", &softshrink, "a"_a, "lambd"_a = 0.5, Release(),
         "x moved by lambd towards zero, 0 within it.\n\n"
         ">>> ndl.softshrink(ndl.Tensor([0.2, -3.0]))\n"
         "tensor([ 0. , -2.5])");
  b.unary("softsign", &softsign,
          "x / (1 + |x|).\n\n"
          ">>> ndl.softsign(ndl.Tensor([-1.0, 3.0]))\n"
          "tensor([-0.5 ,  0.75])");
  b.unary("logsigmoid", &logsigmoid,
          "log(sigmoid(x)), stable.\n\n"
          ">>> ndl.logsigmoid(ndl.Tensor([0.0, -30.0]))\n"
          "tensor([ -0.6931472, -30.       ])");
  b.unary("tanhshrink", &tanhshrink,
          "x - tanh(x).\n\n"
          ">>> ndl.tanhshrink(ndl.Tensor([0.0, 1.0]))\n"
          "tensor([0.        , 0.23840582])");
  b.both("threshold", &threshold, "a"_a, "threshold"_a, "value"_a, Release(),
         "x where x > threshold, value elsewhere.\n\n"
         ">>> ndl.threshold(ndl.Tensor([1.0, 2.0]), 1.5, 0.0)\n"
         "tensor([0., 2.])");
  b.both("prelu", &prelu, "a"_a, "weight"_a, Release(),
         "x, and weight x below zero; one weight, or one for each channel (axis 1).\n\n"
         ">>> ndl.prelu(ndl.Tensor([-1.0, 2.0]), ndl.Tensor([0.1]))\n"
         "tensor([-0.1,  2. ])");
  b.both("glu", &glu, "a"_a, "axis"_a = -1, Release(),
         "a sigmoid(b) for the two halves a and b of an axis.\n\n"
         ">>> ndl.glu(ndl.Tensor([4.0, 0.0]))\n"
         "tensor([2.])");
}

}  // namespace needlecpp::python
