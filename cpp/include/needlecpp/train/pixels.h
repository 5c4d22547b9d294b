// The photographs that a trainer learns from: pixels of pictures of any sizes behind one another, and random draws of
// those that are not masked out.
#pragma once

#include "needlecpp/core/random.h"
#include "needlecpp/core/tensor.h"
#include "needlecpp/render/camera.h"

namespace needlecpp {

struct PixelBatch {
  Tensor camera_index;  // [n] int32
  Tensor pixels;        // [n, 2] float32, (x, y), centres at +0.5
  Tensor rgba;          // [n, 4] float32, straight alpha (1 without an alpha channel)
};

class PixelSampler {
 public:
  // images: [n, height, width, 3 or 4] uint8, sRGB, straight alpha; kept as they are. Pictures of several sizes: their
  // pixels [pixels, 3 or 4], row by row, one picture behind the other, of the cameras' sizes. mask: bool or uint8, one
  // a pixel; where it is 0 a pixel is never drawn. Throws ValueError when images, cameras and mask do not fit together.
  PixelSampler(const Tensor& images, const Cameras& cameras, const Tensor& mask = {});

  // Each pixel of each picture that is not masked is as likely as any other.
  PixelBatch draw(int64_t count, Generator& generator) const;

 private:
  Tensor images_;  // contiguous
  Tensor first_;   // [n + 1] int64: first pixel of each picture; at the end their number
  Tensor widths_;  // [n] int64
  // [runs, 2] int64: pixels begin, begin + 1, ... are used, up to as many as make the next run's second number, those
  // used before it. A mask leaves few runs, so that they take no memory worth counting, and a search in them no time.
  Tensor runs_;
  int64_t used_ = 0;
};

}  // namespace needlecpp
