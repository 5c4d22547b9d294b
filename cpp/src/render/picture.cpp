// Shrinking of pictures: checks and units for the kernel of picture_kernels.h.
#include "needlecpp/render/picture.h"

#include <numeric>

#include "needlecpp/core/allocator.h"
#include "needlecpp/ops/elementwise.h"
#include "render/picture_kernels.h"

namespace needlecpp {

namespace {

constexpr int64_t kLongestSide = 65535;  // 255^2 times as much fits a sum of a column

AreaAxis axis_of(int64_t old_size, int64_t new_size) {
  const int64_t shared = std::gcd(old_size, new_size);
  return {new_size / shared, old_size / shared};
}

}  // namespace

Tensor area_average(const Tensor& image, int64_t width, int64_t height) {
  OpScope scope("area_average");
  NDL_CHECK(image.dtype() == DType::UInt8 && image.rank() == 3 && (image.size(2) == 3 || image.size(2) == 4),
            ValueError, "area_average", "no picture: got ", name(image.dtype()), image.shape(),
            ", expected uint8 [height, width, 3 or 4].");
  const int64_t old_height = image.size(0), old_width = image.size(1);
  NDL_CHECK(0 < width && width <= old_width && 0 < height && height <= old_height, ValueError, "area_average",
            "bad size: got ", width, " x ", height, ", expected 1 x 1 to ", old_width, " x ", old_height,
            ". Pictures are shrunk only.");
  NDL_CHECK(old_width <= kLongestSide && old_height <= kLongestSide, ValueError, "area_average",
            "picture is too large: got ", old_width, " x ", old_height, ", expected sides of at most ", kLongestSide,
            ". Cut it.");
  const Tensor dense = contiguous(image.detach());
  const Tensor result = Tensor::empty({height, width, image.size(2)}, DType::UInt8);
  const Tensor sums = Tensor::empty({old_width * image.size(2)}, DType::Int32);
  AreaArgs args = {};
  args.from = dense.data<uint8_t>();
  args.to = result.data<uint8_t>();
  args.sums = static_cast<uint32_t*>(sums.raw());
  args.width = old_width;
  args.new_width = width;
  args.channels = image.size(2);
  args.across = axis_of(old_width, width);
  args.down = axis_of(old_height, height);
  NDL_KERNEL(area_average_rows)(args, 0, height);
  return result;
}

}  // namespace needlecpp
