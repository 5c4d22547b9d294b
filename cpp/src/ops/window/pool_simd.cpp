// Loops over windows.
#include <stdint.h>
#include <string.h>

#include "ops/window/pool_kernels.h"
#include "simd/hd.h"

namespace needlecpp::NDL_ISA {
namespace {

// Calls visit(position in the plane) for every element of a window, in C order.
template <class Visit>
NDL_HD void for_window(const PoolArgs& args, int64_t d, int64_t h, int64_t w, const Visit& visit) {
  for (int64_t i = args.begin[0][d]; i < args.end[0][d]; i += args.step[0])
    for (int64_t j = args.begin[1][h]; j < args.end[1][h]; j += args.step[1]) {
      const int64_t row = (i * args.in[1] + j) * args.in[2];
      for (int64_t k = args.begin[2][w]; k < args.end[2][w]; k += args.step[2]) visit(row + k);
    }
}

// Calls visit(plane, d, h, w, position in y) for the results in rows [begin, end).
template <class Visit>
NDL_HD void for_rows(const PoolArgs& args, int64_t begin, int64_t end, const Visit& visit) {
  for (int64_t row = begin; row < end; ++row) {
    const int64_t h = row % args.out[1], d = row / args.out[1] % args.out[0], plane = row / args.out[1] / args.out[0];
    for (int64_t w = 0; w < args.out[2]; ++w) visit(plane, d, h, w, row * args.out[2] + w);
  }
}

NDL_HD int64_t plane_size(const PoolArgs& args) { return args.in[0] * args.in[1] * args.in[2]; }

template <class T>
void max_of(const PoolArgs& args, int64_t begin, int64_t end) {
  T* y = static_cast<T*>(args.y);
  for_rows(args, begin, end, [&](int64_t plane, int64_t d, int64_t h, int64_t w, int64_t at) {
    const T* x = static_cast<const T*>(args.x) + plane * plane_size(args);
    int64_t best_at = (args.begin[0][d] * args.in[1] + args.begin[1][h]) * args.in[2] + args.begin[2][w];
    T best = x[best_at];
    for_window(args, d, h, w, [&](int64_t i) {
      const T now = x[i];
      if (now != now) {
        best = now;
        best_at = i;
        return;
      }
      // Chosen, not branched on: which element wins cannot be predicted.
      const bool wins = now > best;
      best = wins ? now : best;
      best_at = wins ? i : best_at;
    });
    y[at] = best;
    args.index[at] = best_at;
  });
}

template <class T>
NDL_HD T divisor(const PoolArgs& args, int64_t d, int64_t h, int64_t w) {
  return static_cast<T>(args.count[0][d]) * static_cast<T>(args.count[1][h]) * static_cast<T>(args.count[2][w]);
}

template <class T>
void mean_of(const PoolArgs& args, int64_t begin, int64_t end) {
  T* y = static_cast<T*>(args.y);
  for_rows(args, begin, end, [&](int64_t plane, int64_t d, int64_t h, int64_t w, int64_t at) {
    const T* x = static_cast<const T*>(args.x) + plane * plane_size(args);
    T total = 0;
    for_window(args, d, h, w, [&](int64_t i) { total += x[i]; });
    y[at] = total / divisor<T>(args, d, h, w);
  });
}

template <class T>
void spread_of(const PoolArgs& args, int64_t begin, int64_t end) {
  const int64_t size = plane_size(args), rows = args.out[0] * args.out[1];
  memset(static_cast<T*>(args.x) + begin * size, 0, static_cast<size_t>((end - begin) * size) * sizeof(T));
  const T* y = static_cast<const T*>(args.y);
  for_rows(args, begin * rows, end * rows, [&](int64_t plane, int64_t d, int64_t h, int64_t w, int64_t at) {
    T* x = static_cast<T*>(args.x) + plane * size;
    const T share = y[at] / divisor<T>(args, d, h, w);
    for_window(args, d, h, w, [&](int64_t i) { x[i] += share; });
  });
}

template <class T>
void scatter_of(const PoolArgs& args, int64_t begin, int64_t end) {
  const int64_t size = plane_size(args), results = args.out[0] * args.out[1] * args.out[2];
  for (int64_t plane = begin; plane < end; ++plane) {
    T* x = static_cast<T*>(args.x) + plane * size;
    const T* y = static_cast<const T*>(args.y) + plane * results;
    const int64_t* index = args.index + plane * results;
    memset(x, 0, static_cast<size_t>(size) * sizeof(T));
    for (int64_t i = 0; i < results; ++i)
      if (index[i] >= 0 && index[i] < size) x[index[i]] += y[i];
  }
}

}  // namespace

void pool_max(const PoolArgs& args, int64_t begin, int64_t end) {
  with_number(args.element, [&](auto zero) { max_of<decltype(zero)>(args, begin, end); });
}
void pool_mean(const PoolArgs& args, int64_t begin, int64_t end) {
  with_float(args.element, [&](auto zero) { mean_of<decltype(zero)>(args, begin, end); });
}
void pool_spread(const PoolArgs& args, int64_t begin, int64_t end) {
  with_float(args.element, [&](auto zero) { spread_of<decltype(zero)>(args, begin, end); });
}
void pool_scatter(const PoolArgs& args, int64_t begin, int64_t end) {
  with_float(args.element, [&](auto zero) { scatter_of<decltype(zero)>(args, begin, end); });
}

}  // namespace needlecpp::NDL_ISA
