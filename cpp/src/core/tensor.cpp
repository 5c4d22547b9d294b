// Making tensors and reading them back; nothing here computes.
#include "needlecpp/core/tensor.h"

#include <array>
#include <cstring>

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

// Calls visit(pointer) on every element in C order.
template <class Visit>
void for_each_element(const Tensor& x, Visit&& visit) {
  const int64_t bytes = static_cast<int64_t>(itemsize(x.dtype()));
  const char* at = static_cast<const char*>(x.raw());
  int64_t counter[kMaxRank] = {};
  for (int64_t i = 0; i < x.numel(); ++i) {
    visit(at);
    for (int axis = x.rank() - 1; axis >= 0; --axis) {
      at += x.strides()[axis] * bytes;
      if (++counter[axis] < x.shape()[axis]) break;
      at -= x.strides()[axis] * x.shape()[axis] * bytes;
      counter[axis] = 0;
    }
  }
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
  impl->strides = contiguous_strides(shape);
  impl->numel = count;
  impl->dtype = dtype;
  return Tensor(std::move(impl));
}

Tensor Tensor::zeros(const Shape& shape, DType dtype, Device device) {
  Tensor result = empty(shape, dtype, device);
  if (result.numel() > 0) std::memset(result.raw(), 0, result.nbytes());
  return result;
}

Tensor Tensor::ones(const Shape& shape, DType dtype, Device device) { return full(shape, 1, dtype, device); }

Tensor Tensor::full(const Shape& shape, double value, DType dtype, Device device) {
  Tensor result = empty(shape, dtype, device);
  const size_t total = result.nbytes();
  if (total == 0) return result;
  char* bytes = static_cast<char*>(result.raw());
  encode(value, dtype, bytes);
  for (size_t done = itemsize(dtype); done < total; done *= 2)
    std::memcpy(bytes + done, bytes, done < total - done ? done : total - done);
  return result;
}

Tensor Tensor::arange(int64_t count, DType dtype) {
  NDL_CHECK(count >= 0, ValueError, "arange", "bad count: got ", count, ", expected 0 or more.");
  Tensor result = empty({count}, dtype);
  char* at = static_cast<char*>(result.raw());
  for (int64_t i = 0; i < count; ++i)
    encode(static_cast<double>(i), dtype, at + i * static_cast<int64_t>(itemsize(dtype)));
  return result;
}

Tensor Tensor::from_memory(const void* values, int64_t count, const Shape& shape, DType dtype) {
  NDL_CHECK(needlecpp::numel(shape) == count, ValueError, "from_vector", "wrong number of values: got ", count,
            ", expected ", needlecpp::numel(shape), " for the shape ", shape, ".");
  Tensor result = empty(shape, dtype);
  if (count > 0) std::memcpy(result.raw(), values, result.nbytes());
  return result;
}

Tensor Tensor::wrap(void* data, const Shape& shape, const Strides& strides, DType dtype, std::function<void()> release,
                    bool read_only) {
  // An empty release would hand foreign memory to the allocator.
  if (!release) release = [] {};
  auto storage = std::make_shared<Storage>(data, static_cast<size_t>(needlecpp::numel(shape)) * itemsize(dtype),
                                           Device{}, std::move(release));
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
  NDL_CHECK(numel() == 1, ValueError, "item", "not a single value: got shape ", shape(), ", expected one element.");
  return decode(raw(), dtype());
}

int64_t Tensor::item_int() const {
  NDL_CHECK(numel() == 1, ValueError, "item", "not a single value: got shape ", shape(), ", expected one element.");
  return dtype() == DType::Int64 ? *static_cast<const int64_t*>(raw()) : static_cast<int64_t>(decode(raw(), dtype()));
}

template <class T>
std::vector<T> Tensor::to_vector() const {
  check_dtype(DTypeOf<T>::value);
  std::vector<T> values;
  values.reserve(static_cast<size_t>(numel()));
  for_each_element(*this, [&values](const char* at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    values.push_back(value);
  });
  return values;
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
  if (gradient.defined())
    NDL_CHECK(gradient.shape() == shape() && gradient.dtype() == dtype(), ValueError, "grad",
              "gradient does not fit: got ", gradient.shape(), " ", name(gradient.dtype()), ", expected ", shape(), " ",
              name(dtype()), ".");
  impl_->gradient = gradient.impl();
}

}  // namespace needlecpp
