// Where a tensor's bytes live.
#pragma once

#include <string>

namespace needlecpp {

enum class DeviceType : unsigned char { CPU, CUDA };

struct Device {
  DeviceType type = DeviceType::CPU;
  int index = 0;
  bool operator==(const Device&) const = default;
};

std::string to_string(Device device);                     // "cpu" or "cuda:0"
Device device_from_name(const std::string& device_name);  // throws ValueError for an unknown name
bool is_available(Device device);                         // true for the CPU; CUDA only in a CUDA build with a card

}  // namespace needlecpp
