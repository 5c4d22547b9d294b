// Fused in-place optimizer updates.
#pragma once

#include "needlecpp/core/tensor.h"

namespace needlecpp {

struct AdamOptions {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;  // L2: added to the gradient
  int64_t step = 1;         // 1-based, for the bias correction
  // Skips entries whose gradient is zero (they keep value and moments): the update of Instant-NGP's tables.
  bool touched_only = false;
  // Sets the gradient to zero as the pass goes by, which saves one more pass over it.
  bool clear_gradient = false;
};
// m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2; p -= lr (m / (1-b1^t)) / (sqrt(v / (1-b2^t)) + eps).
// All four float32 or float64, one dtype and shape; contiguous, but for a gradient that is not cleared.
// (Kingma and Ba, "Adam", algorithm 1.)
void adam_step_(const Tensor& parameter, const Tensor& gradient, const Tensor& m, const Tensor& v,
                const AdamOptions& options);
// u = momentum u + g + weight_decay p; p -= lr u. `momentum_buffer` may be undefined when momentum is 0.
void sgd_step_(const Tensor& parameter, const Tensor& gradient, const Tensor& momentum_buffer, double lr,
               double momentum, double weight_decay);

}  // namespace needlecpp
