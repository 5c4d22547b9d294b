// Linear algebra: residuals on matrices that are hard, derivatives, batches and layouts, errors that name the matrix.
#include "needlecpp/ops/matrix.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/creation.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/matmul.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "support.h"

using namespace needlecpp;

namespace {

Tensor random(const Shape& shape, DType dtype = DType::Float64) {
  static Generator generator(21);
  return randn(shape, 0, 1, dtype, {}, generator);
}

double eps_of(DType dtype) { return dtype == DType::Float32 ? 0x1p-23 : 0x1p-52; }
double size_of(const Tensor& x) { return x.numel() == 0 ? 0 : vector_norm(cast(x, DType::Float64)).item(); }
// |a - b| in units of rounding errors of matrices as large as b.
double errors(const Tensor& a, const Tensor& b, DType dtype) {
  const double n = static_cast<double>(std::max<int64_t>({b.size(-1), b.size(-2), 1}));
  return size_of(cast(a, DType::Float64) - cast(b, DType::Float64)) /
         (n * eps_of(dtype) * std::max(size_of(b), 1e-300));
}
double tilt(const Tensor& q) {  // of columns that should be orthonormal
  return errors(matmul(transpose(cast(q, DType::Float64)), cast(q, DType::Float64)),
                eye(q.size(-1), q.size(-1), 0, DType::Float64), q.dtype());
}
Tensor wide(const Tensor& x) { return cast(x, DType::Float64); }

// Square matrices of many kinds.
std::vector<std::pair<std::string, Tensor>> hard_matrices() {
  std::vector<std::pair<std::string, Tensor>> all;
  for (int64_t n : {1, 2, 3, 5, 16, 31, 32, 33, 64, 97})
    all.emplace_back("random " + std::to_string(n), random({n, n}));
  const Tensor q = linalg::qr(random({40, 40})).first, p = linalg::qr(random({40, 40})).first;
  const Tensor graded = logspace(0, -10, 40, 10, true, DType::Float64);
  all.emplace_back("condition 1e10", matmul(q * graded, p));
  all.emplace_back("graded rows", random({40, 40}) * unsqueeze(graded, -1));
  all.emplace_back("graded both", random({40, 40}) * unsqueeze(graded, -1) * graded);
  all.emplace_back("graded upwards", flip(random({40, 40}) * unsqueeze(graded, -1) * graded, {0, 1}));
  all.emplace_back("repeated", matmul(q * floor(linspace(1, 4, 40, false, DType::Float64)), transpose(q)));
  all.emplace_back("zero", Tensor::zeros({20, 20}, DType::Float64));
  all.emplace_back("one", eye(40, 40, 0, DType::Float64));
  all.emplace_back("ones", Tensor::ones({50, 50}, DType::Float64));
  all.emplace_back("rank 3", matmul(random({50, 3}), random({3, 50})));
  all.emplace_back("shift", eye(30, 30, 1, DType::Float64));
  all.emplace_back("two diagonals", eye(30, 30, 1, DType::Float64) + eye(30, 30, 0, DType::Float64));
  return all;
}

}  // namespace

