// Pooling on the CPU: rows of results where each is computed by itself, planes of the image where windows that overlap
// add to one element.
#include <algorithm>

#include "needlecpp/core/parallel.h"
#include "ops/window/pool_kernels.h"
#include "ops/window/pool_run.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kGrain = 1 << 13;  // elements a thread must have to read before a second one pays

PoolArgs pool_args(const PoolWindows& windows, const View& x, const View& y) {
  PoolArgs args = {};
  args.element = x.element;
  for (int i = 0; i < 3; ++i) {
    args.in[i] = windows.in[i];
    args.out[i] = windows.out[i];
    args.begin[i] = windows.begin[i].data();
    args.end[i] = windows.end[i].data();
    args.count[i] = windows.count[i].data();
    args.step[i] = windows.step[i];
  }
  args.x = x.data;
  args.y = y.data;
  return args;
}

using Kernel = void (*)(const PoolArgs&, int64_t, int64_t);

void for_rows(const PoolArgs& args, Kernel kernel, const View& x, const View& y) {
  if (y.count == 0) return;
  const int64_t rows = y.count / args.out[2];
  const int64_t row_work = std::max(args.out[2], x.count / rows);
  parallel_for(rows, std::max<int64_t>(1, kGrain / row_work),
               [&](int64_t begin, int64_t end) { kernel(args, begin, end); });
}
void for_planes(const PoolArgs& args, Kernel kernel, const View& x) {
  if (x.count == 0) return;
  const int64_t size = args.in[0] * args.in[1] * args.in[2];
  parallel_for(x.count / size, std::max<int64_t>(1, kGrain / size),
               [&](int64_t begin, int64_t end) { kernel(args, begin, end); });
}

}  // namespace

void run_pool_max(const PoolWindows& windows, const View& x, const View& y, const View& index) {
  PoolArgs args = pool_args(windows, x, y);
  args.index = data<int64_t>(index);
  for_rows(args, NDL_KERNEL(pool_max), x, y);
}

void run_pool_mean(const PoolWindows& windows, const View& x, const View& y) {
  for_rows(pool_args(windows, x, y), NDL_KERNEL(pool_mean), x, y);
}

void run_pool_spread(const PoolWindows& windows, const View& y, const View& x) {
  for_planes(pool_args(windows, x, y), NDL_KERNEL(pool_spread), x);
}

void run_pool_scatter(const PoolWindows& windows, const View& y, const View& index, const View& x) {
  PoolArgs args = pool_args(windows, x, y);
  args.index = data<int64_t>(index);
  for_planes(args, NDL_KERNEL(pool_scatter), x);
}

}  // namespace needlecpp::cpu
