// QR, eigenvalues and singular values as ops, and what is made of them: pseudo-inverse, rank, least squares, norms.
// Derivatives: Walter and Lehmann (QR, 2010); Giles (eigenvalues, singular values, 2008); Golub and Pereyra
// (pseudo-inverse, 1973).
#include <algorithm>
#include <limits>
#include <vector>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/matmul.h"
#include "needlecpp/ops/matrix.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "ops/matmul/matrix_arguments.h"
#include "ops/matmul/matrix_run.h"

namespace needlecpp::linalg {
namespace {

Tensor row_of(const Tensor& x) { return unsqueeze(x, -2); }     // [..., n] -> [..., 1, n]
Tensor column_of(const Tensor& x) { return unsqueeze(x, -1); }  // [..., n] -> [..., n, 1]
// 1 / (b[j] - b[i]), 0 where they are equal: how much of vector i a change mixes into vector j.
Tensor mixing(const Tensor& values) {
  const Tensor gaps = row_of(values) - column_of(values);
  const Tensor equal = eq(gaps.detach(), 0.0);
  return where(equal, Tensor::full({}, 0, values.dtype(), values.device()),
               div(1.0, where(equal, Tensor::full({}, 1, values.dtype(), values.device()), gaps)));
}

void check_ended(const char* op, int64_t failed, const Shape& batch) {
  NDL_CHECK(failed < 0, LinAlgError, op, "the iteration does not end for matrix", place_in(batch, failed),
            ": expected convergence. Scale the matrix?");
}

// Off the tape; x float32 or float64. Without vectors the second is undefined.
std::pair<Tensor, Tensor> decompose_symmetric(const Op& op, const Tensor& x, bool with_vectors) {
  const Shape batch = batch_shape(x);
  const Tensor lower = tril(x.detach());
  const Tensor a = laid_out(lower + transpose(tril(x.detach(), -1)));
  const Tensor values = op.empty(vectors(batch, x.size(-1)), x.dtype());
  const Tensor v = with_vectors ? op.empty(x.shape(), x.dtype()) : Tensor();
  check_ended(op, NDL_ON(op.device(), run_eigh)(a, values, v), batch);
  return {values, v};
}

SvdResult decompose(const Op& op, const Tensor& x, bool with_vectors, bool full) {
  const int64_t m = x.size(-2), n = x.size(-1), k = std::min(m, n);
  const Shape batch = batch_shape(x);
  const Tensor a = laid_out(x);
  SvdResult y;
  y.s = op.empty(vectors(batch, k), x.dtype());
  if (with_vectors) {
    y.u = op.empty(matrices(batch, m, full ? m : k), x.dtype());
    y.vh = op.empty(matrices(batch, full ? n : k, n), x.dtype());
  }
  check_ended(op, NDL_ON(op.device(), run_svd)(a, y.s, y.u, y.vh), batch);
  return y;
}

// Vectors that complete a basis, which a factorization chooses as it likes: asking for their gradient is an error.
Tensor free_choice(const Op& op, const Tensor& vectors, const Tensor& x, const char* remedy) {
  return op.record(vectors, {x}, {}, [name = op.name(), remedy](Backward&) {
    detail::fail<ValueError>(name, "no derivative of the vectors that only complete a basis: they are free. ", remedy);
  });
}

// The gradient of a = q r of independent columns, q [m, n] with m >= n.
Tensor qr_gradient(const Tensor& q, const Tensor& r, const Tensor& dq, const Tensor& dr) {
  const Tensor m = matmul(r, transpose(dr)) - matmul(transpose(dq), q);
  const Tensor symmetric = tril(m) + transpose(tril(m, -1));
  // x r' = right side, which is x of x (r')
  return solve_triangular(transpose(r), dq + matmul(q, symmetric), false, false);
}

// Singular values up to this count as 0: [..., 1].
Tensor threshold(const Tensor& x, const Tensor& s, const Tensor& rtol) {
  const double eps = x.dtype() == DType::Float32 ? 0x1p-23 : 0x1p-52;
  const Tensor largest = max(s.detach(), {-1}, true);
  if (rtol.defined()) return largest * unsqueeze(cast(rtol.detach(), s.dtype()), -1);
  return largest * (eps * static_cast<double>(std::max(x.size(-2), x.size(-1))));
}

}  // namespace

std::pair<Tensor, Tensor> qr(const Tensor& x, bool complete) {
  Op op("linalg.qr", x);
  check_matrix("linalg.qr", x);
  if (is_half(x.dtype())) {
    const auto [q, r] = qr(cast(x, DType::Float32), complete);
    return {cast(q, x.dtype()), cast(r, x.dtype())};
  }
  const int64_t m = x.size(-2), n = x.size(-1), k = complete ? m : std::min(m, n);
  if (m < n && on_tape({x})) {
    // The columns beyond the square have nothing to say in q.
    const auto [q, left] = qr(slice(x, -1, 0, m));
    return {q, concat({left, matmul(transpose(q), slice(x, -1, m))}, -1)};
  }
  if (complete && m > n && on_tape({x})) {
    const auto [q, r] = qr(x);
    const Tensor last = slice(qr(x.detach(), true).first, -1, n);
    return {concat({q, free_choice(op, last, x, "Use mode 'reduced'.")}, -1),
            concat({r, op.zeros(matrices(batch_shape(x), m - n, n), x.dtype())}, -2)};
  }
  const Tensor a = laid_out(x);
  const Tensor q = op.empty(matrices(batch_shape(x), m, k), x.dtype());
  NDL_ON(op.device(), run_qr)(a, q);
  const Tensor r = slice(a, -2, 0, k);
  const Tensors y = op.record(
      Tensors{q, contiguous(r)}, Tensors{x}, Tensors{},
      [](Backward& g) { g.give(0, qr_gradient(g.output(0), g.output(1), g.dy_or_zeros(0), g.dy_or_zeros(1))); },
      SaveOutputs::Yes);
  return {y[0], y[1]};
}

std::pair<Tensor, Tensor> eigh(const Tensor& x) {
  Op op("linalg.eigh", x);
  check_matrix("linalg.eigh", x, true);
  if (is_half(x.dtype())) {
    const auto [values, v] = eigh(cast(x, DType::Float32));
    return {cast(values, x.dtype()), cast(v, x.dtype())};
  }
  const auto [values, v] = decompose_symmetric(op, x, true);
  const Tensors y = op.record(
      Tensors{values, v}, Tensors{x}, Tensors{},
      [](Backward& g) {
        const Tensor vectors = g.output(1);
        Tensor inner;
        if (g.dy(1).defined()) inner = mul(matmul(transpose(vectors), g.dy(1)), mixing(g.output(0)));
        if (g.dy(0).defined()) inner = inner.defined() ? inner + diag_embed(g.dy(0)) : diag_embed(g.dy(0));
        const Tensor dx = matmul(matmul(vectors, inner), transpose(vectors));
        g.give(0, (dx + transpose(dx)) * 0.5);
      },
      SaveOutputs::Yes);
  return {y[0], y[1]};
}

Tensor eigvalsh(const Tensor& x) {
  Op op("linalg.eigvalsh", x);
  check_matrix("linalg.eigvalsh", x, true);
  if (is_half(x.dtype())) return cast(eigvalsh(cast(x, DType::Float32)), x.dtype());
  return on_tape({x}) ? eigh(x).first : decompose_symmetric(op, x, false).first;
}

SvdResult svd(const Tensor& x, bool full_matrices) {
  Op op("linalg.svd", x);
  check_matrix("linalg.svd", x);
  if (is_half(x.dtype())) {
    const SvdResult y = svd(cast(x, DType::Float32), full_matrices);
    return {cast(y.u, x.dtype()), cast(y.s, x.dtype()), cast(y.vh, x.dtype())};
  }
  const int64_t m = x.size(-2), n = x.size(-1), k = std::min(m, n);
  if (full_matrices && m != n && on_tape({x})) {
    const SvdResult thin = svd(x, false), full = svd(x.detach());
    const auto completed = [&](const Tensor& vectors, const Tensor& all, int axis) {
      const Tensor last = slice(all, axis, k);
      return concat({vectors, free_choice(op, last, x, "Use full_matrices=False.")}, axis);
    };
    return {m > k ? completed(thin.u, full.u, -1) : thin.u, thin.s, n > k ? completed(thin.vh, full.vh, -2) : thin.vh};
  }
  const SvdResult y = decompose(op, x, true, full_matrices);
  const auto backward = [m, n, k](Backward& g) {
    const Tensor left = g.output(0), s = g.output(1), right = g.output(2), du = g.dy(0), dv = g.dy(2);
    Tensor inner = diag_embed(g.dy_or_zeros(1));
    Tensor outside = Tensor();
    if (du.defined() || dv.defined()) {
      // 1 / (s_j^2 - s_i^2), 0 where they are equal.
      const Tensor sums = row_of(s) + column_of(s);
      const Tensor none = eq(sums.detach(), 0.0);
      const Tensor factor = div(mixing(s), where(none, Tensor::full({}, 1, s.dtype(), s.device()), sums));
      if (du.defined()) {
        const Tensor turn = matmul(transpose(left), du);
        inner = inner + mul(mul(turn - transpose(turn), factor), row_of(s));
        if (m > k) outside = matmul(div(du - matmul(left, turn), row_of(s)), right);
      }
      if (dv.defined()) {
        const Tensor turn = matmul(right, transpose(dv));
        inner = inner + mul(column_of(s), mul(turn - transpose(turn), factor));
        const Tensor rest = n > k ? matmul(left, div(dv - matmul(transpose(turn), right), column_of(s))) : Tensor();
        if (rest.defined()) outside = outside.defined() ? outside + rest : rest;
      }
    }
    const Tensor dx = matmul(matmul(left, inner), right);
    g.give(0, outside.defined() ? dx + outside : dx);
  };
  const Tensors all = op.record(Tensors{y.u, y.s, y.vh}, Tensors{x}, Tensors{}, backward, SaveOutputs::Yes);
  return {all[0], all[1], all[2]};
}

Tensor svdvals(const Tensor& x) {
  Op op("linalg.svdvals", x);
  check_matrix("linalg.svdvals", x);
  if (is_half(x.dtype())) return cast(svdvals(cast(x, DType::Float32)), x.dtype());
  return on_tape({x}) ? svd(x, false).s : decompose(op, x, false, false).s;
}

Tensor pinv(const Tensor& x, const Tensor& rtol) {
  Op op("linalg.pinv", x, rtol);
  check_matrix("linalg.pinv", x);
  if (is_half(x.dtype())) return cast(pinv(cast(x, DType::Float32), rtol), x.dtype());
  const int64_t m = x.size(-2), n = x.size(-1);
  if (x.numel() == 0) return clone(transpose(x));
  const SvdResult d = decompose(op, x, true, false);
  const Tensor dropped = le(d.s, threshold(x, d.s, rtol));
  const Tensor inverse = where(dropped, op.full({}, 0, x.dtype()), reciprocal(d.s));
  const Tensor y = matmul(transpose(mul(d.vh, column_of(inverse))), transpose(d.u));
  return op.record(
      y, {x}, {x},
      [m, n](Backward& g) {
        const Tensor a = g.saved(0), p = g.output(), pt = transpose(p), dt = transpose(g.dy());
        const Tensor rows = identity_like(a, m) - matmul(a, p), columns = identity_like(a, n) - matmul(p, a);
        const Tensor inside = matmul(matmul(pt, g.dy()), pt);
        const Tensor left = matmul(matmul(rows, dt), matmul(p, pt));
        const Tensor right = matmul(matmul(pt, p), matmul(dt, columns));
        g.give(0, left + right - inside);
      },
      SaveOutputs::Yes);
}

Tensor matrix_rank(const Tensor& x, const Tensor& rtol) {
  Op op("linalg.matrix_rank", x, rtol);
  check_matrix("linalg.matrix_rank", x);
  const Tensor wide = cast(x.detach(), compute_type(x.dtype()));
  if (x.size(-1) == 0 || x.size(-2) == 0) return op.zeros(batch_shape(x), DType::Int64);
  const Tensor s = decompose(op, wide, false, false).s;
  return count_nonzero(gt(s, threshold(wide, s, rtol)), {-1});
}

Tensor lstsq(const Tensor& a, const Tensor& b, const Tensor& rtol) {
  Op op("linalg.lstsq", a, b, rtol);
  check_matrix("linalg.lstsq", a);
  const Tensor right = is_vector(b) ? unsqueeze(b, -1) : b;
  check_matrix("linalg.lstsq", right);
  NDL_CHECK(a.size(-2) == right.size(-2), ValueError, "linalg.lstsq", "sizes differ: got shapes ", a.shape(), " and ",
            b.shape(), ", expected [..., m, n] and [..., m, k] with the same m.");
  const DType result = promote_types(a.dtype(), b.dtype()), compute = compute_type(result);
  const Tensor x = matmul(pinv(cast(a, compute), rtol), cast(right, compute));
  return cast(is_vector(b) ? squeeze(x, {-1}) : x, result);
}

Tensor matrix_power(const Tensor& x, int64_t exponent) {
  Op op("linalg.matrix_power", x);
  check_matrix("linalg.matrix_power", x, true);
  if (exponent == 0) return clone(broadcast_to(identity_like(x, x.size(-1)), x.shape()));
  Tensor square = exponent < 0 ? inv(x) : x, result;
  for (uint64_t rest = exponent < 0 ? 0 - static_cast<uint64_t>(exponent) : static_cast<uint64_t>(exponent);
       rest > 0;) {
    if (rest % 2 == 1) result = result.defined() ? matmul(result, square) : square;
    rest /= 2;
    if (rest > 0) square = matmul(square, square);
  }
  return exponent == 1 ? clone(result) : result;
}

Tensor multi_dot(const Tensors& parts) {
  constexpr const char* kOp = "linalg.multi_dot";
  Op op(kOp, parts);
  NDL_CHECK(parts.size() >= 2, ValueError, kOp, "too few matrices: got ", parts.size(), ", expected two or more.");
  const bool row = parts.front().rank() == 1, column = parts.back().rank() == 1;
  Tensors factors = parts;
  if (row) factors.front() = unsqueeze(factors.front(), 0);
  if (column) factors.back() = unsqueeze(factors.back(), 1);
  const size_t n = factors.size();
  for (const Tensor& x : factors)
    NDL_CHECK(x.rank() == 2, ValueError, kOp, "not a matrix: got shape ", x.shape(),
              ", expected two axes, or one of the first and last.");
  for (size_t i = 0; i + 1 < n; ++i)
    NDL_CHECK(factors[i].size(1) == factors[i + 1].size(0), ValueError, kOp, "inner sizes differ: got shapes ",
              parts[i].shape(), " and ", parts[i + 1].shape(), ", expected [m, k] and [k, n].");
  // cost[i][j]: of the cheapest product of i to j, which is cut after cut[i][j].
  std::vector<std::vector<double>> cost(n, std::vector<double>(n));
  std::vector<std::vector<size_t>> cut(n, std::vector<size_t>(n));
  for (size_t length = 1; length < n; ++length)
    for (size_t i = 0; i + length < n; ++i) {
      const size_t j = i + length;
      cost[i][j] = std::numeric_limits<double>::infinity();
      for (size_t k = i; k < j; ++k) {
        const double one = cost[i][k] + cost[k + 1][j] +
                           static_cast<double>(factors[i].size(0)) * static_cast<double>(factors[k].size(1)) *
                               static_cast<double>(factors[j].size(1));
        if (one < cost[i][j]) {
          cost[i][j] = one;
          cut[i][j] = k;
        }
      }
    }
  const auto product = [&](const auto& self, size_t i, size_t j) -> Tensor {
    return i == j ? factors[i] : matmul(self(self, i, cut[i][j]), self(self, cut[i][j] + 1, j));
  };
  const Tensor y = product(product, 0, n - 1);
  if (row && column) return reshape(y, {});
  return row ? squeeze(y, {0}) : column ? squeeze(y, {1}) : y;
}

Tensor matrix_norm(const Tensor& x, MatrixNorm norm, bool keepdims) {
  constexpr const char* kOp = "linalg.matrix_norm";
  Op op(kOp, x);
  check_matrix(kOp, x);
  const auto best = [&](bool rows, bool largest) {
    const Tensor sums = sum(abs(x), {rows ? -1 : -2}, true);
    return largest ? max(sums, {-2, -1}, keepdims) : min(sums, {-2, -1}, keepdims);
  };
  const auto spectral = [&](auto&& reduce) {
    const Tensor y = reduce(svdvals(x));
    return keepdims ? unsqueeze(y, -1) : squeeze(y, {-1});
  };
  switch (norm) {
    case MatrixNorm::Frobenius:
      return vector_norm(x, 2, {-2, -1}, keepdims);
    case MatrixNorm::Nuclear:
      return spectral([](const Tensor& s) { return sum(s, {-1}, true); });
    case MatrixNorm::Two:
      return spectral([](const Tensor& s) { return max(s, {-1}, true); });
    case MatrixNorm::MinTwo:
      return spectral([](const Tensor& s) { return min(s, {-1}, true); });
    case MatrixNorm::Rows:
    case MatrixNorm::MinRows:
      return best(true, norm == MatrixNorm::Rows);
    case MatrixNorm::Columns:
    case MatrixNorm::MinColumns:
      break;
  }
  return best(false, norm == MatrixNorm::Columns);
}

}  // namespace needlecpp::linalg
