// Device names.
#include "needlecpp/core/device.h"

#include "needlecpp/core/error.h"

namespace needlecpp {

std::string to_string(Device device) {
  return device.type == DeviceType::CPU ? "cpu" : "cuda:" + std::to_string(device.index);
}

Device device_from_name(const std::string& device_name) {
  if (device_name == "cpu") return {};
  if (device_name == "cuda" || device_name == "cuda:0") return {DeviceType::CUDA, 0};
  detail::fail<ValueError>("device", "unknown device: got \"", device_name, "\", expected \"cpu\" or \"cuda\".");
}

bool is_available(Device device) { return device.type == DeviceType::CPU; }

}  // namespace needlecpp
