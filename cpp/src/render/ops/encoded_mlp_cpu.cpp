// A thread encodes a run of points into panels and takes the same points through the network, which reads its tiles out
// of the panels. Off the tape the panels are as long as a run, kEncodePoints, and serve the next one again. To turn
// panels into rows and back in memory would take a quarter of the encoding's time.
#include "render/ops/encoded_mlp_run.h"
#include "render/ops/fused_mlp_cpu.h"
#include "render/ops/panel_encoder.h"
#include "render/ops/panel_encoder_cpu.h"

namespace needlecpp::cpu {

void run_encoded_mlp(const EncoderInputs& inputs, const MlpOptions& options, const Views& weights, View panels,
                     const Views& hidden, View y) {
  const std::unique_ptr<PanelPass> pass = inputs.encoder.on_cpu(inputs.positions, inputs.parameters);
  const PanelLayout layout = inputs.encoder.layout();
  const Network network(weights, options, hidden, false);
  float* rows = data<float>(y);
  parallel_for(y.size[0], kEncodeGrain, [&](int64_t begin, int64_t end) {
    const Scratch<float> scratch(network.scratch());
    MlpArgs args = network.args();
    if (panels.given()) {
      const Panels kept = {data<float>(panels), panels.stride[0]};
      args.x = mlp_columns(panels);
      args.y = rows;
      for (int64_t first = begin; first < end; first += kEncodePoints) {
        const int64_t last = std::min(end, first + kEncodePoints);
        pass->encode(first, last - first, {kept.data + first * layout.width, kept.pitch});
        NDL_KERNEL(mlp_forward)(args, first, last, scratch.data());
      }
      return;
    }
    const int64_t most = std::min(kEncodePoints, end - begin);
    const Scratch<float> memory(layout.panels * layout.pitch(most));
    const Panels reused = {memory.data(), layout.pitch(most)};
    args.x = {reused.data, layout.width, 1, layout.width, reused.pitch};
    for (int64_t first = begin; first < end; first += most) {
      const int64_t count = std::min(most, end - first);
      pass->encode(first, count, reused);
      args.y = rows + first * network.out();
      NDL_KERNEL(mlp_forward)(args, 0, count, scratch.data());
    }
  });
}

}  // namespace needlecpp::cpu
