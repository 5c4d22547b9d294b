// Storage takes its bytes from the allocator or from an owner elsewhere, and gives them back.
#include "needlecpp/core/storage.h"

#include <utility>

#include "needlecpp/core/allocator.h"

namespace needlecpp {

Storage::Storage(size_t bytes, Device device) : data_(allocate(bytes, device)), bytes_(bytes), device_(device) {}

Storage::Storage(void* data, size_t bytes, Device device, std::function<void()> release)
    : data_(data), bytes_(bytes), device_(device), release_(std::move(release)) {}

Storage::~Storage() {
  if (release_)
    release_();
  else
    deallocate(data_, bytes_, device_);
}

}  // namespace needlecpp
