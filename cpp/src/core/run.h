// The seam between an op and a device. An op says what is to be done, in plain functions on views; a device does it.
//
//   x_run.h     NDL_DECLARE_RUN(void, run_conv, (const ConvSizes& sizes, View x, View weight, View y));
//   x.cpp       NDL_ON(op.device(), run_conv)(sizes, x, weight, y);            tensors become views by themselves
//   x_cpu.cpp   namespace needlecpp::cpu { void run_conv(...) { ... } }        cuts the work for threads
//   x_simd.cpp  the loops of one thread, once for each instruction set: see simd/isa.h
//
// A view lasts as long as the tensor that it is of: run functions take them as arguments and keep none.
#pragma once

#include <cstring>
#include <utility>
#include <vector>

#include "needlecpp/core/tensor.h"
#include "simd/view.h"

#define NDL_DECLARE_RUN(result, run, params) \
  namespace cpu {                            \
  result run params;                         \
  }                                          \
  namespace cuda {                           \
  result run params;                         \
  }

// The function of the device that a tensor is on. Op (autograd/op.h) has refused devices that this build lacks.
#define NDL_ON(device, run) (static_cast<void>(device), ::needlecpp::cpu::run)

namespace needlecpp {

constexpr Element element_of(DType dtype) { return static_cast<Element>(dtype); }
constexpr DType dtype_of(Element element) { return static_cast<DType>(element); }
static_assert(element_of(DType::Float32) == Element::F32 && element_of(DType::Float64) == Element::F64 &&
              element_of(DType::Float16) == Element::F16 && element_of(DType::BFloat16) == Element::BF16 &&
              element_of(DType::Int32) == Element::I32 && element_of(DType::Int64) == Element::I64 &&
              element_of(DType::UInt8) == Element::U8 && element_of(DType::Bool) == Element::Bool && kNumDTypes == 8);
static_assert(kViewRank == kMaxRank);

inline Tensor::operator View() const {
  View view;
  if (!impl_) return view;
  view.data = raw();
  view.count = impl_->numel;
  view.element = element_of(impl_->dtype);
  view.contiguous = impl_->contiguous;
  view.rank = impl_->shape.size();
  // Copies of fixed lengths, which may reach beyond the rank: a loop took 20 ns where these take 2.
  const auto copy_axes = [&]<size_t kAxes>() {
    std::memcpy(view.size, impl_->shape.begin(), kAxes * sizeof view.size[0]);
    std::memcpy(view.stride, impl_->strides.begin(), kAxes * sizeof view.stride[0]);
  };
  view.rank <= 4 ? copy_axes.template operator()<4>() : copy_axes.template operator()<kViewRank>();
  return view;
}

// Views of a list of tensors, of undefined ones too.
using Views = std::vector<View>;
inline Views views_of(const Tensors& tensors) { return Views(tensors.begin(), tensors.end()); }

// The elements of a view for code outside kernels: throws TypeError when T is not their type.
template <class T>
T* data(const View& view) {
  NDL_CHECK(view.element == element_of(DTypeOf<T>::value), TypeError, "data", "wrong element type: got ",
            name(dtype_of(view.element)), ", expected ", name(DTypeOf<T>::value), ". Cast first.");
  return view.as<T>();
}

inline Shape shape_of(const View& view) {
  Shape shape;
  for (int i = 0; i < view.rank; ++i) shape.push_back(view.size[i]);
  return shape;
}
inline Strides strides_of(const View& view) {
  Strides strides;
  for (int i = 0; i < view.rank; ++i) strides.push_back(view.stride[i]);
  return strides;
}

// Element i along the first axis, or elements [begin, end).
inline View at(const View& view, int64_t i) {
  View part = view;
  part.data = view.as<char>() + i * view.stride[0] * element_bytes(view.element);
  part.count = view.size[0] > 0 ? view.count / view.size[0] : 0;
  part.rank = view.rank - 1;
  for (int axis = 0; axis < part.rank; ++axis) {
    part.size[axis] = view.size[axis + 1];
    part.stride[axis] = view.stride[axis + 1];
  }
  return part;
}
inline View range(const View& view, int64_t begin, int64_t end) {
  View part = view;
  part.data = view.as<char>() + begin * view.stride[0] * element_bytes(view.element);
  part.count = view.size[0] > 0 ? view.count / view.size[0] * (end - begin) : 0;
  part.size[0] = end - begin;
  return part;
}
// What lies row by row in memory of `count` elements, on one axis.
inline View row_of(void* data, Element element, int64_t count) {
  View row;
  row.data = data;
  row.count = count;
  row.element = element;
  row.rank = 1;
  row.size[0] = count;
  row.stride[0] = 1;
  return row;
}

}  // namespace needlecpp
