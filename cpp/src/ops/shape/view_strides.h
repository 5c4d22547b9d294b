// Whether a new shape can be a view.
#pragma once

#include "needlecpp/core/shape.h"

namespace needlecpp {

// Strides that show elements laid out as (shape, strides) in `new_shape`, in the same C order. False when no strides
// can and the elements must be copied.
bool view_strides(const Shape& shape, const Strides& strides, const Shape& new_shape, Strides* result);

}  // namespace needlecpp
