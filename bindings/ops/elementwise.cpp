// Elementwise ops: arithmetic, functions, comparisons, logic, choices.
#include "needlecpp/ops/elementwise.h"

#include <initializer_list>

#include "binder.h"

namespace needlecpp::python {
namespace {

using Names = std::initializer_list<const char*>;

void unary(Binder b, Names names, Unary fn, const char* doc) {
  for (const char* name : names) b.unary(name, fn, doc);
}
void binary(Binder b, Names names, Binary fn, const char* doc, BinaryNumber number = nullptr) {
  for (const char* name : names) b.binary(name, fn, number, doc);
}
void comparison(Binder b, Names names, Binary fn, const char* doc) {
  for (const char* name : names) b.binary(name, fn, nullptr, doc, true);
}

bool is_number(nb::handle object) { return PyFloat_Check(object.ptr()) || PyLong_Check(object.ptr()); }

// x + sign alpha y. alpha is a number like any other: a float lifts integers to float32, whatever it is. Floats are
// rounded once.
Tensor scaled(const Tensor& x, const Tensor& y, nb::handle alpha, double sign) {
  if (is_floating(x.dtype()) && is_floating(y.dtype()) && is_number(alpha)) {
    const double value = sign * double_of(alpha);
    return unlocked([&] { return addcmul(x, y, Tensor::ones({}, y.dtype(), y.device()), value); });
  }
  const Tensor factor = beside(alpha, y);
  return unlocked([&] { return sign > 0 ? add(x, mul(y, factor)) : sub(x, mul(y, factor)); });
}
template <int sign>
Tensor scaled_sum(nb::object a, nb::object b, nb::object alpha) {
  const auto [x, y] = operands(a, b);
  return scaled(x, y, alpha, sign);
}

Tensor divide(nb::object a, nb::object b, std::optional<std::string> rounding_mode) {
  const auto [x, y] = operands(a, b);
  NDL_CHECK(!rounding_mode || *rounding_mode == "trunc" || *rounding_mode == "floor", ValueError, "div",
            "unknown rounding: got ", rounding_mode.value_or(""), ", expected None, trunc or floor.");
  const Binary fn = !rounding_mode              ? static_cast<Binary>(&div)
                    : *rounding_mode == "trunc" ? &trunc_divide
                                                : &floor_divide;
  return unlocked([&, &x = x, &y = y] { return fn(x, y); });
}

Tensor clamp_between(const Tensor& x, nb::object low, nb::object high) {
  if (is_floating(x.dtype()) && (low.is_none() || is_number(low)) && (high.is_none() || is_number(high))) {
    const double least = low.is_none() ? -INFINITY : double_of(low);
    const double most = high.is_none() ? INFINITY : double_of(high);
    return unlocked([&] { return clamp(x, least, most); });
  }
  const Tensor least = low.is_none() ? Tensor() : beside(low, x);
  const Tensor most = high.is_none() ? Tensor() : beside(high, x);
  return unlocked([&] { return clamp(x, least, most); });
}

Tensor choose(nb::object condition, nb::object a, nb::object b) {
  const Tensor mask = tensor_of(condition, nb::none(), true);
  // Of two numbers, the one of the wider kind stands first.
  const bool a_first = nb::isinstance<Tensor>(a) || (!nb::isinstance<Tensor>(b) && PyFloat_Check(a.ptr()));
  const Tensor first = tensor_of(a_first ? a : b, nb::none(), true, mask.device());
  const Tensor second = beside(a_first ? b : a, first);
  return unlocked([&] { return a_first ? where(mask, first, second) : where(mask, second, first); });
}

Tensor interpolate(const Tensor& a, nb::object end, nb::object weight) {
  const Tensor b = beside(end, a);
  if (is_number(weight)) {
    const double w = double_of(weight);
    return unlocked([&] { return lerp(a, b, w); });
  }
  const Tensor w = tensor_of(weight, nb::none(), true, a.device());
  return unlocked([&] { return lerp(a, b, w); });
}

void bind_arithmetic(Binder b) {
  unary(b, {"neg", "negative", "negate"}, &neg,
        "-x.\n\n"
        ">>> ndl.neg(ndl.Tensor([1.5, -2.0]))\n"
        "tensor([-1.5,  2. ])");
  unary(b, {"positive"}, &positive,
        "x itself.\n\n"
        ">>> ndl.positive(ndl.Tensor([1.5, -2.0]))\n"
        "tensor([ 1.5, -2. ])");
  unary(b, {"abs", "absolute"}, &abs,
        "|x|; the derivative at 0 is 0.\n\n"
        ">>> ndl.abs(ndl.Tensor([1.5, -2.0]))\n"
        "tensor([1.5, 2. ])");
  unary(b, {"sign"}, &sign,
        "-1, 0 or 1; the derivative is 0.\n\n"
        ">>> ndl.sign(ndl.Tensor([1.5, 0.0, -2.0]))\n"
        "tensor([ 1.,  0., -1.])");
  unary(b, {"square"}, &square,
        "x^2.\n\n"
        ">>> ndl.square(ndl.Tensor([1.5, -2.0]))\n"
        "tensor([2.25, 4.  ])");
  unary(b, {"reciprocal"}, &reciprocal,
        "1 / x.\n\n"
        ">>> ndl.reciprocal(ndl.Tensor([2.0, -0.5]))\n"
        "tensor([ 0.5, -2. ])");
  unary(b, {"identity"}, &identity,
        "A copy of x on the tape.\n\n"
        ">>> ndl.identity(ndl.Tensor([1.5, -2.0]))\n"
        "tensor([ 1.5, -2. ])");
  binary(b, {"add"}, &add,
         "a + b; with alpha, a + alpha b.\n\n"
         ">>> ndl.add(ndl.Tensor([7.0, -7.0]), 2, alpha=3)\n"
         "tensor([13., -1.])",
         &add);
  binary(b, {"subtract", "sub"}, &sub,
         "a - b; with alpha, a - alpha b.\n\n"
         ">>> ndl.subtract(ndl.Tensor([7.0, -7.0]), 2)\n"
         "tensor([ 5., -9.])",
         &sub);
  binary(b, {"multiply", "mul"}, &mul,
         "a * b.\n\n"
         ">>> ndl.multiply(ndl.Tensor([7.0, -7.0]), 2)\n"
         "tensor([ 14., -14.])",
         &mul);
  binary(b, {"divide", "div", "true_divide"}, &div,
         "a / b, of integers in float32; with rounding_mode 'trunc' or 'floor', rounded towards zero or down.\n\n"
         ">>> ndl.divide(ndl.tensor([7, -7]), 2, rounding_mode='floor').tolist()\n"
         "[3, -4]",
         &div);
  for (const char* name : {"add"}) b.both(name, &scaled_sum<1>, "a"_a, "b"_a, nb::kw_only(), "alpha"_a);
  for (const char* name : {"subtract", "sub"}) b.both(name, &scaled_sum<-1>, "a"_a, "b"_a, nb::kw_only(), "alpha"_a);
  for (const char* name : {"divide", "div", "true_divide"})
    b.both(name, &divide, "a"_a, "b"_a, nb::kw_only(), "rounding_mode"_a.none());
  b.both(
      "rsub",
      [](nb::object a, nb::object c, nb::object alpha) {
        const auto [x, y] = operands(a, c);
        return scaled(y, x, alpha, -1);
      },
      "a"_a, "b"_a, "alpha"_a = 1,
      "b - alpha a.\n\n"
      ">>> ndl.rsub(ndl.Tensor([1.0, 2.0]), 10)\n"
      "tensor([9., 8.])");
  binary(b, {"power", "pow"}, &pow,
         "a ** b. Integers have no negative powers.\n\n"
         ">>> ndl.power(ndl.Tensor([3.0, 0.5]), 2)\n"
         "tensor([9.  , 0.25])",
         &pow);
  binary(b, {"float_power"}, &float_power,
         "a ** b in float64.\n\n"
         ">>> ndl.float_power(ndl.Tensor([3.0]), 2)\n"
         "tensor([9.], dtype=float64)");
  binary(b, {"floor_divide"}, &floor_divide,
         "floor(a / b); the derivative is 0. Integers by zero give 0.\n\n"
         ">>> ndl.floor_divide(ndl.Tensor([7.0, -7.0]), 2)\n"
         "tensor([ 3., -4.])");
  binary(b, {"remainder", "mod"}, &remainder,
         "a - b floor(a / b): has the sign of b. Integers by zero give 0.\n\n"
         ">>> ndl.remainder(ndl.Tensor([7.0, -7.0]), 4)\n"
         "tensor([3., 1.])");
  binary(b, {"fmod"}, &fmod,
         "a - b trunc(a / b): has the sign of a. Integers by zero give 0.\n\n"
         ">>> ndl.fmod(ndl.Tensor([7.0, -7.0]), 4)\n"
         "tensor([ 3., -3.])");
  binary(b, {"maximum"}, &maximum,
         "The larger of a and b; NaN wins, ties share the gradient.\n\n"
         ">>> ndl.maximum(ndl.Tensor([7.0, -7.0]), ndl.Tensor([2.0]))\n"
         "tensor([7., 2.])");
  binary(b, {"minimum"}, &minimum,
         "The smaller of a and b; NaN wins, ties share the gradient.\n\n"
         ">>> ndl.minimum(ndl.Tensor([7.0, -7.0]), ndl.Tensor([2.0]))\n"
         "tensor([ 2., -7.])");
  binary(b, {"fmax"}, &fmax,
         "The larger of a and b; a number wins over NaN.\n\n"
         ">>> ndl.fmax(ndl.Tensor([1.0, float('nan')]), 0.5)\n"
         "tensor([1. , 0.5])");
  binary(b, {"fmin"}, &fmin,
         "The smaller of a and b; a number wins over NaN.\n\n"
         ">>> ndl.fmin(ndl.Tensor([1.0, float('nan')]), 0.5)\n"
         "tensor([0.5, 0.5])");
  b.both("addcmul", &addcmul, "a"_a, "tensor1"_a, "tensor2"_a, "value"_a = 1.0, Release(),
         "a + value * tensor1 * tensor2.\n\n"
         ">>> ndl.addcmul(ndl.Tensor([1.0, 2.0]), ndl.Tensor([1.0, 2.0]), ndl.Tensor([1.0, 2.0]), value=0.5)\n"
         "tensor([1.5, 4. ])");
  b.both("addcdiv", &addcdiv, "a"_a, "tensor1"_a, "tensor2"_a, "value"_a = 1.0, Release(),
         "a + value * tensor1 / tensor2.\n\n"
         ">>> ndl.addcdiv(ndl.Tensor([1.0, 2.0]), ndl.Tensor([1.0, 2.0]), ndl.Tensor([4.0]))\n"
         "tensor([1.25, 2.5 ])");
  b.both("lerp", &interpolate, "a"_a, "end"_a, "weight"_a,
         "a + weight (end - a).\n\n"
         ">>> ndl.lerp(ndl.Tensor([1.0, 2.0]), ndl.Tensor([5.0]), 0.25)\n"
         "tensor([2.  , 2.75])");
}

void bind_functions(Binder b) {
  unary(b, {"exp"}, &exp,
        "e^x.\n\n"
        ">>> ndl.exp(ndl.Tensor([0.0, 1.0]))\n"
        "tensor([1.       , 2.7182817])");
  unary(b, {"exp2"}, &exp2,
        "2^x.\n\n"
        ">>> ndl.exp2(ndl.Tensor([3.0, -1.0]))\n"
        "tensor([8. , 0.5])");
  unary(b, {"expm1"}, &expm1,
        "e^x - 1, precise near 0.\n\n"
        ">>> ndl.expm1(ndl.Tensor([0.0, 1e-06]))\n"
        "tensor([0.0000000e+00, 1.0000005e-06])");
  unary(b, {"log"}, &log,
        "Natural logarithm.\n\n"
        ">>> ndl.log(ndl.Tensor([1.0, 0.0]))\n"
        "tensor([  0., -inf])");
  unary(b, {"log2"}, &log2,
        "Logarithm to base 2.\n\n"
        ">>> ndl.log2(ndl.Tensor([8.0, 0.5]))\n"
        "tensor([ 3., -1.])");
  unary(b, {"log10"}, &log10,
        "Logarithm to base 10.\n\n"
        ">>> ndl.log10(ndl.Tensor([1000.0, 1.0]))\n"
        "tensor([3., 0.])");
  unary(b, {"log1p"}, &log1p,
        "log(1 + x), precise near 0.\n\n"
        ">>> ndl.log1p(ndl.Tensor([0.0, 1e-06]))\n"
        "tensor([0.000000e+00, 9.999995e-07])");
  unary(b, {"sqrt"}, &sqrt,
        "Square root.\n\n"
        ">>> ndl.sqrt(ndl.Tensor([4.0, 2.25]))\n"
        "tensor([2. , 1.5])");
  unary(b, {"rsqrt"}, &rsqrt,
        "1 / sqrt(x).\n\n"
        ">>> ndl.rsqrt(ndl.Tensor([4.0, 0.25]))\n"
        "tensor([0.5, 2. ])");
  unary(b, {"sin"}, &sin,
        "Sine, radians.\n\n"
        ">>> ndl.sin(ndl.Tensor([0.0, 0.5]))\n"
        "tensor([0.        , 0.47942555])");
  unary(b, {"cos"}, &cos,
        "Cosine, radians.\n\n"
        ">>> ndl.cos(ndl.Tensor([0.0, 0.5]))\n"
        "tensor([1.        , 0.87758255])");
  unary(b, {"tan"}, &tan,
        "Tangent, radians.\n\n"
        ">>> ndl.tan(ndl.Tensor([0.0, 0.5]))\n"
        "tensor([0.       , 0.5463025])");
  unary(b, {"asin", "arcsin"}, &asin,
        "Inverse sine, in [-pi/2, pi/2].\n\n"
        ">>> ndl.asin(ndl.Tensor([0.0, 1.0]))\n"
        "tensor([0.       , 1.5707964])");
  unary(b, {"acos", "arccos"}, &acos,
        "Inverse cosine, in [0, pi].\n\n"
        ">>> ndl.acos(ndl.Tensor([1.0, -1.0]))\n"
        "tensor([0.       , 3.1415927])");
  unary(b, {"atan", "arctan"}, &atan,
        "Inverse tangent, in [-pi/2, pi/2].\n\n"
        ">>> ndl.atan(ndl.Tensor([0.0, 1.0]))\n"
        "tensor([0.       , 0.7853982])");
  unary(b, {"sinh"}, &sinh,
        "Hyperbolic sine.\n\n"
        ">>> ndl.sinh(ndl.Tensor([0.0, 0.5]))\n"
        "tensor([0.        , 0.52109534])");
  unary(b, {"cosh"}, &cosh,
        "Hyperbolic cosine.\n\n"
        ">>> ndl.cosh(ndl.Tensor([0.0, 0.5]))\n"
        "tensor([1.      , 1.127626])");
  unary(b.layers(), {"tanh"}, &tanh,
        "Hyperbolic tangent.\n\n"
        ">>> ndl.tanh(ndl.Tensor([0.0, 0.5]))\n"
        "tensor([0.        , 0.46211717])");
  unary(b, {"asinh", "arcsinh"}, &asinh,
        "Inverse hyperbolic sine.\n\n"
        ">>> ndl.asinh(ndl.Tensor([0.0, 0.5]))\n"
        "tensor([0.        , 0.48121184])");
  unary(b, {"acosh", "arccosh"}, &acosh,
        "Inverse hyperbolic cosine; NaN below 1.\n\n"
        ">>> ndl.acosh(ndl.Tensor([1.0, 2.0]))\n"
        "tensor([0.      , 1.316958])");
  unary(b, {"atanh", "arctanh"}, &atanh,
        "Inverse hyperbolic tangent; NaN outside [-1, 1].\n\n"
        ">>> ndl.atanh(ndl.Tensor([0.0, 1.0]))\n"
        "tensor([ 0., inf])");
  unary(b, {"sinc"}, &sinc,
        "sin(pi x) / (pi x), 1 at 0.\n\n"
        ">>> ndl.sinc(ndl.Tensor([0.0, 1.0, 0.5]))\n"
        "tensor([ 1.        , -0.        ,  0.63661975])");
  unary(b, {"erf"}, &erf,
        "The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x.\n\n"
        ">>> ndl.erf(ndl.Tensor([0.0, 1.0]))\n"
        "tensor([0.        , 0.84270084])");
  unary(b, {"erfc"}, &erfc,
        "1 - erf(x), precise for large x.\n\n"
        ">>> ndl.erfc(ndl.Tensor([0.0, 2.0]))\n"
        "tensor([1.        , 0.00467773])");
  unary(b, {"erfinv"}, &erfinv,
        "The inverse of erf.\n\n"
        ">>> ndl.erfinv(ndl.Tensor([0.0, 0.5]))\n"
        "tensor([0.        , 0.47693628])");
  unary(b, {"lgamma"}, &lgamma,
        "log |Gamma(x)|.\n\n"
        ">>> ndl.lgamma(ndl.Tensor([1.0, 4.0]))\n"
        "tensor([0.       , 1.7917595])");
  unary(b, {"digamma"}, &digamma,
        "The derivative of lgamma.\n\n"
        ">>> ndl.digamma(ndl.Tensor([1.0, 4.0]))\n"
        "tensor([-0.5772157,  1.2561177])");
  unary(b, {"floor"}, &floor,
        "The largest integer not above x; the derivative is 0.\n\n"
        ">>> ndl.floor(ndl.Tensor([1.5, -1.5]))\n"
        "tensor([ 1., -2.])");
  unary(b, {"ceil"}, &ceil,
        "The smallest integer not below x; the derivative is 0.\n\n"
        ">>> ndl.ceil(ndl.Tensor([1.5, -1.5]))\n"
        "tensor([ 2., -1.])");
  unary(b, {"trunc", "fix"}, &trunc,
        "x rounded towards zero; the derivative is 0.\n\n"
        ">>> ndl.trunc(ndl.Tensor([1.5, -1.5]))\n"
        "tensor([ 1., -1.])");
  unary(b, {"rint"}, &round,
        "x rounded to the nearest integer, halves to even; the derivative is 0.\n\n"
        ">>> ndl.rint(ndl.Tensor([1.5, 2.5, -0.6]))\n"
        "tensor([ 2.,  2., -1.])");
  b.both("round", nb::overload_cast<const Tensor&, int>(&round), "a"_a, "decimals"_a = 0, Release(),
         "x rounded to so many decimals, halves to even; the derivative is 0.\n\n"
         ">>> ndl.round(ndl.Tensor([1.5, 2.5]))\n"
         "tensor([2., 2.])");
  unary(
      b, {"deg2rad", "radians"}, [](const Tensor& x) { return mul(x, 0.017453292519943295); },
      "Degrees to radians.\n\n"
      ">>> ndl.deg2rad(ndl.Tensor([0.0, 180.0]))\n"
      "tensor([0.       , 3.1415927])");
  unary(
      b, {"rad2deg", "degrees"}, [](const Tensor& x) { return mul(x, 57.29577951308232); },
      "Radians to degrees.\n\n"
      ">>> ndl.rad2deg(ndl.Tensor([0.0, 0.5]))\n"
      "tensor([ 0.     , 28.64789])");
  b.both(
      "logit",
      [](const Tensor& x, std::optional<double> eps) {
        NDL_CHECK(!eps || *eps >= 0, ValueError, "logit", "eps out of range: got ", *eps, ", expected 0 to 0.5.");
        return logit(x, eps.value_or(-1));  // negative: no limits
      },
      "a"_a, "eps"_a = nb::none(), Release(),
      "log(x / (1 - x)), the inverse of sigmoid; x limited to [eps, 1 - eps].\n\n"
      ">>> ndl.logit(ndl.Tensor([0.5, 0.0]))\n"
      "tensor([  0., -inf])");
  b.both(
      "nan_to_num",
      [](const Tensor& x, double nan, std::optional<double> posinf, std::optional<double> neginf) {
        const double largest = largest_finite(x.dtype());
        return nan_to_num(x, nan, posinf.value_or(largest), neginf.value_or(-largest));
      },
      "a"_a, "nan"_a = 0.0, "posinf"_a = nb::none(), "neginf"_a = nb::none(), Release(),
      "NaN and the infinities replaced, the latter by the largest finite numbers if not given; derivative 0 there.\n\n"
      ">>> ndl.nan_to_num(ndl.Tensor([float('nan'), 1.0]), nan=-1.0)\n"
      "tensor([-1.,  1.])");
  unary(b.layers(), {"sigmoid"}, &sigmoid,
        "1 / (1 + exp(-x)).\n\n"
        ">>> ndl.sigmoid(ndl.Tensor([0.0, 1.0]))\n"
        "tensor([0.5      , 0.7310586])");
  unary(b, {"trunc_exp"}, &trunc_exp,
        "exp(x) with the derivative exp(clamp(x, -15, 15)).\n\n"
        ">>> ndl.trunc_exp(ndl.Tensor([0.0, 1.0]))\n"
        "tensor([1.       , 2.7182817])");
  binary(b, {"atan2", "arctan2"}, &atan2,
         "The angle of the point (b, a), in [-pi, pi]; derivatives 0 at the origin.\n\n"
         ">>> ndl.atan2(ndl.Tensor([1.0, 0.0]), ndl.Tensor([1.0, -1.0]))\n"
         "tensor([0.7853982, 3.1415927])");
  binary(b, {"copysign"}, &copysign,
         "|a| with the sign of b, -0 included.\n\n"
         ">>> ndl.copysign(ndl.Tensor([7.0, -7.0]), ndl.Tensor([2.0]))\n"
         "tensor([7., 7.])");
  binary(b, {"hypot"}, &hypot,
         "sqrt(a^2 + b^2) without overflow.\n\n"
         ">>> ndl.hypot(ndl.Tensor([3.0]), ndl.Tensor([4.0]))\n"
         "tensor([5.])");
  binary(b, {"logaddexp"}, &logaddexp,
         "log(exp(a) + exp(b)), stable.\n\n"
         ">>> ndl.logaddexp(ndl.Tensor([1000.0]), ndl.Tensor([0.0]))\n"
         "tensor([1000.])");
  binary(b, {"nextafter"}, &nextafter,
         "The next number of the dtype after a in the direction of b; integers in float32.\n\n"
         "Its derivative is 1 in a, with which it moves, and 0 in b.\n\n"
         ">>> ndl.nextafter(ndl.tensor([1.0], dtype='float16'), 2)\n"
         "tensor([1.001], dtype=float16)");
  binary(b, {"xlogy"}, &xlogy,
         "a log(b), 0 where a is 0.\n\n"
         ">>> ndl.xlogy(ndl.Tensor([0.0, 2.0]), ndl.Tensor([0.0, 1.0]))\n"
         "tensor([0., 0.])");
}

void bind_logic(Binder b) {
  comparison(b, {"equal", "eq"}, &eq,
             "a == b (bool).\n\n"
             ">>> ndl.equal(ndl.Tensor([7.0, -7.0]), ndl.Tensor([2.0]))\n"
             "tensor([False, False], dtype=bool)");
  comparison(b, {"not_equal", "ne"}, &ne,
             "a != b (bool).\n\n"
             ">>> ndl.not_equal(ndl.Tensor([7.0, -7.0]), ndl.Tensor([2.0]))\n"
             "tensor([ True,  True], dtype=bool)");
  comparison(b, {"less", "lt"}, &lt,
             "a < b (bool).\n\n"
             ">>> ndl.less(ndl.Tensor([7.0, -7.0]), ndl.Tensor([2.0]))\n"
             "tensor([False,  True], dtype=bool)");
  comparison(b, {"less_equal", "le"}, &le,
             "a <= b (bool).\n\n"
             ">>> ndl.less_equal(ndl.Tensor([7.0, -7.0]), ndl.Tensor([2.0]))\n"
             "tensor([False,  True], dtype=bool)");
  comparison(b, {"greater", "gt"}, &gt,
             "a > b (bool).\n\n"
             ">>> ndl.greater(ndl.Tensor([7.0, -7.0]), ndl.Tensor([2.0]))\n"
             "tensor([ True, False], dtype=bool)");
  comparison(b, {"greater_equal", "ge"}, &ge,
             "a >= b (bool).\n\n"
             ">>> ndl.greater_equal(ndl.Tensor([7.0, -7.0]), ndl.Tensor([2.0]))\n"
             "tensor([ True, False], dtype=bool)");
  unary(b, {"isnan"}, &isnan,
        "Whether x is NaN (bool).\n\n"
        ">>> ndl.isnan(ndl.Tensor([1.0, float('nan')]))\n"
        "tensor([False,  True], dtype=bool)");
  unary(b, {"isfinite"}, &isfinite,
        "Whether x is neither NaN nor infinite (bool).\n\n"
        ">>> ndl.isfinite(ndl.Tensor([1.0, float('inf')]))\n"
        "tensor([ True, False], dtype=bool)");
  unary(b, {"isinf"}, &isinf,
        "Whether x is infinite (bool).\n\n"
        ">>> ndl.isinf(ndl.Tensor([1.0, float('inf')]))\n"
        "tensor([False,  True], dtype=bool)");
  unary(b, {"signbit"}, &signbit,
        "Whether the sign is negative, of -0 too (bool).\n\n"
        ">>> ndl.signbit(ndl.Tensor([1.0, -0.0]))\n"
        "tensor([False,  True], dtype=bool)");
  unary(b, {"logical_not"}, &logical_not,
        "x == 0 (bool).\n\n"
        ">>> ndl.logical_not(ndl.Tensor([0.0, 2.0]))\n"
        "tensor([ True, False], dtype=bool)");
  binary(b, {"logical_and"}, &logical_and,
         "Both nonzero (bool).\n\n"
         ">>> ndl.logical_and(ndl.Tensor([7.0, -7.0]), ndl.Tensor([2.0]))\n"
         "tensor([ True,  True], dtype=bool)");
  binary(b, {"logical_or"}, &logical_or,
         "Either nonzero (bool).\n\n"
         ">>> ndl.logical_or(ndl.Tensor([7.0, -7.0]), ndl.Tensor([2.0]))\n"
         "tensor([ True,  True], dtype=bool)");
  binary(b, {"logical_xor"}, &logical_xor,
         "One of them nonzero (bool).\n\n"
         ">>> ndl.logical_xor(ndl.Tensor([7.0, -7.0]), ndl.Tensor([2.0]))\n"
         "tensor([False, False], dtype=bool)");
  binary(b, {"bitwise_and"}, &bitwise_and,
         "The common bits of integers; and, of bool.\n\n"
         ">>> ndl.bitwise_and(ndl.tensor([6, 5]), 3)\n"
         "tensor([2, 1], dtype=int64)");
  binary(b, {"bitwise_or"}, &bitwise_or,
         "The bits of either integer; or, of bool.\n\n"
         ">>> ndl.bitwise_or(ndl.tensor([6, 5]), 3)\n"
         "tensor([7, 7], dtype=int64)");
  binary(b, {"bitwise_xor"}, &bitwise_xor,
         "The bits that differ; exclusive or, of bool.\n\n"
         ">>> ndl.bitwise_xor(ndl.tensor([6, 5]), 3)\n"
         "tensor([5, 6], dtype=int64)");
  unary(b, {"bitwise_not", "bitwise_invert", "invert"}, &bitwise_not,
        "All bits flipped; not, of bool.\n\n"
        ">>> ndl.bitwise_not(ndl.tensor([6, -1]))\n"
        "tensor([-7,  0], dtype=int64)");
  binary(b, {"bitwise_left_shift", "left_shift"}, &bitwise_left_shift,
         "a 2^b, of integers.\n\n"
         ">>> ndl.bitwise_left_shift(ndl.tensor([6, -1]), 2)\n"
         "tensor([24, -4], dtype=int64)");
  binary(b, {"bitwise_right_shift", "right_shift"}, &bitwise_right_shift,
         "floor(a / 2^b), of integers.\n\n"
         ">>> ndl.bitwise_right_shift(ndl.tensor([6, -1]), 2)\n"
         "tensor([ 1, -1], dtype=int64)");
  for (const char* name : {"clamp", "clip"})
    b.both(name, &clamp_between, "a"_a, "min"_a = nb::none(), "max"_a = nb::none(),
           "x limited to [min, max], numbers or tensors; the derivative is 1 at the bounds, too.\n\n"
           ">>> ndl.clamp(ndl.Tensor([-1.0, 0.5, 2.0]), 0, 1)\n"
           "tensor([0. , 0.5, 1. ])");
  b.both(
      "clamp_min", [](const Tensor& x, nb::object low) { return clamp_between(x, low, nb::none()); }, "a"_a, "min"_a,
      "x, but at least min.\n\n"
      ">>> ndl.clamp_min(ndl.Tensor([-1.0, 2.0]), 0)\n"
      "tensor([0., 2.])");
  b.both(
      "clamp_max", [](const Tensor& x, nb::object high) { return clamp_between(x, nb::none(), high); }, "a"_a, "max"_a,
      "x, but at most max.\n\n"
      ">>> ndl.clamp_max(ndl.Tensor([-1.0, 2.0]), 0)\n"
      "tensor([-1.,  0.])");
  b.def("where", &choose, "condition"_a, "a"_a, "b"_a,
        "a where condition is true, b elsewhere.\n\n"
        ">>> ndl.where(ndl.Tensor([-1.0, 2.0]) > 0, 1, 0)\n"
        "tensor([0, 1], dtype=int64)");
  b.tensor.def(
      "where", [](nb::object x, nb::object condition, nb::object other) { return choose(condition, x, other); },
      "condition"_a, "other"_a, "x where condition is true, other elsewhere.");
  b.both(
      "masked_fill",
      [](const Tensor& x, nb::object mask, nb::object value) {
        const Tensor m = tensor_of(mask, nb::none(), true, x.device());
        const Tensor v = value_of(value, x.dtype(), x.device());
        return unlocked([&] { return masked_fill(x, m, v); });
      },
      "a"_a, "mask"_a, "value"_a,
      "value where mask is true, x elsewhere; the dtype is x's.\n\n"
      ">>> ndl.masked_fill(ndl.Tensor([1.0, 2.0]), ndl.Tensor([1.0, 2.0]) > 1, 0)\n"
      "tensor([1., 0.])");
}

}  // namespace

void bind_elementwise(Binder b) {
  bind_arithmetic(b);
  bind_functions(b);
  bind_logic(b);
}

}  // namespace needlecpp::python
