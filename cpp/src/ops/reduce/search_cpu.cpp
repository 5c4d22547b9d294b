// Threads share the elements. Counting, each share of x has counts of its own, which are added up.
#include <algorithm>
#include <cstring>

#include "needlecpp/core/parallel.h"
#include "ops/plumbing/scratch.h"
#include "ops/reduce/reduce_run.h"
#include "ops/reduce/search_kernels.h"
#include "ops/reduce/search_run.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kSearchGrain = 1 << 10;  // searches for one thread at least
constexpr int64_t kBinGrain = 1 << 12;
constexpr int64_t kMostCopies = 16;  // of the counts

}  // namespace

void run_search_sorted(const View& sorted, const View& values, bool right, const View& y) {
  const bool one_row = sorted.rank == 1;
  SearchArgs args;
  args.type = values.element;
  args.right = right;
  args.sorted = sorted.data;
  args.length = sorted.size[sorted.rank - 1];
  args.row_step = one_row ? 0 : args.length;
  args.values = values.data;
  args.per_row = one_row ? std::max<int64_t>(1, values.count) : values.size[values.rank - 1];
  args.y = data<int64_t>(y);
  parallel_for(values.count, kSearchGrain, [&](int64_t begin, int64_t end) {
    NDL_KERNEL(search_sorted)(args, begin, end);
  });
}

void run_even_edges(double low, double high, const View& edges) {
  double* edge = data<double>(edges);
  const int64_t bins = edges.count - 1;
  for (int64_t i = 0; i < bins; ++i)
    edge[i] = low + (high - low) * (static_cast<double>(i) / static_cast<double>(bins));
  edge[bins] = high;
}

void run_find_bins(const View& x, const View& edges, double scale, const View& y) {
  BinArgs args;
  args.type = x.element;
  args.x = x.data;
  args.edges = edges.data;
  args.bins = edges.count - 1;
  args.scale = scale;
  args.y = data<int64_t>(y);
  parallel_for(x.count, kBinGrain, [&](int64_t begin, int64_t end) { NDL_KERNEL(find_bins)(args, begin, end); });
}

void run_count_bins(const View& x, const View& counts) {
  const int64_t* from = data<int64_t>(x);
  const int64_t bins = counts.count;
  const int64_t copies = std::clamp<int64_t>(x.count / std::max(kBinGrain, 2 * bins), 1, kMostCopies);
  const auto count_share = [&](int64_t share, int64_t* to) {
    std::memset(to, 0, static_cast<size_t>(bins) * sizeof *to);
    NDL_KERNEL(count_bins)(from, x.count * share / copies, x.count * (share + 1) / copies, to);
  };
  if (copies == 1) return count_share(0, data<int64_t>(counts));
  const Scratch<int64_t> shares(copies * bins);
  parallel_tasks(copies, [&](int64_t share) { count_share(share, shares.data() + share * bins); });
  View all = row_of(shares.data(), Element::I64, copies * bins);
  all.rank = 2;
  all.size[0] = copies;
  all.stride[0] = bins;
  all.size[1] = bins;
  all.stride[1] = 1;
  run_reduce(ReduceOp::Sum, all, ReducedAxes(Dims{0}), counts, {});
}

}  // namespace needlecpp::cpu
