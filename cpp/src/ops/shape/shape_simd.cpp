// Rows to rows, built once per instruction set.
#include "ops/shape/shape_kernels.h"
#include "simd/copy.h"

namespace needlecpp::NDL_ISA {

void copy_rows(const CopyRowsArgs& args, int64_t begin, int64_t end) {
  for (int64_t r = begin; r < end; ++r)
    copy_row(args.to + r * args.to_stride, args.from + r * args.from_stride, args.bytes);
}

}  // namespace needlecpp::NDL_ISA
