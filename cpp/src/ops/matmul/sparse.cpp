// Sparse products. Two functions record each other: the product A B, and the dots of rows of two dense matrices at the
// places where A has entries. With dy the gradient of A B, values get the dots of dy and B, and B gets transposed A
// times dy, a product in compressed rows whose rows come from sorting the columns (stable, so sums have one order).
//
// Work is shared by entries and not by rows, which may differ: every share has as many entries. Where a row is cut, the
// sums of its later shares are carried and added in order afterwards. Shares depend on the sizes alone.
#include "needlecpp/ops/sparse.h"

#include <algorithm>
#include <atomic>

#include "needlecpp/autograd/op.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/search.h"
#include "needlecpp/ops/shape.h"
#include "needlecpp/ops/sort.h"
#include "ops/matmul/sparse_kernels.h"

namespace needlecpp {
namespace {

constexpr int64_t kShareWork = 1 << 14;  // multiply-adds of one share, about
constexpr int64_t kMostShares = 128;

// Where a sparse matrix has entries: int64, contiguous.
struct Pattern {
  Tensor offsets;
  Tensor columns;
  int64_t cols;
  int64_t rows() const { return offsets.numel() - 1; }
  int64_t count() const { return columns.numel(); }
};

SparseArgs sparse_args(const Pattern& pattern) {
  SparseArgs args = {};
  args.rows = pattern.rows();
  args.cols = pattern.cols;
  args.offsets = pattern.offsets.data<int64_t>();
  args.columns = pattern.columns.data<int64_t>();
  return args;
}

Pattern checked_pattern(const char* op, const Tensor& offsets, const Tensor& columns, int64_t cols) {
  for (const Tensor& index : {offsets, columns})
    NDL_CHECK(index.dtype() == DType::Int64 || index.dtype() == DType::Int32, TypeError, op, "wrong index dtype: got ",
              name(index.dtype()), ", expected int64 or int32. Cast it.");
  NDL_CHECK(offsets.rank() == 1 && offsets.numel() >= 1 && columns.rank() == 1, ValueError, op,
            "wrong shapes of offsets and columns: got ", offsets.shape(), " and ", columns.shape(),
            ", expected [rows + 1] and [n].");
  const Pattern pattern = {contiguous(cast(offsets, DType::Int64)), contiguous(cast(columns, DType::Int64)), cols};
  const int64_t* starts = pattern.offsets.data<int64_t>();
  NDL_CHECK(starts[0] == 0 && starts[pattern.rows()] == pattern.count(), ValueError, op,
            "offsets do not span columns: got ", starts[0], " to ", starts[pattern.rows()], ", expected 0 to ",
            pattern.count(), ".");
  for (int64_t r = 0; r < pattern.rows(); ++r)
    NDL_CHECK(starts[r] <= starts[r + 1], ValueError, op, "offsets fall after row ", r, ": got ", starts[r], " and ",
              starts[r + 1], ", expected rising ones.");
  const SparseArgs args = sparse_args(pattern);
  std::atomic<int64_t> bad = -1;
  parallel_for(pattern.count(), kShareWork, [&](int64_t begin, int64_t end) {
    const int64_t found = NDL_KERNEL(sparse_bad_column)(args, begin, end);
    if (found >= 0) bad = found;
  });
  NDL_CHECK(bad < 0, IndexError, op, "column out of range: got ", pattern.columns.data<int64_t>()[bad],
            ", expected 0 to ", cols - 1, ".");
  return pattern;
}

SparseType sparse_type(DType dtype) {
  return dtype == DType::Float32 ? SparseType::F32 : dtype == DType::Float64 ? SparseType::F64 : SparseType::I64;
}

// The dtype that products of `dtype` are computed in.
DType wide_dtype(DType dtype) {
  if (dtype == DType::Float64) return dtype;
  return is_floating(dtype) ? DType::Float32 : DType::Int64;
}

Tensor with_rows(const Tensor& x) { return x.size(1) == 1 || x.strides()[1] == 1 ? x : contiguous(x); }

int64_t share_count(int64_t entries, int64_t width) {
  const double work = static_cast<double>(entries) * static_cast<double>(width);
  return std::clamp<int64_t>(static_cast<int64_t>(work / kShareWork), 1,
                             std::min(kMostShares, std::max<int64_t>(1, entries)));
}

Tensor run_product(const Pattern& pattern, const Tensor& values, const Tensor& dense) {
  const int64_t width = dense.size(1);
  const Tensor y = Tensor::empty({pattern.rows(), width}, values.dtype(), values.device());
  if (y.numel() == 0) return y;
  const Tensor entries = contiguous(values);
  const Tensor right = with_rows(dense);
  const int64_t count = pattern.count();
  SparseArgs args = sparse_args(pattern);
  args.type = sparse_type(values.dtype());
  args.width = width;
  args.values = entries.raw();
  args.left = y.raw();
  args.left_row = width;
  args.right = right.raw();
  args.right_row = right.strides()[0];
  const int64_t shares = share_count(count + pattern.rows(), width);
  const auto first = [&](int64_t share) { return share * (count / shares) + std::min(share, count % shares); };
  const Tensor carries = Tensor::empty({shares, width}, values.dtype());
  const int64_t carry_bytes = width * static_cast<int64_t>(itemsize(values.dtype()));
  char* carry = static_cast<char*>(carries.raw());
  parallel_tasks(shares, [&](int64_t s) {
    NDL_KERNEL(sparse_product)(args, first(s), first(s + 1), s == shares - 1, carry + s * carry_bytes);
  });
  for (int64_t s = 1; s < shares; ++s) NDL_KERNEL(sparse_add_carry)(args, first(s), carry + s * carry_bytes);
  return y;
}

Tensor run_dots(const Pattern& pattern, const Tensor& left, const Tensor& right) {
  const Tensor values = Tensor::empty({pattern.count()}, left.dtype(), left.device());
  const Tensor a = with_rows(left);
  const Tensor b = with_rows(right);
  SparseArgs args = sparse_args(pattern);
  args.type = sparse_type(left.dtype());
  args.width = left.size(1);
  args.values = values.raw();
  args.left = a.raw();
  args.left_row = a.strides()[0];
  args.right = b.raw();
  args.right_row = b.strides()[0];
  parallel_for(pattern.count(), std::max<int64_t>(1, kShareWork / std::max<int64_t>(1, args.width)),
               [&](int64_t begin, int64_t end) {
                 NDL_KERNEL(sparse_dots)
                 (args, begin, end);
               });
  return values;
}

// The transposed matrix, and where its entries stand in the original one.
struct Transposed {
  Pattern pattern;
  Tensor order;
};

Transposed transposed(const Pattern& pattern) {
  NoGrad off;
  const auto [columns, order] = sort_with_index(pattern.columns);
  const Tensor offsets = searchsorted(columns, Tensor::arange(pattern.cols + 1));
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
  return op.record(Tensors{run_product(pattern, values, dense)}, Tensors{values, dense},
                   Tensors{values, dense, pattern.offsets, pattern.columns}, [cols = pattern.cols](Backward& g) {
                     const Pattern from =
                         checked_pattern("spmm", g.saved(2), g.saved(3), cols);  // memory may be shared
                     if (g.needs(0)) g.give(0, dots(from, g.dy(), g.saved(1)));
                     if (g.needs(1)) g.give(1, transposed_product(from, g.saved(0), g.dy()));
                   })[0];
}

Tensor dots(const Pattern& pattern, const Tensor& left, const Tensor& right) {
  Op op("spmm_values", left, right);
  return op.record(Tensors{run_dots(pattern, left, right)}, Tensors{left, right},
                   Tensors{left, right, pattern.offsets, pattern.columns}, [cols = pattern.cols](Backward& g) {
                     const Pattern from = checked_pattern("spmm_values", g.saved(2), g.saved(3), cols);
                     if (g.needs(0)) g.give(0, product(from, g.dy(), g.saved(1)));
                     if (g.needs(1)) g.give(1, transposed_product(from, g.dy(), g.saved(0)));
                   })[0];
}

// Checks all, and runs with both operands in one dtype.
Tensor checked_product(const char* op, const Tensor& offsets, const Tensor& columns, const Tensor& values,
                       const Tensor& dense) {
  NDL_CHECK(values.rank() == 1 && values.shape() == columns.shape(), ValueError, op, "values do not fit columns: got ",
            values.shape(), ", expected ", columns.shape(), ".");
  for (const Tensor& x : {offsets, columns, dense})
    NDL_CHECK(x.device() == values.device(), TypeError, op, "devices differ: got ", to_string(x.device()),
              ", expected ", to_string(values.device()), ".");
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
