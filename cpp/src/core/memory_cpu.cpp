// The CPU's memory is the host's.
#include <cstring>

#include "core/memory_run.h"

namespace needlecpp::cpu {
namespace {

size_t bytes_of(const View& x) { return static_cast<size_t>(x.count * element_bytes(x.element)); }

// Elements of kBytes each, where they have gaps or another order.
template <size_t kBytes>
void gather_bytes(const View& x, char* to) {
  const char* at = x.as<char>();
  int64_t counter[kViewRank] = {};
  for (int64_t i = 0; i < x.count; ++i) {
    std::memcpy(to + static_cast<size_t>(i) * kBytes, at, kBytes);
    for (int axis = x.rank - 1; axis >= 0; --axis) {
      at += x.stride[axis] * static_cast<int64_t>(kBytes);
      if (++counter[axis] < x.size[axis]) break;
      at -= x.stride[axis] * x.size[axis] * static_cast<int64_t>(kBytes);
      counter[axis] = 0;
    }
  }
}

}  // namespace

void run_fill(const View& value, const View& y) {
  const size_t total = bytes_of(y);
  if (total == 0) return;
  const size_t one = bytes_of(value);
  char* const to = y.as<char>();
  std::memcpy(to, value.data, one);
  if (std::memcmp(to, to + 1, one - 1) == 0) {  // zeros, and whatever else is one byte again and again
    std::memset(to, to[0], total);
    return;
  }
  for (size_t done = one; done < total; done *= 2)
    std::memcpy(to + done, to, done < total - done ? done : total - done);
}

void run_write(const View& host, const View& y) {
  if (y.count > 0) std::memcpy(y.data, host.data, bytes_of(y));
}

void run_read(const View& x, const View& host) {
  if (x.contiguous) {
    if (x.count > 0) std::memcpy(host.data, x.data, bytes_of(x));
    return;
  }
  switch (element_bytes(x.element)) {
    case 1:
      return gather_bytes<1>(x, host.as<char>());
    case 2:
      return gather_bytes<2>(x, host.as<char>());
    case 4:
      return gather_bytes<4>(x, host.as<char>());
    default:
      return gather_bytes<8>(x, host.as<char>());
  }
}

}  // namespace needlecpp::cpu
