// A tensor as devices and kernels see it: where its elements lie. It owns nothing.
#pragma once

#include <stdint.h>

#include "simd/element.h"

namespace needlecpp {

inline constexpr int kViewRank = 12;

struct View {
  void* data = nullptr;  // the first element; null for a tensor that was not given
  int64_t count = 0;     // of elements
  Element element = Element::F32;
  bool contiguous = true;
  int rank = 0;
  int64_t size[kViewRank];
  int64_t stride[kViewRank];  // in elements

  bool given() const { return data != nullptr; }
  template <class T>
  NDL_HD T* as() const {
    return static_cast<T*>(data);
  }
};

}  // namespace needlecpp
