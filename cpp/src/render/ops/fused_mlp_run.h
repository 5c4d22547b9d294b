// What the ops that contain a fused multilayer perceptron ask of a device.
#pragma once

#include "core/run.h"
#include "needlecpp/render/fused_mlp.h"

namespace needlecpp {

// What a network computes with, for the backward pass to repeat.
struct MlpOptions {
  Activation hidden, output;
  Precision precision;
};

// y [n, out] from x [n, in] and weights [in, out] float32, each with any strides. `hidden` is written: the activations
// behind each layer but the last as hidden_activations() makes them, or none: they are not kept.
NDL_DECLARE_RUN(void, run_mlp, (const MlpOptions& options, View x, const Views& weights, const Views& hidden, View y))
// From `hidden` and dy, contiguous, and the network's outputs y where there is an activation behind them: the gradients
// of x and of the weights, contiguous, where they are given. x and dx may be panels [panels, n, width]
// (panel_encoder.h), too.
NDL_DECLARE_RUN(void, run_mlp_backward,
                (const MlpOptions& options, View x, const Views& weights, const Views& hidden, View y, View dy, View dx,
                 const Views& dweights))

}  // namespace needlecpp
