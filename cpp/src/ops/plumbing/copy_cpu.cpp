// Copies between any two layouts and dtypes. The order in which elements are visited is free, so axes are sorted by the
// target's strides: the target is then written in the order of memory. Of one dtype, a source that runs along the same
// axis is copied by rows, and one that runs along another by transposed blocks; all else goes through convert_run.
#include "ops/plumbing/copy_cpu.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "needlecpp/core/parallel.h"
#include "ops/plumbing/copy_run.h"
#include "ops/plumbing/strided.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kStreamBytes = 8 << 20;  // targets of this size are written past the caches
constexpr int64_t kShortRow = 1024;        // bytes up to which rows are copied many at a time

using CopyLoop = StridedLoop<2>;  // target, source

CopyLoop loop_by_target(const View& target, const View& source) {
  int order[kMaxRank];
  const int rank = target.rank;
  for (int i = 0; i < rank; ++i) order[i] = i;
  std::stable_sort(order, order + rank,
                   [&](int a, int b) { return std::abs(target.stride[a]) > std::abs(target.stride[b]); });
  Shape shape;
  Strides to;
  Strides from;
  for (int i = 0; i < rank; ++i) {
    shape.push_back(target.size[order[i]]);
    to.push_back(target.stride[order[i]]);
    from.push_back(source.stride[order[i]]);
  }
  return make_loop<2>(shape, {to, from});
}

void drop_axis(CopyLoop* loop, int axis) {
  loop->count /= loop->shape[axis];
  loop->shape.erase(axis);
  for (Strides& strides : loop->strides) strides.erase(axis);
}

// work(target offset, source offset, begin, end) for parts of `pieces` pieces at every position of the loop.
template <class Work>
void for_each_piece(const CopyLoop& outer, int64_t pieces, int64_t piece_elements, const Work& work) {
  parallel_for(outer.count * pieces, std::max<int64_t>(1, kElementwiseGrain / piece_elements),
               [&](int64_t begin, int64_t end) {
                 while (begin < end) {
                   const int64_t first = begin % pieces;
                   const int64_t last = std::min(pieces, first + end - begin);
                   const auto offsets = outer.offsets(begin / pieces);
                   work(offsets[0], offsets[1], first, last);
                   begin += last - first;
                 }
               });
}

void copy_short_rows(const CopyLoop& loop, char* to, const char* from, int64_t item) {
  CopyLoop outer = loop;
  const int row_axis = loop.shape.size() - 2;
  drop_axis(&outer, row_axis + 1);
  drop_axis(&outer, row_axis);
  for_each_piece(outer, loop.shape[row_axis], loop.inner(),
                 [&](int64_t to_offset, int64_t from_offset, int64_t begin, int64_t end) {
                   const CopyRowsArgs args = {to + to_offset * item, loop.strides[0][row_axis] * item,
                                              from + from_offset * item, loop.strides[1][row_axis] * item,
                                              loop.inner() * item};
                   NDL_KERNEL(copy_rows)(args, begin, end);
                 });
}

void copy_transposed(const CopyLoop& loop, int row_axis, char* to, const char* from, int64_t item) {
  CopyLoop outer = loop;
  const int column_axis = loop.shape.size() - 1;
  drop_axis(&outer, column_axis);
  drop_axis(&outer, row_axis);
  TransposeArgs args;
  args.to_row = loop.strides[0][row_axis] * item;
  args.from_column = loop.strides[1][column_axis] * item;
  args.rows = loop.shape[row_axis];
  args.columns = loop.shape[column_axis];
  args.item = static_cast<int>(item);
  args.stream = loop.count * item >= kStreamBytes;
  const int64_t blocks = transpose_blocks(args.rows) * transpose_blocks(args.columns);
  for_each_piece(outer, blocks, std::max<int64_t>(1, args.rows * args.columns / blocks),
                 [&](int64_t to_offset, int64_t from_offset, int64_t begin, int64_t end) {
                   TransposeArgs mine = args;
                   mine.to = to + to_offset * item;
                   mine.from = from + from_offset * item;
                   NDL_KERNEL(transpose_copy)(mine, begin, end);
                 });
}

}  // namespace

void run_copy(const View& source, const View& target) {
  if (target.count == 0) return;
  const int64_t to_size = element_bytes(target.element);
  const int64_t from_size = element_bytes(source.element);
  char* to = target.as<char>();
  const char* from = source.as<char>();
  const bool same = target.element == source.element;
  if (same && target.contiguous && source.contiguous) {
    parallel_for(target.count * to_size, 1 << 20, [&](int64_t begin, int64_t end) {
      std::memcpy(to + begin, from + begin, static_cast<size_t>(end - begin));
    });
    return;
  }
  const CopyLoop loop = loop_by_target(target, source);
  const int last = loop.shape.size() - 1;
  const int64_t to_stride = loop.strides[0][last];
  const int64_t from_stride = loop.strides[1][last];
  const bool rows = same && to_stride == 1 && from_stride == 1;
  if (rows && last > 0 && loop.inner() * to_size <= kShortRow) return copy_short_rows(loop, to, from, to_size);
  const bool repeats = from_stride == 0 && loop.inner() >= kTransposeSide;  // convert_run fills such rows
  if (same && to_stride == 1 && !rows && !repeats)
    for (int axis = 0; axis < last; ++axis)
      if (loop.strides[1][axis] == 1) return copy_transposed(loop, axis, to, from, to_size);
  parallel_for(loop.count, kElementwiseGrain, [&](int64_t begin, int64_t end) {
    for_each_run(loop, begin, end, [&](const std::array<int64_t, 2>& offsets, int64_t length) {
      char* y = to + offsets[0] * to_size;
      const char* x = from + offsets[1] * from_size;
      if (rows)
        std::memcpy(y, x, static_cast<size_t>(length * to_size));
      else
        convert_run(target.element, y, to_stride, source.element, x, from_stride, length);
    });
  });
}

}  // namespace needlecpp::cpu
