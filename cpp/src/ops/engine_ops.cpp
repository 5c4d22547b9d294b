// What the autograd engine needs from the ops.
#include "autograd/engine_ops.h"

#include <algorithm>

#include "needlecpp/autograd/function.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "ops/elementwise/elementwise_run.h"
#include "ops/plumbing/copy_run.h"

namespace needlecpp::engine {

Tensor add(const Tensor& a, const Tensor& b) { return needlecpp::add(a, b); }
void add_in_place(const Tensor& target, const Tensor& b) { accumulate_into(target, b); }
Tensor sum_to(const Tensor& x, const Shape& shape) { return needlecpp::sum_to(x, shape); }
Tensor cast(const Tensor& x, DType dtype) { return needlecpp::cast(x, dtype); }
bool has_nan(const Tensor& x) { return is_floating(x.dtype()) && x.numel() > 0 && max(isnan(x)).item() != 0; }
Tensor contiguous_copy(const Tensor& x) { return needlecpp::clone(x); }
void write(const Tensor& target, const Tensor& source) { NDL_ON(target.device(), run_copy)(source, target); }

namespace {

// For each element at `seen` its number among those at `edited`; their count where it is none of them.
Tensor numbers_of(const Place& seen, const Place& edited, Device device) {
  int64_t low = std::min(seen.offset, edited.offset);
  int64_t high = std::max(seen.offset, edited.offset);
  for (const Place* place : {&seen, &edited}) {
    int64_t first = place->offset;
    int64_t last = place->offset;
    for (int axis = 0; axis < place->shape.size(); ++axis) {
      const int64_t reach = (place->shape[axis] - 1) * place->strides[axis];
      (reach < 0 ? first : last) += reach;
    }
    low = std::min(low, first);
    high = std::max(high, last);
  }
  const NoGrad no_grad;
  const int64_t count = numel(edited.shape);
  const Tensor memory = Tensor::full({high - low + 1}, static_cast<double>(count), DType::Int64, device);
  copy_(memory.view(edited.shape, edited.strides, edited.offset - low),
        reshape(Tensor::arange(count, DType::Int64, device), edited.shape));
  return contiguous(memory.view(seen.shape, seen.strides, seen.offset - low));
}

}  // namespace

Tensor gradient_of_kept(const Tensor& dy, const Place& seen, const Place& edited) {
  const Tensor kept = eq(numbers_of(seen, edited, dy.device()), static_cast<double>(numel(edited.shape)));
  return where_or_zero(kept, dy);
}

// Summed, for a broadcast view sees an element several times.
Tensor gradient_of_written(const Tensor& dy, const Place& seen, const Place& edited) {
  const int64_t count = numel(edited.shape);
  const Tensor numbers = reshape(numbers_of(seen, edited, dy.device()), {-1});
  const Tensor sums = index_add(Tensor::zeros({count + 1}, dy.dtype(), dy.device()), 0, numbers, reshape(dy, {-1}));
  return reshape(slice(sums, 0, 0, count), edited.shape);
}

}  // namespace needlecpp::engine
