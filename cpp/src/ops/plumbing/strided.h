// Walking several tensors at once: broadcast, coalesce, cut into runs. Shared by elementwise ops and copies.
//
// An op sees its operands as one list of runs. Axes over which every operand steps uniformly are merged first, so
// contiguous operands become one long run; then the innermost axis is the run, with a stride for each operand, and the
// outer axes are counted like an odometer. Where the innermost axis is short, or an operand's dtype or stride is not
// what a kernel reads, the elements go through small tiles on the stack instead (see elementwise_cpu.cpp).
#pragma once

#include <array>

#include "core/run.h"

namespace needlecpp {

inline constexpr int64_t kElementwiseGrain = 1 << 15;  // elements that a thread must have before a second one pays

template <int kOperands>
struct StridedLoop {
  Shape shape;                             // merged, at least one axis
  std::array<Strides, kOperands> strides;  // in elements
  int64_t count = 0;

  int64_t inner() const { return shape.back(); }
  // Element offsets of every operand at the linear position `at` (of the merged shape).
  std::array<int64_t, kOperands> offsets(int64_t at) const {
    std::array<int64_t, kOperands> result{};
    for (int axis = shape.size() - 1; axis >= 0; --axis) {
      const int64_t i = at % shape[axis];
      at /= shape[axis];
      for (int k = 0; k < kOperands; ++k) result[k] += i * strides[k][axis];
    }
    return result;
  }
};

// Strides of x read as `shape`, which x broadcasts to: 0 on the axes that repeat.
inline Strides broadcast_strides(const View& x, const Shape& shape) {
  Strides strides = Dims::filled(shape.size(), 0);
  const int lead = shape.size() - x.rank;
  for (int i = 0; i < x.rank; ++i) strides[lead + i] = x.size[i] == 1 ? 0 : x.stride[i];
  return strides;
}

template <int kOperands>
StridedLoop<kOperands> make_loop(const Shape& shape, const std::array<Strides, kOperands>& strides) {
  StridedLoop<kOperands> loop;
  loop.count = numel(shape);
  for (int axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] == 1) continue;
    bool merges = !loop.shape.empty();
    for (int k = 0; k < kOperands && merges; ++k) merges = loop.strides[k].back() == strides[k][axis] * shape[axis];
    if (merges) {
      loop.shape.back() *= shape[axis];
      for (int k = 0; k < kOperands; ++k) loop.strides[k].back() = strides[k][axis];
    } else {
      loop.shape.push_back(shape[axis]);
      for (int k = 0; k < kOperands; ++k) loop.strides[k].push_back(strides[k][axis]);
    }
  }
  if (loop.shape.empty()) {
    loop.shape.push_back(1);
    for (int k = 0; k < kOperands; ++k) loop.strides[k].push_back(0);
  }
  return loop;
}

// Visits the positions [begin, end) as runs along the innermost axis: visit(offsets, length), offsets in elements.
template <int kOperands, class Visit>
void for_each_run(const StridedLoop<kOperands>& loop, int64_t begin, int64_t end, Visit&& visit) {
  const int inner_axis = loop.shape.size() - 1;
  int64_t index[kMaxRank];
  int64_t rest = begin;
  for (int axis = inner_axis; axis >= 0; --axis) {
    index[axis] = rest % loop.shape[axis];
    rest /= loop.shape[axis];
  }
  std::array<int64_t, kOperands> offsets = loop.offsets(begin);
  while (begin < end) {
    int64_t length = loop.inner() - index[inner_axis];
    if (length > end - begin) length = end - begin;
    visit(offsets, length);
    begin += length;
    // Advance: the inner axis by the run, then carry.
    for (int k = 0; k < kOperands; ++k) offsets[k] += length * loop.strides[k][inner_axis];
    index[inner_axis] += length;
    for (int axis = inner_axis; axis > 0 && index[axis] == loop.shape[axis]; --axis) {
      index[axis] = 0;
      ++index[axis - 1];
      for (int k = 0; k < kOperands; ++k)
        offsets[k] += loop.strides[k][axis - 1] - loop.strides[k][axis] * loop.shape[axis];
    }
  }
}

}  // namespace needlecpp
