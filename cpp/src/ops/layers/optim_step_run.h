// What the ops of optim_step.cpp ask of a device.
#pragma once

#include "core/run.h"
#include "needlecpp/ops/optim_step.h"

namespace needlecpp {

struct SgdOptions {
  double lr, momentum, weight_decay;
};

// One step in place. All views are contiguous, of one type, float32 or float64, and of one size; the momentum buffer
// may be missing.
NDL_DECLARE_RUN(void, run_adam_step, (const AdamOptions& options, View parameter, View gradient, View m, View v));
NDL_DECLARE_RUN(void, run_sgd_step, (const SgdOptions& options, View parameter, View gradient, View momentum_buffer));

}  // namespace needlecpp
