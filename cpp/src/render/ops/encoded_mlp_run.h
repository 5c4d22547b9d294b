// What a network behind an encoder asks of a device. Its backward pass is that of the network, then that of the
// encoder: run_mlp_backward() and run_panels_backward().
#pragma once

#include "render/ops/fused_mlp_run.h"
#include "render/ops/panel_encoder_run.h"

namespace needlecpp {

// y [n, out] of the network behind the encoder. `panels` [panels, n, width] and `hidden`, see run_mlp(), are written,
// or not given: nothing is kept.
NDL_DECLARE_RUN(void, run_encoded_mlp,
                (const EncoderInputs& inputs, const MlpOptions& options, const Views& weights, View panels,
                 const Views& hidden, View y))

}  // namespace needlecpp
