// Solving and its relatives: LU (solve, inv, det, slogdet), triangles, Cholesky. Derivatives are solves again.
#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/creation.h"
#include "needlecpp/ops/matmul.h"
#include "needlecpp/ops/matrix.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "ops/matmul/factor.h"
#include "ops/matmul/matrix_run.h"
#include "ops/plumbing/strided.h"

namespace needlecpp::linalg {
namespace {

// p x = l u of every matrix of a batch. Of a matrix that is not finite, lu is NaN.
struct LuFactors {
  Tensor lu;      // [..., n, n], contiguous
  Tensor pivots;  // int64 [..., n], see factor.h
};

LuFactors factorize(const Tensor& x) {
  LuFactors f;
  f.lu = laid_out(x);
  const int64_t n = x.size(-1);
  const Shape batch = batch_shape(x);
  f.pivots = Tensor::zeros(vectors(batch, n), DType::Int64);
  with_float(x.dtype(), [&]<class T>(T) {
    T* const a = f.lu.data<T>();
    int64_t* const pivots = f.pivots.data<int64_t>();
    for_each_matrix(numel(batch), static_cast<double>(n) * n * n / 3, [&](int64_t i) {
      if (all_finite(a + i * n * n, n * n)) {
        lu(n, n, a + i * n * n, n, pivots + i * n);
      } else {
        fill_nan(a + i * n * n, n * n);
        for (int64_t k = 0; k < n; ++k) pivots[i * n + k] = k;
      }
    });
  });
  return f;
}

// Throws for the first matrix of `triangles` with a zero on its diagonal.
void check_pivots(const char* op, const Tensor& triangles, const char* remedy) {
  const Shape batch = batch_shape(triangles);
  const int64_t n = triangles.size(-1);
  const Tensor diagonals = contiguous(diagonal(triangles.detach(), 0, -2, -1));
  with_float(triangles.dtype(), [&]<class T>(T) {
    const T* d = diagonals.data<T>();
    for (int64_t i = 0; i < diagonals.numel(); ++i)
      NDL_CHECK(d[i] != 0, LinAlgError, op, "singular matrix", place_in(batch, i / n), ": got a zero pivot in row ",
                i % n, ", expected an invertible matrix. ", remedy);
  });
}

// Element offsets of the matrices of x, whose batch is broadcast to `batch`.
class MatrixOffsets {
 public:
  MatrixOffsets(const Tensor& x, const Shape& batch) {
    const Tensor first = select(select(x.detach(), -1, 0), -1, 0);
    loop_ = make_loop<1>(batch, {broadcast_strides(first, batch)});
  }
  int64_t operator[](int64_t i) const { return loop_.offsets(i)[0]; }

