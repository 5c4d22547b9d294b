// What an op says of tensors that it cannot work on together.
#include "needlecpp/autograd/op.h"

namespace needlecpp {

void Op::check_available() const {
  NDL_CHECK(is_available(device_), ValueError, name_, "device not available: got a tensor on ", to_string(device_),
            ", expected cpu. This build has no CUDA or the machine no card.");
}

void Op::fail_mixed(Device other) const {
  detail::fail<TypeError>(name_, "tensors on different devices: got ", to_string(device_), " and ", to_string(other),
                          ", expected one. Move them with to().");
}

}  // namespace needlecpp
