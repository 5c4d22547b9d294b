// Elementwise ops against the C library, in every layout and dtype, with gradients of first and second order.
#include "needlecpp/ops/elementwise.h"

#include <cmath>
#include <limits>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/activation.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/ops/shape.h"
#include "support.h"

using namespace needlecpp;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
const double kNan = std::nan("");

struct UnaryCase {
  const char* name;
  Tensor (*op)(const Tensor&);
  double (*reference)(double);
  std::vector<double> points;  // where the derivative is checked
};

const std::vector<UnaryCase> kUnary = {
    {"neg", neg, [](double x) { return -x; }, {-2, 0.5, 3}},
    {"abs", abs, [](double x) { return std::abs(x); }, {-2, 0.5, 3}},
    {"exp", exp, [](double x) { return std::exp(x); }, {-2, 0.5, 3}},
    {"log", log, [](double x) { return std::log(x); }, {0.2, 1, 3}},
    {"sqrt", sqrt, [](double x) { return std::sqrt(x); }, {0.2, 1, 3}},
    {"rsqrt", rsqrt, [](double x) { return 1 / std::sqrt(x); }, {0.2, 1, 3}},
    {"sin", sin, [](double x) { return std::sin(x); }, {-2, 0.5, 3}},
    {"cos", cos, [](double x) { return std::cos(x); }, {-2, 0.5, 3}},
    {"tanh", tanh, [](double x) { return std::tanh(x); }, {-2, 0.5, 3}},
    {"sigmoid", sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, {-2, 0.5, 3}},
    {"relu", relu, [](double x) { return x < 0 ? 0 : x; }, {-2, 0.5, 3}},
    {"softplus",
     softplus,
     [](double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); },
     {-2, 0.5, 3}},
    {"trunc_exp", trunc_exp, [](double x) { return std::exp(x); }, {-2, 0.5, 3}},
    {"square", square, [](double x) { return x * x; }, {-2, 0.5, 3}},
    {"identity", identity, [](double x) { return x; }, {-2, 0.5, 3}},
    {"clamp",
     [](const Tensor& x) { return clamp(x, -1, 2); },
     [](double x) { return x < -1  ? -1
                           : x > 2 ? 2
                                   : x; },
     {-2, 0.5, 3}},
    {"exp2", exp2, [](double x) { return std::exp2(x); }, {-2, 0.5, 3}},
    {"expm1", expm1, [](double x) { return std::expm1(x); }, {-2, 0.5, 3}},
    {"sinh", sinh, [](double x) { return std::sinh(x); }, {-2, 0.5, 3}},
    {"cosh", cosh, [](double x) { return std::cosh(x); }, {-2, 0.5, 3}},
    {"asinh", asinh, [](double x) { return std::asinh(x); }, {-2, 0.5, 3}},
    {"atan", atan, [](double x) { return std::atan(x); }, {-2, 0.5, 3}},
    {"erf", erf, [](double x) { return std::erf(x); }, {-2, 0.5, 3}},
    {"erfc", erfc, [](double x) { return std::erfc(x); }, {-2, 0.5, 3}},
    {"asin", asin, [](double x) { return std::asin(x); }, {-0.8, 0.3, 0.6}},
    {"acos", acos, [](double x) { return std::acos(x); }, {-0.8, 0.3, 0.6}},
    {"atanh", atanh, [](double x) { return std::atanh(x); }, {-0.8, 0.3, 0.6}},
    {"tan", tan, [](double x) { return std::tan(x); }, {-1.2, 0.5, 1}},
    {"acosh", acosh, [](double x) { return std::acosh(x); }, {1.2, 2, 30}},
    {"log2", log2, [](double x) { return std::log2(x); }, {0.2, 1, 3}},
    {"log10", log10, [](double x) { return std::log10(x); }, {0.2, 1, 3}},
    {"log1p", log1p, [](double x) { return std::log1p(x); }, {0.2, 1, 3}},
    {"lgamma", lgamma, [](double x) { return std::lgamma(x); }, {0.2, 1, 3}},
    {"reciprocal", reciprocal, [](double x) { return 1 / x; }, {-2, 0.5, 3}},
    {"silu", silu, [](double x) { return x / (1 + std::exp(-x)); }, {-2, 0.5, 3}},
    {"mish",
     mish,
     [](double x) { return x * std::tanh(std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)))); },
     {-2, 0.5, 3}},
    {"gelu",
     [](const Tensor& x) { return gelu(x); },
     [](double x) { return 0.5 * x * (1 + std::erf(x * std::sqrt(0.5))); },
     {-2, 0.5, 3}},
    {"elu", [](const Tensor& x) { return elu(x); }, [](double x) { return x > 0 ? x : std::expm1(x); }, {-2, 0.5, 3}},
    {"leaky_relu",
     [](const Tensor& x) { return leaky_relu(x); },
     [](double x) { return x > 0 ? x : 0.01 * x; },
     {-2, 0.5, 3}},
    {"hardswish", hardswish, [](double x) { return x * std::min(std::max(x + 3, 0.0), 6.0) / 6; }, {-2, 0.5, 4}},
    {"softsign", softsign, [](double x) { return x / (1 + std::abs(x)); }, {-2, 0.5, 3}},
    {"logsigmoid",
     logsigmoid,
     [](double x) { return std::min(x, 0.0) - std::log1p(std::exp(-std::abs(x))); },
     {-2, 0.5, 3}},
    {"pow3", [](const Tensor& x) { return pow(x, 3); }, [](double x) { return x * x * x; }, {-2, 0.5, 3}},
    {"1-x", [](const Tensor& x) { return 1.0 - x; }, [](double x) { return 1 - x; }, {-2, 0.5, 3}},
    {"2/x", [](const Tensor& x) { return 2.0 / x; }, [](double x) { return 2 / x; }, {-2, 0.5, 3}},
    {"x/4", [](const Tensor& x) { return x / 4.0; }, [](double x) { return x / 4; }, {-2, 0.5, 3}},
};

}  // namespace