TEST_CASE("factors of hard matrices multiply back to within rounding") {
  for (DType dtype : {DType::Float32, DType::Float64})
    for (const auto& [kind, matrix] : hard_matrices())
      for (double scale : {1.0, dtype == DType::Float32 ? 1e-30 : 1e-290, dtype == DType::Float32 ? 1e30 : 1e290}) {
        INFO(kind << " " << name(dtype) << " times " << scale);
        const Tensor x = cast(matrix * scale, dtype);
        // Compared at their natural size, so that the comparison itself does not overflow.
        const Tensor natural = wide(x) / scale;
        const auto [q, r] = linalg::qr(x);
        REQUIRE(errors(matmul(wide(q), wide(r) / scale), natural, dtype) < 4);
        REQUIRE(tilt(q) < 4);
        REQUIRE(size_of(tril(r, -1)) == 0);

        const linalg::SvdResult d = linalg::svd(x, false);
        REQUIRE(errors(matmul(wide(d.u) * (wide(d.s) / scale), wide(d.vh)), natural, dtype) < 4);
        REQUIRE(tilt(d.u) < 4);
        REQUIRE(tilt(transpose(d.vh)) < 4);
        const auto s = d.s.dtype() == DType::Float64 ? d.s.to_vector<double>() : wide(d.s).to_vector<double>();
        REQUIRE(std::is_sorted(s.rbegin(), s.rend()));
        REQUIRE(s.back() >= 0);
        REQUIRE(errors(unsqueeze(linalg::svdvals(x), 0), unsqueeze(d.s, 0), dtype) < 4);

        const Tensor symmetric = tril(x) + transpose(tril(x, -1));
        const auto [w, v] = linalg::eigh(x);  // reads the lower triangle alone
        REQUIRE(errors(matmul(wide(v) * (wide(w) / scale), transpose(wide(v))), wide(symmetric) / scale, dtype) < 4);
        REQUIRE(tilt(v) < 4);
        const auto values = wide(w).to_vector<double>();
        REQUIRE(std::is_sorted(values.begin(), values.end()));
        REQUIRE(errors(unsqueeze(linalg::eigvalsh(x), 0), unsqueeze(w, 0), dtype) < 4);
      }
}

TEST_CASE("solutions have small residuals, and inverses and determinants are right") {
  for (DType dtype : {DType::Float32, DType::Float64})
    for (int64_t n : {1, 2, 7, 32, 33, 65, 150}) {
      INFO(n << " " << name(dtype));
      const Tensor a = random({n, n}, dtype), b = random({n, 3}, dtype);
      const Tensor x = linalg::solve(a, b);
      const double allowed = 8 * static_cast<double>(n) * eps_of(dtype) * size_of(a) * size_of(x);
      REQUIRE(size_of(matmul(wide(a), wide(x)) - wide(b)) < allowed);
      const Tensor y = linalg::inv(a);
      REQUIRE(size_of(matmul(wide(a), wide(y)) - eye(n, n, 0, DType::Float64)) <
              8 * static_cast<double>(n) * eps_of(dtype) * size_of(a) * size_of(y));
      const Tensor definite = matmul(a, transpose(a)) + eye(n, n, 0, dtype) * static_cast<double>(n);
      const Tensor l = linalg::cholesky(definite), u = linalg::cholesky(definite, true);
      REQUIRE(errors(matmul(wide(l), transpose(wide(l))), definite, dtype) < 4);
      REQUIRE(errors(transpose(u), l, dtype) < 4);
      REQUIRE(size_of(triu(l, 1)) == 0);
      const auto [sign, log] = linalg::slogdet(definite);
      REQUIRE(sign.item() == 1);
      REQUIRE(log.item() == Approx(2 * sum(needlecpp::log(diagonal(l))).item()).epsilon(1e-5));
    }
  // An odd permutation, and a matrix whose determinant is known.
  REQUIRE(linalg::det(flip(eye(2, 2, 0, DType::Float64), {0})).item() == -1);
  REQUIRE(linalg::det(Tensor::from_vector<double>({2, 0, 1, 1, 3, 2, 1, 1, 4}, {3, 3})).item() == Approx(18));
}

TEST_CASE("triangular solves of every kind, from any strides") {
  for (bool upper : {false, true})
    for (bool left : {false, true})
      for (bool unit : {false, true})
        for (int64_t n : {1, 5, 70}) {
          INFO(upper << left << unit << " " << n);
          const Tensor noise = random({2, n, n}) / static_cast<double>(n);
          const Tensor a = transpose(noise + eye(n, n, 0, DType::Float64) * 2.0);
          Tensor triangle = upper ? triu(a) : tril(a);
          if (unit) triangle = (upper ? triu(a, 1) : tril(a, -1)) + eye(n, n, 0, DType::Float64);
          const Tensor b = left ? random({n, 3}) : random({3, n});
          const Tensor x = linalg::solve_triangular(a, b, upper, left, unit);
          REQUIRE(x.shape() == (left ? Shape{2, n, 3} : Shape{2, 3, n}));
          REQUIRE(size_of((left ? matmul(triangle, x) : matmul(x, triangle)) - b) < 1e-12);
        }
}

