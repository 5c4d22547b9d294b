// What conv_cpu.cpp hands to the kernels of conv_simd.cpp. Its essay says what tiles, lines and taps are.
#pragma once

#include <stdint.h>

#include "simd/element.h"
#include "simd/hd.h"
#include "simd/isa.h"

namespace needlecpp {

// Kernels read up to this many elements past the lines they work on, and write as many columns past the last.
inline constexpr int64_t kConvSlack = 64;

// In all of them `element` is the type of every array: F32 or F64.

// Copies the source of a tile to lines: element o of a line is x at [a, b, first + o * scale], zero outside x.
struct ConvPackArgs {
  Element element;
  int64_t channels;
  const void* x;         // of one image and group
  int64_t channel;       // strides of x, in elements
  int64_t step[3];       //
  int64_t size[3];       // of x along the axes
  int64_t count[3];      // lines along the first two axes, groups of taps along the last
  const int64_t* at[3];  // where in x each of them starts, for the tile at the origin
  int64_t origin[3];     // of this tile, in x
  int64_t scale;         // between neighbours in a line
  int64_t width;         // of a line
  void* to;              // [channels][count[0]][count[2]][count[1]][width]
  int64_t to_channel;
};

// a[r, (c, t)] = w[row[r] + c * channel + tap[t]] in the order that conv_product reads.
struct ConvWeightArgs {
  Element element;
  const void* w;
  const int64_t* row;
  int64_t channel;
  const int64_t* tap;
  int64_t rows, channels, taps;
  void* to;
};

// c[r, p] (+)= sum over k of a[r, k] b[offset[k] + p].
struct ConvProductArgs {
  Element element;
  int64_t rows, depth, columns;
  const void* a;          // packed
  const void* b;          // lines
  const int64_t* offset;  // [depth]
  void* c;                // [rows, c_row], c_row at least columns + kConvSlack
  int64_t c_row;
  bool accumulate;
};

// c[r, j] += sum over positions p of a[offset[r] + p] b[p, j]; positions are `lines` runs of `width`, `line` apart in a
// and adjacent in b.
struct ConvWeightGradArgs {
  Element element;
  int64_t rows, lines, width, line, columns;
  const void* a;
  const int64_t* offset;  // [rows]
  const void* b;
  int64_t b_row;
  void* c;
  int64_t c_row;
};

// y[row[r] + i * y_line + j * y_step] = c[r, i * line + j] + bias[r].
struct ConvUnpackArgs {
  Element element;
  int64_t rows, lines, width, line;
  const void* c;
  int64_t c_row;
  const void* bias;  // null for none
  void* y;
  const int64_t* row;
  int64_t y_line, y_step;
};

NDL_DECLARE_KERNEL(void, conv_pack, (const ConvPackArgs& args));
NDL_DECLARE_KERNEL(void, conv_pack_weights, (const ConvWeightArgs& args));
NDL_DECLARE_KERNEL(void, conv_product, (const ConvProductArgs& args));
NDL_DECLARE_KERNEL(void, conv_weight_grad, (const ConvWeightGradArgs& args));
NDL_DECLARE_KERNEL(void, conv_unpack, (const ConvUnpackArgs& args));

namespace NDL_ISA {

// The o in [0, width) for which 0 <= first + o * scale < size: [begin, end).
struct Inside {
  int64_t begin, end;
};
NDL_HD Inside inside(int64_t first, int64_t scale, int64_t size, int64_t width) {
  int64_t begin = first >= 0 ? 0 : (-first + scale - 1) / scale;
  int64_t end = first >= size ? 0 : (size - first + scale - 1) / scale;
  end = end > width ? width : end;
  begin = begin > end ? end : begin;
  return {begin, end};
}

}  // namespace NDL_ISA
}  // namespace needlecpp