TEST_CASE("unary ops match the C library, special values included") {
  std::vector<double> values = {0.0, -0.0, 1,   -1,   0.5,   kInf, -kInf, kNan, 1e-3,
                                88,  -88,  100, -104, 1e-30, 1e30, 20,    -20};
  for (int i = 0; i < 400; ++i) values.push_back((i - 200) * 0.037);
  std::vector<float> floats(values.begin(), values.end());
  for (const UnaryCase& c : kUnary) {
    INFO(c.name);
    const Tensor y = c.op(Tensor::from_vector(floats, {static_cast<int64_t>(floats.size())}));
    const Tensor z = c.op(Tensor::from_vector(values, {static_cast<int64_t>(values.size())}));
    for (size_t i = 0; i < values.size(); ++i) {
      INFO(values[i]);
      const double expected = static_cast<float>(c.reference(static_cast<double>(floats[i])));
      require_close(y.to_vector<float>()[i], expected, 2e-6);
      require_close(z.to_vector<double>()[i], c.reference(values[i]), 1e-14);
    }
  }
}

TEST_CASE("small and large results keep their relative precision") {
  std::vector<float> x;
  for (int i = -1040; i < 885; ++i) x.push_back(static_cast<float>(i) * 0.1f);
  const int64_t n = static_cast<int64_t>(x.size());
  const std::vector<float> e = exp(Tensor::from_vector(x, {n})).to_vector<float>();
  for (size_t i = 0; i < x.size(); ++i) {
    const double expected = std::exp(static_cast<double>(x[i]));
    REQUIRE(std::abs(e[i] - expected) <= 4e-7 * expected + 1e-45);  // denormals are spaced by 1.4e-45
  }
  std::vector<float> positive;
  for (int i = -149; i < 128; ++i) positive.push_back(std::ldexp(1.1f, i));
  const std::vector<float> l =
      log(Tensor::from_vector(positive, {static_cast<int64_t>(positive.size())})).to_vector<float>();
  for (size_t i = 0; i < positive.size(); ++i) require_close(l[i], std::log(static_cast<double>(positive[i])), 4e-7);
}

