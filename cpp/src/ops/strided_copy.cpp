// Copies between any two layouts and dtypes.
#include <cstring>

#include "ops/elementwise_map.h"

namespace needlecpp {

void strided_copy(const Tensor& target, const Tensor& source) {
  NDL_CHECK(target.shape() == source.shape(), ValueError, "copy", "shapes differ: got ", source.shape(), ", expected ",
            target.shape(), ".");
  if (target.numel() == 0) return;
  const int64_t to_size = static_cast<int64_t>(itemsize(target.dtype()));
  const int64_t from_size = static_cast<int64_t>(itemsize(source.dtype()));
  char* to = static_cast<char*>(target.raw());
  const char* from = static_cast<const char*>(source.raw());
  const bool same = target.dtype() == source.dtype();
  if (same && target.is_contiguous() && source.is_contiguous()) {
    parallel_for(target.numel() * to_size, 1 << 20, [&](int64_t begin, int64_t end) {
      std::memcpy(to + begin, from + begin, static_cast<size_t>(end - begin));
    });
    return;
  }
  const StridedLoop<2> loop = make_loop<2>(target.shape(), {target.strides(), source.strides()});
  const int64_t to_stride = loop.strides[0].back();
  const int64_t from_stride = loop.strides[1].back();
  const bool rows = same && to_stride == 1 && from_stride == 1;
  parallel_for(loop.count, kElementwiseGrain, [&](int64_t begin, int64_t end) {
    for_each_run(loop, begin, end, [&](const std::array<int64_t, 2>& offsets, int64_t length) {
      char* y = to + offsets[0] * to_size;
      const char* x = from + offsets[1] * from_size;
      if (rows)
        std::memcpy(y, x, static_cast<size_t>(length * to_size));
      else
        convert_run(target.dtype(), y, to_stride, source.dtype(), x, from_stride, length);
    });
  });
}

}  // namespace needlecpp
