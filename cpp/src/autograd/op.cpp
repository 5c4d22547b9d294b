// What an op says of tensors that it cannot work on together.
#include "needlecpp/autograd/op.h"

namespace needlecpp {

void Op::fail_mixed(Device other) const {
  detail::fail<TypeError>(name_, "tensors on different devices: got ", to_string(device_), " and ", to_string(other),
                          ", expected one. Move them with to().");
}

}  // namespace needlecpp
