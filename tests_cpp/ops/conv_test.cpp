// Convolutions against plain loops in double: forward, and both gradients, in every mode and beyond every block size.
#include "needlecpp/ops/conv.h"

#include <cmath>
#include <limits>
#include <vector>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "support.h"

using namespace needlecpp;

namespace {

struct Case {
  Shape x, w;
  ConvOptions options;
};

ConvOptions options(Dims stride, Dims padding, Dims dilation, int64_t groups = 1) {
  ConvOptions result;
  result.stride = stride;
  result.padding = padding;
  result.dilation = dilation;
  result.groups = groups;
  return result;
}

int64_t at(const Dims& dims, int i) { return dims.size() == 1 ? dims[0] : dims[i]; }

// Calls visit(position in x, position in w, position in y) for every product of the convolution.
template <class Visit>
void for_products(const Case& c, const Shape& y, const Visit& visit) {
  const int axes = c.w.size() - 2;
  const Strides xs = contiguous_strides(c.x), ws = contiguous_strides(c.w), ys = contiguous_strides(y);
  const int64_t inputs = c.w[1], outputs = c.w[0] / c.options.groups;
  int64_t taps = 1, positions = 1;
  for (int i = 0; i < axes; ++i) {
    taps *= c.w[i + 2];
    positions *= y[i + 2];
  }
  for (int64_t n = 0; n < y[0]; ++n)
    for (int64_t o = 0; o < y[1]; ++o)
      for (int64_t p = 0; p < positions; ++p)
        for (int64_t t = 0; t < taps; ++t) {
          int64_t x_at = 0, rest_t = t, rest_p = p;
          bool inside = true;
          for (int i = axes - 1; i >= 0; --i) {
            const int64_t place = rest_p % y[i + 2] * at(c.options.stride, i) +
                                  rest_t % c.w[i + 2] * at(c.options.dilation, i) - at(c.options.padding, i);
            inside = inside && place >= 0 && place < c.x[i + 2];
            x_at += place * xs[i + 2];
            rest_t /= c.w[i + 2];
            rest_p /= y[i + 2];
          }
          for (int64_t k = 0; k < inputs && inside; ++k)
            visit(n * xs[0] + (o / outputs * inputs + k) * xs[1] + x_at, o * ws[0] + k * ws[1] + t,
                  n * ys[0] + o * ys[1] + p);
        }
}

// Forward and gradients of conv_nd, and conv_transpose_nd as the gradient of the input.
void require_case(const Case& c, DType dtype = DType::Float32) {
  INFO("x " << to_string(c.x) << " w " << to_string(c.w) << " stride " << to_string(c.options.stride) << " padding "
            << to_string(c.options.padding) << " dilation " << to_string(c.options.dilation) << " groups "
            << c.options.groups << " dtype " << name(dtype));
  static Generator generator(5);
  const double tolerance = dtype == DType::Float64 ? 1e-11 : 1e-4;
  const Tensor x = randn(c.x, 0, 1, dtype, {}, generator).set_requires_grad(true);
  const Tensor w = randn(c.w, 0, 1, dtype, {}, generator).set_requires_grad(true);
  const Tensor bias = randn({c.w[0]}, 0, 1, dtype, {}, generator).set_requires_grad(true);
  const Tensor y = conv_nd(x, w, bias, c.options);
  const Tensor dy = randn(y.shape(), 0, 1, dtype, {}, generator);
  y.backward(dy);

  const std::vector<double> xv = doubles(x), wv = doubles(w), bv = doubles(bias), dyv = doubles(dy);
  std::vector<double> ye(dyv.size()), dxe(xv.size()), dwe(wv.size()), dbe(bv.size());
  for_products(c, y.shape(), [&](int64_t i, int64_t j, int64_t k) {
    const auto xi = static_cast<size_t>(i), wi = static_cast<size_t>(j), yi = static_cast<size_t>(k);
    ye[yi] += xv[xi] * wv[wi];
    dxe[xi] += dyv[yi] * wv[wi];
    dwe[wi] += dyv[yi] * xv[xi];
  });
  const size_t positions = ye.size() / static_cast<size_t>(c.x[0] * c.w[0]);
  for (size_t i = 0; i < ye.size(); ++i) {
    ye[i] += bv[i / positions % bv.size()];
    dbe[i / positions % bv.size()] += dyv[i];
  }
  require_close(y, ye, tolerance);
  require_close(x.grad(), dxe, tolerance);
  require_close(w.grad(), dwe, tolerance);
  require_close(bias.grad(), dbe, tolerance);

  ConvOptions transposed = c.options;
  Dims extra;
  bool possible = true;
  for (int i = 2; i < c.x.size(); ++i) {
    const int64_t least = (y.shape()[i] - 1) * at(c.options.stride, i - 2) - 2 * at(c.options.padding, i - 2) +
                          at(c.options.dilation, i - 2) * (c.w[i] - 1) + 1;
    extra.push_back(c.x[i] - least);
    possible = possible && extra.back() >= 0;
  }
  transposed.output_padding = extra;
  const Tensor none;
  if (possible) require_close(conv_transpose_nd(dy, w.detach(), none, transposed), dxe, tolerance);
}

}  // namespace

