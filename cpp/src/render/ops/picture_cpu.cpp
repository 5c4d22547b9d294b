// Units and working memory for the shrinking of pictures. On one thread: whoever loads a data set takes a picture a
// thread.
#include <numeric>

#include "ops/plumbing/scratch.h"
#include "render/ops/picture_kernels.h"
#include "render/ops/picture_run.h"

namespace needlecpp::cpu {
namespace {

AreaAxis axis_of(int64_t old_size, int64_t new_size) {
  const int64_t shared = std::gcd(old_size, new_size);
  return {new_size / shared, old_size / shared};
}

}  // namespace

void run_area_average(View image, View out) {
  const int64_t height = out.size[0], width = out.size[1];
  AreaArgs args = {};
  args.from = data<uint8_t>(image);
  args.to = data<uint8_t>(out);
  args.width = image.size[1];
  args.new_width = width;
  args.from_channels = image.size[2];
  args.channels = out.size[2];
  if (image.size[0] == height && image.size[1] == width) return NDL_KERNEL(copy_rows)(args, 0, height);
  const Scratch<uint32_t> sums(args.channels * args.width);
  const Scratch<double> totals(args.channels * width);
  args.sums = sums.data();
  args.totals = totals.data();
  args.across = axis_of(image.size[1], width);
  args.down = axis_of(image.size[0], height);
  NDL_KERNEL(area_average_rows)(args, 0, height);
}

}  // namespace needlecpp::cpu
