// Moves between devices: a device writes what the host has and reads what the host wants, so that between two of them
// the host's memory lies.
#include "needlecpp/ops/transfer.h"

#include "core/memory_run.h"
#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"

namespace needlecpp {

Tensor to(const Tensor& x, Device device) {
  if (x.device() == device) return x;
  Op op("to", device);
  const Device home = x.device();
  check_available(op, home);
  const Device host{};
  if (home != host && device != host) return to(to(x, host), device);
  const Tensor y = op.empty(x.shape(), x.dtype());
  if (device == host)
    NDL_ON(home, run_read)(x, y);
  else
    NDL_ON(device, run_write)(contiguous(x.detach()), y);
  return op.record(y, {x}, {}, [home](Backward& g) { g.give(0, to(g.dy(), home)); });
}

void to_(const Tensor& x, DType dtype, Device device) {
  Op op("to_", device);
  NDL_CHECK(is_floating(dtype) || dtype == x.dtype(), TypeError, op, "parameters are floats: got ", name(dtype),
            ", expected a floating dtype.");
  const NoGrad no_grad;
  const auto moved = [&](const Tensor& from) { return to(cast(from, dtype), device); };
  const Tensor value = moved(x.detach());
  const Tensor gradient = x.grad().defined() ? moved(x.grad().detach()) : Tensor();
  if (value.dtype() == x.dtype() && value.device() == x.device()) return;
  x.set_data(value);
  x.set_grad(gradient);
}

}  // namespace needlecpp
