// What the ops of grid_sample.cpp ask of a device.
#pragma once

#include "core/run.h"

namespace needlecpp {

struct GridOptions {
  int taps;     // pixels of one axis that a point reads: 1 nearest, 2 linear, 4 cubic
  int padding;  // 0 zeros, 1 border, 2 reflection
  bool align_corners;
};

// All views are contiguous: x [n, channels, size...] with two or three axes, at least one pixel and at most 2^31 - 1 of
// them, grid [n, points..., axes], y [n, channels, points...]; float32 or float64, one type for all.
// y = x read at the grid's points.
NDL_DECLARE_RUN(void, run_grid_sample, (const GridOptions& options, View x, View grid, View y));
// The gradients by x, added to dx, and by the grid, which is left alone where y is empty.
NDL_DECLARE_RUN(void, run_grid_sample_dx, (const GridOptions& options, View x, View grid, View dy, View dx));
NDL_DECLARE_RUN(void, run_grid_sample_dgrid, (const GridOptions& options, View x, View grid, View dy, View dgrid));
// What the composed twin needs of every point: pixels (int64 [taps^axes, n, points], -1: none), and for each axis the
// place between two pixels with its derivative by the coordinate ([axes, n, points]).
NDL_DECLARE_RUN(void, run_grid_places,
                (const GridOptions& options, View x, View grid, View pixel, View fraction, View slope));

}  // namespace needlecpp
