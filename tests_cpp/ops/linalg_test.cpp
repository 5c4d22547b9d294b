// Dense and sparse products: hard points that the table of ops in Python does not reach.
#include "needlecpp/ops/linalg.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/matmul.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "needlecpp/ops/sparse.h"
#include "support.h"

using namespace needlecpp;

namespace {

// A sparse matrix whose row r has lengths[r] entries.
struct Csr {
  Tensor offsets, columns, values;
  int64_t cols;
};

Csr random_csr(const std::vector<int64_t>& lengths, int64_t cols, DType dtype) {
  std::vector<int64_t> offsets = {0};
  for (int64_t length : lengths) offsets.push_back(offsets.back() + length);
  const Shape count = {offsets.back()};
  return {Tensor::from_vector(offsets, {static_cast<int64_t>(offsets.size())}),
          whole_numbers(count, DType::Int32, 0, std::max<int64_t>(1, cols)), whole_numbers(count, dtype, -4, 5), cols};
}

Tensor dense_of(const Csr& a) {
  const int64_t rows = a.offsets.numel() - 1;
  std::vector<double> dense(static_cast<size_t>(rows * a.cols));
  const std::vector<double> values = doubles(a.values);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t p = a.offsets.data<int64_t>()[r]; p < a.offsets.data<int64_t>()[r + 1]; ++p)
      dense[static_cast<size_t>(r * a.cols + a.columns.data<int32_t>()[p])] += values[static_cast<size_t>(p)];
  return Tensor::from_vector(dense, {rows, a.cols});
}

}  // namespace

TEST_CASE("einsum of empty axes, integers and half types") {
  REQUIRE(doubles(einsum("ij,jk->ik", {Tensor::ones({2, 0}), Tensor::ones({0, 3})})) == std::vector<double>(6, 0));
  REQUIRE(einsum("ij->", {Tensor::ones({0, 3})}).item() == 0);
  const Tensor a = whole_numbers({3, 4}, DType::Int32, -4, 5), b = whole_numbers({4, 5}, DType::Int32, -4, 5);
  for (DType dtype : {DType::Int32, DType::Int64, DType::Float16, DType::BFloat16}) {
    const Tensor y = einsum("ij,jk->ki", {cast(a, dtype), cast(b, dtype)});
    REQUIRE(y.dtype() == dtype);
    REQUIRE(doubles(y) == doubles(transpose(matmul(a, b))));
    REQUIRE(einsum("ij->i", {cast(a, dtype)}).dtype() == dtype);
  }
  const Tensor small = whole_numbers({2, 3}, DType::UInt8, 0, 256);
  REQUIRE(matmul(small, transpose(small)).dtype() == DType::UInt8);
  REQUIRE(doubles(matmul(small, transpose(small))) ==
          doubles(cast(matmul(cast(small, DType::Int32), cast(transpose(small), DType::Int32)), DType::UInt8)));
}

TEST_CASE("einsum refuses what is no equation") {
  const Tensor a = Tensor::ones({2, 3});
  for (const char* bad :
       {"i", "ijk", "ij,jk", "i1", "ij->ii", "ij->k", "ij..", "....ij", "ij->i->j", "", "ii", "i-j"}) {
    INFO(bad);
    REQUIRE_THROWS_AS(einsum(bad, {a}), ValueError);
  }
  REQUIRE_THROWS_AS(einsum("ij,kj->ik", {a, Tensor::ones({2, 4})}), ValueError);
  REQUIRE_THROWS_AS(einsum("", {}), ValueError);
  REQUIRE(einsum("", {Tensor::scalar(3)}).item() == 3);
  const Tensor deep = Tensor::ones({1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2});
  REQUIRE(vecdot(deep, deep).shape().size() == 11);
  REQUIRE_THROWS_AS(outer(Tensor::ones({1}), a) + kron(deep, deep), ValueError);
}

TEST_CASE("addmm with beta 0 does not read its input") {
  const Tensor x = Tensor::full({2, 3}, NAN).set_requires_grad(true);
  const Tensor y = addmm(x, Tensor::ones({2, 4}), Tensor::ones({4, 3}), 0, 2);
  REQUIRE(doubles(y) == std::vector<double>(6, 8));
  sum(y).backward();
  REQUIRE(doubles(x.grad()) == std::vector<double>(6, 0));
  REQUIRE(addmm(Tensor::ones({3}, DType::Int64), Tensor::ones({2, 4}, DType::Int64), Tensor::ones({4, 3}, DType::Int64),
                2, 3)
              .dtype() == DType::Int64);
  REQUIRE_THROWS_AS(addmm(Tensor::ones({3}, DType::Int64), Tensor::ones({2, 4}, DType::Int64),
                          Tensor::ones({4, 3}, DType::Int64), 0.5),
                    TypeError);
  REQUIRE_THROWS_AS(addmm(Tensor::ones({4}), Tensor::ones({2, 4}), Tensor::ones({4, 3})), ValueError);
  REQUIRE_THROWS_AS(mm(Tensor::ones({2, 3, 4}), Tensor::ones({4, 3})), ValueError);
  REQUIRE_THROWS_AS(bmm(Tensor::ones({2, 3, 4}), Tensor::ones({1, 4, 3})), ValueError);
}

