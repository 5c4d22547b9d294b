// The matrix product as an op: broadcasting of batches, vectors as matrices, and what narrow types are computed in.
#include "needlecpp/ops/matmul.h"

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/shape.h"
#include "ops/matmul/matmul_run.h"

namespace needlecpp {
namespace {

Shape leading(const Tensor& x) {
  Shape shape;
  for (int i = 0; i + 2 < x.rank(); ++i) shape.push_back(x.shape()[i]);
  return shape;
}

// x [..., r, c] as [rows, c].
Tensor flat_rows(const Tensor& x) {
  const int64_t cols = x.size(-1);
  int64_t rows = 1;
  for (int i = 0; i + 1 < x.rank(); ++i) rows *= x.shape()[i];
  return reshape(x, {rows, cols});
}

}  // namespace

Tensor matmul(const Tensor& a,    // [..., m, k] or [k]
              const Tensor& b) {  // [..., k, n] or [k]
  Op op("matmul", a, b);
  NDL_CHECK(a.rank() > 0 && b.rank() > 0, ValueError, op, "a number is not a matrix: got shapes ", a.shape(), " and ",
            b.shape(), ", expected at least one axis each. Use mul.");
  const DType result = promote_types(a.dtype(), b.dtype());
  NDL_CHECK(result != DType::Bool, TypeError, op, "no product of this dtype: got ", name(result),
            ", expected a number. Cast first.");
  const int64_t inner = b.rank() == 1 ? b.size(0) : b.size(-2);
  NDL_CHECK(a.size(-1) == inner, ValueError, op, "inner sizes differ: got shapes ", a.shape(), " and ", b.shape(),
            ", expected [..., m, k] and [..., k, n] with the same k. Transpose one of them?");
  if (a.dtype() != result || b.dtype() != result) return matmul(cast(a, result), cast(b, result));
  // Products too small or narrow to repay packing are computed in float32.
  const bool packed =
      result == DType::BFloat16 && a.rank() > 1 && b.rank() > 1 && a.size(-2) >= 16 && b.size(-1) >= 16 && inner >= 16;
  if (!packed && (result == DType::Float16 || result == DType::BFloat16 || result == DType::UInt8)) {
    const DType wide = is_floating(result) ? DType::Float32 : DType::Int32;
    return cast(matmul(cast(a, wide), cast(b, wide)), result);
  }
  if (a.rank() == 1) return squeeze(matmul(unsqueeze(a, 0), b), {b.rank() == 1 ? -1 : -2});
  if (b.rank() == 1) return squeeze(matmul(a, unsqueeze(b, 1)), {-1});

  Shape shape = broadcast_shapes(op, leading(a), leading(b));
  shape.push_back(a.size(-2));
  shape.push_back(b.size(-1));
  const Tensor c = op.empty(shape, result);
  NDL_ON(op.device(), run_matmul)(a, b, c);
  return op.record(c, {a, b}, {a, b}, [](Backward& g) {
    const Tensor x = g.saved(0);
    const Tensor w = g.saved(1);
    if (g.needs(0)) g.give(0, matmul(g.dy(), transpose(w)));
    if (!g.needs(1)) return;
    // One w for a batch of x: the sum over the batch belongs to the product.
    if (w.rank() == 2 && x.rank() > 2)
      g.give(1, matmul(transpose(flat_rows(x)), flat_rows(g.dy())));
    else
      g.give(1, matmul(transpose(x), g.dy()));
  });
}

}  // namespace needlecpp