TEST_CASE("convolutions agree with plain loops") {
  const std::vector<Case> cases = {
      {{1, 1, 1}, {1, 1, 1}, options({1}, {0}, {1})},
      {{2, 3, 17}, {4, 3, 5}, options({1}, {2}, {1})},
      {{2, 4, 19}, {6, 2, 3}, options({3}, {4}, {2}, 2)},
      {{1, 2, 700}, {3, 2, 4}, options({1}, {2}, {100})},  // tiles along the width; taps that share no lines
      {{1, 1, 1200}, {2, 1, 9}, options({2}, {3}, {1})},   // residues of the stride
      {{2, 3, 9, 8}, {5, 3, 3, 2}, options({2, 1}, {1, 0}, {1, 3})},
      {{2, 40, 6, 7}, {17, 40, 3, 3}, options({1}, {1}, {1})},   // several steps of channels
      {{1, 3, 70, 33}, {150, 3, 3, 3}, options({1}, {1}, {1})},  // several blocks of rows and tiles of lines
      {{2, 6, 8, 8}, {12, 1, 3, 3}, options({2}, {1}, {1}, 6)},
      {{2, 3, 5, 6}, {4, 3, 1, 1}, options({1}, {0}, {1})},
      {{2, 3, 5, 6}, {4, 3, 1, 1}, options({2}, {1}, {1})},
      {{1, 2, 12, 12}, {3, 2, 4, 4}, options({4}, {0}, {1})},  // stride of the kernel's size
      {{1, 2, 13, 14}, {3, 2, 4, 4}, options({4}, {1}, {1})},
      {{1, 2, 13, 11}, {3, 2, 2, 2}, options({5, 4}, {0, 1}, {1, 2})},  // elements that no tap reaches
      {{1, 1, 4, 4}, {1, 1, 3, 3}, options({7}, {90}, {90})},
      {{1, 2, 4, 5, 6}, {3, 2, 3, 2, 3}, options({1, 2, 3}, {1, 0, 2}, {1, 2, 1})},
      {{2, 4, 3, 3, 3}, {4, 2, 2, 2, 2}, options({2}, {1}, {1}, 2)},
      {{1, 1, 40, 1, 2}, {1, 1, 33, 1, 1}, options({1}, {16, 0, 0}, {1})},
  };
  for (const Case& c : cases) {
    require_case(c);
    require_case(c, DType::Float64);
  }
}

TEST_CASE("convolutions take any strides") {
  Generator generator(8);
  const Tensor x = randn({2, 6, 7, 4}, 0, 1, DType::Float32, {}, generator);  // channels last
  const Tensor w = randn({3, 3, 4, 5}, 0, 1, DType::Float32, {}, generator);
  const Tensor none;
  const auto both = [&](const Tensor& image, const Tensor& weight) {
    const Tensor a = image.detach().set_requires_grad(true), b = weight.detach().set_requires_grad(true);
    const Tensor y = conv_nd(a, b, none, options({1, 2}, {1}, {1}));
    sum(y * y).backward();
    return std::vector<std::vector<double>>{doubles(y), doubles(a.grad()), doubles(b.grad())};
  };
  const Tensor image = flip(permute(x, {0, 3, 1, 2}), {2, 3}), weight = permute(w, {3, 2, 1, 0});
  const auto got = both(image, weight), expected = both(contiguous(image), contiguous(weight));
  REQUIRE(got == expected);
  const Tensor repeated = broadcast_to(Tensor::ones({1, 1, 1, 1}), {2, 4, 6, 7});
  REQUIRE(both(repeated, weight)[0] == both(contiguous(repeated), weight)[0]);
}

