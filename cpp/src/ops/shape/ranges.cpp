// Ranges of an axis as views, and the copies of rows that concat, pad and the gradient of slice share.
#include "ops/shape/ranges.h"

#include <algorithm>

#include "needlecpp/autograd/op.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/inplace.h"
#include "ops/shape/view_strides.h"

namespace needlecpp {

namespace {
constexpr int64_t kCopyGrain = 64 << 10;  // bytes a thread must have to copy before a second one pays
}  // namespace

int64_t product(const Shape& shape, int begin, int end) {
  int64_t count = 1;
  for (int i = begin; i < end; ++i) count *= shape[i];
  return count;
}

void check_parts(const char* op, int64_t count) {
  NDL_CHECK(count >= 0 && count <= 1 << 24, ValueError, op, "bad number of parts: got ", count,
            ", expected 0 to 2^24. Slice instead.");
}

void copy_all_rows(const std::vector<CopyRowsArgs>& parts, int64_t rows) {
  int64_t row_bytes = 0;
  for (const CopyRowsArgs& part : parts) row_bytes += part.bytes;
  if (row_bytes == 0 || rows == 0) return;
  if (rows < 4 * num_threads() && row_bytes > kCopyGrain) {
    for (const CopyRowsArgs& part : parts)
      for (int64_t r = 0; r < rows; ++r)
        parallel_for(part.bytes, kCopyGrain, [&](int64_t begin, int64_t end) {
          const CopyRowsArgs piece = {part.to + r * part.to_stride + begin, 0, part.from + r * part.from_stride + begin,
                                      0, end - begin};
          NDL_KERNEL(copy_rows)(piece, 0, 1);
        });
    return;
  }
  const int64_t block = std::max<int64_t>(1, (16 << 10) / row_bytes);
  parallel_for(rows, std::max<int64_t>(1, kCopyGrain / row_bytes), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r += block)
      for (const CopyRowsArgs& part : parts) NDL_KERNEL(copy_rows)(part, r, std::min(end, r + block));
  });
}

bool as_row_copy(const Tensor& target, const Tensor& source, int axis, CopyRowsArgs* args) {
  const int64_t rows = product(target.shape(), 0, axis);
  const int64_t row = product(target.shape(), axis, target.rank());
  Strides to;
  Strides from;
  if (!view_strides(target.shape(), target.strides(), {rows, row}, &to)) return false;
  if (!view_strides(source.shape(), source.strides(), {rows, row}, &from)) return false;
  if (row > 1 && (to[1] != 1 || from[1] != 1)) return false;
  const int64_t item = static_cast<int64_t>(itemsize(target.dtype()));
  *args = {static_cast<char*>(target.raw()), to[0] * item, static_cast<const char*>(source.raw()), from[0] * item,
           row * item};
  return true;
}

void copy_into(const Tensor& target, const Tensor& source, int axis) {
  CopyRowsArgs args;
  if (as_row_copy(target, source, axis, &args)) {
    copy_all_rows({args}, product(target.shape(), 0, axis));
  } else {
    NoGrad off;
    copy_(target, source);
  }
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
  return record("slice", view_range(x, range), {x}, {},
                [range](Backward& b) { b.give(0, slice_backward(b.dy(), b.input_shape(0), range)); });
}

Tensor slice_backward(const Tensor& dy, const Shape& shape, const Range& range) {
  Op op("slice_backward", dy);
  Tensor dx = op.zeros(shape, dy.dtype());
  copy_into(view_range(dx, range), dy, range.axis);
  return op.record(dx, {dy}, {}, [range](Backward& b) { b.give(0, slice_range(b.dy(), range)); });
}

}  // namespace needlecpp
