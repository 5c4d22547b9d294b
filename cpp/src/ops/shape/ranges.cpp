// Ranges of an axis as views.
#include "ops/shape/ranges.h"

#include "needlecpp/autograd/op.h"
#include "ops/shape/join_run.h"

namespace needlecpp {

void check_parts(const char* op, int64_t count) {
  NDL_CHECK(count >= 0 && count <= 1 << 24, ValueError, op, "bad number of parts: got ", count,
            ", expected 0 to 2^24. Slice instead.");
}

void copy_into(const Tensor& target, const Tensor& source, int axis) {
  NDL_ON(target.device(), run_copy_rows)(source, target, axis);
}

Tensor view_range(const Tensor& x, const Range& range) {
  Shape shape = x.shape();
  Strides strides = x.strides();
  shape[range.axis] = range.length;
  if (range.length > 1) strides[range.axis] *= range.step;
  const bool empty = range.length == 0 || x.numel() == 0;
  return x.view(shape, strides, empty ? x.offset() : x.offset() + range.start * x.strides()[range.axis]);
}

Tensor slice_range(const Tensor& x, const Range& range) {
  Op op("slice", x);
  return op.record(view_range(x, range), {x}, {},
                   [range](Backward& b) { b.give(0, slice_backward(b.dy(), b.input_shape(0), range)); });
}

Tensor slice_backward(const Tensor& dy, const Shape& shape, const Range& range) {
  Op op("slice_backward", dy);
  Tensor dx = op.zeros(shape, dy.dtype());
  copy_into(view_range(dx, range), dy, range.axis);
  return op.record(dx, {dy}, {}, [range](Backward& b) { b.give(0, slice_range(b.dy(), range)); });
}

}  // namespace needlecpp
