// x[...] as NumPy reads it: integers, slices, None, ... and index arrays in one list.
#pragma once

#include <vector>

#include "needlecpp/core/tensor.h"

namespace needlecpp {

struct IndexItem {
  enum class Kind { Integer, Slice, NewAxis, Ellipsis, Array };
  Kind kind = Kind::Ellipsis;
  int64_t start = 0;  // Integer: the index
  int64_t stop = 0;
  int64_t step = 1;
  bool has_start = false;  // Slice: a missing bound means the end the step comes from or runs to
  bool has_stop = false;
  Tensor array;  // Array: int64, int32 or bool

  static IndexItem integer(int64_t i) {
    IndexItem item;
    item.kind = Kind::Integer;
    item.start = i;
    return item;
  }
};

// A view when every item is basic (integer, slice, None, ...), a copy when an array is among them. Differentiable.
Tensor get_item(const Tensor& x, const std::vector<IndexItem>& items);
// x[items] = values, in place, off the tape; values broadcasts.
void set_item(const Tensor& x, const std::vector<IndexItem>& items, const Tensor& values);

}  // namespace needlecpp
