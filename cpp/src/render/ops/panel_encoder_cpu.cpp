// Points of an encoder cut for threads, where its features are a tensor.
#include "render/ops/panel_encoder_cpu.h"

#include <algorithm>

#include "needlecpp/core/parallel.h"
#include "ops/plumbing/scratch.h"
#include "render/ops/panel_encoder.h"
#include "render/ops/panel_encoder_kernels.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kBackwardPoints = 1 << 17;

}  // namespace

void run_encode(const EncoderInputs& inputs, View y) {
  const std::unique_ptr<PanelPass> pass = inputs.encoder.on_cpu(inputs.positions, inputs.parameters);
  const PanelLayout layout = inputs.encoder.layout();
  float* rows = data<float>(y);
  parallel_for(y.size[0], kEncodeGrain, [&](int64_t begin, int64_t end) {
    const int64_t most = std::min(kEncodePoints, end - begin);
    const Scratch<float> memory(layout.panels * layout.pitch(most));
    const Panels panels = {memory.data(), layout.pitch(most)};
    for (int64_t first = begin; first < end; first += most) {
      const int64_t count = std::min(most, end - first);
      pass->encode(first, count, panels);
      NDL_KERNEL(rows_from_panels)
      ({rows + first * layout.features(), panels.data, count, panels.pitch, layout.panels, layout.width});
    }
  });
}

// In batches, so that the panels stay a small part of what dy holds; a batch's size does not depend on the threads,
// hence neither do the sums.
void run_encode_backward(const EncoderInputs& inputs, View dy, const EncoderTargets& targets) {
  const std::unique_ptr<PanelPass> pass = inputs.encoder.on_cpu(inputs.positions, inputs.parameters);
  const PanelLayout layout = inputs.encoder.layout();
  const int64_t n = dy.size[0];
  const int64_t most = std::min(kBackwardPoints, n);
  const Scratch<float> memory(layout.panels * layout.pitch(most));
  const Panels panels = {memory.data(), layout.pitch(most)};
  float* rows = data<float>(dy);
  EncoderTargets to = targets;
  for (int64_t first = 0; first < n || first == 0; first += kBackwardPoints) {
    const int64_t count = std::min(most, n - first);
    parallel_for(count, kEncodeGrain, [&](int64_t begin, int64_t end) {
      NDL_KERNEL(panels_from_rows)
      ({rows + (first + begin) * layout.features(), panels.data + begin * layout.width, end - begin, panels.pitch,
        layout.panels, layout.width});
    });
    pass->backward(first, count, panels, to);
    for (EncoderTargets::Parameter& parameter : to.parameters) parameter.clear = false;
  }
}

void run_panels_backward(const EncoderInputs& inputs, View dy, const EncoderTargets& targets) {
  const std::unique_ptr<PanelPass> pass = inputs.encoder.on_cpu(inputs.positions, inputs.parameters);
  pass->backward(0, dy.size[1], {data<float>(dy), dy.stride[0]}, targets);
}

}  // namespace needlecpp::cpu
