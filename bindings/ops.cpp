// Binds every family of ops.
#include "binder.h"

namespace needlecpp::python {

void bind_ops(nb::module_& m) {
  Binder b{m, nb::borrow<nb::class_<Tensor>>(m.attr("Tensor"))};
  bind_activation(b);
  bind_attention(b);
  bind_conv(b);
  bind_creation(b);
  bind_elementwise(b);
  bind_fft(b);
  bind_gather(b);
  bind_linalg(b);
  bind_loss(b);
  bind_matmul(b);
  bind_matrix(b);
  bind_norm(b);
  bind_optim_step(b);
  bind_pad(b);
  bind_pool(b);
  bind_reduce(b);
  bind_resample(b);
  bind_scan(b);
  bind_segment(b);
  bind_shape(b);
  bind_softmax(b);
  bind_sort(b);
  bind_sparse(b);
  bind_unfold(b);
}

}  // namespace needlecpp::python
