// Rows that lie side by side in both memories are copied as such, many parts a block so that what is written stays in
// cache; all else is a copy between views.
#include <algorithm>
#include <cstring>
#include <vector>

#include "needlecpp/core/parallel.h"
#include "ops/plumbing/copy_kernels.h"
#include "ops/plumbing/copy_run.h"
#include "ops/shape/join_run.h"
#include "ops/shape/view_strides.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kCopyGrain = 64 << 10;  // bytes a thread must have to copy before a second one pays

int64_t product(const View& x, int begin, int end) {
  int64_t count = 1;
  for (int i = begin; i < end; ++i) count *= x.size[i];
  return count;
}

// The copy as rows of all axes from `axis` on, if the elements of a row lie side by side in both.
bool as_row_copy(const View& target, const View& source, int axis, CopyRowsArgs* args) {
  const int64_t rows = product(target, 0, axis);
  const int64_t row = product(target, axis, target.rank);
  Strides to;
  Strides from;
  if (!view_strides(shape_of(target), strides_of(target), {rows, row}, &to)) return false;
  if (!view_strides(shape_of(source), strides_of(source), {rows, row}, &from)) return false;
  if (row > 1 && (to[1] != 1 || from[1] != 1)) return false;
  const int64_t item = element_bytes(target.element);
  *args = {target.as<char>(), to[0] * item, source.as<char>(), from[0] * item, row * item};
  return true;
}

// All rows of all parts; the parts fill each block of rows while it is in cache.
void copy_all_rows(const CopyRowsArgs* parts, size_t count, int64_t rows) {
  int64_t row_bytes = 0;
  for (size_t k = 0; k < count; ++k) row_bytes += parts[k].bytes;
  if (row_bytes == 0 || rows == 0) return;
  if (rows < 4 * num_threads() && row_bytes > kCopyGrain) {
    for (size_t k = 0; k < count; ++k)
      for (int64_t r = 0; r < rows; ++r)
        parallel_for(parts[k].bytes, kCopyGrain, [&, part = parts[k]](int64_t begin, int64_t end) {
          const CopyRowsArgs piece = {part.to + r * part.to_stride + begin, 0, part.from + r * part.from_stride + begin,
                                      0, end - begin};
          NDL_KERNEL(copy_rows)(piece, 0, 1);
        });
    return;
  }
  const int64_t block = std::max<int64_t>(1, (16 << 10) / row_bytes);
  parallel_for(rows, std::max<int64_t>(1, kCopyGrain / row_bytes), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r += block)
      for (size_t k = 0; k < count; ++k) NDL_KERNEL(copy_rows)(parts[k], r, std::min(end, r + block));
  });
}

}  // namespace

void run_concat(const View* parts, int64_t count, int axis, const View& y) {
  std::vector<CopyRowsArgs> rows;
  int64_t start = 0;
  for (int64_t k = 0; k < count; ++k) {
    const View& part = parts[k];
    View target = y;
    target.data = y.as<char>() + start * y.stride[axis] * element_bytes(y.element);
    target.size[axis] = part.size[axis];
    target.count = part.count;
    target.contiguous = y.contiguous && product(y, 0, axis) <= 1;
    start += part.size[axis];
    if (part.count == 0) continue;
    CopyRowsArgs args;
    if (as_row_copy(target, part, axis, &args))
      rows.push_back(args);
    else
      run_copy(part, target);
  }
  copy_all_rows(rows.data(), rows.size(), product(y, 0, axis));
}

void run_copy_rows(const View& source, const View& target, int axis) {
  CopyRowsArgs args;
  if (as_row_copy(target, source, axis, &args))
    copy_all_rows(&args, 1, product(target, 0, axis));
  else
    run_copy(source, target);
}

void run_triangle(const View& x, int64_t shift, bool lower, const View& y) {
  const int64_t rows = y.size[y.rank - 2];
  const int64_t columns = y.size[y.rank - 1];
  const int64_t item = element_bytes(y.element);
  const char* from = x.as<char>();
  char* to = y.as<char>();
  parallel_for(y.count / columns, std::max<int64_t>(1, (64 << 10) / (columns * item)), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t edge = std::clamp(r % rows + shift + (lower ? 1 : 0), int64_t{0}, columns);
      const int64_t first = lower ? 0 : edge;
      const int64_t last = lower ? edge : columns;
      char* row = to + r * columns * item;
      std::memset(row, 0, static_cast<size_t>(first * item));
      std::memcpy(row + first * item, from + (r * columns + first) * item, static_cast<size_t>((last - first) * item));
      std::memset(row + last * item, 0, static_cast<size_t>((columns - last) * item));
    }
  });
}

int64_t run_count_repeats(const View& times) {
  const int64_t* count = data<int64_t>(times);
  int64_t total = 0;
  for (int64_t i = 0; i < times.count; ++i) {
    if (count[i] < 0 || count[i] > (int64_t{1} << 60) - total) return -1 - i;
    total += count[i];
  }
  return total;
}

void run_repeat_places(const View& times, const View& y) {
  const int64_t* count = data<int64_t>(times);
  int64_t* to = data<int64_t>(y);
  for (int64_t i = 0; i < times.count; ++i) to = std::fill_n(to, count[i], i);
}

}  // namespace needlecpp::cpu