TEST_CASE("sine and cosine of large angles") {
  const std::vector<float> x = {100, -1000, 8000, 9000, 1e6f, -1e8f};
  const Tensor t = Tensor::from_vector(x, {6});
  for (size_t i = 0; i < x.size(); ++i) {
    REQUIRE(std::abs(sin(t).to_vector<float>()[i] - std::sin(static_cast<double>(x[i]))) < 1e-6);
    REQUIRE(std::abs(cos(t).to_vector<float>()[i] - std::cos(static_cast<double>(x[i]))) < 1e-6);
  }
}

TEST_CASE("gradients of unary ops, first and second order") {
  for (const UnaryCase& c : kUnary) {
    INFO(c.name);
    const auto fn = [&c](const Tensors& in) { return Tensors{c.op(in[0])}; };
    const Tensor x = leaf(c.points, {static_cast<int64_t>(c.points.size())});
    REQUIRE(gradcheck(fn, {x}));
    REQUIRE(gradgradcheck(fn, {x}));
  }
}

TEST_CASE("gradients of binary ops under broadcasting, first and second order") {
  using Binary = Tensor (*)(const Tensor&, const Tensor&);
  const std::vector<std::pair<const char*, Binary>> ops = {
      {"add", add},     {"sub", sub},          {"mul", mul},         {"div", div},
      {"pow", pow},     {"maximum", maximum},  {"minimum", minimum}, {"fmax", fmax},
      {"fmin", fmin},   {"atan2", atan2},      {"hypot", hypot},     {"logaddexp", logaddexp},
      {"xlogy", xlogy}, {"copysign", copysign}};
  for (const auto& [op_name, of_two] : ops) {
    INFO(op_name);
    const auto op = of_two;  // a lambda may not hold a name of the line above
    const auto fn = [op](const Tensors& in) { return Tensors{op(in[0], in[1])}; };
    const Tensor a = leaf({0.5, 1.5, 2.5, 0.7, 1.2, 3.1}, {2, 3});
    const Tensor b = leaf({1.1, 0.4, 2.2}, {3});
    const Tensor c = leaf({0.9, 1.7}, {2, 1});
    REQUIRE(gradcheck(fn, {a, b}));
    REQUIRE(gradcheck(fn, {c, b}));
    REQUIRE(gradgradcheck(fn, {a, b}));
    REQUIRE(gradcheck([&](const Tensors& in) { return Tensors{op(transpose(in[0]), in[1])}; },
                      {a, reshape(b.detach(), {3, 1})}));
  }
  const Tensor mask = Tensor::from_vector<double>({1, 0, 1}, {3});
  const auto chosen = [&mask](const Tensors& in) { return Tensors{where(ne(mask, 0.0), in[0], in[1])}; };
  REQUIRE(gradcheck(chosen, {leaf({1, 2, 3, 4, 5, 6}, {2, 3}), leaf({7, 8}, {2, 1})}));
}

