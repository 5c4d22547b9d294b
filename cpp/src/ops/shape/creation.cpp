// Rules are evaluated in double, or int64 where they are whole, and then cast.
#include "needlecpp/ops/creation.h"

#include <algorithm>
#include <cmath>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/ops/shape.h"
#include "ops/shape/creation_run.h"

namespace needlecpp {
namespace {

void check_count(const char* op, int64_t count) {
  NDL_CHECK(count >= 0, ValueError, op, "bad number of elements: got ", count, ", expected 0 or more.");
}

// What a rule made, as the dtype asked for.
Tensor as(DType dtype, const Tensor& made) {
  const NoGrad no_grad;
  return cast(made, dtype);
}

Spacing spacing_of(double start, double stop, int64_t count, bool endpoint) {
  const int64_t steps = endpoint ? count - 1 : count;
  return {start, stop, steps > 0 ? (stop - start) / static_cast<double>(steps) : 0, endpoint};
}

// How many elements of a matrix lie in the columns up to row + shift (without).
int64_t count_below(int64_t rows, int64_t columns, int64_t shift) {
  const int64_t first = std::clamp(-shift, int64_t{0}, rows);     // rows before it have none
  const int64_t full = std::clamp(columns - shift, first, rows);  // rows from here on have all
  return (full - first) * (first + full - 1 + 2 * shift) / 2 + (rows - full) * columns;
}

Tensor triangle_indices(const Op& op, int64_t rows, int64_t columns, int64_t offset, bool lower) {
  const Shape matrix = {rows, columns};
  constexpr int64_t kMost = int64_t{1} << 36;
  NDL_CHECK(numel(matrix) <= kMost, ValueError, op, "matrix too large: got ", matrix,
            ", expected at most 2^36 elements.");
  if (numel(matrix) == 0) return op.empty({2, 0}, DType::Int64);
  const int64_t shift = std::clamp(offset, -rows - 1, columns + 1);
  const int64_t count =
      lower ? count_below(rows, columns, shift + 1) : rows * columns - count_below(rows, columns, shift);
  const Tensor places = op.empty({2, count}, DType::Int64);
  const int64_t first = lower ? std::clamp(-shift, int64_t{0}, rows) : 0;  // rows without elements are left out
  const int64_t last = lower ? rows : std::clamp(columns - shift, int64_t{0}, rows);
  NDL_ON(op.device(), run_triangle_indices)({columns, shift, first, last, lower}, places);
  return places;
}

}  // namespace

Tensor Tensor::arange(int64_t count, DType dtype, Device device) {
  Op op("arange", device);
  NDL_CHECK(count >= 0, ValueError, op, "bad count: got ", count, ", expected 0 or more.");
  return needlecpp::arange(int64_t{0}, count, 1, dtype, device);
}

Tensor arange(double start, double stop, double step, DType dtype, Device device) {
  Op op("arange", device);
  NDL_CHECK(step != 0 && std::isfinite(start) && std::isfinite(stop) && std::isfinite(step), ValueError, op,
            "bad range: got ", start, " to ", stop, " in steps of ", step,
            ", expected finite numbers and a step other than 0.");
  const double count = std::max(0.0, std::ceil((stop - start) / step));
  NDL_CHECK(count < 0x1p60, ValueError, op, "too many elements: got ", count, ", expected less than 2^60.");
  const Tensor y = op.empty({static_cast<int64_t>(count)}, DType::Float64);
  NDL_ON(device, run_arange)(start, step, y);
  return as(dtype, y);
}

Tensor arange(int64_t start, int64_t stop, int64_t step, DType dtype, Device device) {
  Op op("arange", device);
  NDL_CHECK(step != 0, ValueError, op, "bad step: got 0, expected any other.");
  // In unsigned numbers, where the distance of any two int64 fits.
  const uint64_t from = static_cast<uint64_t>(start);
  const uint64_t stride = static_cast<uint64_t>(step);
  uint64_t count = 0;
  if (step > 0 && start < stop) count = (static_cast<uint64_t>(stop) - from - 1) / stride + 1;
  if (step < 0 && start > stop) count = (from - static_cast<uint64_t>(stop) - 1) / (0 - stride) + 1;
  NDL_CHECK(count < uint64_t{1} << 60, ValueError, op, "too many elements: got ", count, ", expected less than 2^60.");
  const Tensor y = op.empty({static_cast<int64_t>(count)}, DType::Int64);
  NDL_ON(device, run_arange_whole)(start, step, y);
  return as(dtype, y);
}

Tensor linspace(double start, double stop, int64_t count, bool endpoint, DType dtype, Device device) {
  Op op("linspace", device);
  check_count(op, count);
  const Tensor y = op.empty({count}, DType::Float64);
  NDL_ON(device, run_linspace)(spacing_of(start, stop, count, endpoint), y);
  return as(dtype, y);
}

Tensor logspace(double start, double stop, int64_t count, double base, bool endpoint, DType dtype, Device device) {
  Op op("logspace", device);
  check_count(op, count);
  const Tensor y = op.empty({count}, DType::Float64);
  NDL_ON(device, run_logspace)(spacing_of(start, stop, count, endpoint), base, y);
  return as(dtype, y);
}

Tensor eye(int64_t rows, int64_t columns, int64_t offset, DType dtype, Device device) {
  Op op("eye", device);
  const Tensor y = op.zeros({rows, columns}, dtype);
  fill_(diagonal(y, offset), 1);
  return y;
}

Tensor tril_indices(int64_t rows, int64_t columns, int64_t offset, Device device) {
  Op op("tril_indices", device);
  return triangle_indices(op, rows, columns, offset, true);
}

Tensor triu_indices(int64_t rows, int64_t columns, int64_t offset, Device device) {
  Op op("triu_indices", device);
  return triangle_indices(op, rows, columns, offset, false);
}

}  // namespace needlecpp
