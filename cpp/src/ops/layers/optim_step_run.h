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
NDL_DECLARE_RUN(void, run_adam_step,
                (const AdamOptions& options, const View& parameter, const View& gradient, const View& m,
                 const View& v));
NDL_DECLARE_RUN(void, run_sgd_step,
                (const SgdOptions& options, const View& parameter, const View& gradient, const View& momentum_buffer));

}  // namespace needlecpp
