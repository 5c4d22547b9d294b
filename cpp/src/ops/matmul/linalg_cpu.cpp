// The cross product: runs of vectors, shared among the threads.
#include "needlecpp/core/parallel.h"
#include "ops/matmul/linalg_kernels.h"
#include "ops/matmul/linalg_run.h"
#include "ops/plumbing/strided.h"

namespace needlecpp::cpu {

void run_cross(int axis, const View& a, const View& b, const View& y) {
  constexpr int64_t kGrain = 1 << 13;  // cross products for one thread at least
  Shape shape = shape_of(y);
  std::array<Strides, 3> strides = {strides_of(a), strides_of(b), strides_of(y)};
  shape.erase(axis);
  for (Strides& one : strides) one.erase(axis);
  const StridedLoop<3> loop = make_loop<3>(shape, strides);
  const int64_t item = element_bytes(y.element);
  parallel_for(loop.count, kGrain, [&](int64_t begin, int64_t end) {
    for_each_run(loop, begin, end, [&](const std::array<int64_t, 3>& at, int64_t count) {
      CrossArgs args;
      args.element = y.element;
      args.a = a.as<char>() + at[0] * item;
      args.b = b.as<char>() + at[1] * item;
      args.y = y.as<char>() + at[2] * item;
      args.a_step = loop.strides[0].back();
      args.b_step = loop.strides[1].back();
      args.y_step = loop.strides[2].back();
      args.a_axis = a.stride[axis];
      args.b_axis = b.stride[axis];
      args.y_axis = y.stride[axis];
      args.count = count;
      NDL_KERNEL(cross_run)(args);
    });
  });
}

}  // namespace needlecpp::cpu
