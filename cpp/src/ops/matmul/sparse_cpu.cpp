// Sparse products. Work is shared by entries and not by rows, which may differ: every share has as many entries. Where
// a row is cut, the sums of its later shares are carried and added in order afterwards. Shares depend on the sizes
// alone.
#include <algorithm>
#include <atomic>

#include "needlecpp/core/parallel.h"
#include "ops/matmul/sparse_kernels.h"
#include "ops/matmul/sparse_run.h"
#include "ops/plumbing/scratch.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kShareWork = 1 << 14;  // multiply-adds of one share, about
constexpr int64_t kMostShares = 128;

SparseArgs sparse_args(const SparsePattern& pattern) {
  SparseArgs args = {};
  args.rows = pattern.rows();
  args.cols = pattern.cols;
  args.offsets = data<int64_t>(pattern.offsets);
  args.columns = data<int64_t>(pattern.columns);
  return args;
}

int64_t share_count(int64_t entries, int64_t width) {
  const double work = static_cast<double>(entries) * static_cast<double>(width);
  return std::clamp<int64_t>(static_cast<int64_t>(work / kShareWork), 1,
                             std::min(kMostShares, std::max<int64_t>(1, entries)));
}

}  // namespace

int64_t run_find_bad_offset(const SparsePattern& pattern) {
  const int64_t* starts = data<int64_t>(pattern.offsets);
  const int64_t rows = pattern.rows();
  if (starts[0] != 0) return 0;
  for (int64_t r = 0; r < rows; ++r)
    if (starts[r] > starts[r + 1]) return r + 1;
  return starts[rows] == pattern.count() ? -1 : rows;
}

int64_t run_find_bad_column(const SparsePattern& pattern) {
  const SparseArgs args = sparse_args(pattern);
  std::atomic<int64_t> bad = -1;
  parallel_for(pattern.count(), kShareWork, [&](int64_t begin, int64_t end) {
    const int64_t found = NDL_KERNEL(sparse_bad_column)(args, begin, end);
    if (found >= 0) bad = found;
  });
  return bad;
}

void run_sparse_product(const SparsePattern& pattern, const View& values, const View& dense, const View& y) {
  if (y.count == 0) return;
  const int64_t width = dense.size[1], count = pattern.count();
  SparseArgs args = sparse_args(pattern);
  args.element = y.element;
  args.width = width;
  args.values = values.data;
  args.left = y.data;
  args.left_row = width;
  args.right = dense.data;
  args.right_row = dense.stride[0];
  const int64_t shares = share_count(count + pattern.rows(), width);
  const auto first = [&](int64_t share) { return share * (count / shares) + std::min(share, count % shares); };
  const int64_t carry_bytes = width * element_bytes(y.element);
  const Scratch<char> carries(shares * carry_bytes);
  const auto carry = [&](int64_t share) { return carries.data() + share * carry_bytes; };
  parallel_tasks(shares, [&](int64_t s) {
    NDL_KERNEL(sparse_product)(args, first(s), first(s + 1), s == shares - 1, carry(s));
  });
  for (int64_t s = 1; s < shares; ++s) NDL_KERNEL(sparse_add_carry)(args, first(s), carry(s));
}

void run_sparse_dots(const SparsePattern& pattern, const View& left, const View& right, const View& values) {
  SparseArgs args = sparse_args(pattern);
  args.element = values.element;
  args.width = left.size[1];
  args.values = values.data;
  args.left = left.data;
  args.left_row = left.stride[0];
  args.right = right.data;
  args.right_row = right.stride[0];
  parallel_for(pattern.count(), std::max<int64_t>(1, kShareWork / std::max<int64_t>(1, args.width)),
               [&](int64_t begin, int64_t end) {
                 NDL_KERNEL(sparse_dots)
                 (args, begin, end);
               });
}

}  // namespace needlecpp::cpu
