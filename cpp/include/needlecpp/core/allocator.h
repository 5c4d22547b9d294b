// The caching allocator's public face: statistics and the hard limit.
#pragma once

#include <cstddef>
#include <cstdint>

#include "needlecpp/core/device.h"

namespace needlecpp {

// Of the CPU's memory, as all that follows.
struct MemoryStats {
  size_t current = 0;  // bytes held by live tensors
  size_t peak = 0;     // highest `current` since the start or the last reset
  size_t cached = 0;   // bytes kept for reuse
  uint64_t count = 0;  // allocations made since the start
};

MemoryStats memory_stats();
void reset_peak_memory();
// Tensors may hold at most `bytes` together; 0 removes the limit. An allocation beyond it throws MemoryError that
// names the op and both sizes.
void set_memory_limit(size_t bytes);
size_t memory_limit();
void release_cached_memory();

// Names the running public op for errors and statistics. Nested scopes restore the outer name.
class OpScope {
 public:
  explicit OpScope(const char* op) : outer_(current_) { current_ = op; }
  ~OpScope() { current_ = outer_; }
  OpScope(const OpScope&) = delete;
  OpScope& operator=(const OpScope&) = delete;
  static const char* current() { return current_; }

 private:
  static thread_local const char* current_;
  const char* outer_;
};

// Raw blocks of a device's memory, 64-byte aligned, uninitialised. No bytes get a valid pointer too, which must be
// given back. Throws ValueError for a device that is not there.
void* allocate(size_t bytes, Device device);
void deallocate(void* block, size_t bytes, Device device) noexcept;

}  // namespace needlecpp
