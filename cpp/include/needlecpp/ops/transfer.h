// From one device to another.
#pragma once

#include "needlecpp/core/tensor.h"

namespace needlecpp {

// x on `device`, in new memory; x itself if it is there. The gradient comes back to where x is.
Tensor to(const Tensor& x, Device device);
// x, a leaf such as a module's parameter, goes on in this floating dtype and on this device, and its gradient with it:
// whoever holds x finds it there. What the tape saved of it before is of no use any more.
void to_(const Tensor& x, DType dtype, Device device);

}  // namespace needlecpp
