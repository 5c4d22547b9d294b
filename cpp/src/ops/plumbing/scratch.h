// Working memory of an op, from the caching allocator.
#pragma once

#include <cstdint>

#include "needlecpp/core/allocator.h"

namespace needlecpp {

template <class T>
class Scratch {
 public:
  explicit Scratch(int64_t count) : bytes_(static_cast<size_t>(count) * sizeof(T)), data_(allocate(bytes_, Device{})) {}
  ~Scratch() { deallocate(data_, bytes_, Device{}); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* data() const { return static_cast<T*>(data_); }

 private:
  size_t bytes_;
  void* data_;
};

}  // namespace needlecpp
