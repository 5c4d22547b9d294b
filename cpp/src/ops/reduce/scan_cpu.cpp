// Threads share the rows; a few long rows are cut into slices instead (of a length that depends on nothing else), whose
// totals are joined, and each is scanned from what those before it gathered. Segments are shared by
// segment_tasks_cpu.h.
#include <algorithm>
#include <vector>

#include "needlecpp/core/parallel.h"
#include "ops/reduce/scan_run.h"
#include "ops/reduce/segment_tasks_cpu.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kGrain = 1 << 14;
constexpr int64_t kSlice = 4160;  // not a power of two: slices are scanned side by side and must not share cache sets
constexpr int64_t kSlicesPerTask = 8;
constexpr int64_t kFewRows = 8;

const void* step(const void* from, int64_t elements, Element type) {
  return static_cast<const char*>(from) + elements * element_bytes(type);
}
void* step(void* from, int64_t elements, Element type) {
  return static_cast<char*>(from) + elements * element_bytes(type);
}

// One long row in slices; args has this row alone.
void run_slices(const ScanArgs& args, Element y_type) {
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
  rest.x = step(args.x, done * args.x_step, args.type);
  if (args.a) rest.a = step(args.a, done * args.a_step, args.type);
  rest.y = step(args.y, done * args.y_step, y_type);
  rest.first_place += done * args.place_step;
  rest.carries = carries.data() + count;
  NDL_KERNEL(scan_rows)(rest, 0, 1);
}

// The first element of x counts as the one at `first_place`.
void scan_from(int64_t first_place, ScanOp op, const View& x, const View& a, const View& y, int axis, bool exclusive,
               bool reverse) {
  const View& factors = a.given() ? a : x;
  ScanArgs args = {};
  args.op = op;
  args.type = x.element;
  args.exclusive = exclusive;
  args.length = x.size[axis];
  const int64_t sign = reverse ? -1 : 1;
  const int64_t start = reverse ? args.length - 1 : 0;
  args.x = step(x.data, start * x.stride[axis], x.element);
  if (a.given()) args.a = step(a.data, start * a.stride[axis], a.element);
  args.y = step(y.data, start * y.stride[axis], y.element);
  args.x_step = sign * x.stride[axis];
  args.a_step = sign * factors.stride[axis];
  args.y_step = sign * y.stride[axis];
  args.first_place = first_place + start;
  args.place_step = sign;
  for (int i = 0; i < x.rank; ++i) {
    const int64_t size = x.size[i];
    if (i == axis || size == 1) continue;
    const int outer = args.kept_rank - 1;
    const bool merges = outer >= 0 && args.x_kept[outer] == x.stride[i] * size &&
                        args.a_kept[outer] == factors.stride[i] * size && args.y_kept[outer] == y.stride[i] * size;
    const int at = merges ? outer : args.kept_rank++;
    args.kept_shape[at] = merges ? args.kept_shape[at] * size : size;
    args.x_kept[at] = x.stride[i];
    args.a_kept[at] = factors.stride[i];
    args.y_kept[at] = y.stride[i];
  }
  if (args.kept_rank == 0) {
    args.kept_shape[0] = 1;
    args.kept_rank = 1;
  }

  const int64_t rows = x.count / args.length;
  if (args.length > 4 * kSlice && rows <= kFewRows && args.kept_rank == 1) {
    for (int64_t row = 0; row < rows; ++row) {
      ScanArgs one = args;
      one.x = step(args.x, row * args.x_kept[0], x.element);
      if (args.a) one.a = step(args.a, row * args.a_kept[0], x.element);
      one.y = step(args.y, row * args.y_kept[0], y.element);
      one.kept_shape[0] = 1;
      run_slices(one, y.element);
    }
    return;
  }
  parallel_for(rows, std::max<int64_t>(1, kGrain / args.length), [&](int64_t begin, int64_t end) {
    NDL_KERNEL(scan_rows)(args, begin, end);
  });
}

}  // namespace

void run_scan(ScanOp op, const View& x, const View& a, const View& y, int axis, bool exclusive, bool reverse) {
  if (y.count > 0) scan_from(0, op, x, a, y, axis, exclusive, reverse);
}

void run_scan_segments(ScanOp op, const View& x, const View& a, const View& offsets, const View& y, bool exclusive,
                       bool reverse) {
  if (y.count == 0) return;
  const int64_t columns = x.count / x.size[0];
  ScanSegmentsArgs segments = {};
  ScanArgs& args = segments.args;
  args.op = op;
  args.type = x.element;
  args.exclusive = exclusive;
  args.x = x.data;
  args.a = a.data;
  args.y = y.data;
  args.x_step = args.a_step = args.y_step = columns;
  args.kept_rank = 1;
  args.kept_shape[0] = columns;
  segments.offsets = data<int64_t>(offsets);
  segments.reverse = reverse;
  for_segments(
      offsets, columns, kGrain,
      [&](int64_t begin, int64_t end, int64_t longest) {
        ScanSegmentsArgs mine = segments;
        mine.longest = longest;
        NDL_KERNEL(scan_segments)(mine, begin, end);
      },
      [&](int64_t, int64_t begin, int64_t end) {
        scan_from(begin, op, range(x, begin, end), a.given() ? range(a, begin, end) : a, range(y, begin, end), 0,
                  exclusive, reverse);
      });
}

}  // namespace needlecpp::cpu
