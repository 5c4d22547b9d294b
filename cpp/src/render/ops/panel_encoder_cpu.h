// An encoder on the CPU.
#pragma once

#include "render/ops/panel_encoder_run.h"

namespace needlecpp::cpu {

// Points that a thread takes through an encoder together: so many that a level's table, once it is in the second-level
// cache, is used often. With an eighth of them tables of 4 MB take 1.2 times as long.
constexpr int64_t kEncodePoints = 1 << 16;
constexpr int64_t kEncodeGrain = 1024;  // points below which a thread is not worth waking

struct Panels {
  float* data;
  int64_t pitch;  // floats from one panel to the next
};

// The inputs of one op, forwards and backwards.
class PanelPass {
 public:
  virtual ~PanelPass() = default;
  // Encodes points [first, first + count) on this thread; a panel's first row is that of point `first`.
  virtual void encode(int64_t first, int64_t count, const Panels& panels) const = 0;
  // From the gradient of the features of points [first, first + count), on all threads. The sums must not depend on the
  // number of threads.
  virtual void backward(int64_t first, int64_t count, const Panels& dy, const EncoderTargets& targets) const = 0;
};

}  // namespace needlecpp::cpu