TEST_CASE("every matrix of a batch is its own, in any layout") {
  const Tensor base = random({3, 5, 2, 4});
  const Tensor x = permute(base, {2, 0, 3, 1});  // [2, 3, 4, 5]
  const Tensor square = slice(x, -1, 0, 4) + eye(4, 4, 0, DType::Float64) * 3.0;
  const linalg::SvdResult d = linalg::svd(x, false);
  const auto [q, r] = linalg::qr(x);
  const Tensor y = linalg::inv(square), log = linalg::slogdet(square).second;
  const Tensor b = random({3, 4, 2});
  const Tensor solved = linalg::solve(square, b);
  REQUIRE(solved.shape() == Shape{2, 3, 4, 2});
  for (int64_t i = 0; i < 2; ++i)
    for (int64_t j = 0; j < 3; ++j) {
      const auto one = [&](const Tensor& t) { return select(select(t, 0, i), 0, j); };
      const auto same = [](const Tensor& a, const Tensor& c) { return size_of(a - c) == 0; };
      const linalg::SvdResult alone = linalg::svd(one(x), false);
      REQUIRE((same(one(d.u), alone.u) && same(one(d.s), alone.s) && same(one(d.vh), alone.vh)));
      REQUIRE((same(one(q), linalg::qr(one(x)).first) && same(one(r), linalg::qr(one(x)).second)));
      REQUIRE(same(one(y), linalg::inv(one(square))));
      REQUIRE(one(log).item() == linalg::slogdet(one(square)).second.item());
      REQUIRE(same(one(solved), linalg::solve(one(square), select(b, 0, j))));
    }
  // One matrix for many right sides, and a vector.
  const Tensor one = select(select(square, 0, 0), 0, 0);
  REQUIRE(linalg::solve(one, b).shape() == Shape{3, 4, 2});
  REQUIRE(linalg::solve(square, random({4})).shape() == Shape{2, 3, 4});
}

TEST_CASE("results do not depend on the number of threads") {
  const Tensor x = random({180, 180});
  const auto all = [&] {
    std::vector<std::vector<double>> results;
    const linalg::SvdResult d = linalg::svd(x);
    const auto [w, v] = linalg::eigh(x);
    for (const Tensor& t : {d.u, d.s, d.vh, w, v, linalg::inv(x), linalg::qr(x).first})
      results.push_back(t.to_vector<double>());
    return results;
  };
  const Threads restored;
  set_num_threads(1);
  const auto alone = all();
  set_num_threads(3);
  REQUIRE(all() == alone);
}

TEST_CASE("empty matrices, empty batches and single numbers") {
  for (DType dtype : {DType::Float32, DType::Float64}) {
    const Tensor none = Tensor::zeros({2, 0, 0}, dtype);
    REQUIRE(sum(linalg::det(none)).item() == 2);
    REQUIRE(sum(linalg::slogdet(none).first).item() == 2);
    REQUIRE(sum(linalg::slogdet(none).second).item() == 0);
    REQUIRE(linalg::inv(none).shape() == Shape{2, 0, 0});
    REQUIRE(linalg::cholesky(none).shape() == Shape{2, 0, 0});
    REQUIRE(linalg::solve(none, Tensor::zeros({2, 0, 3}, dtype)).shape() == Shape{2, 0, 3});
    REQUIRE(linalg::eigh(none).second.shape() == Shape{2, 0, 0});
    REQUIRE(sum(linalg::matrix_rank(none)).item_int() == 0);
    const Tensor tall = Tensor::zeros({3, 0}, dtype);
    REQUIRE(size_of(linalg::svd(tall).u - eye(3, 3, 0, dtype)) == 0);
    REQUIRE(linalg::svd(tall).vh.shape() == Shape{0, 0});
    REQUIRE(size_of(linalg::svd(transpose(tall)).vh - eye(3, 3, 0, dtype)) == 0);
    REQUIRE(size_of(linalg::qr(tall, true).first - eye(3, 3, 0, dtype)) == 0);
    REQUIRE(linalg::qr(tall).first.shape() == Shape{3, 0});
    REQUIRE(linalg::pinv(tall).shape() == Shape{0, 3});
    const Tensor no_matrix = Tensor::zeros({0, 3, 3}, dtype);
    REQUIRE(linalg::inv(no_matrix).shape() == Shape{0, 3, 3});
    REQUIRE(linalg::det(no_matrix).shape() == Shape{0});
    REQUIRE(linalg::svd(no_matrix).s.shape() == Shape{0, 3});
    const Tensor one = Tensor::full({1, 1}, -4, dtype);
    REQUIRE(linalg::det(one).item() == -4);
    REQUIRE(linalg::svdvals(one).item() == 4);
    REQUIRE(linalg::eigvalsh(one).item() == -4);
    REQUIRE(linalg::inv(one).item() == -0.25);
    REQUIRE(linalg::pinv(one).item() == -0.25);
  }
}