TEST_CASE("denormal exponentials are exact to a step, and division keeps the signs of zero") {
  const std::vector<float> x = {-87.5f, -90, -95.5f, -100, -103, -103.9f, -104, -200, static_cast<float>(-kInf)};
  const std::vector<float> e = exp(Tensor::from_vector(x, {static_cast<int64_t>(x.size())})).to_vector<float>();
  for (size_t i = 0; i < x.size(); ++i)
    REQUIRE(std::abs(e[i] - std::exp(static_cast<double>(x[i]))) <= 1e-7 * e[i] + 1.5e-45);
  const Tensor a = Tensor::from_vector<double>({7, -7, 7, -7, 0, -0.0, 1, kInf, 6}, {9});
  const Tensor b = Tensor::from_vector<double>({3, 3, -3, -3, -2, 2, 0, 1, -3}, {9});
  const std::vector<double> quotient = floor_divide(a, b).to_vector<double>();
  const std::vector<double> rest = remainder(a, b).to_vector<double>();
  REQUIRE(std::vector<double>(quotient.begin(), quotient.begin() + 4) == std::vector<double>{2, -3, -3, 2});
  REQUIRE(std::vector<double>(rest.begin(), rest.begin() + 4) == std::vector<double>{1, 2, -2, -1});
  for (size_t i : {4u, 5u}) REQUIRE((quotient[i] == 0 && std::signbit(quotient[i])));
  REQUIRE((quotient[6] == kInf && std::isnan(rest[6]) && std::isnan(quotient[7]) && std::isnan(rest[7])));
  REQUIRE((rest[8] == 0 && std::signbit(rest[8])));
}

TEST_CASE("nextafter steps through the numbers of each dtype") {
  const std::vector<double> values = {0, -0.0, 1, -1, 1.5, 3e38, kInf, -kInf, NAN, 1e-45, 65504, -6e-8};
  const int64_t n = static_cast<int64_t>(values.size());
  const Tensor x = Tensor::from_vector<double>(values, {n, 1});
  const Tensor towards = Tensor::from_vector<double>(values, {1, n});
  const auto same = [](double a, double b) {
    return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
  };
  const std::vector<double> y = nextafter(x, towards).to_vector<double>();
  const std::vector<float> narrow =
      nextafter(cast(x, DType::Float32), cast(towards, DType::Float32)).to_vector<float>();
  for (size_t i = 0; i < values.size(); ++i)
    for (size_t k = 0; k < values.size(); ++k) {
      INFO(values[i] << " towards " << values[k]);
      const size_t at = i * values.size() + k;
      REQUIRE(same(y[at], std::nextafter(values[i], values[k])));
      REQUIRE(same(narrow[at], std::nextafter(static_cast<float>(values[i]), static_cast<float>(values[k]))));
    }
  // Of a 16-bit dtype no number lies between two neighbours: their middle rounds to one of them.
  for (const DType dtype : {DType::Float16, DType::BFloat16}) {
    const Tensor a = cast(Tensor::from_vector<double>({0, 1, -1, 2, 3e-7, -500}, {6}), dtype);
    const Tensor b = nextafter(a, Tensor::full({}, kInf, dtype));
    REQUIRE(b.dtype() == dtype);
    const std::vector<double> low = cast(a, DType::Float64).to_vector<double>();
    const std::vector<double> high = cast(b, DType::Float64).to_vector<double>();
    for (size_t i = 0; i < low.size(); ++i) {
      REQUIRE(low[i] < high[i]);
      const double middle = cast(Tensor::scalar((low[i] + high[i]) / 2, DType::Float64), dtype).item();
      REQUIRE((middle == low[i] || middle == high[i]));
    }
    const Tensor back = cast(nextafter(b, Tensor::full({}, -kInf, dtype)), DType::Float64);
    REQUIRE(back.to_vector<double>() == low);
  }
}

