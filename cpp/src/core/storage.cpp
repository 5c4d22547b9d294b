// Storage takes its bytes from the allocator or from an owner elsewhere, and gives them back.
#include "needlecpp/core/storage.h"

#include <utility>

#include "needlecpp/core/allocator.h"
#include "needlecpp/core/error.h"

namespace needlecpp {

Storage::Storage(size_t bytes, Device device) : data_(nullptr), bytes_(bytes), device_(device) {
  NDL_CHECK(is_available(device), ValueError, OpScope::current(), "device not available: got ", to_string(device),
            ", expected cpu. This build has no CUDA or the machine no card.");
  data_ = allocate(bytes);
}

Storage::Storage(void* data, size_t bytes, Device device, std::function<void()> release)
    : data_(data), bytes_(bytes), device_(device), release_(std::move(release)) {}

Storage::~Storage() {
  if (release_)
    release_();
  else
    deallocate(data_, bytes_);
}

}  // namespace needlecpp
