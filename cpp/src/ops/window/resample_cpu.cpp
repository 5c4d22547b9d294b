// Resampling on the CPU: the rows of the result, shared among the threads.
#include <algorithm>

#include "needlecpp/core/parallel.h"
#include "ops/plumbing/scratch.h"
#include "ops/window/resample_kernels.h"
#include "ops/window/resample_run.h"

namespace needlecpp::cpu {

void run_resample(const ResampleTables& tables, const View& x, const View& y) {
  constexpr int64_t kGrain = 1 << 13;  // numbers of the result that a thread makes at least
  ResampleArgs args;
  args.element = x.element;
  args.x = x.data;
  args.y = y.data;
  for (size_t a = 0; a < 3; ++a) {
    const ResampleTaps& taps = tables[a];
    const void* const weight = x.element == Element::F64 ? static_cast<const void*>(taps.weight.data())
                                                         : static_cast<const void*>(taps.weight_f32.data());
    args.axes[a] = {taps.in, taps.out, taps.start.data(), taps.index.data(), weight};
  }
  const int64_t width = tables[2].out;
  parallel_for(y.count / width, std::max<int64_t>(1, kGrain / width), [&](int64_t begin, int64_t end) {
    const Scratch<char> row(tables[2].in * element_bytes(x.element));
    NDL_KERNEL(resample)(args, row.data(), begin, end);
  });
}

}  // namespace needlecpp::cpu
