// Checks and packs the photographs; draws pixels from them.
#include "needlecpp/train/pixels.h"

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/random.h"
#include "train/pixels_run.h"

namespace needlecpp {

PixelSampler::PixelSampler(const Tensor& images, const Cameras& cameras, const Tensor& mask) {
  Op op("trainer", images, mask);
  cameras.check(op);
  NDL_CHECK(images.dtype() == DType::UInt8, TypeError, op, "images are not uint8: got ", name(images.dtype()),
            ", expected uint8.");
  const bool packed = images.rank() == 2;
  const int64_t channels = packed || images.rank() == 4 ? images.size(images.rank() - 1) : 0;
  NDL_CHECK(channels == 3 || channels == 4, ValueError, op, "images have the wrong shape: got ", images.shape(),
            ", expected [n, height, width, 3 or 4], or [pixels, 3 or 4] of pictures of several sizes.");
  const int64_t pixels = images.numel() / channels;
  NDL_CHECK(pixels > 0, ValueError, op, "no pixels: got ", images.shape(), ", expected one image at least.");
  NDL_CHECK(packed || images.size(0) == cameras.count(), ValueError, op, "images and cameras do not fit: got ",
            images.size(0), " images and ", cameras.count(), " cameras, expected as many.");
  std::vector<int64_t> first = {0}, widths;
  for (int64_t i = 0; i < cameras.count(); ++i) {
    const int64_t width = cameras.width(i), height = cameras.height(i), left = pixels - first.back();
    const bool fits = packed ? width <= left / height : images.size(1) == height && images.size(2) == width;
    NDL_CHECK(fits, ValueError, op, "images and cameras do not fit: got images ", images.shape(), ", but camera ", i,
              " sees ", width, " x ", height, " pixels.");
    widths.push_back(width);
    first.push_back(first.back() + width * height);
  }
  NDL_CHECK(first.back() == pixels, ValueError, op, "images and cameras do not fit: got ", pixels, " pixels, expected ",
            first.back(), ", as many as the cameras see.");
  images_ = contiguous(images.detach());
  first_ = Tensor::from_vector(first, {static_cast<int64_t>(first.size())});
  widths_ = Tensor::from_vector(widths, {static_cast<int64_t>(widths.size())});

  std::vector<int64_t> runs = {0, 0};
  used_ = pixels;
  if (mask.defined()) {
    NDL_CHECK((mask.dtype() == DType::Bool || mask.dtype() == DType::UInt8) && mask.numel() == pixels, ValueError, op,
              "mask does not fit: got ", name(mask.dtype()), mask.shape(), ", expected bool, one a pixel of ",
              images.shape(), ".");
    runs = NDL_ON(op.device(), run_find_runs)(contiguous(mask.detach()), used_);
    NDL_CHECK(used_ > 0, ValueError, op, "mask hides everything: got no pixel that may be used, expected some.");
  }
  runs_ = Tensor::from_vector(runs, {static_cast<int64_t>(runs.size()) / 2, 2});
}

PixelBatch PixelSampler::draw(int64_t count, Generator& generator) const {
  Op op("draw_pixels", images_);
  const Tensor draws = randint(0, used_, {count}, DType::Int64, {}, generator);
  PixelBatch batch{op.empty({count}, DType::Int32), op.empty({count, 2}), op.empty({count, 4})};
  NDL_ON(op.device(), run_draw_pixels)
  ({images_, first_, widths_, runs_}, draws, batch.camera_index, batch.pixels, batch.rgba);
  return batch;
}

}  // namespace needlecpp
