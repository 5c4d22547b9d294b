// Threads share the rows; a few long rows are cut into slices instead (of a length that depends on nothing else), whose
// totals are joined, and each is scanned from what those before it gathered. Segments are shared by segment_tasks.h.
#include <algorithm>
#include <vector>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/shape.h"
#include "ops/reduce/scan_run.h"
#include "ops/reduce/segment_tasks.h"

namespace needlecpp {
namespace {

constexpr int64_t kGrain = 1 << 14;
constexpr int64_t kSlice = 4160;  // not a power of two: slices are scanned side by side and must not share cache sets
constexpr int64_t kSlicesPerTask = 8;
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
      return ScanType::U8;
  }
}

DType result_dtype(ScanOp op, DType dtype) {
  if (op >= ScanOp::PlaceMax) return DType::Int64;
  const bool gathers = op == ScanOp::Sum || op == ScanOp::Prod;
  return gathers && !is_floating(dtype) ? DType::Int64 : dtype;
}

const void* step(const void* from, int64_t elements, DType dtype) {
  return static_cast<const char*>(from) + elements * static_cast<int64_t>(itemsize(dtype));
}
void* step(void* from, int64_t elements, DType dtype) {
  return static_cast<char*>(from) + elements * static_cast<int64_t>(itemsize(dtype));
}

// One long row in slices; args has this row alone.
void run_slices(const ScanArgs& args, DType x_dtype, DType y_dtype) {
  const int64_t count = args.length / kSlice;  // whole slices; the rest comes after them
  ScanArgs slices = args;
  slices.length = kSlice;
  slices.kept_rank = 1;
  slices.kept_shape[0] = count;
  slices.x_kept[0] = kSlice * args.x_step;
  slices.a_kept[0] = kSlice * args.a_step;
  slices.y_kept[0] = kSlice * args.y_step;
  slices.place_row = kSlice * args.place_step;

  std::vector<ScanCarry> carries(static_cast<size_t>(count + 1));  // the last is what the rest starts from
  const int64_t tasks = (count + kSlicesPerTask - 1) / kSlicesPerTask;
  const auto end = [&](int64_t task) { return std::min(count, (task + 1) * kSlicesPerTask); };
  parallel_tasks(tasks, [&](int64_t task) {
    NDL_KERNEL(scan_totals)(slices, task * kSlicesPerTask, end(task), carries.data());
  });
  NDL_KERNEL(scan_carries)(args, carries.data(), count + 1);
  slices.carries = carries.data();
  parallel_tasks(tasks, [&](int64_t task) { NDL_KERNEL(scan_rows)(slices, task * kSlicesPerTask, end(task)); });

  const int64_t done = count * kSlice;
  if (done == args.length) return;
  ScanArgs rest = args;
  rest.length -= done;
  rest.x = step(args.x, done * args.x_step, x_dtype);
  if (args.a) rest.a = step(args.a, done * args.a_step, x_dtype);
  rest.y = step(args.y, done * args.y_step, y_dtype);
  rest.first_place += done * args.place_step;
  rest.carries = carries.data() + count;
  NDL_KERNEL(scan_rows)(rest, 0, 1);
}

void scan_into(ScanOp op, const Tensor& x, const Tensor& a, const Tensor& y, int axis, bool exclusive, bool reverse,
               int64_t first_place) {
  const Tensor& factors = a.defined() ? a : x;
  ScanArgs args = {};
  args.op = op;
  args.type = scan_type(x.dtype());
  args.exclusive = exclusive;
  args.length = x.shape()[axis];
  const int64_t sign = reverse ? -1 : 1;
  const int64_t start = reverse ? args.length - 1 : 0;
  args.x = step(x.raw(), start * x.strides()[axis], x.dtype());
  if (a.defined()) args.a = step(a.raw(), start * a.strides()[axis], a.dtype());
  args.y = step(y.raw(), start * y.strides()[axis], y.dtype());
  args.x_step = sign * x.strides()[axis];
  args.a_step = sign * factors.strides()[axis];
  args.y_step = sign * y.strides()[axis];
  args.first_place = first_place + start;
  args.place_step = sign;
  for (int i = 0; i < x.rank(); ++i) {
    const int64_t size = x.shape()[i];
    if (i == axis || size == 1) continue;
    const int outer = args.kept_rank - 1;
    const bool merges = outer >= 0 && args.x_kept[outer] == x.strides()[i] * size &&
                        args.a_kept[outer] == factors.strides()[i] * size &&
                        args.y_kept[outer] == y.strides()[i] * size;
    const int at = merges ? outer : args.kept_rank++;
    args.kept_shape[at] = merges ? args.kept_shape[at] * size : size;
    args.x_kept[at] = x.strides()[i];
    args.a_kept[at] = factors.strides()[i];
    args.y_kept[at] = y.strides()[i];
  }
  if (args.kept_rank == 0) {
    args.kept_shape[0] = 1;
    args.kept_rank = 1;
  }

  const int64_t rows = x.numel() / args.length;
  if (args.length > 4 * kSlice && rows <= kFewRows && args.kept_rank == 1) {
    for (int64_t row = 0; row < rows; ++row) {
      ScanArgs one = args;
      one.x = step(args.x, row * args.x_kept[0], x.dtype());
      if (args.a) one.a = step(args.a, row * args.a_kept[0], x.dtype());
      one.y = step(args.y, row * args.y_kept[0], y.dtype());
      one.kept_shape[0] = 1;
      run_slices(one, x.dtype(), y.dtype());
    }
    return;
  }
  parallel_for(rows, std::max<int64_t>(1, kGrain / args.length), [&](int64_t begin, int64_t end) {
    NDL_KERNEL(scan_rows)(args, begin, end);
  });
}

}  // namespace

Tensor run_scan(ScanOp op, const Tensor& x, const Tensor& a, const ScanWay& way) {
  const NoGrad off_the_tape;
  const Tensor y = Tensor::empty(x.shape(), result_dtype(op, x.dtype()), x.device());
  if (y.numel() == 0) return y;
  if (!way.offsets.defined()) {
    scan_into(op, x.detach(), a, y, way.axis, way.exclusive, way.reverse, 0);
    return y;
  }
  const Tensor rows = contiguous(x.detach());
  const Tensor factors = a.defined() ? contiguous(a.detach()) : a;
  const int64_t columns = x.numel() / x.size(0);
  ScanSegmentsArgs segments = {};
  ScanArgs& args = segments.args;
  args.op = op;
  args.type = scan_type(x.dtype());
  args.exclusive = way.exclusive;
  args.x = rows.raw();
  args.a = factors.defined() ? factors.raw() : nullptr;
  args.y = y.raw();
  args.x_step = args.a_step = args.y_step = columns;
  args.kept_rank = 1;
  args.kept_shape[0] = columns;
  segments.offsets = way.offsets.data<int64_t>();
  segments.reverse = way.reverse;
  for_segments(
      way.offsets, columns, kGrain,
      [&](int64_t begin, int64_t end, int64_t longest) {
        ScanSegmentsArgs mine = segments;
        mine.longest = longest;
        NDL_KERNEL(scan_segments)(mine, begin, end);
      },
      [&](int64_t, int64_t begin, int64_t end) {
        const auto part = [&](const Tensor& t) { return t.defined() ? slice(t, 0, begin, end) : t; };
        scan_into(op, part(rows), part(factors), part(y), 0, way.exclusive, way.reverse, begin);
      });
  return y;
}

}  // namespace needlecpp
