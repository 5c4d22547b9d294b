// Rules are evaluated in double, or int64 where they are whole, and then cast.
#include "needlecpp/ops/creation.h"

#include <algorithm>
#include <cmath>

#include "needlecpp/autograd/op.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/ops/shape.h"

namespace needlecpp {
namespace {

constexpr int64_t kGrain = 16 << 10;

// rule(i) for every i below count.
template <class T, class Rule>
Tensor generate(int64_t count, DType dtype, const Rule& rule) {
  const Tensor y = Tensor::empty({count}, DTypeOf<T>::value);
  T* to = y.template data<T>();
  parallel_for(count, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) to[i] = rule(i);
  });
  NoGrad off;
  return cast(y, dtype);
}

void check_count(const char* op, int64_t count) {
  NDL_CHECK(count >= 0, ValueError, op, "bad number of elements: got ", count, ", expected 0 or more.");
}

// Exact at both ends: the second half is counted from the end.
template <class Map>
Tensor spaced(double start, double stop, int64_t count, bool endpoint, DType dtype, const Map& map) {
  const int64_t steps = endpoint ? count - 1 : count;
  const double step = steps > 0 ? (stop - start) / static_cast<double>(steps) : 0;
  return generate<double>(count, dtype, [=](int64_t i) {
    return map(i < count / 2 || !endpoint || count == 1 ? start + step * static_cast<double>(i)
                                                        : stop - step * static_cast<double>(count - 1 - i));
  });
}

// How many elements of a matrix lie in the columns up to row + shift (without).
int64_t count_below(int64_t rows, int64_t columns, int64_t shift) {
  const int64_t first = std::clamp(-shift, int64_t{0}, rows);     // rows before it have none
  const int64_t full = std::clamp(columns - shift, first, rows);  // rows from here on have all
  return (full - first) * (first + full - 1 + 2 * shift) / 2 + (rows - full) * columns;
}

Tensor triangle_indices(const char* op, int64_t rows, int64_t columns, int64_t offset, bool lower) {
  OpScope scope(op);
  const Shape matrix = {rows, columns};
  constexpr int64_t kMost = int64_t{1} << 36;
  NDL_CHECK(numel(matrix) <= kMost, ValueError, op, "matrix too large: got ", matrix,
            ", expected at most 2^36 elements.");
  if (numel(matrix) == 0) return Tensor::zeros({2, 0}, DType::Int64);
  const int64_t shift = std::clamp(offset, -rows - 1, columns + 1);
  const auto edge = [&](int64_t row) { return std::clamp(row + shift + (lower ? 1 : 0), int64_t{0}, columns); };
  const int64_t count =
      lower ? count_below(rows, columns, shift + 1) : rows * columns - count_below(rows, columns, shift);
  const Tensor places = Tensor::empty({2, count}, DType::Int64);
  int64_t* to = places.data<int64_t>();
  const int64_t first = lower ? std::clamp(-shift, int64_t{0}, rows) : 0;  // rows without elements are left out
  const int64_t last = lower ? rows : std::clamp(columns - shift, int64_t{0}, rows);
  for (int64_t row = first; row < last; ++row)
    for (int64_t column = lower ? 0 : edge(row); column < (lower ? edge(row) : columns); ++column, ++to) {
      to[0] = row;
      to[count] = column;
    }
  return places;
}

}  // namespace

Tensor arange(double start, double stop, double step, DType dtype) {
  Op op("arange");
  NDL_CHECK(step != 0 && std::isfinite(start) && std::isfinite(stop) && std::isfinite(step), ValueError, "arange",
            "bad range: got ", start, " to ", stop, " in steps of ", step,
            ", expected finite numbers and a step other than 0.");
  const double count = std::max(0.0, std::ceil((stop - start) / step));
  NDL_CHECK(count < 0x1p60, ValueError, "arange", "too many elements: got ", count, ", expected less than 2^60.");
  return generate<double>(static_cast<int64_t>(count), dtype,
                          [=](int64_t i) { return start + static_cast<double>(i) * step; });
}

Tensor arange(int64_t start, int64_t stop, int64_t step, DType dtype) {
  Op op("arange");
  NDL_CHECK(step != 0, ValueError, "arange", "bad step: got 0, expected any other.");
  // In unsigned numbers, where the distance of any two int64 fits.
  const uint64_t from = static_cast<uint64_t>(start);
  const uint64_t stride = static_cast<uint64_t>(step);
  uint64_t count = 0;
  if (step > 0 && start < stop) count = (static_cast<uint64_t>(stop) - from - 1) / stride + 1;
  if (step < 0 && start > stop) count = (from - static_cast<uint64_t>(stop) - 1) / (0 - stride) + 1;
  NDL_CHECK(count < uint64_t{1} << 60, ValueError, "arange", "too many elements: got ", count,
            ", expected less than 2^60.");
  return generate<int64_t>(static_cast<int64_t>(count), dtype,
                           [=](int64_t i) { return static_cast<int64_t>(from + static_cast<uint64_t>(i) * stride); });
}

Tensor linspace(double start, double stop, int64_t count, bool endpoint, DType dtype) {
  Op op("linspace");
  check_count("linspace", count);
  return spaced(start, stop, count, endpoint, dtype, [](double x) { return x; });
}

Tensor logspace(double start, double stop, int64_t count, double base, bool endpoint, DType dtype) {
  Op op("logspace");
  check_count("logspace", count);
  return spaced(start, stop, count, endpoint, dtype, [base](double x) { return std::pow(base, x); });
}

Tensor eye(int64_t rows, int64_t columns, int64_t offset, DType dtype) {
  Op op("eye");
  const Tensor y = Tensor::zeros({rows, columns}, dtype);
  fill_(diagonal(y, offset), 1);
  return y;
}

Tensor tril_indices(int64_t rows, int64_t columns, int64_t offset) {
  return triangle_indices("tril_indices", rows, columns, offset, true);
}

Tensor triu_indices(int64_t rows, int64_t columns, int64_t offset) {
  return triangle_indices("triu_indices", rows, columns, offset, false);
}

}  // namespace needlecpp
