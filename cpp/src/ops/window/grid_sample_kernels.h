// What grid_sample_cpu.cpp hands to the kernels of grid_sample_simd.cpp, and the map from a coordinate to a pixel.
#pragma once

#include <stdint.h>

#include "simd/element.h"
#include "simd/hd.h"
#include "simd/isa.h"
#include "simd/math.h"

namespace needlecpp {

inline constexpr int kGridBlock = 64;   // points that are worked on together
inline constexpr int kGridTaps = 4;     // of one axis, at most
inline constexpr int kGridPixels = 16;  // of one point, at most: 4 x 4 or 2 x 2 x 2

struct GridArgs {
  Element element;   // of all arrays: F32 or F64
  const void* x;     // [n, channels, size...]
  const void* grid;  // [n, points, axes], adjacent
  void* y;           // [n, channels, points]; its gradient (read only) in the backward kernels
  void* dx;          // like x
  void* dgrid;       // like grid
  int64_t channels, points;
  int axes;         // 2 or 3
  int32_t size[3];  // along coordinate 0 (width), 1 (height), 2 (depth, 1 for images)
  int taps;         // of one axis: 1 nearest, 2 linear, 4 cubic
  int padding;      // 0 zeros, 1 border, 2 reflection
  bool align_corners;
};

// What the composed twin needs of every point: pixels (-1: none), and for each axis the place between two pixels with
// its derivative by the coordinate.
struct GridPlaces {
  int64_t* pixel;  // [taps^axes, n, points]
  void* fraction;  // [axes, n, points]
  void* slope;     // [axes, n, points]
};

// y, for blocks begin to end of [n, ceil(points / kGridBlock)].
NDL_DECLARE_KERNEL(void, grid_sample, (const GridArgs& args, int64_t begin, int64_t end));
// dx += ..., for planes begin to end of [n, channels].
NDL_DECLARE_KERNEL(void, grid_sample_dx, (const GridArgs& args, int64_t begin, int64_t end));
// dgrid, for blocks.
NDL_DECLARE_KERNEL(void, grid_sample_dgrid, (const GridArgs& args, int64_t begin, int64_t end));
// The places, for blocks; `all` is n * points.
NDL_DECLARE_KERNEL(void, grid_places,
                   (const GridArgs& args, const GridPlaces& to, int64_t all, int64_t begin, int64_t end));

namespace NDL_ISA {

// A coordinate in pixels and its derivative by the coordinate given.
template <class T>
struct GridPlace {
  T at, slope;
};

// Mirrors at the image's edges (half a pixel outside the first and last centre unless corners are aligned).
template <class T>
NDL_HD GridPlace<T> grid_reflect(GridPlace<T> p, T size, bool align_corners) {
  const T low = align_corners ? T(0) : T(-0.5);
  const T span = align_corners ? size - 1 : size;
  if (!(span > 0)) return {T(0), T(0)};
  const T from = p.at - low;
  const T d = m_abs(from);
  const T flips = m_floor(d / span);
  const bool odd = flips - 2 * m_floor(flips * T(0.5)) == 1;
  const T rest = d - flips * span;
  const T sign = (from < 0) != odd ? T(-1) : T(1);
  return {odd ? span - rest + low : rest + low, p.slope * sign};
}

// To the nearest pixel inside; borders count as outside for the derivative, and NaN goes to pixel 0.
template <class T>
NDL_HD GridPlace<T> grid_clip(GridPlace<T> p, T size) {
  const bool above = p.at > 0, below = p.at < size - 1;
  return {above ? (below ? p.at : size - 1) : T(0), above && below ? p.slope : T(0)};
}

template <class T>
NDL_HD GridPlace<T> grid_pad(GridPlace<T> p, T size, int padding, bool align_corners) {
  if (padding == 2) p = grid_reflect(p, size, align_corners);
  if (padding != 0) return grid_clip(p, size);
  // Zeros: all that is far outside is the same, and fits an integer.
  const bool near = p.at > -4 && p.at < size + 4;
  return {near ? p.at : T(-4), near ? p.slope : T(0)};
}

template <class T>
NDL_HD GridPlace<T> grid_unnormalize(T coordinate, T size, bool align_corners) {
  return align_corners ? GridPlace<T>{(coordinate + 1) / 2 * (size - 1), (size - 1) / 2}
                       : GridPlace<T>{((coordinate + 1) * size - 1) / 2, size / 2};
}

// The weights of Keys' cubic convolution (a = -0.75) for pixels -1, 0, 1 and 2 at t in [0, 1), and their derivatives.
template <class T>
NDL_HD void grid_cubic(T t, T weight[4], T slope[4]) {
  const T a = T(-0.75);
  for (int k = 0; k < 4; ++k) {
    const T s = t - (k - 1);
    const T d = m_abs(s);
    const T sign = s < 0 ? T(-1) : T(1);
    if (k == 1 || k == 2) {
      weight[k] = ((a + 2) * d - (a + 3)) * d * d + 1;
      slope[k] = (3 * (a + 2) * d - 2 * (a + 3)) * d * sign;
    } else {
      weight[k] = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
      slope[k] = ((3 * a * d - 10 * a) * d + 8 * a) * sign;
    }
  }
}

}  // namespace NDL_ISA
}  // namespace needlecpp
