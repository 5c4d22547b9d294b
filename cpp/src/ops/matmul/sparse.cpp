// Sparse products. Two functions record each other: the product A B, and the dots of rows of two dense matrices at the
// places where A has entries. With dy the gradient of A B, values get the dots of dy and B, and B gets transposed A
// times dy, a product in compressed rows whose rows come from sorting the columns (stable, so sums have one order).
#include "needlecpp/ops/sparse.h"

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/search.h"
#include "needlecpp/ops/shape.h"
#include "needlecpp/ops/sort.h"
#include "ops/matmul/sparse_run.h"

namespace needlecpp {
namespace {

// Where a sparse matrix has entries: int64, contiguous.
struct Pattern {
  Tensor offsets;
  Tensor columns;
  int64_t cols;
  int64_t rows() const { return offsets.numel() - 1; }
  int64_t count() const { return columns.numel(); }
  operator SparsePattern() const { return {offsets, columns, cols}; }
};

Pattern checked_pattern(const char* op, const Tensor& offsets, const Tensor& columns, int64_t cols) {
  for (const Tensor& index : {offsets, columns})
    NDL_CHECK(index.dtype() == DType::Int64 || index.dtype() == DType::Int32, TypeError, op, "wrong index dtype: got ",
              name(index.dtype()), ", expected int64 or int32. Cast it.");
  NDL_CHECK(offsets.rank() == 1 && offsets.numel() >= 1 && columns.rank() == 1, ValueError, op,
            "wrong shapes of offsets and columns: got ", offsets.shape(), " and ", columns.shape(),
            ", expected [rows + 1] and [n].");
  const Pattern pattern = {contiguous(cast(offsets, DType::Int64)), contiguous(cast(columns, DType::Int64)), cols};
  const auto number = [](const Tensor& x, int64_t i) { return select(x, 0, i).item_int(); };
  if (const int64_t bad = NDL_ON(offsets.device(), run_find_bad_offset)(pattern); bad >= 0) {
    const int64_t first = number(pattern.offsets, 0), last = number(pattern.offsets, -1);
    NDL_CHECK(first == 0 && last == pattern.count(), ValueError, op, "offsets do not span columns: got ", first, " to ",
              last, ", expected 0 to ", pattern.count(), ".");
    detail::fail<ValueError>(op, "offsets fall after row ", bad - 1, ": got ", number(pattern.offsets, bad - 1),
                             " and ", number(pattern.offsets, bad), ", expected rising ones.");
  }
  const int64_t bad = NDL_ON(offsets.device(), run_find_bad_column)(pattern);
  NDL_CHECK(bad < 0, IndexError, op, "column out of range: got ", number(pattern.columns, bad), ", expected 0 to ",
            cols - 1, ".");
  return pattern;
}

// The dtype that products of `dtype` are computed in.
DType wide_dtype(DType dtype) {
  if (dtype == DType::Float64) return dtype;
  return is_floating(dtype) ? DType::Float32 : DType::Int64;
}

Tensor with_rows(const Tensor& x) { return x.size(1) == 1 || x.strides()[1] == 1 ? x : contiguous(x); }

// The transposed matrix, and where its entries stand in the original one.
struct Transposed {
  Pattern pattern;
  Tensor order;
};

Transposed transposed(const Pattern& pattern) {
  NoGrad off;
  const auto [columns, order] = sort_with_index(pattern.columns);
  const Tensor offsets = searchsorted(columns, Tensor::arange(pattern.cols + 1, DType::Int64, columns.device()));
  const Tensor rows = sub(searchsorted(pattern.offsets, order, true), 1.0);
  return {{offsets, rows, pattern.rows()}, order};
}

Tensor dots(const Pattern& pattern, const Tensor& left, const Tensor& right);
Tensor product(const Pattern& pattern, const Tensor& values, const Tensor& dense);

Tensor transposed_product(const Pattern& pattern, const Tensor& values, const Tensor& dense) {
  const Transposed other = transposed(pattern);
  return product(other.pattern, index_select(values, 0, other.order), dense);
}

Tensor product(const Pattern& pattern, const Tensor& values, const Tensor& dense) {
  Op op("spmm", values, dense);
  const Tensor y = op.empty({pattern.rows(), dense.size(1)}, values.dtype());
  NDL_ON(op.device(), run_sparse_product)(pattern, contiguous(values), with_rows(dense), y);
  return op.record(
      y, {values, dense}, {values, dense, pattern.offsets, pattern.columns}, [cols = pattern.cols](Backward& g) {
        const Pattern from = checked_pattern("spmm", g.saved(2), g.saved(3), cols);  // memory may be shared
        if (g.needs(0)) g.give(0, dots(from, g.dy(), g.saved(1)));
        if (g.needs(1)) g.give(1, transposed_product(from, g.saved(0), g.dy()));
      });
}

Tensor dots(const Pattern& pattern, const Tensor& left, const Tensor& right) {
  Op op("spmm_values", left, right);
  const Tensor values = op.empty({pattern.count()}, left.dtype());
  NDL_ON(op.device(), run_sparse_dots)(pattern, with_rows(left), with_rows(right), values);
  return op.record(values, {left, right}, {left, right, pattern.offsets, pattern.columns},
                   [cols = pattern.cols](Backward& g) {
                     const Pattern from = checked_pattern("spmm_values", g.saved(2), g.saved(3), cols);
                     if (g.needs(0)) g.give(0, product(from, g.dy(), g.saved(1)));
                     if (g.needs(1)) g.give(1, transposed_product(from, g.dy(), g.saved(0)));
                   });
}

// Checks all, and runs with both operands in one dtype.
Tensor checked_product(const char* op, const Tensor& offsets, const Tensor& columns, const Tensor& values,
                       const Tensor& dense) {
  NDL_CHECK(values.rank() == 1 && values.shape() == columns.shape(), ValueError, op, "values do not fit columns: got ",
            values.shape(), ", expected ", columns.shape(), ".");
  const DType result = promote_types(values.dtype(), dense.dtype());
  const DType wide = wide_dtype(result);
  const Pattern pattern = checked_pattern(op, offsets, columns, dense.size(0));
  return cast(product(pattern, cast(values, wide), cast(dense, wide)), result);
}

}  // namespace

Tensor spmv(const Tensor& offsets, const Tensor& columns, const Tensor& values, const Tensor& x) {
  Op op("spmv", offsets, columns, values, x);
  NDL_CHECK(x.rank() == 1, ValueError, "spmv", "not a vector: got shape ", x.shape(),
            ", expected [cols]. Use spmm for matrices.");
  return squeeze(checked_product("spmv", offsets, columns, values, unsqueeze(x, 1)), {1});
}

Tensor spmm(const Tensor& offsets, const Tensor& columns, const Tensor& values, const Tensor& dense) {
  Op op("spmm", offsets, columns, values, dense);
  NDL_CHECK(dense.rank() == 2, ValueError, "spmm", "not a matrix: got shape ", dense.shape(),
            ", expected [cols, k]. Use spmv for vectors.");
  return checked_product("spmm", offsets, columns, values, dense);
}

}  // namespace needlecpp
