// Op: what every op does first and last. It names itself for errors and statistics, sees that its tensors are on one
// device, makes its results there, and puts itself on the tape.
//
//   Tensor exp(const Tensor& x) {
//     Op op("exp", x);
//     const Tensor y = op.empty(x.shape(), x.dtype());
//     ...
//     return op.record(y, {x}, {}, [](Backward& g) { g.give(0, g.dy() * g.output()); }, SaveOutputs::Yes);
//   }
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "needlecpp/autograd/function.h"
#include "needlecpp/core/allocator.h"

namespace needlecpp {

class Op {
 public:
  // `inputs`: tensors and lists of them, those that are undefined or not given too; or the Device to be on, where there
  // is none. Throws TypeError where they are on different devices, ValueError for a device that is not there.
  template <class... Inputs>
  explicit Op(const char* name, const Inputs&... inputs) : scope_(name), name_(name) {
    (take(inputs), ...);
    if (device_.type != DeviceType::CPU) [[unlikely]]
      check_available(name, device_);
  }
  Op(const Op&) = delete;
  Op& operator=(const Op&) = delete;

  const char* name() const { return name_; }
  operator const char*() const { return name_; }  // NDL_CHECK(condition, ValueError, op, ...)
  Device device() const { return device_; }

  Tensor empty(const Shape& shape, DType dtype = DType::Float32) const { return Tensor::empty(shape, dtype, device_); }
  Tensor zeros(const Shape& shape, DType dtype = DType::Float32) const { return Tensor::zeros(shape, dtype, device_); }
  Tensor full(const Shape& shape, double value, DType dtype = DType::Float32) const {
    return Tensor::full(shape, value, dtype, device_);
  }

  // See autograd/function.h.
  template <class Fn>
  Tensor record(Tensor output, TensorRefs inputs, TensorRefs saved, Fn&& backward,
                SaveOutputs save = SaveOutputs::No) const {
    return needlecpp::record(name_, std::move(output), inputs, saved, std::forward<Fn>(backward), save);
  }
  template <class Fn>
  Tensors record(Tensors outputs, const Tensors& inputs, const Tensors& saved, Fn&& backward,
                 SaveOutputs save = SaveOutputs::No) const {
    return needlecpp::record(name_, std::move(outputs), inputs, saved, std::forward<Fn>(backward), save);
  }

 private:
  void take(const Tensor& x) {
    if (!x.defined()) return;
    if (!on_device_) {
      device_ = x.device();
      on_device_ = true;
    } else if (device_ != x.device()) [[unlikely]] {
      fail_mixed(x.device());
    }
  }
  void take(const Tensors& list) {
    for (const Tensor& x : list) take(x);
  }
  void take(const std::vector<std::optional<Tensor>>& list) {
    for (const std::optional<Tensor>& x : list)
      if (x) take(*x);
  }
  void take(Device device) {
    device_ = device;
    on_device_ = true;
  }
  [[noreturn]] void fail_mixed(Device other) const;

  OpScope scope_;
  const char* name_;
  Device device_;
  bool on_device_ = false;
};

}  // namespace needlecpp
