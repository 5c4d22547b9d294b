// Binds every family of ops.
#include "binder.h"

namespace needlecpp::python {

void bind_ops(nb::module_& m) {
  Binder b{m, nb::borrow<nb::class_<Tensor>>(m.attr("Tensor"))};
  bind_elementwise(b);
  bind_reduce(b);
  bind_scan(b);
  bind_softmax(b);
  bind_matmul(b);
  bind_shape(b);
  bind_gather(b);
  bind_pad(b);
  bind_creation(b);
  bind_optim_step(b);
}

}  // namespace needlecpp::python
