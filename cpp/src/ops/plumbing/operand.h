// An operand of an elementwise op: a tensor, or one number for all elements, which takes no memory on a device.
#pragma once

#include "core/run.h"

namespace needlecpp {

struct Operand {
  View view;          // none for a number
  double number = 0;  // as an element of type `type`
  DType type = DType::Float32;

  Operand(const Tensor& x) : view(x), type(x.dtype()) {}
  Operand(const View& view) : view(view), type(dtype_of(view.element)) {}
  Operand(double number, DType type) : number(number), type(type) {}

  bool is_number() const { return !view.given(); }
  bool is_single() const { return is_number() || view.count == 1; }
};

}  // namespace needlecpp
