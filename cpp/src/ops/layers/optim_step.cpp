// Checks and threads of the optimizers' updates. They are off the tape: a parameter that requires grad is their target.
#include "needlecpp/ops/optim_step.h"

#include <cmath>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/autograd/op.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "ops/layers/optim_step_kernels.h"

namespace needlecpp {
namespace {

constexpr int64_t kGrain = 16384;

void check_parameter(const char* op, const Tensor& parameter) {
  NDL_CHECK(parameter.defined(), ValueError, op, "parameter is undefined: got no tensor, expected one.");
  NDL_CHECK(parameter.dtype() == DType::Float32 || parameter.dtype() == DType::Float64, TypeError, op,
            "wrong dtype of the parameter: got ", name(parameter.dtype()), ", expected float32 or float64.");
}

void check_like(const char* op, const char* what, const Tensor& tensor, const Tensor& parameter) {
  NDL_CHECK(tensor.defined(), ValueError, op, what, " is undefined: got no tensor, expected one like the parameter.");
  NDL_CHECK(tensor.dtype() == parameter.dtype(), TypeError, op, "wrong dtype of ", what, ": got ", name(tensor.dtype()),
            ", expected ", name(parameter.dtype()), " as the parameter has.");
  NDL_CHECK(tensor.shape() == parameter.shape(), ValueError, op, "wrong shape of ", what, ": got ",
            to_string(tensor.shape()), ", expected ", to_string(parameter.shape()), " as the parameter has.");
  NDL_CHECK(tensor.device() == parameter.device(), TypeError, op, "devices differ: got ", what, " on ",
            to_string(tensor.device()), ", expected ", to_string(parameter.device()), ".");
}

// A rate, decay or eps.
void check_not_negative(const char* op, const char* what, double value) {
  NDL_CHECK(value >= 0 && std::isfinite(value), ValueError, op, "bad ", what, ": got ", value,
            ", expected a number of 0 or more.");
}

// What the update writes to.
void check_target(const char* op, const char* what, const Tensor& tensor) {
  NDL_CHECK(tensor.is_contiguous(), ValueError, op, what,
            " is not contiguous: got a strided view, expected C order. Update a contiguous copy.");
  NDL_CHECK(!tensor.impl()->storage->read_only(), ValueError, op, what,
            " is read-only: got a tensor that wraps a read-only array, expected a writable one. Clone it first.");
}

template <class T, class Kernel>
void run_adam(Kernel kernel, const Tensor& parameter, const Tensor& gradient, const Tensor& m, const Tensor& v,
              const AdamOptions& options) {
  const double t = static_cast<double>(options.step);
  AdamArgs<T> args;
  args.parameter = parameter.data<T>();
  args.gradient = gradient.data<T>();
  args.m = m.data<T>();
  args.v = v.data<T>();
  args.step_size = static_cast<T>(options.lr / (1 - std::pow(options.beta1, t)));
  args.v_scale = static_cast<T>(1 / (1 - std::pow(options.beta2, t)));
  args.beta1 = static_cast<T>(options.beta1);
  args.beta2 = static_cast<T>(options.beta2);
  args.one_minus_beta1 = static_cast<T>(1 - options.beta1);
  args.one_minus_beta2 = static_cast<T>(1 - options.beta2);
  args.eps = static_cast<T>(options.eps);
  args.weight_decay = static_cast<T>(options.weight_decay);
  args.touched_only = options.touched_only;
  args.clear_gradient = options.clear_gradient;
  parallel_for(parameter.numel(), kGrain, [&](int64_t begin, int64_t end) { kernel(args, begin, end); });
}

template <class T, class Kernel>
void run_sgd(Kernel kernel, const Tensor& parameter, const Tensor& gradient, const Tensor& momentum_buffer, double lr,
             double momentum, double weight_decay) {
  SgdArgs<T> args;
  args.parameter = parameter.data<T>();
  args.gradient = gradient.data<T>();
  args.momentum_buffer = momentum_buffer.defined() ? momentum_buffer.data<T>() : nullptr;
  args.lr = static_cast<T>(lr);
  args.momentum = static_cast<T>(momentum);
  args.weight_decay = static_cast<T>(weight_decay);
  parallel_for(parameter.numel(), kGrain, [&](int64_t begin, int64_t end) { kernel(args, begin, end); });
}

}  // namespace

void adam_step_(const Tensor& parameter, const Tensor& gradient, const Tensor& m, const Tensor& v,
                const AdamOptions& options) {
  Op op("adam_step_", parameter, gradient, m, v);
  check_parameter(op, parameter);
  check_like(op, "gradient", gradient, parameter);
  check_like(op, "m", m, parameter);
  check_like(op, "v", v, parameter);
  check_target(op, "parameter", parameter);
  check_target(op, "m", m);
  check_target(op, "v", v);
  NDL_CHECK(options.step >= 1, ValueError, op, "bad step: got ", options.step, ", expected 1 or more.");
  for (double beta : {options.beta1, options.beta2})
    NDL_CHECK(beta >= 0 && beta < 1, ValueError, op, "bad beta: got ", beta, ", expected a number in [0, 1).");
  check_not_negative(op, "lr", options.lr);
  check_not_negative(op, "eps", options.eps);
  check_not_negative(op, "weight_decay", options.weight_decay);
  if (options.clear_gradient) check_target(op, "gradient", gradient);

  const NoGrad no_grad;
  const Tensor dense = contiguous(gradient);  // a gradient may be a view, a broadcast one for instance
  if (parameter.dtype() == DType::Float32)
    run_adam<float>(NDL_KERNEL(adam_step_f32), parameter, dense, m, v, options);
  else
    run_adam<double>(NDL_KERNEL(adam_step_f64), parameter, dense, m, v, options);
  parameter.bump_version(op);
  m.bump_version(op);
  v.bump_version(op);
  if (options.clear_gradient) gradient.bump_version(op);
}

void sgd_step_(const Tensor& parameter, const Tensor& gradient, const Tensor& momentum_buffer, double lr,
               double momentum, double weight_decay) {
  Op op("sgd_step_", parameter, gradient, momentum_buffer);
  check_parameter(op, parameter);
  check_like(op, "gradient", gradient, parameter);
  check_target(op, "parameter", parameter);
  if (momentum_buffer.defined()) {
    check_like(op, "momentum_buffer", momentum_buffer, parameter);
    check_target(op, "momentum_buffer", momentum_buffer);
  }
  NDL_CHECK(std::isfinite(lr), ValueError, op, "bad lr: got ", lr, ", expected a finite number.");
  check_not_negative(op, "momentum", momentum);
  check_not_negative(op, "weight_decay", weight_decay);
  NDL_CHECK(momentum == 0 || momentum_buffer.defined(), ValueError, op,
            "momentum without a buffer: got no momentum_buffer, expected one like the parameter for momentum ",
            momentum, ". Pass zeros at the first step.");

  const NoGrad no_grad;
  const Tensor dense = contiguous(gradient);
  if (parameter.dtype() == DType::Float32)
    run_sgd<float>(NDL_KERNEL(sgd_step_f32), parameter, dense, momentum_buffer, lr, momentum, weight_decay);
  else
    run_sgd<double>(NDL_KERNEL(sgd_step_f64), parameter, dense, momentum_buffer, lr, momentum, weight_decay);
  parameter.bump_version(op);
  if (momentum_buffer.defined()) momentum_buffer.bump_version(op);
}

}  // namespace needlecpp