TEST_CASE("integers: division by zero, the smallest integer, shifts, powers") {
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  const Tensor a = Tensor::from_vector<int64_t>({7, -7, kLeast, 5, -5}, {5});
  const Tensor b = Tensor::from_vector<int64_t>({-2, 2, -1, 0, 0}, {5});
  REQUIRE(floor_divide(a, b).to_vector<int64_t>() == std::vector<int64_t>{-4, -4, kLeast, 0, 0});
  REQUIRE(trunc_divide(a, b).to_vector<int64_t>() == std::vector<int64_t>{-3, -3, kLeast, 0, 0});
  REQUIRE(remainder(a, b).to_vector<int64_t>() == std::vector<int64_t>{-1, 1, 0, 0, 0});
  REQUIRE(fmod(a, b).to_vector<int64_t>() == std::vector<int64_t>{1, -1, 0, 0, 0});
  const Tensor shift = Tensor::from_vector<int64_t>({1, 1, 63, 64, -1}, {5});
  REQUIRE(bitwise_left_shift(a, shift).to_vector<int64_t>() == std::vector<int64_t>{14, -14, 0, 0, 0});
  REQUIRE(bitwise_right_shift(a, shift).to_vector<int64_t>() == std::vector<int64_t>{3, -4, -1, 0, -1});
  REQUIRE_THROWS_AS(pow(a, b), ValueError);
  REQUIRE_THROWS_AS(pow(a, -1), ValueError);
  REQUIRE_THROWS_AS(bitwise_and(a, Tensor::zeros({5})), TypeError);
  REQUIRE_THROWS_AS(neg(isnan(a)), TypeError);
  REQUIRE_THROWS_AS(sub(isnan(a), isnan(b)), TypeError);
  const Tensor big = Tensor::from_vector<int64_t>({(int64_t{1} << 53) + 1}, {1});
  REQUIRE_FALSE(eq(big, 9007199254740992.0).to_vector<bool>()[0]);
  REQUIRE(gt(Tensor::from_vector<int64_t>({16777217}, {1}), Tensor::full({1}, 16777216)).to_vector<bool>()[0]);
}

TEST_CASE("ties and zeros take the documented gradients") {
  const Tensor a = leaf({1, 2}, {2});
  const Tensor b = leaf({1, 3}, {2});
  maximum(a, b).backward(Tensor::ones({2}, DType::Float64));
  REQUIRE(a.grad().to_vector<double>() == std::vector<double>{0.5, 0});
  REQUIRE(b.grad().to_vector<double>() == std::vector<double>{0.5, 1});
  const Tensor zero = leaf({0}, {1});
  for (Tensor (*op)(const Tensor&) : {abs, relu}) REQUIRE(grad({op(zero)}, {zero})[0].item() == 0);
  const Tensor exponent = leaf({0, 2}, {2});
  pow(leaf({0, 0}, {2}), exponent).backward(Tensor::ones({2}, DType::Float64));
  REQUIRE(exponent.grad().to_vector<double>() == std::vector<double>{0, 0});
}

TEST_CASE("layouts: strided, flipped, broadcast, offset and empty operands give the contiguous result") {
  std::vector<float> values(7 * 33 * 5);
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i)) * 3;
  const Tensor x = Tensor::from_vector(values, {7, 33, 5});
  const std::vector<Tensor> views = {x,
                                     permute(x, {2, 0, 1}),
                                     flip(x, {1}),
                                     slice(x, 1, 3, 30, 2),
                                     slice(x, 2, 1, 2),
                                     broadcast_to(slice(x, 1, 4, 5), {7, 40, 5}),
                                     slice(x, 0, 3, 3),
                                     select(x, 2, 4)};
  for (const Tensor& view : views) {
    INFO(to_string(view.shape()));
    const Tensor dense = clone(view);
    REQUIRE(dense.is_contiguous());
    REQUIRE(dense.to_vector<float>() == view.to_vector<float>());
    REQUIRE(exp(view).to_vector<float>() == exp(dense).to_vector<float>());
    REQUIRE(add(view, mul(view, 2)).to_vector<float>() == add(dense, mul(dense, 2)).to_vector<float>());
    const Tensor row = Tensor::full({view.size(-1)}, 0.5);
    REQUIRE(mul(view, row).to_vector<float>() == mul(dense, 0.5).to_vector<float>());
    REQUIRE(cast(view, DType::Float64).to_vector<double>() == cast(dense, DType::Float64).to_vector<double>());
    REQUIRE(lt(view, row).to_vector<bool>() == lt(dense, 0.5).to_vector<bool>());
  }
}

