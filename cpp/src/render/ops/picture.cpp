// Shrinking of pictures: checks.
#include "needlecpp/render/picture.h"

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "render/ops/picture_run.h"

namespace needlecpp {

namespace {

constexpr int64_t kLongestSide = 65535;  // 255^2 times as much fits a sum of a column

}  // namespace

void area_average(const Tensor& image, const Tensor& out) {
  Op op("area_average", image, out);
  const auto is_picture = [](const Tensor& x) {
    return x.dtype() == DType::UInt8 && x.rank() == 3 && (x.size(2) == 3 || x.size(2) == 4);
  };
  NDL_CHECK(is_picture(image) && is_picture(out), ValueError, op, "no picture: got ", name(image.dtype()),
            image.shape(), " into ", name(out.dtype()), out.shape(), ", expected uint8 [height, width, 3 or 4].");
  NDL_CHECK(out.is_contiguous(), ValueError, op, "out is strided: expected a contiguous tensor.");
  NDL_CHECK(out.size(2) <= image.size(2), ValueError, op, "alpha is missing: got 3 channels, expected 4.");
  const int64_t height = out.size(0), width = out.size(1);
  NDL_CHECK(0 < width && width <= image.size(1) && 0 < height && height <= image.size(0), ValueError, op,
            "bad size: got ", width, " x ", height, ", expected 1 x 1 to ", image.size(1), " x ", image.size(0),
            ". Pictures are shrunk only.");
  NDL_CHECK(image.size(0) <= kLongestSide && image.size(1) <= kLongestSide, ValueError, op,
            "picture is too large: got ", image.size(1), " x ", image.size(0), ", expected sides of at most ",
            kLongestSide, ". Cut it.");
  NDL_ON(op.device(), run_area_average)(contiguous(image.detach()), out);
}

}  // namespace needlecpp
