// The copy of one run of elements, for the CPU's code of several families.
#pragma once

#include "ops/plumbing/copy_kernels.h"

namespace needlecpp::cpu {

// y[i * y_stride] = x[i * x_stride] for i < count, converting.
inline void convert_run(Element to, void* y, int64_t y_stride, Element from, const void* x, int64_t x_stride,
                        int64_t count) {
  NDL_KERNEL(convert_loop)({to, from, y, x, count, y_stride, x_stride});
}

}  // namespace needlecpp::cpu
