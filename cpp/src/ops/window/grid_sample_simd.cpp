// Grid sampling. Points are worked on in blocks: for a block, every pixel's offset and weight are computed once
// (Block::locate, an axis at a time, and Block::combine), and then all channels read those pixels, 64 points in a row
// for one pixel after the other, which compilers turn into vector gathers.
//
// Offsets of pixels that do not exist are -1: they read pixel 0 and put zero in its place.
#include <math.h>
#include <stdint.h>

#include "ops/window/grid_sample_kernels.h"
#include "simd/hd.h"

namespace needlecpp::NDL_ISA {
namespace {

constexpr int kBlock = kGridBlock;

NDL_HD float round_even(float x) { return rintf(x); }
NDL_HD double round_even(double x) { return rint(x); }

template <class T>
struct Block {
  // Of each axis and tap: the index along the axis (-1: none), the weight and its derivative by the coordinate.
  int32_t index[3][kGridTaps][kBlock];
  T weight[3][kGridTaps][kBlock];
  T slope[3][kGridTaps][kBlock];
  T fraction[3][kBlock];
  T scale[3][kBlock];
  // Of each pixel: the offset in its plane (-1: none) and the weight.
  int32_t pixel[kGridPixels][kBlock];
  T share[kGridPixels][kBlock];
  int pixels;

