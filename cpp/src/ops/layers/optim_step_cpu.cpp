// The optimizers' steps on the CPU: elements are shared among the threads.
#include <cmath>

#include "needlecpp/core/parallel.h"
#include "ops/layers/optim_step_kernels.h"
#include "ops/layers/optim_step_run.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kGrain = 16384;  // elements that a thread must have to update

}  // namespace

void run_adam_step(const AdamOptions& options, View parameter, View gradient, View m, View v) {
  const double t = static_cast<double>(options.step);
  AdamArgs args;
  args.element = parameter.element;
  args.parameter = parameter.data;
  args.gradient = gradient.data;
  args.m = m.data;
  args.v = v.data;
  args.step_size = options.lr / (1 - std::pow(options.beta1, t));
  args.v_scale = 1 / (1 - std::pow(options.beta2, t));
  args.beta1 = options.beta1;
  args.beta2 = options.beta2;
  args.eps = options.eps;
  args.weight_decay = options.weight_decay;
  args.touched_only = options.touched_only;
  args.clear_gradient = options.clear_gradient;
  parallel_for(parameter.count, kGrain, [&](int64_t begin, int64_t end) { NDL_KERNEL(adam_step)(args, begin, end); });
}

void run_sgd_step(const SgdOptions& options, View parameter, View gradient, View momentum_buffer) {
  const SgdArgs args = {parameter.element, parameter.data,   gradient.data,       momentum_buffer.data,
                        options.lr,        options.momentum, options.weight_decay};
  parallel_for(parameter.count, kGrain, [&](int64_t begin, int64_t end) { NDL_KERNEL(sgd_step)(args, begin, end); });
}

}  // namespace needlecpp::cpu
