// Named products: views that hand the work to contract(), matmul or mul. The sums with a product (addmm and its kin)
// finish in the product's own memory; only the cross product has a kernel.
#include "needlecpp/ops/linalg.h"

#include <algorithm>
#include <cmath>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/ops/matmul.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "ops/matmul/contract.h"
#include "ops/matmul/linalg_run.h"

namespace needlecpp {
namespace {

// Whether an integer's factor leaves an integer.
bool is_whole(double factor) { return std::rint(factor) == factor && std::abs(factor) < 0x1p63; }

void check_ranks(const char* op, const Tensor& a, int a_rank, const Tensor& b, int b_rank) {
  NDL_CHECK(a.rank() == a_rank && b.rank() == b_rank, ValueError, op, "wrong ranks: got shapes ", a.shape(), " and ",
            b.shape(), ", expected ", a_rank, " and ", b_rank, " axes. Use matmul for others.");
}

// Names 0, 1, ... for the axes of a and those after for b's, where b_axes take the names of a_axes. Summed axes have
// one size, or with `stretch` may also have size 1.
Tensor contract_axes(const char* op, const Tensor& a, const Tensor& b, const Dims& a_axes, const Dims& b_axes,
                     bool stretch = false) {
  Labelled left = {a, {}};
  Labelled right = {b, {}};
  for (int i = 0; i < a.rank(); ++i) left.labels.push_back(i);
  for (int i = 0; i < b.rank(); ++i) right.labels.push_back(a.rank() + i);
  Labels kept;
  for (int i = 0; i < a_axes.size(); ++i) {
    const int from = normalize_axis(op, a_axes[i], a.rank());
    const int to = normalize_axis(op, b_axes[i], b.rank());
    const bool fits = stretch && (a.shape()[from] == 1 || b.shape()[to] == 1);
    NDL_CHECK(fits || a.shape()[from] == b.shape()[to], ValueError, op, "sizes of a summed axis differ: got shapes ",
              a.shape(), " and ", b.shape(), ", expected axis ", from, " of the first as long as axis ", to,
              " of the second.");
    NDL_CHECK(left.labels[from] == from && right.labels[to] == a.rank() + to, ValueError, op, "axis named twice: got ",
              a_axes, " and ", b_axes, ", expected each once.");
    left.labels[from] = right.labels[to] = -1 - i;
  }
  for (int label : left.labels)
    if (label >= 0) kept.push_back(label);
  for (int label : right.labels)
    if (label >= 0) kept.push_back(label);
  return arrange(contract(op, left, right, kept), kept);
}

// beta x + alpha product(a, b) in the memory of the product, which nothing else has seen.
template <class Product>
Tensor add_product(const char* name, const Tensor& x, const Tensor& a, const Tensor& b, double beta, double alpha,
                   Product&& product) {
  Op op(name, x, a, b);
  const DType result = promote_types(x.dtype(), promote_types(a.dtype(), b.dtype()));
  const DType compute = is_half(result) ? DType::Float32 : result;
  NDL_CHECK(is_floating(result) || (is_whole(beta) && is_whole(alpha)), TypeError, op,
            "integers take whole factors: got beta ", beta, " and alpha ", alpha, ", expected integers. Cast first.");
  const Tensor added = cast(x, compute);
  const Tensor ab = product(cast(a, compute), cast(b, compute));
  NDL_CHECK(x.rank() <= ab.rank() && broadcast_shapes(op, x.shape(), ab.shape()) == ab.shape(), ValueError, op,
            "x does not fit the product: got ", x.shape(), ", expected what broadcasts to ", ab.shape(), ".");
  const Tensor y = ab.detach();
  if (alpha != 1) mul_(y, alpha);
  if (beta != 0) add_(y, added.detach(), beta);
  return cast(op.record(y, {added, ab}, {},
                        [beta, alpha](Backward& g) {
                          if (g.needs(0))
                            g.give(0, beta == 0 ? Tensor::zeros(g.input_shape(0), g.dy().dtype(), g.dy().device())
                                                : g.dy() * beta);
                          if (g.needs(1)) g.give(1, alpha == 1 ? g.dy() : g.dy() * alpha);
                        }),
              result);
}

}  // namespace

Tensor mm(const Tensor& a,    // [m, k]
          const Tensor& b) {  // [k, n]
  check_ranks("mm", a, 2, b, 2);
  return matmul(a, b);
}

Tensor bmm(const Tensor& a,    // [n, m, k]
           const Tensor& b) {  // [n, k, p]
  check_ranks("bmm", a, 3, b, 3);
  NDL_CHECK(a.size(0) == b.size(0), ValueError, "bmm", "batches differ: got shapes ", a.shape(), " and ", b.shape(),
            ", expected one first size. Use matmul to broadcast.");
  return matmul(a, b);
}

Tensor mv(const Tensor& a,    // [m, k]
          const Tensor& b) {  // [k]
  check_ranks("mv", a, 2, b, 1);
  return matmul(a, b);
}

Tensor tensordot(const Tensor& a, const Tensor& b, const Dims& a_axes, const Dims& b_axes) {
  Op op("tensordot", a, b);
  NDL_CHECK(a_axes.size() == b_axes.size(), ValueError, "tensordot", "axes do not pair: got ", a_axes, " and ", b_axes,
            ", expected as many of each.");
  return contract_axes("tensordot", a, b, a_axes, b_axes, true);
}

Tensor tensordot(const Tensor& a, const Tensor& b, int64_t count) {
  NDL_CHECK(count >= 0 && count <= std::min(a.rank(), b.rank()), ValueError, "tensordot", "bad number of axes: got ",
            count, " for shapes ", a.shape(), " and ", b.shape(), ", expected 0 to the smaller rank.");
  Dims last;
  Dims first;
  for (int64_t i = 0; i < count; ++i) {
    last.push_back(a.rank() - count + i);
    first.push_back(i);
  }
  return tensordot(a, b, last, first);
}

Tensor dot(const Tensor& a,    // [..., k]
           const Tensor& b) {  // [k] or [..., k, n]
  Op op("dot", a, b);
  if (a.rank() == 0 || b.rank() == 0) return mul(a, b);
  return contract_axes("dot", a, b, {-1}, {b.rank() == 1 ? -1 : -2});
}

Tensor vdot(const Tensor& a, const Tensor& b) {
  Op op("vdot", a, b);
  return contract_axes("vdot", reshape(a, {a.numel()}), reshape(b, {b.numel()}), {0}, {0});
}

Tensor inner(const Tensor& a,    // [..., k]
             const Tensor& b) {  // [..., k]
  Op op("inner", a, b);
  if (a.rank() == 0 || b.rank() == 0) return mul(a, b);
  return contract_axes("inner", a, b, {-1}, {-1});
}

Tensor vecdot(const Tensor& a, const Tensor& b, int64_t axis) {
  Op op("vecdot", a, b);
  NDL_CHECK(axis < 0 || a.rank() == b.rank(), ValueError, "vecdot", "axis counted from the front: got ", axis,
            " for shapes ", a.shape(), " and ", b.shape(), ", expected a negative axis where ranks differ.");
  // Axes are named by their distance from the end, as broadcasting aligns them.
  const auto name = [](const Tensor& x) {
    Labels labels;
    for (int i = 0; i < x.rank(); ++i) labels.push_back(x.rank() - i);
    return labels;
  };
  const int summed = a.rank() - normalize_axis("vecdot", axis, a.rank());
  const int b_axis = normalize_axis("vecdot", axis, b.rank());
  NDL_CHECK(a.size(-summed) == b.shape()[b_axis], ValueError, "vecdot", "sizes of the summed axis differ: got shapes ",
            a.shape(), " and ", b.shape(), ", expected equal sizes there.");
  Labels kept;
  for (int label = std::max(a.rank(), b.rank()); label > 0; --label)
    if (label != summed) kept.push_back(label);
  return arrange(contract("vecdot", {a, name(a)}, {b, name(b)}, kept), kept);
}

Tensor outer(const Tensor& a, const Tensor& b) {
  Op op("outer", a, b);
  return mul(reshape(a, {a.numel(), 1}), reshape(b, {1, b.numel()}));
}

Tensor kron(const Tensor& a, const Tensor& b) {
  Op op("kron", a, b);
  const int rank = std::max(a.rank(), b.rank());
  Shape left;
  Shape right;
  for (int i = 0; i < rank; ++i) {
    left.push_back(i < rank - a.rank() ? 1 : a.shape()[i - (rank - a.rank())]);
    left.push_back(1);
    right.push_back(1);
    right.push_back(i < rank - b.rank() ? 1 : b.shape()[i - (rank - b.rank())]);
  }
  const Tensor blocks = mul(reshape(a, left), reshape(b, right));
  Shape shape;
  for (int i = 0; i < rank; ++i) shape.push_back(blocks.shape()[2 * i] * blocks.shape()[2 * i + 1]);
  return reshape(blocks, shape);
}

Tensor addmm(const Tensor& x, const Tensor& a, const Tensor& b, double beta, double alpha) {
  return add_product("addmm", x, a, b, beta, alpha, mm);
}
Tensor addmv(const Tensor& x, const Tensor& a, const Tensor& b, double beta, double alpha) {
  return add_product("addmv", x, a, b, beta, alpha, mv);
}
Tensor addr(const Tensor& x, const Tensor& a, const Tensor& b, double beta, double alpha) {
  check_ranks("addr", a, 1, b, 1);
  return add_product("addr", x, a, b, beta, alpha, outer);
}
Tensor baddbmm(const Tensor& x, const Tensor& a, const Tensor& b, double beta, double alpha) {
  return add_product("baddbmm", x, a, b, beta, alpha, bmm);
}
Tensor addbmm(const Tensor& x, const Tensor& a, const Tensor& b, double beta, double alpha) {
  check_ranks("addbmm", a, 3, b, 3);
  return add_product("addbmm", x, a, b, beta, alpha, [](const Tensor& p, const Tensor& q) {
    return tensordot(p, q, {0, 2}, {0, 1});
  });
}

Tensor cross(const Tensor& a, const Tensor& b, int64_t axis) {
  Op op("cross", a, b);
  const DType result = promote_types(a.dtype(), b.dtype());
  NDL_CHECK(result != DType::Bool, TypeError, "cross",
            "no product of this dtype: got bool, expected a number. Cast first.");
  if (is_half(result) || result == DType::UInt8) {
    const DType wide = is_half(result) ? DType::Float32 : DType::Int32;
    return cast(cross(cast(a, wide), cast(b, wide), axis), result);
  }
  if (a.dtype() != result || b.dtype() != result) return cross(cast(a, result), cast(b, result), axis);
  const Shape shape = broadcast_shapes("cross", a.shape(), b.shape());
  const int at = normalize_axis("cross", axis, shape.size());
  const int from_end = at - shape.size();
  for (const Tensor& x : {a, b})
    NDL_CHECK(x.rank() >= -from_end && x.size(from_end) == 3, ValueError, "cross", "not 3-vectors: got shapes ",
              a.shape(), " and ", b.shape(), ", expected size 3 on axis ", from_end, " of both.");
  const Tensor y = op.empty(shape, result);
  NDL_ON(op.device(), run_cross)(at, broadcast_to(a.detach(), shape), broadcast_to(b.detach(), shape), y);
  return op.record(y, {a, b}, {a, b}, [from_end](Backward& g) {
    if (g.needs(0)) g.give(0, cross(g.saved(1), g.dy(), from_end));
    if (g.needs(1)) g.give(1, cross(g.dy(), g.saved(0), from_end));
  });
}

Tensor trace(const Tensor& x, int64_t offset, int64_t axis_a, int64_t axis_b) {
  Op op("trace", x);
  NDL_CHECK(x.rank() >= 2, ValueError, "trace", "no diagonal: got shape ", x.shape(), ", expected two axes or more.");
  const int a = normalize_axis("trace", axis_a, x.rank());
  const int b = normalize_axis("trace", axis_b, x.rank());
  NDL_CHECK(a != b, ValueError, "trace", "one axis twice: got ", axis_a, " and ", axis_b, ", expected two axes.");
  // Cut to the square whose diagonal is wanted.
  offset = std::clamp(offset, -x.shape()[a], x.shape()[b]);
  const int64_t row = std::max<int64_t>(0, -offset);
  const int64_t col = std::max<int64_t>(0, offset);
  const int64_t length = std::min(x.shape()[a] - row, x.shape()[b] - col);
  Tensor square = x;
  if (length != x.shape()[a]) square = slice(square, a, row, row + length);
  if (length != x.shape()[b]) square = slice(square, b, col, col + length);
  return sum(walk_together(square, std::min(a, b), std::max(a, b)), {std::min(a, b)});
}

}  // namespace needlecpp