 private:
  StridedLoop<1> loop_;
};

// What broadcasting does to a and to b [..., n, k]: the batch, and b copied out over it.
Tensor right_sides(const char* op, const Tensor& a, const Tensor& b) {
  NDL_CHECK(a.size(-1) == b.size(-2), ValueError, op, "sizes differ: got shapes ", a.shape(), " and ", b.shape(),
            ", expected [..., n, n] and [..., n, k] with the same n.");
  const Shape batch = broadcast_shapes(op, batch_shape(a), batch_shape(b));
  return laid_out(broadcast_to(b.detach(), matrices(batch, b.size(-2), b.size(-1))));
}

// a x = b for matrices b of a's dtype.
Tensor solve_matrices(const char* op, const Tensor& a, const Tensor& b) {
  const Tensor x = right_sides(op, a, b);
  const Shape batch = batch_shape(x);
  const int64_t n = a.size(-1), columns = b.size(-1);
  if (x.numel() > 0) {
    const LuFactors f = factorize(a);
    check_pivots(op, f.lu, "Use pinv or lstsq.");
    const MatrixOffsets lu_at(f.lu, batch), pivots_at(unsqueeze(f.pivots, -1), batch);
    with_float(a.dtype(), [&]<class T>(T) {
      for_each_matrix(numel(batch), static_cast<double>(n) * n * columns, [&](int64_t i) {
        const T* triangles = f.lu.data<T>() + lu_at[i];
        T* at = x.data<T>() + i * n * columns;
        exchange_rows(n, f.pivots.data<int64_t>() + pivots_at[i], at, columns, columns);
        solve_triangle(false, true, n, triangles, n, 1, columns, at, columns);
        solve_triangle(true, false, n, triangles, n, 1, columns, at, columns);
      });
    });
  }
  return record(
      op, x, {a, b}, {a},
      [op](Backward& g) {
        const Tensor db = solve_matrices(op, transpose(g.saved(0)), g.dy());
        g.give(1, db);
        if (g.needs(0)) g.give(0, -matmul(db, transpose(g.output())));
      },
      SaveOutputs::Yes);
}

// The matrix of cofactors, the derivative of the determinant.
Tensor cofactors(const Tensor& x) {
  const int64_t n = x.size(-1);
  if (n == 0 || x.numel() == 0) return Tensor::zeros(x.shape(), x.dtype());
  const Tensor pivots = abs(diagonal(factorize(x.detach()).lu, 0, -2, -1));
  const double eps = x.dtype() == DType::Float32 ? 0x1p-23 : 0x1p-52;
  const Tensor far = gt(min(pivots, {-1}), mul(max(pivots, {-1}), eps * static_cast<double>(n)));
  if (all(far).item() != 0) return mul(unsqueeze(unsqueeze(det(x), -1), -1), transpose(inv(x)));
  // u diag(product of the other singular values) vh, with the sign of det(u) det(vh).
  const SvdResult d = svd(x, false);
  const Tensor others = where(eye(n, n, 0, DType::Bool), Tensor::scalar(1, x.dtype()), unsqueeze(d.s, -2));
  const Tensor turn = sign(det(matmul(d.u, d.vh).detach()));
  const Tensor scaled = mul(d.u, unsqueeze(mul(prod(others, {-1}), unsqueeze(turn, -1)), -2));
  return matmul(scaled, d.vh);
}

// -1 for each exchange.
int sign_of(const int64_t* pivots, int64_t n) {
  int sign = 1;
  for (int64_t k = 0; k < n; ++k)
    if (pivots[k] != k) sign = -sign;
  return sign;
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
  const Shape batch = batch_shape(x);
  const int64_t n = a.size(-1), columns = b.size(-1);
  if (x.numel() > 0) {
    if (!unit) check_pivots(kOp, a, "Use pinv or lstsq.");
    const MatrixOffsets offsets(a, batch);
    const int64_t row = a.strides()[a.rank() - 2], col = a.strides().back();
    with_float(compute, [&]<class T>(T) {
      for_each_matrix(numel(batch), static_cast<double>(n) * n * columns / 2, [&](int64_t i) {
        solve_triangle(upper, unit, n, a.data<T>() + offsets[i], row, col, columns, x.data<T>() + i * n * columns,
                       columns);
      });
    });
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
  const Tensor y = solve_matrices("linalg.inv", x.detach(), eye(x.size(-1), x.size(-1), 0, x.dtype()));
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
  const int64_t n = x.size(-1);
  const Tensor y = op.empty(batch_shape(x), x.dtype());
  with_float(x.dtype(), [&]<class T>(T) {
    const T* triangles = f.lu.data<T>();
    const int64_t* pivots = f.pivots.data<int64_t>();
    for (int64_t i = 0; i < y.numel(); ++i) {
      double product = sign_of(pivots + i * n, n);
      for (int64_t k = 0; k < n; ++k) product *= static_cast<double>(triangles[i * n * n + k * (n + 1)]);
      y.data<T>()[i] = static_cast<T>(product);
    }
  });
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
  const int64_t n = x.size(-1);
  const Tensor signs = op.empty(batch_shape(x), x.dtype()), logs = op.empty(batch_shape(x), x.dtype());
  with_float(x.dtype(), [&]<class T>(T) {
    const T* triangles = f.lu.data<T>();
    const int64_t* pivots = f.pivots.data<int64_t>();
    for (int64_t i = 0; i < logs.numel(); ++i) {
      double sign = sign_of(pivots + i * n, n), log = 0;
      for (int64_t k = 0; k < n; ++k) {
        const double pivot = static_cast<double>(triangles[i * n * n + k * (n + 1)]);
        sign = pivot > 0 ? sign : pivot < 0 ? -sign : pivot;  // 0, or NaN
        log += std::log(std::abs(pivot));
        if (pivot == 0) break;
      }
      signs.data<T>()[i] = static_cast<T>(sign);
      logs.data<T>()[i] = static_cast<T>(log);
    }
  });
  const Tensor y = op.record(logs, {x}, {x}, [](Backward& g) {
    const Tensor inverse = solve_matrices("linalg.slogdet", g.saved(0),
                                          eye(g.saved(0).size(-1), g.saved(0).size(-1), 0, g.saved(0).dtype()));
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
  const int64_t n = x.size(-1);
  const Shape batch = batch_shape(x);
  const Tensor u = laid_out(triu(transpose(x.detach())));
  std::vector<int64_t> failed(static_cast<size_t>(numel(batch)), -1);
  with_float(x.dtype(), [&]<class T>(T) {
    for_each_matrix(numel(batch), static_cast<double>(n) * n * n / 6, [&](int64_t i) {
      T* a = u.data<T>() + i * n * n;
      if (!all_finite(a, n * n))
        fill_nan(a, n * n);
      else if (n > 0)
        failed[static_cast<size_t>(i)] = needlecpp::cholesky(n, a, n);
    });
  });
  for (size_t i = 0; i < failed.size(); ++i)
    NDL_CHECK(failed[i] < 0, LinAlgError, kOp, "matrix", place_in(batch, static_cast<int64_t>(i)),
              " is not positive definite: got a pivot that is not positive in row ", failed[i],
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
