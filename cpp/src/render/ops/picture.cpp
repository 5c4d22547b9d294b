// Shrinking of pictures: checks and units for the kernel of picture_kernels.h.
#include "needlecpp/render/picture.h"

#include <numeric>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "render/ops/picture_kernels.h"

namespace needlecpp {

namespace {

constexpr int64_t kLongestSide = 65535;  // 255^2 times as much fits a sum of a column

AreaAxis axis_of(int64_t old_size, int64_t new_size) {
  const int64_t shared = std::gcd(old_size, new_size);
  return {new_size / shared, old_size / shared};
}

}  // namespace

void area_average(const Tensor& image, const Tensor& out) {
  Op op("area_average", image, out);
  const auto is_picture = [](const Tensor& x) {
    return x.dtype() == DType::UInt8 && x.rank() == 3 && (x.size(2) == 3 || x.size(2) == 4);
  };
  NDL_CHECK(is_picture(image) && is_picture(out), ValueError, "area_average", "no picture: got ", name(image.dtype()),
            image.shape(), " into ", name(out.dtype()), out.shape(), ", expected uint8 [height, width, 3 or 4].");
  NDL_CHECK(out.is_contiguous(), ValueError, "area_average", "out is strided: expected a contiguous tensor.");
  NDL_CHECK(out.size(2) <= image.size(2), ValueError, "area_average", "alpha is missing: got 3 channels, expected 4.");
  const int64_t height = out.size(0), width = out.size(1);
  NDL_CHECK(0 < width && width <= image.size(1) && 0 < height && height <= image.size(0), ValueError, "area_average",
            "bad size: got ", width, " x ", height, ", expected 1 x 1 to ", image.size(1), " x ", image.size(0),
            ". Pictures are shrunk only.");
  NDL_CHECK(image.size(0) <= kLongestSide && image.size(1) <= kLongestSide, ValueError, "area_average",
            "picture is too large: got ", image.size(1), " x ", image.size(0), ", expected sides of at most ",
            kLongestSide, ". Cut it.");
  const Tensor dense = contiguous(image.detach());
  AreaArgs args = {};
  args.from = dense.data<uint8_t>();
  args.to = out.data<uint8_t>();
  args.width = image.size(1);
  args.new_width = width;
  args.from_channels = image.size(2);
  args.channels = out.size(2);
  if (image.size(0) == height && image.size(1) == width) {
    NDL_KERNEL(copy_rows)(args, 0, height);
    return;
  }
  const Tensor sums = Tensor::empty({args.channels, args.width}, DType::Int32);
  const Tensor totals = Tensor::empty({args.channels, width}, DType::Float64);
  args.sums = static_cast<uint32_t*>(sums.raw());
  args.totals = totals.data<double>();
  args.across = axis_of(image.size(1), width);
  args.down = axis_of(image.size(0), height);
  NDL_KERNEL(area_average_rows)(args, 0, height);
}

}  // namespace needlecpp