TEST_CASE("what is not finite gives NaN and ends") {
  for (double bad : {std::nan(""), std::numeric_limits<double>::infinity()})
    for (int64_t n : {1, 3, 40}) {
      const Tensor x = stack({random({n, n}), Tensor::full({n, n}, 1.0, DType::Float64)}, 0);
      x.data<double>()[n * n] = bad;
      const auto second_is_nan = [](const Tensor& y) {
        REQUIRE(all(isfinite(select(y, 0, 0))).item() == 1);
        REQUIRE(all(isnan(select(y, 0, 1))).item() == 1);
      };
      second_is_nan(linalg::inv(x));
      second_is_nan(linalg::det(x));
      second_is_nan(linalg::slogdet(x).second);
      second_is_nan(linalg::solve(x, Tensor::ones({n}, DType::Float64)));
      second_is_nan(linalg::qr(x).second);
      second_is_nan(linalg::svd(x).u);
      second_is_nan(linalg::svdvals(x));
      second_is_nan(linalg::eigh(x).second);
      second_is_nan(linalg::eigvalsh(x));
      second_is_nan(diagonal(linalg::cholesky(matmul(x, transpose(x))), 0, -2, -1));
    }
}

TEST_CASE("a matrix without the property is an error that names it") {
  const auto message = [](auto&& call) {
    try {
      call();
    } catch (const LinAlgError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  const Tensor x = clone(broadcast_to(eye(2, 2, 0, DType::Float64), {2, 3, 2, 2}));
  x.data<double>()[(3 + 1) * 4] = 0;
  for (const std::string& text :
       {message([&] { linalg::inv(x); }), message([&] { linalg::cholesky(x); }), message([&] { linalg::solve(x, x); }),
        message([&] { linalg::solve_triangular(x, x, false); })}) {
    INFO(text);
    REQUIRE(text.find("(1, 1)") != std::string::npos);
    REQUIRE(text.find("[linalg.") == 0);
  }
  REQUIRE(linalg::slogdet(x).first.to_vector<double>()[4] == 0);
  REQUIRE(linalg::slogdet(x).second.to_vector<double>()[4] == -std::numeric_limits<double>::infinity());
  REQUIRE_THROWS_AS(linalg::inv(Tensor::ones({2, 3})), ValueError);
  REQUIRE_THROWS_AS(linalg::inv(Tensor::ones({3})), ValueError);
  REQUIRE_THROWS_AS(linalg::inv(Tensor::ones({2, 2}, DType::Int64)), TypeError);
  REQUIRE_THROWS_AS(linalg::solve(Tensor::ones({2, 2}), Tensor::ones({3})), ValueError);
  REQUIRE_THROWS_AS(linalg::multi_dot({Tensor::ones({2, 2})}), ValueError);
  REQUIRE(linalg::inv(eye(2, 2, 0, DType::BFloat16)).dtype() == DType::BFloat16);
}

namespace {

using Fn = std::function<Tensor(const Tensor&)>;
void check_derivatives(const char* what, const Tensor& x, const Fn& fn) {
  INFO(what);
  const Tensor leaf = clone(x).set_requires_grad(true);
  const auto call = [&](const Tensors& in) { return Tensors{fn(in[0])}; };
  REQUIRE(gradcheck(call, {leaf}));
  REQUIRE(gradgradcheck(call, {leaf}));
}
Tensor symmetric(const Tensor& x) { return x + transpose(x); }

}  // namespace

TEST_CASE("derivatives of the first and second order") {
  const Tensor x = random({2, 3, 3}), tall = random({4, 3}), flat = random({3, 4});
  const Tensor shift = eye(3, 3, 0, DType::Float64) * 3.0;
  check_derivatives("inv", x, [&](const Tensor& a) { return linalg::inv(a + shift); });
  check_derivatives("det", x, [](const Tensor& a) { return linalg::det(a); });
  check_derivatives("slogdet", x, [&](const Tensor& a) { return linalg::slogdet(a + shift).second; });
  check_derivatives("solve", x, [&](const Tensor& a) { return linalg::solve(a + shift, transpose(a) * 2.0); });
  check_derivatives("solve of a vector", x, [&](const Tensor& a) { return linalg::solve(a + shift, sum(a, {0, 1})); });
  check_derivatives("cholesky", x, [&](const Tensor& a) { return linalg::cholesky(symmetric(a) + shift * 4.0); });
  check_derivatives("cholesky upper", x,
                    [&](const Tensor& a) { return linalg::cholesky(symmetric(a) + shift * 4.0, true); });
  for (bool upper : {false, true})
    for (bool left : {false, true})
      check_derivatives("solve_triangular", x, [&](const Tensor& a) {
        return linalg::solve_triangular(a + shift, transpose(a), upper, left, upper == left);
      });
  for (const Tensor& a : {x, tall, flat}) {
    check_derivatives("qr q", a, [](const Tensor& b) { return linalg::qr(b).first; });
    check_derivatives("qr r", a, [](const Tensor& b) { return linalg::qr(b).second; });
    check_derivatives("svdvals", a, [](const Tensor& b) { return linalg::svdvals(b); });
    check_derivatives("svd", a, [](const Tensor& b) {
      const linalg::SvdResult d = linalg::svd(b, false);
      const Tensor corner = matmul(slice(d.u, -2, 0, 3) * unsqueeze(sin(d.s), -2), slice(d.vh, -1, 0, 3));
      return matmul(d.u * unsqueeze(exp(d.s), -2), d.vh) + sum(corner);
    });
    check_derivatives("pinv", a, [](const Tensor& b) { return linalg::pinv(b); });
    check_derivatives("lstsq", a, [](const Tensor& b) { return linalg::lstsq(b, slice(b, -1, 0, 2) * 0.5 + 1.0); });
    for (linalg::MatrixNorm norm :
         {linalg::MatrixNorm::Frobenius, linalg::MatrixNorm::Nuclear, linalg::MatrixNorm::Rows,
          linalg::MatrixNorm::Columns, linalg::MatrixNorm::Two, linalg::MatrixNorm::MinTwo})
      check_derivatives("matrix_norm", a, [&](const Tensor& b) { return linalg::matrix_norm(b, norm); });
  }
  check_derivatives("qr complete", flat, [](const Tensor& a) { return linalg::qr(a, true).second; });
  check_derivatives("eigh", x, [](const Tensor& a) {
    const auto [w, v] = linalg::eigh(symmetric(a));
    return matmul(v * unsqueeze(sin(w), -2), transpose(v));
  });
  check_derivatives("eigvalsh", x, [](const Tensor& a) { return linalg::eigvalsh(symmetric(a)); });
  for (int64_t power : {-3, -1, 1, 2, 5})
    check_derivatives("matrix_power", x, [&](const Tensor& a) { return linalg::matrix_power(a + shift, power); });
  check_derivatives("multi_dot", tall, [](const Tensor& a) {
    return linalg::multi_dot({transpose(a), a, transpose(a)});
  });
}

TEST_CASE("the gradient of a determinant is the matrix of cofactors, of singular matrices too") {
  const auto gradient = [](const Tensor& x) {
    const Tensor leaf = clone(x).set_requires_grad(true);
    sum(linalg::det(leaf)).backward();
    return leaf.grad().to_vector<double>();
  };
  const auto rank_two = gradient(Tensor::from_vector<double>({1, 2, 3, 4, 5, 6, 7, 8, 9}, {3, 3}));
  const std::vector<double> expected = {-3, 6, -3, 6, -12, 6, -3, 6, -3};
  for (size_t i = 0; i < 9; ++i) REQUIRE(rank_two[i] == Approx(expected[i]).epsilon(1e-9));
  for (double value : gradient(Tensor::ones({3, 3}, DType::Float64))) REQUIRE(std::abs(value) < 1e-12);
  for (double value : gradient(Tensor::zeros({3, 3}, DType::Float64))) REQUIRE(value == 0);
  REQUIRE(gradient(Tensor::zeros({1, 1}, DType::Float64)) == std::vector<double>{1});
  // And its second derivative, at rank n - 1.
  check_derivatives("det", Tensor::from_vector<double>({1, 2, 3, 4, 5, 6, 7, 8, 9}, {3, 3}),
                    [](const Tensor& a) { return linalg::det(a); });
}

TEST_CASE("vectors that are free have no derivative, and the rest of the full form has") {
  const Tensor x = random({4, 2}).set_requires_grad(true);
  REQUIRE_THROWS_AS(sum(linalg::svd(x).u).backward(), ValueError);
  REQUIRE_THROWS_AS(sum(linalg::qr(x, true).first).backward(), ValueError);
  check_derivatives("r of the complete form", x.detach(), [](const Tensor& a) { return linalg::qr(a, true).second; });
  check_derivatives("singular values of the full form", x.detach(), [](const Tensor& a) { return linalg::svd(a).s; });
}

TEST_CASE("equal eigenvalues leave gradients of smooth functions finite") {
  const Tensor x = eye(3, 3, 0, DType::Float64).set_requires_grad(true);
  const auto [w, v] = linalg::eigh(x);
  sum(matmul(v * exp(w), transpose(v))).backward();
  for (double value : x.grad().to_vector<double>()) REQUIRE(std::isfinite(value));
}

TEST_CASE("ranks and pseudo-inverses count what is above the tolerance") {
  const Tensor x = diag(Tensor::from_vector<double>({1, 1e-3, 1e-20}, {3}));
  REQUIRE(linalg::matrix_rank(x).item_int() == 2);
  REQUIRE(linalg::matrix_rank(x, Tensor::scalar(1e-2)).item_int() == 1);
  const Tensor both = stack({x, x}, 0);
  REQUIRE(linalg::matrix_rank(both, Tensor::from_vector<double>({1e-2, 0}, {2})).to_vector<int64_t>() ==
          std::vector<int64_t>{1, 3});
  REQUIRE(linalg::pinv(x).to_vector<double>()[8] == 0);
  for (const Shape& shape : {Shape{5, 3}, Shape{3, 5}}) {
    const Tensor a = matmul(random({shape[0], 2}), random({2, shape[1]})), p = linalg::pinv(a);
    REQUIRE(size_of(matmul(matmul(a, p), a) - a) < 1e-12);
    REQUIRE(size_of(matmul(matmul(p, a), p) - p) < 1e-12);
    REQUIRE(size_of(matmul(a, p) - transpose(matmul(a, p))) < 1e-12);
    REQUIRE(linalg::matrix_rank(a).item_int() == 2);
  }
}

TEST_CASE("the order of a chain of products is the cheapest, and its value the same") {
  const Tensor a = random({2, 30}), b = random({30, 3}), c = random({3, 40}), d = random({40});
  REQUIRE(size_of(linalg::multi_dot({a, b, c, d}) - matmul(matmul(a, b), matmul(c, d))) < 1e-12);
  REQUIRE(linalg::multi_dot({random({30}), b, c, d}).shape() == Shape{});
}
