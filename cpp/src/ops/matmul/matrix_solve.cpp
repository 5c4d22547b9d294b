// Solving and its relatives: LU (solve, inv, det, slogdet), triangles, Cholesky. Derivatives are solves again.
#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/creation.h"
#include "needlecpp/ops/matmul.h"
#include "needlecpp/ops/matrix.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "ops/matmul/matrix_arguments.h"
#include "ops/matmul/matrix_run.h"

namespace needlecpp::linalg {
namespace {

// See run_lu().
struct LuFactors {
  Tensor lu;      // [..., n, n], contiguous
  Tensor pivots;  // int64 [..., n]
};

LuFactors factorize(const Tensor& x) {
  const LuFactors f = {laid_out(x), Tensor::zeros(vectors(batch_shape(x), x.size(-1)), DType::Int64, x.device())};
  NDL_ON(x.device(), run_lu)(f.lu, f.pivots);
  return f;
}

// Throws for the first matrix of `triangles` with a zero on its diagonal.
void check_pivots(const char* op, const Tensor& triangles, const char* remedy) {
  const int64_t n = triangles.size(-1);
  const int64_t zero = NDL_ON(triangles.device(), run_find_zero)(contiguous(diagonal(triangles.detach(), 0, -2, -1)));
  NDL_CHECK(zero < 0, LinAlgError, op, "singular matrix", place_in(batch_shape(triangles), zero / n),
            ": got a zero pivot in row ", zero % n, ", expected an invertible matrix. ", remedy);
}

// What broadcasting does to a and to b [..., n, k]: the batch, and b copied out over it.
Tensor right_sides(const char* op, const Tensor& a, const Tensor& b) {
  NDL_CHECK(a.size(-1) == b.size(-2), ValueError, op, "sizes differ: got shapes ", a.shape(), " and ", b.shape(),
            ", expected [..., n, n] and [..., n, k] with the same n.");
  const Shape batch = broadcast_shapes(op, batch_shape(a), batch_shape(b));
  return laid_out(broadcast_to(b.detach(), matrices(batch, b.size(-2), b.size(-1))));
}

// a x = b for matrices b of a's dtype.
Tensor solve_matrices(const char* name, const Tensor& a, const Tensor& b) {
  Op op(name, a, b);
  const Tensor x = right_sides(op, a, b);
  if (x.numel() > 0) {
    const LuFactors f = factorize(a);
    check_pivots(op, f.lu, "Use pinv or lstsq.");
    NDL_ON(op.device(), run_solve_lu)(f.lu, f.pivots, x);
  }
  return op.record(
      x, {a, b}, {a},
      [name](Backward& g) {
        const Tensor db = solve_matrices(name, transpose(g.saved(0)), g.dy());
        g.give(1, db);
        if (g.needs(0)) g.give(0, -matmul(db, transpose(g.output())));
      },
      SaveOutputs::Yes);
}

// The matrix of cofactors, the derivative of the determinant.
Tensor cofactors(const Tensor& x) {
  const int64_t n = x.size(-1);
  if (n == 0 || x.numel() == 0) return Tensor::zeros(x.shape(), x.dtype(), x.device());
  const Tensor pivots = abs(diagonal(factorize(x.detach()).lu, 0, -2, -1));
  const double eps = x.dtype() == DType::Float32 ? 0x1p-23 : 0x1p-52;
  const Tensor far = gt(min(pivots, {-1}), mul(max(pivots, {-1}), eps * static_cast<double>(n)));
  if (all(far).item() != 0) return mul(unsqueeze(unsqueeze(det(x), -1), -1), transpose(inv(x)));
  // u diag(product of the other singular values) vh, with the sign of det(u) det(vh).
  const SvdResult d = svd(x, false);
  const Tensor others =
      where(eye(n, n, 0, DType::Bool, x.device()), Tensor::full({}, 1, x.dtype(), x.device()), unsqueeze(d.s, -2));
  const Tensor turn = sign(det(matmul(d.u, d.vh).detach()));
  const Tensor scaled = mul(d.u, unsqueeze(mul(prod(others, {-1}), unsqueeze(turn, -1)), -2));
  return matmul(scaled, d.vh);
}

}  // namespace

Tensor solve(const Tensor& a, const Tensor& b) {
  Op op("linalg.solve", a, b);
  check_matrix("linalg.solve", a, true);
  check_matrix("linalg.solve", is_vector(b) ? unsqueeze(b, -1) : b);
  const DType result = promote_types(a.dtype(), b.dtype()), compute = compute_type(result);
  const Tensor left = cast(a, compute), right = cast(b, compute);
  const Tensor x = is_vector(b) ? squeeze(solve_matrices("linalg.solve", left, unsqueeze(right, -1)), {-1})
                                : solve_matrices("linalg.solve", left, right);
  return cast(x, result);
}

Tensor solve_triangular(const Tensor& a, const Tensor& b, bool upper, bool left, bool unit) {
  constexpr const char* kOp = "linalg.solve_triangular";
  Op op(kOp, a, b);
  check_matrix(kOp, a, true);
  check_matrix(kOp, b);
  if (!left) return transpose(solve_triangular(transpose(a), transpose(b), !upper, true, unit));
  const DType result = promote_types(a.dtype(), b.dtype()), compute = compute_type(result);
  if (a.dtype() != compute || b.dtype() != compute)
    return cast(solve_triangular(cast(a, compute), cast(b, compute), upper, true, unit), result);
  const Tensor x = right_sides(kOp, a, b);
  if (x.numel() > 0) {
    if (!unit) check_pivots(kOp, a, "Use pinv or lstsq.");
    NDL_ON(op.device(), run_solve_triangle)(upper, unit, a, x);
  }
  return op.record(
      x, {a, b}, {a},
      [upper, unit](Backward& g) {
        const Tensor db = solve_triangular(transpose(g.saved(0)), g.dy(), !upper, true, unit);
        g.give(1, db);
        if (!g.needs(0)) return;
        const Tensor da = -matmul(db, transpose(g.output()));
        g.give(0, upper ? triu(da, unit ? 1 : 0) : tril(da, unit ? -1 : 0));
      },
      SaveOutputs::Yes);
}

Tensor inv(const Tensor& x) {
  Op op("linalg.inv", x);
  check_matrix("linalg.inv", x, true);
  if (is_half(x.dtype())) return cast(inv(cast(x, DType::Float32)), x.dtype());
  const Tensor y = solve_matrices("linalg.inv", x.detach(), identity_like(x, x.size(-1)));
  return op.record(
      y, {x}, {},
      [](Backward& g) {
        const Tensor turned = transpose(g.output());
        g.give(0, -matmul(matmul(turned, g.dy()), turned));
      },
      SaveOutputs::Yes);
}

Tensor det(const Tensor& x) {
  Op op("linalg.det", x);
  check_matrix("linalg.det", x, true);
  if (is_half(x.dtype())) return cast(det(cast(x, DType::Float32)), x.dtype());
  const LuFactors f = factorize(x);
  const Tensor y = op.empty(batch_shape(x), x.dtype());
  NDL_ON(op.device(), run_det)(f.lu, f.pivots, y);
  return op.record(y, {x}, {x},
                   [](Backward& g) { g.give(0, mul(unsqueeze(unsqueeze(g.dy(), -1), -1), cofactors(g.saved(0)))); });
}

std::pair<Tensor, Tensor> slogdet(const Tensor& x) {
  Op op("linalg.slogdet", x);
  check_matrix("linalg.slogdet", x, true);
  if (is_half(x.dtype())) {
    const auto [sign, size] = slogdet(cast(x, DType::Float32));
    return {cast(sign, x.dtype()), cast(size, x.dtype())};
  }
  const LuFactors f = factorize(x);
  const Tensor signs = op.empty(batch_shape(x), x.dtype()), logs = op.empty(batch_shape(x), x.dtype());
  NDL_ON(op.device(), run_slogdet)(f.lu, f.pivots, signs, logs);
  const Tensor y = op.record(logs, {x}, {x}, [](Backward& g) {
    const Tensor a = g.saved(0), inverse = solve_matrices("linalg.slogdet", a, identity_like(a, a.size(-1)));
    g.give(0, mul(unsqueeze(unsqueeze(g.dy(), -1), -1), transpose(inverse)));
  });
  return {signs, y};
}

Tensor cholesky(const Tensor& x, bool upper) {
  constexpr const char* kOp = "linalg.cholesky";
  Op op(kOp, x);
  check_matrix(kOp, x, true);
  if (is_half(x.dtype())) return cast(cholesky(cast(x, DType::Float32), upper), x.dtype());
  if (upper) return transpose(cholesky(transpose(x)));
  // The kernel's upper triangle is the lower of x in memory turned round, and so is the result.
  const Tensor u = laid_out(triu(transpose(x.detach())));
  const int64_t n = x.size(-1), failed = NDL_ON(op.device(), run_cholesky)(u);
  NDL_CHECK(failed < 0, LinAlgError, kOp, "matrix", place_in(batch_shape(x), failed / n),
            " is not positive definite: got a pivot that is not positive in row ", failed % n,
            ", expected positive ones. Add a multiple of the identity?");
  // Strips of a blocked factorization have written below the diagonal.
  const Tensor l = contiguous(transpose(triu(u)));
  return op.record(
      l, {x}, {},
      [](Backward& g) {
        const Tensor y = g.output();
        const Tensor inner = tril(matmul(transpose(y), g.dy()));
        const Tensor halved = inner - diag_embed(diagonal(inner, 0, -2, -1)) * 0.5;
        const Tensor dx = solve_triangular(y, solve_triangular(transpose(y), halved, true), false, false);
        g.give(0, (dx + transpose(dx)) * 0.5);
      },
      SaveOutputs::Yes);
}

}  // namespace needlecpp::linalg
