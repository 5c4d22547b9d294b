// Area averaging against sums over the covered parts of pixels, in whole numbers of its own.
#include "needlecpp/render/picture.h"

#include <algorithm>

#include "catch.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/shape.h"

using namespace needlecpp;

namespace {

Tensor shrunk(const Tensor& image, int64_t width, int64_t height) {
  const Tensor out = Tensor::full({height, width, image.size(2)}, 77, DType::UInt8);
  area_average(image, out);
  return out;
}

// Each new pixel on its own, in units of 1 / (width * height) of an old one.
std::vector<uint8_t> slow(const Tensor& image, int64_t width, int64_t height) {
  const int64_t h = image.size(0), w = image.size(1), channels = image.size(2);
  const std::vector<uint8_t> from = image.to_vector<uint8_t>();
  if (w == width && h == height) return from;
  const auto overlap = [](int64_t i, int64_t old_span, int64_t j, int64_t new_span) {
    return std::max<int64_t>(0,
                             std::min((i + 1) * old_span, (j + 1) * new_span) - std::max(i * old_span, j * new_span));
  };
  const auto rounded = [](uint64_t total, uint64_t by) { return static_cast<uint8_t>((2 * total + by) / (2 * by)); };
  std::vector<uint8_t> to;
  for (int64_t j = 0; j < height; ++j)
    for (int64_t i = 0; i < width; ++i) {
      uint64_t color[3] = {}, alpha = 0;
      for (int64_t y = 0; y < h; ++y)
        for (int64_t x = 0; x < w; ++x) {
          const uint8_t* pixel = from.data() + (y * w + x) * channels;
          const uint64_t part = static_cast<uint64_t>(overlap(y, height, j, h) * overlap(x, width, i, w));
          const uint64_t a = channels == 4 ? pixel[3] : 1;
          for (int c = 0; c < 3; ++c) color[c] += part * a * pixel[c];
          alpha += part * a;
        }
      for (const uint64_t c : color) to.push_back(alpha ? rounded(c, alpha) : 0);
      if (channels == 4) to.push_back(rounded(alpha, static_cast<uint64_t>(w * h)));
    }
  return to;
}

}  // namespace

TEST_CASE("area averages are exact, whatever the factor") {
  Generator generator(1);
  for (const int64_t channels : {3, 4})
    for (const auto& [w, h] : {std::pair<int64_t, int64_t>{37, 23}, {48, 36}, {1, 9}, {8, 1}}) {
      const Tensor image = cast(randint(0, 256, {h, w, channels}, DType::Int32, {}, generator), DType::UInt8);
      uint8_t* pixels = image.data<uint8_t>();
      for (int64_t i = 0; i < w * h / 3 && channels == 4; ++i) pixels[4 * i + 3] = i % 2 ? 0 : 255;
      for (const int64_t width : {w, w - 1, (w + 1) / 2, w / 3, int64_t{1}})
        for (const int64_t height : {h, h - 1, h / 2, (h + 2) / 5, int64_t{1}}) {
          if (width < 1 || height < 1) continue;
          CAPTURE(w, h, channels, width, height);
          REQUIRE((shrunk(image, width, height).to_vector<uint8_t>() == slow(image, width, height)));
        }
      REQUIRE(shrunk(flip(image, {1}), 1, 1).to_vector<uint8_t>() ==
              shrunk(image, 1, 1).to_vector<uint8_t>());  // a strided picture
    }
}

TEST_CASE("a mean that lies halfway is rounded up, to the last digit") {
  // 255 * n / (2 n): half of 255 is 127.5.
  for (const int64_t n : {1, 3, 1000, 20001}) {
    const Tensor image = Tensor::zeros({1, 2 * n, 3}, DType::UInt8);
    std::fill_n(image.data<uint8_t>(), 3 * n, uint8_t{255});
    REQUIRE(shrunk(image, 1, 1).to_vector<uint8_t>() == std::vector<uint8_t>{128, 128, 128});
    image.data<uint8_t>()[0] = 254;  // just below
    REQUIRE(shrunk(image, 1, 1).to_vector<uint8_t>() == std::vector<uint8_t>{127, 128, 128});
  }
}

TEST_CASE("the largest sums that there are fit") {
  for (const auto& shape : {Shape{65535, 1, 4}, Shape{1, 65535, 4}, Shape{65535, 2, 3}}) {
    const Tensor image = Tensor::full(shape, 255, DType::UInt8);
    for (const int64_t factor : {1, 2}) {
      const Tensor small =
          shrunk(image, std::max<int64_t>(1, shape[1] / factor), std::max<int64_t>(1, shape[0] / factor));
      for (const uint8_t v : small.to_vector<uint8_t>()) REQUIRE(v == 255);
    }
    const Tensor odd = shrunk(image, std::max<int64_t>(1, shape[1] - 1), std::max<int64_t>(1, shape[0] - 1));
    for (const uint8_t v : odd.to_vector<uint8_t>()) REQUIRE(v == 255);
  }
}

TEST_CASE("a fourth byte that is no alpha is left out") {
  Generator generator(2);
  for (const int64_t width : {5, 16, 37}) {
    const Tensor image = cast(randint(0, 256, {20, width, 4}, DType::Int32, {}, generator), DType::UInt8);
    const Tensor color = contiguous(slice(image, 2, 0, 3));
    for (const auto& [w, h] : {std::pair<int64_t, int64_t>{width, 20}, {(width + 1) / 2, 7}, {width, 10}}) {
      const Tensor out = Tensor::full({h, w, 3}, 77, DType::UInt8);
      area_average(image, out);
      REQUIRE(out.to_vector<uint8_t>() == shrunk(color, w, h).to_vector<uint8_t>());
    }
  }
}

TEST_CASE("pictures are shrunk only") {
  const Tensor image = Tensor::zeros({4, 6, 3}, DType::UInt8);
  REQUIRE_THROWS_AS(shrunk(image, 7, 4), ValueError);
  REQUIRE_THROWS_AS(shrunk(image, 6, 0), ValueError);
  REQUIRE_THROWS_AS(area_average(Tensor::zeros({4, 6, 3}), image), ValueError);
  REQUIRE_THROWS_AS(area_average(image, Tensor::zeros({4, 6, 3})), ValueError);
  REQUIRE_THROWS_AS(area_average(image, Tensor::zeros({2, 3, 4}, DType::UInt8)), ValueError);
  REQUIRE_THROWS_AS(area_average(image, slice(image, 1, 0, 3)), ValueError);
  REQUIRE_THROWS_AS(shrunk(Tensor::zeros({4, 6, 2}, DType::UInt8), 3, 2), ValueError);
  REQUIRE_THROWS_AS(shrunk(Tensor::zeros({0, 6, 3}, DType::UInt8), 3, 1), ValueError);
  REQUIRE_THROWS_AS(shrunk(Tensor::zeros({65536, 1, 3}, DType::UInt8), 1, 1), ValueError);
}
