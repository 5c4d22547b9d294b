// Tensor: storage + offset + shape + strides + dtype. Copying a Tensor copies a handle, never the elements.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "needlecpp/core/device.h"
#include "needlecpp/core/dtype.h"
#include "needlecpp/core/shape.h"
#include "needlecpp/core/storage.h"

namespace needlecpp {

class Node;
class Tensor;
struct GradientHooks;
struct View;

struct TensorImpl;

// The place of a tensor in the ring of those that view one memory: view() links its result beside the tensor viewed,
// the destructor takes it out. An edit on the tape takes the whole ring along (autograd/edits.cpp). A copy of a handle
// and a detached one are in no ring.
struct ViewRing {
  TensorImpl* next = nullptr;
  TensorImpl* previous = nullptr;
  uint8_t guard = 0;  // which of the locks guards the ring, see ViewLock
  std::atomic<bool> linked{false};
  bool of_gradient = false;  // the tensor viewed required grad
  ViewRing() = default;
  ViewRing(const ViewRing&) noexcept {}
  ViewRing& operator=(const ViewRing&) noexcept { return *this; }
};

// What a handle points to. `gradient`, `hooks` and `node` belong to the tape (autograd/autograd.h).
struct TensorImpl {
  TensorImpl() = default;
  TensorImpl(const TensorImpl&) = default;
  TensorImpl& operator=(const TensorImpl&) = default;
  ~TensorImpl() {
    if (views.linked.load(std::memory_order_relaxed)) leave_views();
  }

  std::shared_ptr<Storage> storage;
  int64_t offset = 0;  // in elements
  Shape shape;
  Strides strides;  // in elements
  int64_t numel = 0;
  DType dtype = DType::Float32;
  bool contiguous = true;
  bool requires_grad = false;
  std::shared_ptr<TensorImpl> gradient;
  std::shared_ptr<GradientHooks> hooks;  // of a leaf; those of an op's result stand in its node
  std::shared_ptr<Node> node;            // the op that made it, null for a leaf
  int output = 0;                        // which of the node's outputs it is
  ViewRing views;

 private:
  friend class Tensor;
  void leave_views();
};

// While one lives, the ring of `impl`, which is linked, does not change.
class ViewLock {
 public:
  explicit ViewLock(const TensorImpl& impl);
  ~ViewLock();
  ViewLock(const ViewLock&) = delete;
  ViewLock& operator=(const ViewLock&) = delete;

 private:
  uint8_t guard_;
};

class Tensor {
 public:
  Tensor() = default;  // undefined
  explicit Tensor(std::shared_ptr<TensorImpl> impl) : impl_(std::move(impl)) {}

  // New tensors. Contents of empty() are uninitialised.
  static Tensor empty(const Shape& shape, DType dtype = DType::Float32, Device device = default_device());
  static Tensor zeros(const Shape& shape, DType dtype = DType::Float32, Device device = default_device());
  static Tensor ones(const Shape& shape, DType dtype = DType::Float32, Device device = default_device());
  static Tensor full(const Shape& shape, double value, DType dtype = DType::Float32, Device device = default_device());
  static Tensor scalar(double value, DType dtype = DType::Float32, Device device = default_device()) {
    return full({}, value, dtype, device);
  }
  // 0, 1, ... count-1; other sequences are in ops/creation.h.
  static Tensor arange(int64_t count, DType dtype = DType::Int64, Device device = default_device());
  // Copies `values` into a tensor of this shape.
  template <class T>
  static Tensor from_vector(const std::vector<T>& values, const Shape& shape, Device device = default_device()) {
    return from_memory(values.data(), static_cast<int64_t>(values.size()), shape, DTypeOf<T>::value, device);
  }
  // Wraps memory of `device` that is owned elsewhere; `release` runs when the last view dies.
  static Tensor wrap(void* data, const Shape& shape, const Strides& strides, DType dtype, std::function<void()> release,
                     bool read_only = false, Device device = {});

  bool defined() const { return impl_ != nullptr; }
  const Shape& shape() const { return impl_->shape; }
  const Strides& strides() const { return impl_->strides; }
  int rank() const { return impl_->shape.size(); }
  int64_t size(int axis) const;  // negative axes count from the end
  int64_t numel() const { return impl_->numel; }
  int64_t offset() const { return impl_->offset; }
  DType dtype() const { return impl_->dtype; }
  Device device() const { return impl_->storage->device(); }
  bool is_contiguous() const { return impl_->contiguous; }
  size_t nbytes() const { return static_cast<size_t>(numel()) * itemsize(dtype()); }

  // Pointer to the first element. data<T>() throws TypeError when T is not the dtype.
  void* raw() const {
    return static_cast<char*>(impl_->storage->data()) + impl_->offset * static_cast<int64_t>(itemsize(impl_->dtype));
  }
  template <class T>
  T* data() const {
    check_dtype(DTypeOf<T>::value);
    return static_cast<T*>(raw());
  }
  operator View() const;  // what a device's code gets, see core/run.h in the sources; of an undefined tensor: none
  // The value of a one-element tensor; throws ValueError otherwise. This and to_vector() wait for the device.
  double item() const;
  int64_t item_int() const;
  // All elements in C order (copies; converts nothing: T must be the dtype).
  template <class T>
  std::vector<T> to_vector() const;

  // Another handle with its own shape, strides and offset on the same storage, off the tape. It sees all edits of the
  // memory, those on the tape too.
  Tensor view(const Shape& shape, const Strides& strides, int64_t offset) const;
  // Same storage, off the tape. In-place edits of either are seen by both and by the version check; those on the tape
  // are refused while both live.
  Tensor detach() const;

  // Tape.
  bool requires_grad() const { return impl_->requires_grad; }
  // Throws TypeError for integer dtypes and ValueError for a tensor made by an op. Returns *this.
  const Tensor& set_requires_grad(bool value) const;
  bool is_leaf() const { return impl_->node == nullptr; }
  Tensor grad() const { return Tensor(impl_->gradient); }  // undefined until backward() reaches this leaf
  void set_grad(const Tensor& gradient) const;             // of this tensor's shape, dtype and device
  // This tensor, a leaf, goes on with the memory of `value`, which has its shape, in that dtype and on that device. Its
  // views and what the tape saved of it stay with the memory it had; its gradient is dropped where it fits no more.
  void set_data(const Tensor& value) const;
  // Reverse sweep from this tensor; without dy it must have one element. See autograd/autograd.h.
  void backward(const Tensor& dy = Tensor(), bool retain_graph = false, bool create_graph = false) const;

  // In-place edits advance the version that saved tensors are checked against.
  uint32_t version() const { return impl_->storage->version(); }
  void bump_version(const char* op) const { impl_->storage->bump_version(op); }

  const std::shared_ptr<TensorImpl>& impl() const { return impl_; }
  bool is_same(const Tensor& other) const { return impl_ == other.impl_; }

 private:
  static Tensor from_memory(const void* values, int64_t count, const Shape& shape, DType dtype, Device device);
  void check_dtype(DType expected) const {
    NDL_CHECK(impl_->dtype == expected, TypeError, "data", "wrong element type: got ", name(impl_->dtype),
              ", expected ", name(expected), ". Cast first.");
  }
  std::shared_ptr<TensorImpl> impl_;
};

using Tensors = std::vector<Tensor>;

}  // namespace needlecpp
