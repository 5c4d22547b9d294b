// An encoder and the network behind it in one op: the encoding never becomes a tensor. What passes between the two
// stays in the layout that both read and write fastest, and off the tape in cache.
#pragma once

#include "render/ops/fused_mlp_run.h"
#include "render/ops/panel_encoder.h"

namespace needlecpp {

// Of positions [n, 3] float32 with any strides and the encoder's parameters; weights as fused_mlp() has them, checked.
// Differentiable in all of them.
Tensor encoded_mlp(const Op& op, const PanelEncoderPtr& encoder, const Tensor& positions, const Tensors& parameters,
                   const Tensors& weights, const MlpOptions& options);
// The twin.
Tensor encoded_mlp_composed(const PanelEncoder& encoder, const Tensor& positions, const Tensors& parameters,
                            const Tensors& weights, const MlpOptions& options);

}  // namespace needlecpp
