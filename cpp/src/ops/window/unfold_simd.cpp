// Windows to columns and back, a row of windows at a time.
#include <stdint.h>
#include <string.h>

#include "ops/window/conv_kernels.h"
#include "ops/window/unfold_kernels.h"
#include "simd/hd.h"

namespace needlecpp::NDL_ISA {
namespace {

// Calls visit(x, y, inside) for every row of windows of every tap: x at the row's window 0, which may lie outside the
// row; `inside` is the range of windows whose element exists.
template <class T, class Visit>
NDL_HD void for_rows(const UnfoldSizes& sizes, T* x, T* y, const Visit& visit) {
  int64_t t[3];
  for (t[0] = 0; t[0] < sizes.kernel[0]; ++t[0])
    for (t[1] = 0; t[1] < sizes.kernel[1]; ++t[1])
      for (t[2] = 0; t[2] < sizes.kernel[2]; ++t[2]) {
        const int64_t first = t[2] * sizes.dilation[2] - sizes.padding[2];
        const Inside columns = inside(first, sizes.stride[2], sizes.in[2], sizes.out[2]);
        for (int64_t d = 0; d < sizes.out[0]; ++d)
          for (int64_t h = 0; h < sizes.out[1]; ++h, y += sizes.out[2]) {
            const int64_t i = d * sizes.stride[0] + t[0] * sizes.dilation[0] - sizes.padding[0];
            const int64_t j = h * sizes.stride[1] + t[1] * sizes.dilation[1] - sizes.padding[1];
            const bool exists = i >= 0 && i < sizes.in[0] && j >= 0 && j < sizes.in[1];
            visit(x + (exists ? (i * sizes.in[1] + j) * sizes.in[2] + first : 0), y, exists ? columns : Inside{0, 0});
          }
      }
}

NDL_HD int64_t size_of(const int64_t size[3]) { return size[0] * size[1] * size[2]; }

template <class T>
void unfold_of(const UnfoldArgs& args, int64_t begin, int64_t end) {
  const int64_t step = args.sizes.stride[2], width = args.sizes.out[2];
  for (int64_t plane = begin; plane < end; ++plane)
    for_rows(args.sizes, static_cast<T*>(args.x) + plane * size_of(args.sizes.in),
             static_cast<T*>(args.y) + plane * size_of(args.sizes.kernel) * size_of(args.sizes.out),
             [&](const T* x, T* y, Inside columns) {
               for (int64_t o = 0; o < columns.begin; ++o) y[o] = 0;
               if (step == 1)
                 for (int64_t o = columns.begin; o < columns.end; ++o) y[o] = x[o];
               else
                 for (int64_t o = columns.begin; o < columns.end; ++o) y[o] = x[o * step];
               for (int64_t o = columns.end; o < width; ++o) y[o] = 0;
             });
}

template <class T>
void fold_of(const UnfoldArgs& args, int64_t begin, int64_t end) {
  const int64_t step = args.sizes.stride[2], size = size_of(args.sizes.in);
  memset(static_cast<T*>(args.x) + begin * size, 0, static_cast<size_t>((end - begin) * size) * sizeof(T));
  for (int64_t plane = begin; plane < end; ++plane)
    for_rows(args.sizes, static_cast<T*>(args.x) + plane * size,
             static_cast<T*>(args.y) + plane * size_of(args.sizes.kernel) * size_of(args.sizes.out),
             [&](T* __restrict x, const T* __restrict y, Inside columns) {
               if (step == 1)
                 for (int64_t o = columns.begin; o < columns.end; ++o) x[o] = static_cast<T>(x[o] + y[o]);
               else
                 for (int64_t o = columns.begin; o < columns.end; ++o) x[o * step] = static_cast<T>(x[o * step] + y[o]);
             });
}

}  // namespace

// Elements are only moved: one type for each size is enough.
void unfold_planes(const UnfoldArgs& args, int64_t begin, int64_t end) {
  switch (element_bytes(args.element)) {
    case 1:
      return unfold_of<uint8_t>(args, begin, end);
    case 2:
      return unfold_of<uint16_t>(args, begin, end);
    case 4:
      return unfold_of<uint32_t>(args, begin, end);
    default:
      return unfold_of<uint64_t>(args, begin, end);
  }
}

// Integers as unsigned ones: overflow wraps.
void fold_planes(const UnfoldArgs& args, int64_t begin, int64_t end) {
  switch (args.element) {
    case Element::F64:
      return fold_of<double>(args, begin, end);
    case Element::I32:
      return fold_of<uint32_t>(args, begin, end);
    case Element::I64:
      return fold_of<uint64_t>(args, begin, end);
    case Element::U8:
      return fold_of<uint8_t>(args, begin, end);
    default:
      return fold_of<float>(args, begin, end);
  }
}

}  // namespace needlecpp::NDL_ISA
