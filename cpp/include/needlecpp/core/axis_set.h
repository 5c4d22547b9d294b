// AxisSet: which axes of a tensor an op works over.
#pragma once

#include <initializer_list>

#include "needlecpp/core/shape.h"

namespace needlecpp {

// All axes, or those listed: sum(x) and sum(x, {}) reduce all of them, sum(x, {0, 2}) two, and sum(x, Dims()), whose
// list is empty, none.
class AxisSet {
 public:
  AxisSet() = default;
  AxisSet(std::initializer_list<int64_t> axes) : all_(false), listed_(axes) {}
  AxisSet(const Dims& axes) : all_(false), listed_(axes) {}

  // Sorted, from 0 to rank - 1; throws as normalize_axes() does.
  Dims of(const char* op, int rank) const;

 private:
  bool all_ = true;
  Dims listed_;
};

}  // namespace needlecpp
