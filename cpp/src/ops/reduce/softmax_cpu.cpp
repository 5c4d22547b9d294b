// Threads share the rows, or blocks of columns.
#include <algorithm>

#include "needlecpp/core/parallel.h"
#include "ops/reduce/softmax_run.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kGrain = 1 << 12;  // exponentials that a thread must have to compute

int64_t row_grain(int64_t length) { return std::max<int64_t>(1, kGrain / length); }

}  // namespace

void run_softmax_rows(SoftmaxOp op, const View& x, const View& y, const View& top) {
  const int64_t length = x.size[1];
  const SoftmaxArgs args = {x.element, op, x.data, y.data, length, x.stride[0], top.data};
  parallel_for(x.size[0], row_grain(length), [&](int64_t begin, int64_t end) {
    NDL_KERNEL(softmax_rows)(args, begin, end);
  });
}

void run_softmax_columns(SoftmaxOp op, const View& x, const View& y) {
  const int64_t length = x.size[1], inner = x.size[2];
  const int64_t units = x.size[0] * ((inner + kSoftmaxColumns - 1) / kSoftmaxColumns);
  const int64_t grain = row_grain(length * std::min(inner, kSoftmaxColumns));
  const SoftmaxColumnsArgs args = {x.element, op, x.data, y.data, length, inner, x.stride[0], x.stride[1]};
  parallel_for(units, grain, [&](int64_t begin, int64_t end) { NDL_KERNEL(softmax_columns)(args, begin, end); });
}

void run_softmax_backward(SoftmaxOp op, const View& y, const View& dy, const View& dx) {
  const int64_t length = y.size[1];
  const SoftmaxBackwardArgs args = {y.element, op, y.data, dy.data, dx.data, length, y.stride[0], dy.stride[0]};
  parallel_for(y.size[0], row_grain(length), [&](int64_t begin, int64_t end) {
    NDL_KERNEL(softmax_backward)(args, begin, end);
  });
}

}  // namespace needlecpp::cpu
