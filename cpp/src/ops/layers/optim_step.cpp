// The optimizers' updates. They are off the tape: a parameter that requires grad is their target.
#include "needlecpp/ops/optim_step.h"

#include <cmath>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "ops/layers/optim_step_run.h"

namespace needlecpp {
namespace {

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
  NDL_ON(op.device(), run_adam_step)(options, parameter, dense, m, v);
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
  NDL_ON(op.device(), run_sgd_step)({lr, momentum, weight_decay}, parameter, dense, momentum_buffer);
  parameter.bump_version(op);
  if (momentum_buffer.defined()) momentum_buffer.bump_version(op);
}

}  // namespace needlecpp