TEST_CASE("cross of every dtype, long and empty") {
  const Tensor a = whole_numbers({2, 3, 20000}, DType::Float64, -4, 5),
               b = whole_numbers({3, 1}, DType::Float64, -4, 5);
  for (DType dtype : {DType::Float32, DType::Int32, DType::Int64, DType::Float16}) {
    const Tensor y = cross(cast(a, dtype), cast(b, dtype), 1);
    REQUIRE(y.dtype() == dtype);
    REQUIRE(doubles(y) == doubles(cross(a, b, -2)));
  }
  REQUIRE(sum(abs(sum(cross(a, b, 1) * b, {1}))).item() == 0);
  REQUIRE(cross(Tensor::ones({0, 3}), Tensor::ones({3})).shape() == Shape{0, 3});
  REQUIRE_THROWS_AS(cross(Tensor::ones({2, 3}), Tensor::ones({2, 1})), ValueError);
  REQUIRE_THROWS_AS(cross(Tensor::ones({2}), Tensor::ones({2})), ValueError);
}

TEST_CASE("trace of cut and empty diagonals") {
  REQUIRE(trace(Tensor::ones({3, 5}, DType::Bool), 3).item_int() == 2);
  for (int64_t offset : {int64_t{5}, int64_t{-3}, INT64_MAX, INT64_MIN + 1})
    REQUIRE(trace(Tensor::ones({3, 5}), offset).item() == 0);
  REQUIRE_THROWS_AS(trace(Tensor::ones({3})), ValueError);
}

TEST_CASE("sparse products agree with dense ones, however long the rows") {
  std::vector<int64_t> mixed;
  for (int64_t r = 0; r < 300; ++r) mixed.push_back(r % 3 == 0 ? 0 : r % 7);
  std::vector<int64_t> one_long(50, 1);
  one_long[20] = 90000;
  for (const std::vector<int64_t>& lengths :
       {std::vector<int64_t>{}, std::vector<int64_t>{0}, std::vector<int64_t>{3}, std::vector<int64_t>{0, 0, 4, 0},
        std::vector<int64_t>(50000, 0), mixed, one_long, std::vector<int64_t>{40000, 0, 0, 40000, 0}})
    for (DType dtype : {DType::Float32, DType::Float64, DType::Int32, DType::Int64}) {
      const Csr a = random_csr(lengths, 40, dtype);
      const Tensor whole = dense_of(a);
      for (int64_t width : {1, 5, 33}) {
        const Tensor x = whole_numbers({40, width}, dtype, -4, 5);
        const Tensor y = spmm(a.offsets, a.columns, a.values, x);
        REQUIRE(y.dtype() == dtype);
        REQUIRE(doubles(y) == doubles(matmul(whole, cast(x, DType::Float64))));
        const Tensor turned = transpose(contiguous(transpose(x)));
        REQUIRE(doubles(spmm(a.offsets, a.columns, a.values, turned)) == doubles(y));
      }
      const Tensor v = whole_numbers({40}, dtype, -4, 5);
      REQUIRE(doubles(spmv(a.offsets, a.columns, a.values, v)) == doubles(matmul(whole, cast(v, DType::Float64))));
    }
}

TEST_CASE("sparse products give the same bits on any number of threads") {
  Generator generator(4);
  const Csr a = random_csr({100, 70000, 3, 0, 9000}, 500, DType::Float32);
  const Tensor x = randn({500, 3}, 0, 1, DType::Float32, {}, generator);
  const Threads restored;
  set_num_threads(1);
  const auto alone = spmm(a.offsets, a.columns, a.values, x).to_vector<float>();
  set_num_threads(5);
  REQUIRE(spmm(a.offsets, a.columns, a.values, x).to_vector<float>() == alone);
}

TEST_CASE("sparse products have derivatives of both operands") {
  Generator generator(5);
  const Csr a = random_csr({2, 0, 5, 1}, 4, DType::Float64);
  const Tensor values = randn({8}, 0, 1, DType::Float64, {}, generator).set_requires_grad(true);
  const Tensor x = randn({4, 3}, 0, 1, DType::Float64, {}, generator).set_requires_grad(true);
  const auto product = [&](const Tensors& in) { return Tensors{spmm(a.offsets, a.columns, in[0], in[1])}; };
  REQUIRE(gradcheck(product, {values, x}));
  REQUIRE(gradgradcheck(product, {values, x}));
}

TEST_CASE("sparse products check their indices") {
  const Tensor values = Tensor::ones({3}), x = Tensor::ones({4});
  const Tensor offsets = Tensor::from_vector<int64_t>({0, 1, 3}, {3});
  const Tensor columns = Tensor::from_vector<int64_t>({0, 3, 1}, {3});
  REQUIRE(doubles(spmv(offsets, columns, values, x)) == std::vector<double>{1, 2});
  REQUIRE_THROWS_AS(spmv(offsets, Tensor::from_vector<int64_t>({0, 4, 1}, {3}), values, x), IndexError);
  REQUIRE_THROWS_AS(spmv(offsets, Tensor::from_vector<int64_t>({0, -1, 1}, {3}), values, x), IndexError);
  REQUIRE_THROWS_AS(spmv(Tensor::from_vector<int64_t>({0, 4, 3}, {3}), columns, values, x), ValueError);
  REQUIRE_THROWS_AS(spmv(Tensor::from_vector<int64_t>({0, 2}, {2}), columns, values, x), ValueError);
  REQUIRE_THROWS_AS(spmv(Tensor::zeros({0}, DType::Int64), columns, values, x), ValueError);
  REQUIRE_THROWS_AS(spmv(offsets, columns, Tensor::ones({2}), x), ValueError);
  REQUIRE_THROWS_AS(spmv(cast(offsets, DType::Float32), columns, values, x), TypeError);
  REQUIRE_THROWS_AS(spmv(offsets, columns, values, Tensor::ones({4, 1})), ValueError);
}
