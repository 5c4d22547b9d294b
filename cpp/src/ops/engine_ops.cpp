// What the autograd engine needs from the ops.
#include "autograd/engine_ops.h"

#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/reduce.h"
#include "ops/elementwise_map.h"

namespace needlecpp::engine {

Tensor add(const Tensor& a, const Tensor& b) { return needlecpp::add(a, b); }
void add_in_place(const Tensor& target, const Tensor& b) { accumulate_into(target, b); }
Tensor sum_to(const Tensor& x, const Shape& shape) { return needlecpp::sum_to(x, shape); }
Tensor cast(const Tensor& x, DType dtype) { return needlecpp::cast(x, dtype); }
bool has_nan(const Tensor& x) { return is_floating(x.dtype()) && x.numel() > 0 && max(isnan(x)).item() != 0; }
Tensor contiguous_copy(const Tensor& x) { return needlecpp::clone(x); }

}  // namespace needlecpp::engine
