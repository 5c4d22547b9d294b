// Searching in sorted rows, and what sorting makes easy: equal elements stand together, so distinct values are where a
// sorted element differs from the one before it.
#include "needlecpp/ops/search.h"

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/ops/scan.h"
#include "needlecpp/ops/shape.h"
#include "needlecpp/ops/sort.h"
#include "ops/reduce/search_run.h"

namespace needlecpp {
namespace {

// The dtype that elements of both are compared in. A whole number beside a float needs all the digits there are.
DType compared_in(DType a, DType b) {
  const DType both = promote_types(a, b);
  if (is_floating(a) != is_floating(b)) return DType::Float64;
  if (both == DType::Float16 || both == DType::BFloat16) return DType::Float32;
  return both == DType::UInt8 || both == DType::Bool ? DType::Int32 : both;
}

}  // namespace

Unique unique(const Tensor& x, bool equal_nan) {
  Op op("unique", x);
  NoGrad off;
  const int64_t count = x.numel();
  const auto [sorted, places] = sort_with_index(reshape(x.detach(), {count}));
  // heads[i]: the i-th sorted element differs from the one before it.
  const Tensor heads = Tensor::ones({count}, DType::Bool, op.device());
  if (count > 1) {
    const Tensor now = slice(sorted, 0, 1);
    const Tensor before = slice(sorted, 0, 0, count - 1);
    Tensor differs = ne(now, before);
    if (equal_nan && is_floating(x.dtype())) differs = logical_and(differs, logical_not(isnan(before)));
    copy_(slice(heads, 0, 1), differs);
  }
  const Tensor starts = reshape(nonzero(heads), {-1});
  const int64_t found = starts.numel();
  const Tensor counts = op.full({found}, static_cast<double>(count), DType::Int64);
  if (found > 1) copy_(slice(counts, 0, 0, found - 1), slice(starts, 0, 1));
  add_(counts, starts, -1);
  const Tensor inverse = op.empty({count}, DType::Int64);
  index_put_(inverse, {places}, sub(cumsum(heads, 0), 1.0));
  return {index_select(sorted, 0, starts), index_select(places, 0, starts), reshape(inverse, x.shape()), counts};
}

Tensor searchsorted(const Tensor& sorted, const Tensor& values, bool right, const Tensor& sorter) {
  Op op("searchsorted", sorted, values, sorter);
  NoGrad off;
  NDL_CHECK(sorted.rank() >= 1, ValueError, op, "no row to search: got a number, expected one axis or more.");
  const bool one_row = sorted.rank() == 1;
  bool fits = one_row || sorted.rank() == values.rank();
  for (int i = 0; fits && !one_row && i + 1 < sorted.rank(); ++i) fits = sorted.shape()[i] == values.shape()[i];
  NDL_CHECK(fits, ValueError, op, "rows do not match: got shapes ", sorted.shape(), " and ", values.shape(),
            ", expected one row, or equal sizes on all axes but the last.");
  NDL_CHECK(!sorter.defined() || sorter.shape() == sorted.shape(), ValueError, op, "sorter does not fit: got shape ",
            sorter.shape(), ", expected ", sorted.shape(), ".");
  const DType compute = compared_in(sorted.dtype(), values.dtype());
  const Tensor rows = contiguous(cast(sorter.defined() ? gather(sorted, -1, sorter) : sorted, compute));
  const Tensor wanted = contiguous(cast(values, compute));
  const Tensor y = op.empty(values.shape(), DType::Int64);
  NDL_ON(op.device(), run_search_sorted)(rows, wanted, right, y);
  return y;
}

Tensor bucketize(const Tensor& x, const Tensor& boundaries, bool right) {
  Op op("bucketize", x, boundaries);
  NDL_CHECK(boundaries.rank() == 1, ValueError, op, "wrong shape of boundaries: got ", boundaries.shape(),
            ", expected one axis.");
  return searchsorted(boundaries, x, right);
}

Tensor isin(const Tensor& x, const Tensor& values, bool invert) {
  Op op("isin", x, values);
  NoGrad off;
  const DType compute = compared_in(x.dtype(), values.dtype());
  Tensor found = op.zeros(x.shape(), DType::Bool);
  if (values.numel() > 0) {
    const Tensor sorted = sort(cast(reshape(values, {values.numel()}), compute));
    const Tensor wanted = cast(x, compute);
    const Tensor place =
        minimum(searchsorted(sorted, wanted), op.full({}, static_cast<double>(values.numel() - 1), DType::Int64));
    found = eq(reshape(index_select(sorted, 0, reshape(place, {place.numel()})), x.shape()), wanted);
  }
  return invert ? logical_not(found) : found;
}

}  // namespace needlecpp
