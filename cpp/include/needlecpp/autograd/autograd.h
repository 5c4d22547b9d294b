// The tape as its users see it: gradients, switching it off, checking derivatives.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "needlecpp/core/tensor.h"

namespace needlecpp {

bool grad_enabled();
void set_grad_enabled(bool enabled);  // for this thread

// While one lives, recording on this thread is on or off.
class GradMode {
 public:
  explicit GradMode(bool enabled) : before_(grad_enabled()) { set_grad_enabled(enabled); }
  ~GradMode() { set_grad_enabled(before_); }
  GradMode(const GradMode&) = delete;
  GradMode& operator=(const GradMode&) = delete;

 private:
  bool before_;
};
class NoGrad : public GradMode {
 public:
  NoGrad() : GradMode(false) {}
};

// Adds d(sum of <outputs, dys>)/d(leaf) into the .grad() of every leaf that requires it. An undefined dy stands for
// ones and needs a one-element output. Saved tensors are freed as the sweep passes unless retain_graph; create_graph
// records the backward itself (and retains): a leaf then holds a gradient whose tape holds the leaf, which nothing
// frees until set_grad({}); grad() has no such cycle.
void backward(const Tensors& outputs, const Tensors& dys = {}, bool retain_graph = false, bool create_graph = false);

// The gradients with respect to `inputs` (leaves or not), without touching any .grad(). An input that no output
// depends on gives zeros.
Tensors grad(const Tensors& outputs, const Tensors& inputs, const Tensors& dys = {}, bool retain_graph = false,
             bool create_graph = false);

// A function that sees the gradient of a tensor when it is complete, and may return another in its place (undefined: no
// change). It must not edit the one it is given.
using GradientHook = std::function<Tensor(const Tensor& gradient)>;

// Takes a hook away again; harmless after the tensor is gone.
class HookHandle {
 public:
  HookHandle() = default;
  HookHandle(std::weak_ptr<GradientHooks> hooks, uint64_t id) : hooks_(std::move(hooks)), id_(id) {}
  void remove();

 private:
  std::weak_ptr<GradientHooks> hooks_;
  uint64_t id_ = 0;
};

// Hooks run in the order in which they were registered, once a sweep: on a leaf before the sweep's gradient is added to
// its .grad(), on the result of an op before that op's backward.
HookHandle register_hook(const Tensor& x, GradientHook hook);
// Makes backward() leave the gradient of a result of an op in its .grad() too, replacing an earlier one.
void retain_grad(const Tensor& x);

// While on, for this thread: an op whose result holds a NaN though none of its inputs does throws Error naming itself,
// and so does one whose backward makes a NaN. Reads every tensor once more: for finding errors, not for training.
bool anomaly_detection();
void set_anomaly_detection(bool enabled);

// Compares analytic with central-difference gradients of fn at float64 inputs that require grad; every output is
// contracted with fixed pseudo-random weights. Returns true, or throws Error naming the worst entry.
bool gradcheck(const std::function<Tensors(const Tensors&)>& fn, const Tensors& inputs, double eps = 1e-6,
               double atol = 1e-5, double rtol = 1e-3);
// The same for the gradient of the gradient.
bool gradgradcheck(const std::function<Tensors(const Tensors&)>& fn, const Tensors& inputs, double eps = 1e-6,
                   double atol = 1e-5, double rtol = 1e-3);

}  // namespace needlecpp
