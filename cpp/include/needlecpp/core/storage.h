// Storage: a block of bytes shared by a tensor and its views, with the version that in-place edits advance.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "needlecpp/core/device.h"

namespace needlecpp {

class Storage {
 public:
  Storage(size_t bytes, Device device);                                             // from the caching allocator
  Storage(void* data, size_t bytes, Device device, std::function<void()> release);  // memory owned elsewhere
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  Device device() const { return device_; }
  bool foreign() const { return static_cast<bool>(release_); }  // memory that something outside may see
  bool read_only() const { return read_only_; }
  void set_read_only() { read_only_ = true; }

  // How many of its owners are nodes of the tape that keep it for their backward pass: those do not mind if a tensor
  // goes on with other memory.
  int kept() const { return kept_.load(std::memory_order_relaxed); }
  void count_kept(int change) { kept_.fetch_add(change, std::memory_order_relaxed); }

  uint32_t version() const { return version_.load(std::memory_order_relaxed); }
  const char* last_writer() const { return last_writer_; }  // the op that advanced the version last
  void bump_version(const char* op) {
    version_.fetch_add(1, std::memory_order_relaxed);
    last_writer_ = op;
  }

 private:
  void* data_;
  size_t bytes_;
  Device device_;
  bool read_only_ = false;
  std::atomic<uint32_t> version_{0};
  std::atomic<int> kept_{0};
  const char* last_writer_ = "";
  std::function<void()> release_;  // empty: the block goes back to the allocator
};

}  // namespace needlecpp
