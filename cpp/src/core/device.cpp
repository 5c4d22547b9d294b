// Names of devices, which are there, and which of them is a thread's default.
#include "needlecpp/core/device.h"

#include <atomic>
#include <charconv>
#include <string_view>
#include <utility>

#include "needlecpp/core/error.h"

namespace needlecpp {
namespace {

// More cards than any machine has; keeps numbers in the range of what drivers and DLPack hold.
constexpr int64_t kMostCards = 1024;

thread_local constinit Device g_default_device{};
std::atomic<int> g_pretended_card{-1};

}  // namespace

std::string to_string(Device device) {
  return device.type == DeviceType::CPU ? "cpu" : "cuda:" + std::to_string(device.index);
}

Device device_from_name(const std::string& device_name) {
  if (device_name == "cpu") return {};
  if (device_name == "cuda") return {DeviceType::CUDA, 0};
  constexpr std::string_view kCard = "cuda:";
  int index = -1;
  if (device_name.starts_with(kCard)) {
    const char* const end = device_name.data() + device_name.size();
    const auto [stop, error] = std::from_chars(device_name.data() + kCard.size(), end, index);
    if (error != std::errc() || stop != end) index = -1;
  }
  NDL_CHECK(index >= 0 && index < kMostCards, ValueError, "device", "unknown device: got \"", device_name,
            "\", expected \"cpu\", \"cuda\" or \"cuda:1\".");
  return {DeviceType::CUDA, index};
}

Device cuda_device(int64_t index) {
  NDL_CHECK(index >= 0 && index < kMostCards, ValueError, "cuda", "bad number of a card: got ", index,
            ", expected 0 or more.");
  return {DeviceType::CUDA, static_cast<int>(index)};
}

bool is_available(Device device) { return device.type == DeviceType::CPU || device.index == g_pretended_card; }

void check_available(const char* op, Device device) {
  NDL_CHECK(is_available(device), ValueError, op, "device not available: got ", to_string(device),
            ", expected cpu. This build has no CUDA or the machine no such card.");
}

Device default_device() { return g_default_device; }
void set_default_device(Device device) {
  check_available("set_default_device", device);
  g_default_device = device;
}
DeviceScope::~DeviceScope() { g_default_device = before_; }
void detail::pretend_card(int index) { g_pretended_card = index; }
Device detail::exchange_default_device(Device device) { return std::exchange(g_default_device, device); }

}  // namespace needlecpp
