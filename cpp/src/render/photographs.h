// The photographs that a trainer learns from: pixels of pictures of any sizes behind one another, and random draws of
// those that are not masked out.
#pragma once

#include <vector>

#include "needlecpp/core/random.h"
#include "needlecpp/core/tensor.h"
#include "needlecpp/render/camera.h"

namespace needlecpp {

struct PixelBatch {
  Tensor camera_index;  // [n] int32
  Tensor pixels;        // [n, 2] float32, (x, y), centres at +0.5
  Tensor rgba;          // [n, 4] float32, straight alpha (1 without an alpha channel)
};

class Photographs {
 public:
  // See Trainer for images and mask; cameras have been checked.
  Photographs(const Tensor& images, const Cameras& cameras, const Tensor& mask);

  // Each pixel of each picture is as likely as any other.
  PixelBatch draw(int64_t count, Generator& generator) const;

 private:
  // Pixels begin, begin + 1, ... are used, up to as many as make the next run's used_before. A mask leaves few runs, so
  // that they take no memory worth counting, and a search in them no time.
  struct Run {
    int64_t begin;
    int64_t used_before;
  };

  Tensor images_;  // contiguous
  int64_t channels_ = 0;
  std::vector<int64_t> first_;   // pixel of each picture; at the end their number
  std::vector<int64_t> widths_;  // of each picture
  std::vector<Run> runs_;
  int64_t used_ = 0;
};

}  // namespace needlecpp
