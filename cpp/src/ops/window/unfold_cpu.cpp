// im2col and col2im on the CPU: planes, each by itself.
#include <algorithm>

#include "needlecpp/core/parallel.h"
#include "ops/window/unfold_kernels.h"
#include "ops/window/unfold_run.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements of y a thread must have before a second one pays

void for_planes(const UnfoldSizes& sizes, const View& x, const View& y,
                void (*kernel)(const UnfoldArgs&, int64_t, int64_t)) {
  const UnfoldArgs args = {x.element, x.data, y.data, sizes};
  int64_t columns = 1;
  for (int i = 0; i < 3; ++i) columns *= sizes.kernel[i] * sizes.out[i];
  parallel_for(y.count / columns, std::max<int64_t>(1, kGrain / columns),
               [&](int64_t begin, int64_t end) { kernel(args, begin, end); });
}

}  // namespace

void run_unfold(const UnfoldSizes& sizes, const View& x, const View& y) {
  for_planes(sizes, x, y, NDL_KERNEL(unfold_planes));
}
void run_fold(const UnfoldSizes& sizes, const View& y, const View& x) {
  for_planes(sizes, x, y, NDL_KERNEL(fold_planes));
}

}  // namespace needlecpp::cpu