  void locate_point(const GridArgs& args, int axis, T coordinate, int p) {
    const int32_t size = args.size[axis];
    const T extent = static_cast<T>(size);
    GridPlace<T> place = grid_unnormalize(coordinate, extent, args.align_corners);
    if (args.taps != 4) {
      place = grid_pad(place, extent, args.padding, args.align_corners);
    } else if (args.padding != 2) {  // cubic: pixels are padded one by one, and far from the image all are alike
      const bool near = place.at > -4 && place.at < extent + 4;
      place = {near ? place.at : place.at > 0 ? extent + 4 : T(-4), near ? place.slope : T(0)};
    }
    if (args.taps == 1) {
      const int32_t at = static_cast<int32_t>(round_even(place.at));
      index[axis][0][p] = ((at >= 0) & (at < size)) ? at : -1;
      weight[axis][0][p] = 1;
      slope[axis][0][p] = 0;
      fraction[axis][p] = 0;
      scale[axis][p] = 0;
      return;
    }
    const T below = m_floor(place.at);
    const T t = place.at - below;
    fraction[axis][p] = t;
    scale[axis][p] = place.slope;
    if (args.taps == 2) {
      const int32_t at = static_cast<int32_t>(below);
      index[axis][0][p] = ((at >= 0) & (at < size)) ? at : -1;
      index[axis][1][p] = ((at >= -1) & (at < size - 1)) ? at + 1 : -1;
      weight[axis][0][p] = 1 - t;
      weight[axis][1][p] = t;
      slope[axis][0][p] = -place.slope;
      slope[axis][1][p] = place.slope;
      return;
    }
    T w[4], s[4];
    grid_cubic(t, w, s);
    for (int k = 0; k < 4; ++k) {
      const GridPlace<T> one =
          grid_pad(GridPlace<T>{below + static_cast<T>(k - 1), T(0)}, extent, args.padding, args.align_corners);
      const int32_t at = static_cast<int32_t>(one.at);
      index[axis][k][p] = ((at >= 0) & (at < size)) ? at : -1;
      weight[axis][k][p] = w[k];
      slope[axis][k][p] = s[k] * place.slope;
    }
  }
  // `grid` points to the block's first point.
  void locate(const GridArgs& args, const T* grid, int count) {
    for (int axis = 0; axis < args.axes; ++axis)
      for (int p = 0; p < count; ++p) locate_point(args, axis, grid[p * args.axes + axis], p);
  }
  // The pixels from the axes; the first axis' tap varies fastest.
  void combine(const GridArgs& args, int count) {
    pixels = 0;
    const int deep = args.axes == 3 ? args.taps : 1;
    for (int z = 0; z < deep; ++z)
      for (int y = 0; y < args.taps; ++y)
        for (int x = 0; x < args.taps; ++x, ++pixels)
          for (int p = 0; p < count; ++p) {
            const int32_t plane = args.axes == 3 ? index[2][z][p] : 0;
            const T depth_share = args.axes == 3 ? weight[2][z][p] : T(1);
            const int32_t row = index[1][y][p], column = index[0][x][p];
            const bool none = (plane < 0) | (row < 0) | (column < 0);
            pixel[pixels][p] = none ? -1 : (plane * args.size[1] + row) * args.size[0] + column;
            share[pixels][p] = weight[0][x][p] * weight[1][y][p] * depth_share;
          }
  }
};

// The value of a pixel, zero for one that does not exist.
template <class T>
NDL_HD T read(const T* plane, int32_t pixel) {
  const T value = plane[pixel < 0 ? 0 : pixel];
  return pixel < 0 ? T(0) : value;
}

NDL_HD int64_t blocks_of(int64_t points) { return (points + kBlock - 1) / kBlock; }

NDL_HD int64_t plane_size(const GridArgs& args) {
  return static_cast<int64_t>(args.size[0]) * args.size[1] * args.size[2];
}

// Calls body(block, n, first point, count) for blocks begin to end.
template <class T, class Body>
NDL_HD void for_blocks(const GridArgs& args, int64_t begin, int64_t end, Body&& body) {
  const int64_t per_image = blocks_of(args.points);
  Block<T> block;
  for (int64_t b = begin; b < end; ++b) {
    const int64_t n = b / per_image, first = b % per_image * kBlock;
    const int count = static_cast<int>(args.points - first < kBlock ? args.points - first : kBlock);
    block.locate(args, static_cast<const T*>(args.grid) + (n * args.points + first) * args.axes, count);
    block.combine(args, count);
    body(block, n, first, count);
  }
}

template <class T>
void forward(const GridArgs& args, int64_t begin, int64_t end) {
  for_blocks<T>(args, begin, end, [&](const Block<T>& block, int64_t n, int64_t first, int count) {
    for (int64_t c = 0; c < args.channels; ++c) {
      const T* plane = static_cast<const T*>(args.x) + (n * args.channels + c) * plane_size(args);
      T sum[kBlock] = {};
      for (int k = 0; k < block.pixels; ++k)
        for (int p = 0; p < count; ++p) sum[p] += block.share[k][p] * read(plane, block.pixel[k][p]);
      T* y = static_cast<T*>(args.y) + (n * args.channels + c) * args.points + first;
      for (int p = 0; p < count; ++p) y[p] = sum[p];
    }
  });
}

template <class T>
void backward_grid(const GridArgs& args, int64_t begin, int64_t end) {
  for_blocks<T>(args, begin, end, [&](const Block<T>& block, int64_t n, int64_t first, int count) {
    T product[kGridPixels][kBlock] = {};  // the sum over channels of dy times the pixel
    for (int64_t c = 0; c < args.channels; ++c) {
      const T* plane = static_cast<const T*>(args.x) + (n * args.channels + c) * plane_size(args);
      const T* dy = static_cast<const T*>(args.y) + (n * args.channels + c) * args.points + first;
      for (int k = 0; k < block.pixels; ++k)
        for (int p = 0; p < count; ++p) product[k][p] += dy[p] * read(plane, block.pixel[k][p]);
    }
    T* to = static_cast<T*>(args.dgrid) + (n * args.points + first) * args.axes;
    for (int p = 0; p < count; ++p) {
      T gradient[3] = {};
      for (int k = 0; k < block.pixels; ++k) {
        const int tap[3] = {k % args.taps, k / args.taps % args.taps, k / (args.taps * args.taps)};
        for (int axis = 0; axis < args.axes; ++axis) {
          T share = product[k][p];
          for (int other = 0; other < args.axes; ++other)
            share *= other == axis ? block.slope[other][tap[other]][p] : block.weight[other][tap[other]][p];
          gradient[axis] += share;
        }
      }
      for (int axis = 0; axis < args.axes; ++axis) to[p * args.axes + axis] = gradient[axis];
    }
  });
}

// A thread owns whole planes and adds to them in the order of the points.
template <class T>
void backward_image(const GridArgs& args, int64_t begin, int64_t end) {
  const int64_t per_image = blocks_of(args.points);
  while (begin < end) {
    const int64_t n = begin / args.channels;
    const int64_t stop = (n + 1) * args.channels < end ? (n + 1) * args.channels : end;
    for_blocks<T>(args, n * per_image, (n + 1) * per_image,
                  [&](const Block<T>& block, int64_t, int64_t first, int count) {
                    for (int64_t row = begin; row < stop; ++row) {
                      T* plane = static_cast<T*>(args.dx) + row * plane_size(args);
                      const T* dy = static_cast<const T*>(args.y) + row * args.points + first;
                      for (int k = 0; k < block.pixels; ++k)
                        for (int p = 0; p < count; ++p)
                          if (block.pixel[k][p] >= 0) plane[block.pixel[k][p]] += block.share[k][p] * dy[p];
                    }
                  });
    begin = stop;
  }
}

template <class T>
void places(const GridArgs& args, const GridPlaces& to, int64_t all, int64_t begin, int64_t end) {
  for_blocks<T>(args, begin, end, [&](const Block<T>& block, int64_t n, int64_t first, int count) {
    const int64_t at = n * args.points + first;
    for (int p = 0; p < count; ++p) {
      for (int k = 0; k < block.pixels; ++k) to.pixel[k * all + at + p] = block.pixel[k][p];
      for (int axis = 0; axis < args.axes; ++axis) {
        static_cast<T*>(to.fraction)[axis * all + at + p] = block.fraction[axis][p];
        static_cast<T*>(to.slope)[axis * all + at + p] = block.scale[axis][p];
      }
    }
  });
}

}  // namespace

void grid_sample(const GridArgs& args, int64_t begin, int64_t end) {
  with_float(args.element, [&](auto zero) { forward<decltype(zero)>(args, begin, end); });
}
void grid_sample_dx(const GridArgs& args, int64_t begin, int64_t end) {
  with_float(args.element, [&](auto zero) { backward_image<decltype(zero)>(args, begin, end); });
}
void grid_sample_dgrid(const GridArgs& args, int64_t begin, int64_t end) {
  with_float(args.element, [&](auto zero) { backward_grid<decltype(zero)>(args, begin, end); });
}
void grid_places(const GridArgs& args, const GridPlaces& to, int64_t all, int64_t begin, int64_t end) {
  with_float(args.element, [&](auto zero) { places<decltype(zero)>(args, to, all, begin, end); });
}

}  // namespace needlecpp::NDL_ISA
