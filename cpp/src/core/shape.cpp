// The arithmetic of shapes.
#include "needlecpp/core/shape.h"

#include <algorithm>
#include <ostream>

#include "needlecpp/core/axis_set.h"

namespace needlecpp {

std::ostream& operator<<(std::ostream& stream, const Dims& dims) {
  stream << '(';
  for (int i = 0; i < dims.size(); ++i) stream << (i ? ", " : "") << dims[i];
  return stream << (dims.size() == 1 ? ",)" : ")");
}

std::string to_string(const Dims& dims) { return detail::concat(dims); }

int64_t numel(const Shape& shape) {
  int64_t count = 1;
  bool empty = false;
  for (int64_t size : shape) {
    NDL_CHECK(size >= 0, ValueError, "shape", "negative size: got ", shape, ", expected sizes of 0 or more.");
    if (size == 0) {
      empty = true;
      continue;
    }
    const bool overflows = __builtin_mul_overflow(count, size, &count);
    NDL_CHECK(!overflows && count <= int64_t{1} << 62, ValueError, "shape", "too many elements: got ", shape,
              ", expected at most 2^62.");
  }
  return empty ? 0 : count;
}

void set_contiguous(const Shape& shape, Strides& strides) {
  strides.resize(shape.size());
  int64_t stride = 1;
  for (int i = shape.size() - 1; i >= 0; --i) {
    strides[i] = stride;
    stride *= std::max<int64_t>(shape[i], 1);
  }
}

Strides contiguous_strides(const Shape& shape) {
  Strides strides;
  set_contiguous(shape, strides);
  return strides;
}

Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b) {
  if (a == b) return a;
  const int rank = std::max(a.size(), b.size());
  Shape result = Dims::filled(rank, 1);
  for (int i = 1; i <= rank; ++i) {
    const int64_t size_a = i <= a.size() ? a[a.size() - i] : 1;
    const int64_t size_b = i <= b.size() ? b[b.size() - i] : 1;
    NDL_CHECK(size_a == size_b || size_a == 1 || size_b == 1, ValueError, op, "shapes do not broadcast: got ", a,
              " and ", b, ", expected equal sizes or 1 on every axis. Reshape one of them.");
    result[rank - i] = size_a == 1 ? size_b : size_a;
  }
  return result;
}

int normalize_axis(const char* op, int64_t axis, int rank) {
  NDL_CHECK(axis >= -rank && axis < rank, IndexError, op, "axis out of range: got ", axis, ", expected ", -rank, " to ",
            rank - 1, " for ", rank, " axes.");
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

Dims normalize_axes(const char* op, const Dims& axes, int rank) {
  Dims result;
  for (int64_t axis : axes) result.push_back(normalize_axis(op, axis, rank));
  std::sort(result.begin(), result.end());
  NDL_CHECK(std::adjacent_find(result.begin(), result.end()) == result.end(), ValueError, op, "an axis repeats: got ",
            axes, ", expected each axis once.");
  return result;
}

Dims AxisSet::of(const char* op, int rank) const {
  if (!all_) return normalize_axes(op, listed_, rank);
  Dims result;
  for (int i = 0; i < rank; ++i) result.push_back(i);
  return result;
}

}  // namespace needlecpp