TEST_CASE("convolutions give the same bits on any number of threads") {
  const Threads restored;
  Generator generator(9);
  const Tensor x = randn({3, 20, 30, 30}, 0, 1, DType::Float32, {}, generator).set_requires_grad(true);
  const Tensor w = randn({40, 20, 3, 3}, 0, 1, DType::Float32, {}, generator).set_requires_grad(true);
  const Tensor none;
  const auto all = [&] {
    x.set_grad(Tensor());
    w.set_grad(Tensor());
    const Tensor y = conv_nd(x, w, none, options({1}, {1}, {1}));
    sum(y * y).backward();
    return std::vector<std::vector<double>>{doubles(y), doubles(x.grad()), doubles(w.grad())};
  };
  set_num_threads(1);
  const auto alone = all();
  for (int threads : {2, 5}) {
    set_num_threads(threads);
    REQUIRE(all() == alone);
  }
}

TEST_CASE("infinities reach the places that read them and no others") {
  std::vector<float> values(25, 1.0f);
  values[12] = INFINITY;
  const Tensor x = Tensor::from_vector(values, {1, 1, 5, 5});
  const Tensor w = Tensor::ones({1, 1, 3, 3}).set_requires_grad(true);
  const Tensor none;
  const Tensor y = conv_nd(x, w, none, options({4}, {1}, {1}));  // 2 x 2 windows at the corners
  for (const double v : doubles(y)) REQUIRE(v == 4);
  y.backward(Tensor::ones(y.shape()));
  for (const double v : doubles(w.grad())) REQUIRE(std::isfinite(v));
  const std::vector<double> all = doubles(conv_nd(x, w.detach(), none, options({1}, {0}, {1})));
  for (const double v : all) REQUIRE(v == INFINITY);
}

TEST_CASE("convolutions of nothing") {
  const Tensor none;
  const Tensor w = Tensor::ones({3, 2, 3, 3}).set_requires_grad(true);
  const Tensor x = Tensor::ones({0, 2, 5, 5}).set_requires_grad(true);
  const Tensor y = conv_nd(x, w, none);
  REQUIRE(y.shape() == Shape{0, 3, 3, 3});
  sum(y).backward();
  REQUIRE(sum(w.grad()).item() == 0);
  REQUIRE(x.grad().shape() == x.shape());
  REQUIRE(sum(conv_nd(Tensor::ones({2, 0, 4}), Tensor::ones({3, 0, 2}), Tensor::ones({3}))).item() == 2 * 3 * 3);
  REQUIRE(conv_nd(Tensor::ones({2, 1, 4}), Tensor::ones({0, 1, 2}), none).shape() == Shape{2, 0, 3});
  const Tensor padded = conv_nd(Tensor::ones({1, 1, 0}), Tensor::ones({1, 1, 2}), none, options({1}, {1}, {1}));
  REQUIRE(padded.shape() == Shape{1, 1, 1});
  REQUIRE(padded.item() == 0);
}

TEST_CASE("half types compute in float32, other dtypes are refused") {
  const Tensor none;
  for (const DType dtype : {DType::Float16, DType::BFloat16}) {
    const Tensor x = cast(Tensor::ones({1, 2, 5}), dtype).set_requires_grad(true);
    const Tensor y = conv_nd(x, cast(Tensor::ones({1, 2, 3}), dtype), none);
    REQUIRE(y.dtype() == dtype);
    REQUIRE(doubles(y) == std::vector<double>{6, 6, 6});
    sum(y).backward();
    REQUIRE(x.grad().dtype() == dtype);
  }
  const Tensor whole = Tensor::ones({1, 1, 4}, DType::Int64);
  REQUIRE_THROWS_AS(conv_nd(whole, whole, none), TypeError);
  REQUIRE(conv_nd(whole, Tensor::ones({1, 1, 4}), none).dtype() == DType::Float32);
}

