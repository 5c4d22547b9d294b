// Where a tensor's bytes live, and where new ones go unless it is said.
#pragma once

#include <cstdint>
#include <string>

namespace needlecpp {

enum class DeviceType : unsigned char { CPU, CUDA };

struct Device {
  DeviceType type = DeviceType::CPU;
  int index = 0;
  bool operator==(const Device&) const = default;
};

std::string to_string(Device device);                     // "cpu" or "cuda:0"
Device device_from_name(const std::string& device_name);  // "cpu", "cuda", "cuda:1"; ValueError for any other
Device cuda_device(int64_t index);                        // ValueError for a number that no card can have
bool is_available(Device device);                         // true for the CPU; CUDA only in a CUDA build with a card
// Throws ValueError, in the name of `op`, for a device that is not there.
void check_available(const char* op, Device device);

// Where this thread's functions that make tensors put them if no device is named: the CPU, until it is set or a
// DeviceScope lives. Ops put their results beside their inputs, wherever that is. Both throw for a device that is not
// there.
Device default_device();
void set_default_device(Device device);

// While one lives, `device` is this thread's default.
class DeviceScope {
 public:
  explicit DeviceScope(Device device) : before_(default_device()) { set_default_device(device); }
  ~DeviceScope();
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

 private:
  Device before_;
};

namespace detail {
// The default without the question whether it is there: for scopes that end, and tests of what asks for the default.
Device exchange_default_device(Device device);
// For tests in a build without CUDA: card `index` counts as there from now on. Its memory is the host's and the CPU
// does its work, so that ops can be watched keeping what is on different devices apart.
void pretend_card(int index);
}  // namespace detail

}  // namespace needlecpp