TEST_CASE("odd sizes touch nothing beyond their end") {
  for (int64_t n : {1, 15, 16, 17, 31, 33, 511, 513, 65535, 65537}) {
    const Tensor padded = Tensor::full({n + 64}, 7);
    const Tensor middle = padded.view({n}, {1}, 0);
    add_(middle, Tensor::ones({n}));
    REQUIRE(padded.to_vector<float>()[static_cast<size_t>(n - 1)] == 8);
    REQUIRE(padded.to_vector<float>()[static_cast<size_t>(n)] == 7);
  }
}

TEST_CASE("every dtype: casts, arithmetic, promotion") {
  for (int i = 0; i < kNumDTypes; ++i)
    for (int j = 0; j < kNumDTypes; ++j) {
      const Tensor x = cast(Tensor::from_vector<float>({0, 1, 1}, {3}), static_cast<DType>(i));
      const Tensor y = cast(x, static_cast<DType>(j));
      REQUIRE(y.dtype() == static_cast<DType>(j));
      REQUIRE(cast(y, DType::Float32).to_vector<float>() == std::vector<float>{0, 1, 1});
      const Tensor s = add(x, y);
      REQUIRE(s.dtype() == promote_types(x.dtype(), y.dtype()));
      REQUIRE(cast(s, DType::Float32).to_vector<float>()[1] == (s.dtype() == DType::Bool ? 1 : 2));
    }
  const Tensor n = Tensor::arange(3);
  REQUIRE(div(n, n + 1.0).dtype() == DType::Float32);
  REQUIRE((n * 2.0).dtype() == DType::Int64);
  REQUIRE((n * 0.5).dtype() == DType::Float32);
  REQUIRE(exp(n).dtype() == DType::Float32);
  REQUIRE(cast(Tensor::full({1}, kNan, DType::Float64), DType::Int32).item_int() ==
          std::numeric_limits<int32_t>::min());
  REQUIRE(cast(Tensor::full({1}, -1.0), DType::UInt8).item() == 255);
}

TEST_CASE("in-place edits read the old values of an overlapping source") {
  const auto numbers = [] { return cast(Tensor::arange(6), DType::Float32); };
  const Tensor a = numbers();
  copy_(a, flip(a, {0}));
  REQUIRE(a.to_vector<float>() == std::vector<float>{5, 4, 3, 2, 1, 0});
  const Tensor b = numbers();
  add_(slice(b, 0, 1), slice(b, 0, 0, 5));
  REQUIRE(b.to_vector<float>() == std::vector<float>{0, 1, 3, 5, 7, 9});
  const Tensor c = numbers();
  add_(c, c);
  REQUIRE(c.to_vector<float>() == std::vector<float>{0, 2, 4, 6, 8, 10});
  REQUIRE_THROWS_AS(copy_(broadcast_to(Tensor::zeros({1}), {3}), numbers()), ValueError);
  REQUIRE_THROWS_AS(fill_(broadcast_to(Tensor::zeros({1}), {3}), 1), ValueError);
}

TEST_CASE("wrong arguments are named") {
  REQUIRE_THROWS_AS(Tensor::zeros({2}) + Tensor::zeros({3}), ValueError);
  REQUIRE_THROWS_AS(where(Tensor::zeros({2}), Tensor::zeros({2}), Tensor::zeros({2})), TypeError);
  REQUIRE_THROWS_AS(copy_(Tensor::zeros({2}), Tensor::zeros({3})), ValueError);
  REQUIRE_THROWS_AS(add_(Tensor::zeros({2}), Tensor::zeros({2, 2})), ValueError);
}

TEST_CASE("results do not depend on the number of threads") {
  std::vector<float> values(300001);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) * 1e-3f;
  const Tensor x = Tensor::from_vector(values, {300001});
  set_num_threads(1);
  const std::vector<float> one = tanh(sin(x) * x).to_vector<float>();
  set_num_threads(2);
  REQUIRE(tanh(sin(x) * x).to_vector<float>() == one);
}
