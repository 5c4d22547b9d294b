// Grid sampling on the CPU, split over points (forward, the grid's gradient) or planes (the image's gradient, so that
// no two threads add to one pixel).
#include <algorithm>

#include "needlecpp/core/parallel.h"
#include "ops/window/grid_sample_kernels.h"
#include "ops/window/grid_sample_run.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kGrain = 1 << 14;  // pixels that a thread must have to read

GridArgs arguments(const GridOptions& options, const View& x, const View& grid) {
  GridArgs args = {};
  args.element = x.element;
  args.x = x.data;
  args.grid = grid.data;
  args.channels = x.size[1];
  args.axes = x.rank - 2;
  args.points = 1;
  for (int i = 1; i <= args.axes; ++i) args.points *= grid.size[i];
  for (int i = 0; i < 3; ++i) args.size[i] = i < args.axes ? static_cast<int32_t>(x.size[x.rank - 1 - i]) : 1;
  args.taps = options.taps;
  args.padding = options.padding;
  args.align_corners = options.align_corners;
  return args;
}

int64_t pixels_of(const GridArgs& args) {
  return args.axes == 3 ? args.taps * args.taps * args.taps : args.taps * args.taps;
}

template <class Body>
void for_blocks(const GridArgs& args, int64_t images, const Body& body) {
  const int64_t work = std::max<int64_t>(1, kGridBlock * args.channels * pixels_of(args));
  parallel_for(images * ((args.points + kGridBlock - 1) / kGridBlock), std::max<int64_t>(1, kGrain / work), body);
}

}  // namespace

void run_grid_sample(const GridOptions& options, View x, View grid, View y) {
  if (y.count == 0) return;
  GridArgs args = arguments(options, x, grid);
  args.y = y.data;
  for_blocks(args, x.size[0], [&](int64_t begin, int64_t end) { NDL_KERNEL(grid_sample)(args, begin, end); });
}

void run_grid_sample_dx(const GridOptions& options, View x, View grid, View dy, View dx) {
  if (dy.count == 0) return;
  GridArgs args = arguments(options, x, grid);
  args.y = dy.data;
  args.dx = dx.data;
  const int64_t work = std::max<int64_t>(1, args.points * pixels_of(args));
  parallel_for(x.size[0] * x.size[1], std::max<int64_t>(1, kGrain / work), [&](int64_t begin, int64_t end) {
    NDL_KERNEL(grid_sample_dx)(args, begin, end);
  });
}

void run_grid_sample_dgrid(const GridOptions& options, View x, View grid, View dy, View dgrid) {
  if (dy.count == 0) return;
  GridArgs args = arguments(options, x, grid);
  args.y = dy.data;
  args.dgrid = dgrid.data;
  for_blocks(args, x.size[0], [&](int64_t begin, int64_t end) { NDL_KERNEL(grid_sample_dgrid)(args, begin, end); });
}

void run_grid_places(const GridOptions& options, View x, View grid, View pixel, View fraction, View slope) {
  if (pixel.count == 0) return;
  const GridArgs args = arguments(options, x, grid);
  const GridPlaces places = {data<int64_t>(pixel), fraction.data, slope.data};
  const int64_t all = x.size[0] * args.points;
  for_blocks(args, x.size[0], [&](int64_t begin, int64_t end) {
    NDL_KERNEL(grid_places)(args, places, all, begin, end);
  });
}

}  // namespace needlecpp::cpu
