// What the ops that contain an encoder ask of a device.
#pragma once

#include <vector>

#include "core/run.h"

namespace needlecpp {

class PanelEncoder;
namespace cpu {
class PanelPass;
}

struct EncoderInputs {
  const PanelEncoder& encoder;
  View positions;    // [n, 3] float32, any strides
  Views parameters;  // contiguous
};
// Gradients of the same, not given where they are not wanted.
struct EncoderTargets {
  View positions;  // [n, 3] contiguous; written
  struct Parameter {
    View gradient;  // float32, contiguous; added to
    bool clear;     // it holds anything yet
  };
  std::vector<Parameter> parameters;
};

// y [n, features], contiguous.
NDL_DECLARE_RUN(void, run_encode, (const EncoderInputs& inputs, View y))
// From dy [n, features], contiguous.
NDL_DECLARE_RUN(void, run_encode_backward, (const EncoderInputs& inputs, View dy, const EncoderTargets& targets))
// From dy in panels [panels, n, width].
NDL_DECLARE_RUN(void, run_panels_backward, (const EncoderInputs& inputs, View dy, const EncoderTargets& targets))

}  // namespace needlecpp
