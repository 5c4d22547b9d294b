// Separable resampling: for each row of the result, the rows of x that it draws from are added up along the two outer
// axes (adjacent numbers, vectors), and that one row is resampled along the inner axis.
#include "ops/window/resample_kernels.h"
#include "simd/hd.h"

namespace needlecpp::NDL_ISA {
namespace {

template <class T>
void rows(const ResampleArgs& args, T* scratch, int64_t begin, int64_t end) {
  const ResampleAxis &outer = args.axes[0], &middle = args.axes[1], &inner = args.axes[2];
  const T* const outer_weight = static_cast<const T*>(outer.weight);
  const T* const middle_weight = static_cast<const T*>(middle.weight);
  const T* const inner_weight = static_cast<const T*>(inner.weight);
  const int64_t in = inner.in;
  for (int64_t row = begin; row < end; ++row) {
    const int64_t m = row % middle.out;
    const int64_t o = row / middle.out % outer.out;
    const T* plane = static_cast<const T*>(args.x) + row / (middle.out * outer.out) * outer.in * middle.in * in;
    const T* line = scratch;
    const bool one = outer.start[o + 1] - outer.start[o] == 1 && middle.start[m + 1] - middle.start[m] == 1;
    if (one && outer_weight[outer.start[o]] == 1 && middle_weight[middle.start[m]] == 1) {
      line = plane + (outer.index[outer.start[o]] * middle.in + middle.index[middle.start[m]]) * in;
    } else {
      for (int64_t i = 0; i < in; ++i) scratch[i] = 0;
      for (int64_t s = outer.start[o]; s < outer.start[o + 1]; ++s)
        for (int64_t t = middle.start[m]; t < middle.start[m + 1]; ++t) {
          const T weight = outer_weight[s] * middle_weight[t];
          const T* from = plane + (outer.index[s] * middle.in + middle.index[t]) * in;
          for (int64_t i = 0; i < in; ++i) scratch[i] += weight * from[i];
        }
    }
    T* y = static_cast<T*>(args.y) + row * inner.out;
    for (int64_t i = 0; i < inner.out; ++i) {
      T sum = 0;
      for (int64_t t = inner.start[i]; t < inner.start[i + 1]; ++t) sum += inner_weight[t] * line[inner.index[t]];
      y[i] = sum;
    }
  }
}

}  // namespace

void resample(const ResampleArgs& args, void* scratch, int64_t begin, int64_t end) {
  with_float(args.element, [&](auto zero) {
    using T = decltype(zero);
    rows<T>(args, static_cast<T*>(scratch), begin, end);
  });
}

}  // namespace needlecpp::NDL_ISA
