// Checks and packs the photographs; draws pixels from them.
#include "render/photographs.h"

#include <algorithm>

#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/random.h"

namespace needlecpp {

namespace {

// Index of the last entry whose key is not above `value`.
template <class T, class Key>
size_t last_up_to(const std::vector<T>& sorted, int64_t value, Key key) {
  const auto above = std::upper_bound(sorted.begin(), sorted.end(), value,
                                      [&](int64_t wanted, const T& entry) { return wanted < key(entry); });
  return static_cast<size_t>(above - sorted.begin()) - 1;
}

}  // namespace

Photographs::Photographs(const Tensor& images, const Cameras& cameras, const Tensor& mask) {
  NDL_CHECK(images.dtype() == DType::UInt8, TypeError, "trainer", "images are not uint8: got ", name(images.dtype()),
            ", expected uint8.");
  const bool packed = images.rank() == 2;
  channels_ = packed || images.rank() == 4 ? images.size(images.rank() - 1) : 0;
  NDL_CHECK(channels_ == 3 || channels_ == 4, ValueError, "trainer", "images have the wrong shape: got ",
            images.shape(), ", expected [n, height, width, 3 or 4], or [pixels, 3 or 4] of pictures of several sizes.");
  const int64_t pixels = images.numel() / channels_;
  NDL_CHECK(pixels > 0, ValueError, "trainer", "no pixels: got ", images.shape(), ", expected one image at least.");
  NDL_CHECK(packed || images.size(0) == cameras.count(), ValueError, "trainer", "images and cameras do not fit: got ",
            images.size(0), " images and ", cameras.count(), " cameras, expected as many.");
  first_.push_back(0);
  for (int64_t i = 0; i < cameras.count(); ++i) {
    const int64_t width = cameras.width(i), height = cameras.height(i), left = pixels - first_.back();
    const bool fits = packed ? width <= left / height : images.size(1) == height && images.size(2) == width;
    NDL_CHECK(fits, ValueError, "trainer", "images and cameras do not fit: got images ", images.shape(),
              ", but camera ", i, " sees ", width, " x ", height, " pixels.");
    widths_.push_back(width);
    first_.push_back(first_.back() + width * height);
  }
  NDL_CHECK(first_.back() == pixels, ValueError, "trainer", "images and cameras do not fit: got ", pixels,
            " pixels, expected ", first_.back(), ", as many as the cameras see.");
  images_ = contiguous(images.detach());

  if (!mask.defined()) {
    runs_.push_back({0, 0});
    used_ = pixels;
    return;
  }
  NDL_CHECK((mask.dtype() == DType::Bool || mask.dtype() == DType::UInt8) && mask.numel() == pixels, ValueError,
            "trainer", "mask does not fit: got ", name(mask.dtype()), mask.shape(), ", expected bool, one a pixel of ",
            images.shape(), ".");
  const Tensor dense = contiguous(mask.detach());
  const char* use = static_cast<const char*>(dense.raw());
  for (int64_t i = 0; i < pixels; ++i) {
    if (!use[i]) continue;
    if (i == 0 || !use[i - 1]) runs_.push_back({i, used_});
    ++used_;
  }
  NDL_CHECK(used_ > 0, ValueError, "trainer", "mask hides everything: got no pixel that may be used, expected some.");
}

PixelBatch Photographs::draw(int64_t count, Generator& generator) const {
  const Tensor draws = randint(0, used_, {count}, DType::Int64, {}, generator);
  PixelBatch batch{Tensor::empty({count}, DType::Int32), Tensor::empty({count, 2}), Tensor::empty({count, 4})};
  const int64_t* draw = draws.data<int64_t>();
  const uint8_t* image = images_.data<uint8_t>();
  int32_t* camera = batch.camera_index.data<int32_t>();
  float* pixel = batch.pixels.data<float>();
  float* rgba = batch.rgba.data<float>();
  parallel_for(count, 4096, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Run& run = runs_[last_up_to(runs_, draw[i], [](const Run& r) { return r.used_before; })];
      const int64_t index = run.begin + draw[i] - run.used_before;
      const size_t picture = last_up_to(first_, index, [](int64_t first) { return first; });
      const int64_t within = index - first_[picture];
      camera[i] = static_cast<int32_t>(picture);
      pixel[2 * i] = static_cast<float>(within % widths_[picture]) + 0.5f;
      pixel[2 * i + 1] = static_cast<float>(within / widths_[picture]) + 0.5f;
      const uint8_t* at = image + index * channels_;
      for (int64_t c = 0; c < 3; ++c) rgba[4 * i + c] = static_cast<float>(at[c]) * (1.0f / 255.0f);
      rgba[4 * i + 3] = channels_ == 4 ? static_cast<float>(at[3]) * (1.0f / 255.0f) : 1.0f;
    }
  });
  return batch;
}

}  // namespace needlecpp
