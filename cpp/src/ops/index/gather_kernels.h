// Reading and writing at computed places: what gather, scatter_add, index_select, index_add, index and index_put_
// share.
#pragma once

#include <stdint.h>

#include "simd/element.h"
#include "simd/hd.h"
#include "simd/isa.h"

namespace needlecpp {

inline constexpr int kMaxAxes = 12;

// Some axes of a tensor, sizes and strides in elements, walked in C order.
struct Axes {
  int rank = 0;
  int64_t size[kMaxAxes];
  int64_t stride[kMaxAxes];
};

// What an index names along one axis of a tensor: element p of the index, taken row by row, lies at
// wrap(index[p]) * stride plus the offset of position p of `grid`.
struct IndexedAxis {
  int64_t size;
  int64_t stride;
  Axes grid = {};
};

// offsets[p] = (add ? offsets[p] : 0) + where p lies.
struct OffsetsArgs {
  const void* index;
  bool wide;  // int64 indices, int32 otherwise
  int64_t* offsets;
  IndexedAxis axis;
  bool add;
};

enum class Combine { Sum, Product, Max, Min };

// x[pre + offsets[p] + post] <-> y[pre, p, post], y being contiguous.
struct Places {
  Axes pre;                // axes of x before the indexed ones
  Axes post;               // axes of x after them: at least one
  int64_t pre_count = 1;   // product of the sizes
  int64_t post_count = 1;  // at least 1
  int64_t low = 0;         // all offsets lie in [low, high)
  int64_t high = 1;
};

struct PlacesArgs {
  char* x;
  char* y;
  const int64_t* offsets;
  int64_t count;    // of offsets
  Places places;    // put_places and combine_places write only where low <= offset < high
  Element type;     // combine_places: F32, F64, I32 or I64
  Combine combine;  // combine_places only
};

// Returns the first position whose index is outside its axis, or -1.
NDL_DECLARE_KERNEL(int64_t, gather_offsets, (const OffsetsArgs& args, int64_t begin, int64_t end))
// y[p] = x[offset of p], without a list of offsets; returns as gather_offsets does.
NDL_DECLARE_KERNEL(int64_t, take_one,
                   (const OffsetsArgs& args, const char* x, char* y, int item, int64_t begin, int64_t end))
// y from x, for rows (pre, p) numbered begin to end.
NDL_DECLARE_KERNEL(void, take_places, (const PlacesArgs& args, int64_t begin, int64_t end))
// x from y, and x combined with y, p rising, for positions begin to end of `pre`.
NDL_DECLARE_KERNEL(void, put_places, (const PlacesArgs& args, int64_t begin, int64_t end))
NDL_DECLARE_KERNEL(void, combine_places, (const PlacesArgs& args, int64_t begin, int64_t end))
// The true bytes of [begin, end): how many, and their coordinates along `axes` written one after another.
NDL_DECLARE_KERNEL(int64_t, count_true, (const uint8_t* x, int64_t begin, int64_t end))
NDL_DECLARE_KERNEL(void, write_true, (const uint8_t* x, const Axes& axes, int64_t* places, int64_t begin, int64_t end))

namespace NDL_ISA {

NDL_HD bool in_axis(int64_t index, int64_t size) { return index >= -size && index < size; }
NDL_HD int64_t wrap(int64_t index, int64_t size) { return index < 0 ? index + size : index; }

// The offset of a position given as one number in C order.
NDL_HD int64_t axes_offset(const Axes& axes, int64_t position) {
  int64_t offset = 0;
  for (int i = axes.rank - 1; i > 0; --i) {
    offset += position % axes.size[i] * axes.stride[i];
    position /= axes.size[i];
  }
  return axes.rank > 0 ? offset + position * axes.stride[0] : offset;
}

}  // namespace NDL_ISA
}  // namespace needlecpp
