// The losses of classes on the CPU: rows are shared among the threads.
#include <algorithm>

#include "needlecpp/core/parallel.h"
#include "ops/layers/loss_kernels.h"
#include "ops/layers/loss_run.h"

namespace needlecpp::cpu {

int64_t run_class_targets(int64_t classes, int64_t ignore_index, View given, View target, View keeps) {
  const int64_t* from = data<int64_t>(given);
  int64_t* to = data<int64_t>(target);
  bool* kept = data<bool>(keeps);
  for (int64_t i = 0; i < given.count; ++i) {
    const bool ignored = from[i] == ignore_index;
    if (!ignored && (from[i] < 0 || from[i] >= classes)) return i;
    to[i] = ignored ? 0 : from[i];
    kept[i] = !ignored;
  }
  return -1;
}

void run_cross_entropy_dx(View x, View top, View log_sum, View scale, View spread, View weight, View total, View target,
                          View dx) {
  constexpr int64_t kGrain = 1 << 12;  // exponentials that a thread must have to compute
  CrossEntropyArgs args = {};
  args.element = x.element;
  args.x = x.data;
  args.dx = dx.data;
  args.top = top.data;
  args.log_sum = log_sum.data;
  args.scale = scale.data;
  args.spread = spread.data;
  args.weight = weight.data;
  args.total = total.data;
  args.target = data<int64_t>(target);
  args.classes = x.size[1];
  parallel_for(x.size[0], std::max<int64_t>(1, kGrain / std::max<int64_t>(1, args.classes)),
               [&](int64_t begin, int64_t end) {
                 NDL_KERNEL(cross_entropy_dx)
                 (args, begin, end);
               });
}

}  // namespace needlecpp::cpu
