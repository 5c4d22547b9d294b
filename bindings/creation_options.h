// The arguments that every function that makes a tensor takes last.
#pragma once

#include "convert.h"

namespace needlecpp::python {

struct CreationOptions {
  DType dtype;
  Device device;
  bool requires_grad;
  CreationOptions(nb::handle dtype, DType usual_dtype, nb::handle device, bool grad)
      : dtype(dtype_of(dtype, usual_dtype)), device(device_of(device)), requires_grad(grad) {}
  // As another tensor, where nothing else is asked for.
  CreationOptions(nb::handle dtype, nb::handle device, bool grad, const Tensor& like)
      : dtype(dtype_of(dtype, like.dtype())), device(device_of(device, like.device())), requires_grad(grad) {}
  template <class Make>
  Tensor operator()(const Make& make) const {
    return unlocked([&] { return make(dtype, device).set_requires_grad(requires_grad); });
  }
  // Numbers that are made in `wide` where the dtype may not hold them all.
  template <class Make>
  Tensor fitting(DType wide, const Make& make) const {
    const bool narrow = !is_floating(dtype) && dtype != DType::Bool && dtype != wide;
    return fitted(unlocked([&] { return make(narrow ? wide : dtype, device); }), dtype)
        .set_requires_grad(requires_grad);
  }
};

}  // namespace needlecpp::python
