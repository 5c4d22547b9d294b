// The devices that tests of ops run on: the CPU and a card, or those that NEEDLECPP_TEST_DEVICES names ("cpu cuda:1").
// Where there is no card one is pretended: its memory is the host's and the CPU does its work, but a tensor that an op
// forgets on the CPU is as far from it as from any card.
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
  const bool card = is_available({DeviceType::CUDA, 0});
  if (!card) detail::pretend_card(7);
  return {Device{}, {DeviceType::CUDA, card ? 0 : 7}};
}

}  // namespace needlecpp