TEST_CASE("impossible convolutions are named") {
  const Tensor none, x = Tensor::ones({1, 4, 5, 5}), w = Tensor::ones({4, 4, 3, 3});
  const int64_t huge = std::numeric_limits<int64_t>::max();
  REQUIRE_THROWS_AS(conv_nd(x, w, none, options({0}, {0}, {1})), ValueError);
  REQUIRE_THROWS_AS(conv_nd(x, w, none, options({1}, {-1}, {1})), ValueError);
  REQUIRE_THROWS_AS(conv_nd(x, w, none, options({1}, {huge}, {1})), ValueError);
  REQUIRE_THROWS_AS(conv_nd(x, w, none, options({1}, {INT32_MAX}, {1})), ValueError);
  REQUIRE_THROWS_AS(conv_nd(x, w, none, options({1}, {0}, {INT32_MAX})), ValueError);
  REQUIRE_THROWS_AS(conv_nd(x, w, none, options({1}, {0}, {3})), ValueError);
  REQUIRE_THROWS_AS(conv_nd(x, w, none, options({1, 1, 1}, {0}, {1})), ValueError);
  REQUIRE_THROWS_AS(conv_nd(x, w, none, options({1}, {0}, {1}, 2)), ValueError);
  REQUIRE_THROWS_AS(conv_nd(x, w, none, options({1}, {0}, {1}, 3)), ValueError);
  REQUIRE_THROWS_AS(conv_nd(x, w, none, options({1}, {0}, {1}, 0)), ValueError);
  REQUIRE_THROWS_AS(conv_nd(x, w, Tensor::ones({3})), ValueError);
  REQUIRE_THROWS_AS(conv_nd(x, Tensor::ones({4, 4}), none), ValueError);
  REQUIRE_THROWS_AS(conv_nd(x, Tensor::ones({4, 4, 0, 3}), none), ValueError);
  REQUIRE_THROWS_AS(conv_nd(Tensor::ones({5, 5}), w, none), ValueError);
  REQUIRE_THROWS_AS(conv_nd(Tensor::ones({1, 4, 2, 5}), w, none), ValueError);
  ConvOptions same;
  same.same = true;
  same.stride = {2};
  REQUIRE_THROWS_AS(conv_nd(x, w, none, same), ValueError);
  ConvOptions transposed;
  transposed.output_padding = {1};
  REQUIRE_THROWS_AS(conv_transpose_nd(x, w, none, transposed), ValueError);
  REQUIRE_THROWS_AS(conv_transpose_nd(x, w, none, options({1}, {4}, {1})), ValueError);
  REQUIRE_THROWS_AS(conv_transpose_nd(x, w, none, options({INT32_MAX}, {0}, {1})), ValueError);
  REQUIRE_THROWS_AS(conv_transpose_nd(Tensor::ones({1, 3, 5, 5}), w, none), ValueError);
}

TEST_CASE("taps and padding may be far apart") {
  // Only the middle tap falls on x.
  const Tensor none, x = Tensor::from_vector<float>({1, 2, 3, 4}, {1, 1, 4});
  const Tensor y =
      conv_nd(x, Tensor::from_vector<float>({5, 7, 9}, {1, 1, 3}), none, options({1}, {INT32_MAX}, {INT32_MAX}));
  REQUIRE(doubles(y) == std::vector<double>{7, 14, 21, 28});
}

TEST_CASE("dilate spreads elements and undilate picks them") {
  const Tensor x = Tensor::from_vector<float>({1, 2, 3, 4}, {2, 2});
  const Tensor y = dilate(x, {0, -1}, 1);
  REQUIRE(doubles(y) == std::vector<double>{1, 0, 2, 0, 0, 0, 0, 0, 3, 0, 4, 0, 0, 0, 0, 0});
  REQUIRE(doubles(undilate(y, {0, 1}, 1)) == doubles(x));
  REQUIRE(dilate(x, {1}, 0).shape() == x.shape());
  REQUIRE(dilate(Tensor::ones({0, 3}, DType::Int32), {1}, 2).shape() == Shape{0, 9});
  REQUIRE_THROWS_AS(dilate(x, {2}, 1), IndexError);
  REQUIRE_THROWS_AS(dilate(x, {0}, -1), ValueError);
  REQUIRE_THROWS_AS(undilate(x, {0}, -1), ValueError);
  REQUIRE_THROWS_AS(dilate(x, {0}, std::numeric_limits<int64_t>::max()), ValueError);
}
