// Making tensors and reading them back; nothing here computes.
#include "needlecpp/core/tensor.h"

#include <array>
#include <cstring>
#include <type_traits>

#include "core/memory_run.h"
#include "core/spin_lock.h"
#include "needlecpp/core/allocator.h"

namespace needlecpp {
namespace {

// Rings of views are short and change in a few instructions: one of a few locks each, by the address of its first
// tensor.
std::array<SpinLock, 64> g_view_locks{};

uint8_t guard_of(const TensorImpl* impl) {
  return static_cast<uint8_t>((reinterpret_cast<uintptr_t>(impl) >> 6) % g_view_locks.size());
}

bool dense(const Shape& shape, const Strides& strides) {
  int64_t expected = 1;
  for (int i = shape.size() - 1; i >= 0; --i) {
    if (shape[i] == 0) return true;
    if (shape[i] == 1) continue;
    if (strides[i] != expected) return false;
    expected *= shape[i];
  }
  return true;
}

std::shared_ptr<TensorImpl> make_impl(std::shared_ptr<Storage> storage, const Shape& shape, const Strides& strides,
                                      int64_t offset, DType dtype) {
  auto impl = std::make_shared<TensorImpl>();
  impl->storage = std::move(storage);
  impl->shape = shape;
  impl->strides = strides;
  impl->offset = offset;
  impl->numel = numel(shape);
  impl->dtype = dtype;
  impl->contiguous = dense(shape, strides);
  return impl;
}

// One element of `dtype` with this value, as bytes.
void encode(double value, DType dtype, void* to) {
  const auto put = [to](auto x) { std::memcpy(to, &x, sizeof x); };
  switch (dtype) {
    case DType::Float32:
      return put(static_cast<float>(value));
    case DType::Float64:
      return put(value);
    case DType::Float16:
      return put(to_float16(static_cast<float>(value)));
    case DType::BFloat16:
      return put(to_bfloat16(static_cast<float>(value)));
    case DType::Int32:
      return put(static_cast<int32_t>(value));
    case DType::Int64:
      return put(static_cast<int64_t>(value));
    case DType::UInt8:
      return put(static_cast<uint8_t>(value));
    case DType::Bool:
      return put(value != 0);
  }
}

double decode(const void* from, DType dtype) {
  const auto get = [from](auto zero) {
    std::memcpy(&zero, from, sizeof zero);
    return zero;
  };
  switch (dtype) {
    case DType::Float32:
      return get(0.0f);
    case DType::Float64:
      return get(0.0);
    case DType::Float16:
      return to_float(get(Float16{}));
    case DType::BFloat16:
      return to_float(get(BFloat16{}));
    case DType::Int32:
      return get(int32_t{});
    case DType::Int64:
      return static_cast<double>(get(int64_t{}));
    case DType::UInt8:
      return get(uint8_t{});
    case DType::Bool:
      return get(uint8_t{}) != 0;
  }
  return 0;
}

// Where the host finds the one element of x: in its own memory, or brought there, in `copy`.
const void* found_by_host(const Tensor& x, uint64_t& copy) {
  NDL_CHECK(x.numel() == 1, ValueError, "item", "not a single value: got shape ", x.shape(), ", expected one element.");
  if (x.device() == Device{}) return x.raw();
  check_available("item", x.device());
  NDL_ON(x.device(), run_read)(x, row_of(&copy, element_of(x.dtype()), 1));
  return &copy;
}

}  // namespace

ViewLock::ViewLock(const TensorImpl& impl) : guard_(impl.views.guard) { g_view_locks[guard_].lock(); }
ViewLock::~ViewLock() { g_view_locks[guard_].unlock(); }

void TensorImpl::leave_views() {
  const ViewLock lock(*this);
  views.previous->views.next = views.next;
  views.next->views.previous = views.previous;
}

Tensor Tensor::empty(const Shape& shape, DType dtype, Device device) {
  const int64_t count = needlecpp::numel(shape);
  NDL_CHECK(static_cast<size_t>(count) <= (size_t{1} << 60) / itemsize(dtype), MemoryError, OpScope::current(),
            "out of memory: got a request for ", count, " elements of ", name(dtype), ", expected at most 2^60 bytes.");
  auto impl = std::make_shared<TensorImpl>();
  impl->storage = std::make_shared<Storage>(static_cast<size_t>(count) * itemsize(dtype), device);
  impl->shape = shape;
  set_contiguous(shape, impl->strides);
  impl->numel = count;
  impl->dtype = dtype;
  return Tensor(std::move(impl));
}

Tensor Tensor::zeros(const Shape& shape, DType dtype, Device device) { return full(shape, 0, dtype, device); }

Tensor Tensor::ones(const Shape& shape, DType dtype, Device device) { return full(shape, 1, dtype, device); }

Tensor Tensor::full(const Shape& shape, double value, DType dtype, Device device) {
  const Tensor result = empty(shape, dtype, device);
  uint64_t element = 0;
  encode(value, dtype, &element);
  const Element type = element_of(dtype);
  NDL_ON(device, run_fill)(row_of(&element, type, 1), row_of(result.raw(), type, result.numel()));
  return result;
}

Tensor Tensor::from_memory(const void* values, int64_t count, const Shape& shape, DType dtype, Device device) {
  NDL_CHECK(needlecpp::numel(shape) == count, ValueError, "from_vector", "wrong number of values: got ", count,
            ", expected ", needlecpp::numel(shape), " for the shape ", shape, ".");
  const Tensor result = empty(shape, dtype, device);
  const Element type = element_of(dtype);
  NDL_ON(device, run_write)(row_of(const_cast<void*>(values), type, count), row_of(result.raw(), type, count));
  return result;
}

Tensor Tensor::wrap(void* data, const Shape& shape, const Strides& strides, DType dtype, std::function<void()> release,
                    bool read_only, Device device) {
  // An empty release would hand foreign memory to the allocator.
  if (!release) release = [] {};
  auto storage = std::make_shared<Storage>(data, static_cast<size_t>(needlecpp::numel(shape)) * itemsize(dtype), device,
                                           std::move(release));
  if (read_only) storage->set_read_only();
  return Tensor(make_impl(std::move(storage), shape, strides, 0, dtype));
}

Tensor Tensor::view(const Shape& shape, const Strides& strides, int64_t offset) const {
  std::shared_ptr<TensorImpl> view = make_impl(impl_->storage, shape, strides, offset, impl_->dtype);
  TensorImpl* const beside = impl_.get();
  // The first of a ring may be viewed by two threads at once: it is known to be in none under the lock alone.
  const uint8_t guard = beside->views.linked ? beside->views.guard : guard_of(beside);
  g_view_locks[guard].lock();
  if (!beside->views.linked) {
    beside->views.next = beside->views.previous = beside;
    beside->views.guard = guard;
    beside->views.linked = true;
  }
  view->views.next = beside->views.next;
  view->views.previous = beside;
  view->views.guard = guard;
  view->views.linked = true;
  view->views.of_gradient = beside->requires_grad;
  view->views.next->views.previous = view.get();
  beside->views.next = view.get();
  g_view_locks[guard].unlock();
  return Tensor(std::move(view));
}

Tensor Tensor::detach() const {
  return Tensor(make_impl(impl_->storage, impl_->shape, impl_->strides, impl_->offset, impl_->dtype));
}

int64_t Tensor::size(int axis) const { return impl_->shape[normalize_axis("size", axis, rank())]; }

double Tensor::item() const {
  uint64_t copy;
  return decode(found_by_host(*this, copy), dtype());
}

int64_t Tensor::item_int() const {
  uint64_t copy;
  const void* const element = found_by_host(*this, copy);
  return dtype() == DType::Int64 ? *static_cast<const int64_t*>(element)
                                 : static_cast<int64_t>(decode(element, dtype()));
}

template <class T>
std::vector<T> Tensor::to_vector() const {
  check_dtype(DTypeOf<T>::value);
  check_available("to_vector", device());
  using Stored = std::conditional_t<std::is_same_v<T, bool>, uint8_t, T>;  // vector<bool> has no elements to write to
  std::vector<Stored> values(static_cast<size_t>(numel()));
  NDL_ON(device(), run_read)(*this, row_of(values.data(), element_of(dtype()), numel()));
  if constexpr (std::is_same_v<T, Stored>)
    return values;
  else
    return std::vector<T>(values.begin(), values.end());
}
template std::vector<float> Tensor::to_vector() const;
template std::vector<double> Tensor::to_vector() const;
template std::vector<Float16> Tensor::to_vector() const;
template std::vector<BFloat16> Tensor::to_vector() const;
template std::vector<int32_t> Tensor::to_vector() const;
template std::vector<int64_t> Tensor::to_vector() const;
template std::vector<uint8_t> Tensor::to_vector() const;
template std::vector<bool> Tensor::to_vector() const;

const Tensor& Tensor::set_requires_grad(bool value) const {
  NDL_CHECK(!value || is_floating(dtype()), TypeError, "requires_grad", "only floating tensors have gradients: got ",
            name(dtype()), ", expected a floating dtype. Cast first.");
  NDL_CHECK(value || is_leaf(), ValueError, "requires_grad",
            "cannot be switched off on the result of an op: got False, expected True. Use detach().");
  impl_->requires_grad = value;
  return *this;
}

void Tensor::set_grad(const Tensor& gradient) const {
  if (gradient.defined()) {
    NDL_CHECK(gradient.shape() == shape() && gradient.dtype() == dtype(), ValueError, "grad",
              "gradient does not fit: got ", gradient.shape(), " ", name(gradient.dtype()), ", expected ", shape(), " ",
              name(dtype()), ".");
    NDL_CHECK(gradient.device() == device(), TypeError, "grad", "tensors on different devices: got ",
              to_string(gradient.device()), ", expected ", to_string(device()),
              " as the tensor is. Move it with to().");
  }
  impl_->gradient = gradient.impl();
}

void Tensor::set_data(const Tensor& value) const {
  NDL_CHECK(is_leaf(), ValueError, "set_data", "not a leaf: got the result of an op, expected a tensor of its own.");
  NDL_CHECK(value.shape() == shape(), ValueError, "set_data", "the elements do not fit: got shape ", value.shape(),
            ", expected ", shape(), ".");
  NDL_CHECK(is_floating(value.dtype()) || !requires_grad(), TypeError, "set_data",
            "only floating tensors have gradients: got ", name(value.dtype()), ", expected a floating dtype.");
  if (impl_->views.linked) impl_->leave_views();
  impl_->views.linked = false;
  impl_->storage = value.impl_->storage;
  impl_->offset = value.impl_->offset;
  impl_->strides = value.impl_->strides;
  impl_->dtype = value.impl_->dtype;
  impl_->contiguous = value.impl_->contiguous;
  const Tensor gradient = grad();
  if (gradient.defined() && (gradient.dtype() != dtype() || gradient.device() != device())) impl_->gradient.reset();
}

}  // namespace needlecpp
