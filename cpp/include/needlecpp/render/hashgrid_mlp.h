// A hash grid followed by a small network, as one op: the encoding never becomes a tensor. What passes between the two
// stays in the layout that both read and write fastest, and off the tape in cache (Mueller et al., "Instant Neural
// Graphics Primitives", 2022, section 4; tiny-cuda-nn calls it a network with input encoding).
#pragma once

#include "needlecpp/core/tensor.h"
#include "needlecpp/render/camera.h"
#include "needlecpp/render/fused_mlp.h"
#include "needlecpp/render/hashgrid.h"

namespace needlecpp {

// fused_mlp(hashgrid((positions - low) / (high - low), table, grid), weights, hidden, output, precision).
// Differentiable in positions, table and every weight.
Tensor hashgrid_mlp(const Tensor& positions,  // [n, 3] float32, meant in `box`
                    const Tensor& table,      // [hashgrid_entries(grid), features] float32, or bfloat16: then read as
                                              // such, half the memory traffic of a large table
                    const Tensors& weights,   // [levels * features, h0], [h0, h1], ..., [hk, out] float32
                    const HashGridConfig& grid, const Box& box = kUnitBox, Activation hidden = Activation::ReLU,
                    Activation output = Activation::None,
                    Precision precision = Precision::Float32);  // -> [n, out]
Tensor hashgrid_mlp_composed(const Tensor& positions, const Tensor& table, const Tensors& weights,
                             const HashGridConfig& grid, const Box& box = kUnitBox,
                             Activation hidden = Activation::ReLU, Activation output = Activation::None,
                             Precision precision = Precision::Float32);

}  // namespace needlecpp
