// The fused multilayer perceptron before and behind its tape, shared by the ops that contain one.
#pragma once

#include "needlecpp/autograd/function.h"
#include "render/ops/fused_mlp_run.h"

namespace needlecpp {

// Throws for weights that do not chain from inputs of `width`, or are not of x's dtype.
void check_weights(const char* op, int64_t width, DType dtype, const Tensors& weights);
// Memory for the hidden activations of n points, to be saved for the backward pass.
Tensors hidden_activations(int64_t n, const Tensors& weights, Precision precision);
// run_mlp_backward for an op whose inputs from `first` on are the weights; gives their gradients.
void backward_through_mlp(Backward& b, int first, const MlpOptions& options, const Tensor& x, const Tensors& weights,
                          const Tensors& hidden, const Tensor& dx);

}  // namespace needlecpp
