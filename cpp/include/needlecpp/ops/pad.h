// Elements around a tensor. Differentiable to any order: the gradient of an element is the sum over its images.
#pragma once

#include <vector>

#include "needlecpp/core/tensor.h"

namespace needlecpp {

// What stands outside, for the axis a b c d:
enum class PadMode {
  Constant,   // 0 0 | a b c d | 0 0
  Reflect,    // c b | a b c d | c b   about the outermost elements, forth and back as often as needed
  Symmetric,  // b a | a b c d | d c   about the outer edges
  Replicate,  // a a | a b c d | d d
  Circular,   // c d | a b c d | a b
};
// "constant", "reflect", "symmetric", "replicate" or "edge", "circular" or "wrap"; throws ValueError.
PadMode pad_mode_from_name(const char* name);

// before[i] and after[i] elements on axis i; negative ones cut elements off.
Tensor pad(const Tensor& x, const std::vector<int64_t>& before, const std::vector<int64_t>& after,
           PadMode mode = PadMode::Constant, double value = 0);
// Widths in PyTorch's order: before and after of the last axis, then of the axis before it, and so on. As there,
// reflections stay within the axis and circular padding takes at most the whole of it.
Tensor pad_last(const Tensor& x, const std::vector<int64_t>& widths, PadMode mode = PadMode::Constant,
                double value = 0);

}  // namespace needlecpp
