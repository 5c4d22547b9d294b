// Prefix sums. Threads share the rows; a few long rows are cut into slices instead (a number that depends on the length
// alone), which are summed, then scanned from the sum of those before them.
#include "needlecpp/ops/scan.h"

#include <algorithm>
#include <vector>

#include "needlecpp/autograd/function.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "ops/scan_kernels.h"

namespace needlecpp {
namespace {

constexpr int64_t kGrain = 1 << 14;
constexpr int64_t kSlice = 1 << 15;
constexpr int64_t kFewRows = 8;

ScanType scan_type(DType dtype) {
  switch (dtype) {
    case DType::Float32:
      return ScanType::F32;
    case DType::Float64:
      return ScanType::F64;
    case DType::Int32:
      return ScanType::I32;
    case DType::Int64:
      return ScanType::I64;
    default:
      return ScanType::U8;  // uint8 and bool; the halves are cast before they come here
  }
}

int64_t item_bytes(ScanType type) {
  return type == ScanType::U8 ? 1 : type == ScanType::F32 || type == ScanType::I32 ? 4 : 8;
}

// One long row, in slices.
void run_slices(const ScanArgs& args) {
  const int64_t count = (args.length + kSlice - 1) / kSlice;
  const auto begin = [&](int64_t s) { return s * kSlice; };
  const auto end = [&](int64_t s) { return std::min(args.length, (s + 1) * kSlice); };
  std::vector<ScanCarry> carries(static_cast<size_t>(count));
  parallel_tasks(count - 1, [&](int64_t s) {
    carries[static_cast<size_t>(s + 1)] = NDL_KERNEL(scan_total)(args, begin(s), end(s));
  });
  carries[0] = {0, 0};
  for (size_t s = 1; s < carries.size(); ++s) {
    carries[s].real += carries[s - 1].real;
    carries[s].whole += carries[s - 1].whole;
  }
  parallel_tasks(count, [&](int64_t s) {
    NDL_KERNEL(scan_piece)(args, begin(s), end(s), carries[static_cast<size_t>(s)]);
  });
}

Tensor run_scan(const Tensor& x, int axis, bool exclusive, bool reverse) {
  const Tensor y = Tensor::empty(x.shape(), is_floating(x.dtype()) ? x.dtype() : DType::Int64, x.device());
  if (y.numel() == 0) return y;
  ScanArgs args;
  args.type = scan_type(x.dtype());
  args.exclusive = exclusive;
  args.length = x.shape()[axis];
  args.x_step = x.strides()[axis];
  args.y_step = y.strides()[axis];
  char* from = static_cast<char*>(x.raw());
  char* to = static_cast<char*>(y.raw());
  if (reverse) {
    from += (args.length - 1) * args.x_step * static_cast<int64_t>(itemsize(x.dtype()));
    to += (args.length - 1) * args.y_step * static_cast<int64_t>(itemsize(y.dtype()));
    args.x_step = -args.x_step;
    args.y_step = -args.y_step;
  }
  args.x = from;
  args.y = to;
  args.kept_rank = 0;
  for (int i = 0; i < x.rank(); ++i) {
    if (i == axis || x.shape()[i] == 1) continue;
    const int outer = args.kept_rank - 1;
    if (outer >= 0 && args.x_kept[outer] == x.strides()[i] * x.shape()[i] &&
        args.y_kept[outer] == y.strides()[i] * x.shape()[i]) {
      args.kept_shape[outer] *= x.shape()[i];
      args.x_kept[outer] = x.strides()[i];
      args.y_kept[outer] = y.strides()[i];
      continue;
    }
    args.kept_shape[args.kept_rank] = x.shape()[i];
    args.x_kept[args.kept_rank] = x.strides()[i];
    args.y_kept[args.kept_rank++] = y.strides()[i];
  }
  if (args.kept_rank == 0) {
    args.kept_shape[0] = 1;
    args.x_kept[0] = args.y_kept[0] = 0;
    args.kept_rank = 1;
  }

  const int64_t rows = y.numel() / args.length;
  if (args.length > 2 * kSlice && rows <= kFewRows && args.kept_rank == 1) {
    const int64_t y_bytes = static_cast<int64_t>(itemsize(y.dtype()));
    for (int64_t row = 0; row < rows; ++row) {
      ScanArgs one = args;
      one.x = from + row * args.x_kept[0] * item_bytes(args.type);
      one.y = to + row * args.y_kept[0] * y_bytes;
      run_slices(one);
    }
    return y;
  }
  parallel_for(rows, std::max<int64_t>(1, kGrain / args.length), [&](int64_t begin, int64_t end) {
    NDL_KERNEL(scan_rows)(args, begin, end);
  });
  return y;
}

}  // namespace

Tensor cumsum(const Tensor& x, int64_t axis, bool exclusive, bool reverse) {
  OpScope scope("cumsum");
  if (x.dtype() == DType::Float16 || x.dtype() == DType::BFloat16)
    return cast(cumsum(cast(x, DType::Float32), axis, exclusive, reverse), x.dtype());
  const int along = normalize_axis("cumsum", axis, x.rank());
  return record("cumsum", run_scan(x, along, exclusive, reverse), {x}, {}, [=](Backward& g) {
    // x[i] is in every sum that comes after it.
    g.give(0, cumsum(g.dy(), along, exclusive, !reverse));
  });
}

}  // namespace needlecpp
