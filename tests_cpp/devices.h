// The devices that tests of ops run on: all that are there, or those that NEEDLECPP_TEST_DEVICES names ("cpu cuda:1").
//
//   for (const Device device : test_devices()) {
//     const DeviceScope scope(device);  // new tensors are there
//     ...
//   }
#pragma once

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "needlecpp/core/device.h"

namespace needlecpp {

inline std::vector<Device> test_devices() {
  std::vector<Device> devices;
  const char* const chosen = std::getenv("NEEDLECPP_TEST_DEVICES");
  std::istringstream names(chosen ? chosen : "");
  for (std::string name; names >> name;) devices.push_back(device_from_name(name));
  if (!devices.empty()) return devices;
  for (const Device device : {Device{}, Device{DeviceType::CUDA, 0}})
    if (is_available(device)) devices.push_back(device);
  return devices;
}

}  // namespace needlecpp
