// Matrix products against a plain triple loop in double, for every way the work can be cut and every layout.
#include "needlecpp/ops/matmul.h"

#include <cmath>
#include <cstring>
#include <vector>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "ops/matmul/gemm_cpu.h"
#include "ops/matmul/matmul_kernels.h"
#include "support.h"

using namespace needlecpp;

namespace {

// Small whole numbers: every product and sum is exact in float, so results must agree to the last bit.
template <class T>
Tensor whole_numbers(const Shape& shape, int seed) {
  std::vector<T> values(static_cast<size_t>(numel(shape)));
  uint32_t state = 12345u + static_cast<uint32_t>(seed) * 977u;
  for (T& value : values) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<T>(static_cast<int>(state >> 24) % 9 - 4);
  }
  return Tensor::from_vector(values, shape);
}

// The product of two matrices with any strides.
template <class T>
std::vector<double> reference(const Tensor& a, const Tensor& b) {
  const int64_t m = a.size(0), k = a.size(1), n = b.size(1);
  std::vector<double> c(static_cast<size_t>(m * n));
  for (int64_t i = 0; i < m; ++i)
    for (int64_t p = 0; p < k; ++p) {
      const double x = static_cast<double>(a.data<T>()[i * a.strides()[0] + p * a.strides()[1]]);
      for (int64_t j = 0; j < n; ++j)
        c[static_cast<size_t>(i * n + j)] +=
            x * static_cast<double>(b.data<T>()[p * b.strides()[0] + j * b.strides()[1]]);
    }
  return c;
}

template <class T>
void require_product(const Tensor& a, const Tensor& b) {
  const Tensor c = matmul(a, b);
  REQUIRE(c.shape() == Shape{a.size(0), b.size(1)});
  const std::vector<T> got = c.to_vector<T>();
  const std::vector<double> expected = reference<T>(a, b);
  for (size_t i = 0; i < got.size(); ++i)
    if (static_cast<double>(got[i]) != expected[i]) {
      INFO("m " << a.size(0) << " k " << a.size(1) << " n " << b.size(1) << " strides " << to_string(a.strides()) << " "
                << to_string(b.strides()) << " element " << i);
      REQUIRE(static_cast<double>(got[i]) == expected[i]);
    }
}

// a and b as they are, transposed, backwards, with gaps between rows and columns, and repeated.
template <class T>
void require_all_layouts(int64_t m, int64_t k, int64_t n) {
  const Tensor a = whole_numbers<T>({m, k}, 1), at = transpose(whole_numbers<T>({k, m}, 2));
  const Tensor b = whole_numbers<T>({k, n}, 3), bt = transpose(whole_numbers<T>({n, k}, 4));
  require_product<T>(a, b);
  require_product<T>(at, b);
  require_product<T>(a, bt);
  require_product<T>(at, bt);
  require_product<T>(flip(a, {1}), flip(b, {0}));
  require_product<T>(flip(a, {0}), flip(b, {1}));
  const Tensor wide_a = slice(whole_numbers<T>({m + 1, 3 * k + 2}, 5), 1, 1, 3 * k + 1, 3);
  const Tensor wide_b = slice(whole_numbers<T>({k, 2 * n + 5}, 6), 1, 0, 2 * n, 2);
  require_product<T>(slice(wide_a, 0, 1), wide_b);
  require_product<T>(broadcast_to(whole_numbers<T>({1, k}, 7), {m, k}),
                     broadcast_to(whole_numbers<T>({k, 1}, 8), {k, n}));
}

}  // namespace

TEST_CASE("matmul agrees with the triple loop at every small size") {
  for (int64_t m : {1, 2, 3, 5, 15, 17})
    for (int64_t k : {1, 2, 7, 16, 33})
      for (int64_t n : {1, 2, 4, 15, 16, 17, 31, 33, 67}) require_all_layouts<float>(m, k, n);
  for (int64_t m : {1, 4, 13, 29})
    for (int64_t k : {1, 5, 19})
      for (int64_t n : {1, 3, 8, 9, 17, 35}) require_all_layouts<double>(m, k, n);
}

TEST_CASE("matmul agrees with the triple loop where the work is cut") {
  require_all_layouts<float>(130, 257, 129);
  require_all_layouts<float>(256, 256, 256);   // row strides of 1 KB: a is packed
  require_all_layouts<float>(530, 40, 300);    // several blocks of rows
  require_all_layouts<float>(20, 300, 1000);   // blocks of columns
  require_all_layouts<float>(3, 2000, 500);    // few rows
  require_all_layouts<float>(1, 1500, 999);    // one row
  require_all_layouts<float>(999, 1500, 1);    // one column
  require_all_layouts<float>(20, 9001, 30);    // slices of k
  require_all_layouts<float>(160, 8200, 130);  // more than one packed piece along k
  require_all_layouts<double>(131, 259, 150);
  require_all_layouts<double>(20, 8300, 33);
}

TEST_CASE("matmul of integers is exact and wraps around") {
  require_all_layouts<int64_t>(5, 7, 9);
  require_all_layouts<int32_t>(33, 20, 65);
  const Tensor big = Tensor::full({1, 1}, 65536, DType::Int32);
  REQUIRE(matmul(big, big).item_int() == 0);
}

TEST_CASE("matmul of half types computes in float32") {
  const Tensor a = whole_numbers<float>({6, 40}, 1), b = whole_numbers<float>({40, 5}, 2);
  for (DType half : {DType::Float16, DType::BFloat16}) {
    const Tensor c = matmul(cast(a, half), cast(b, half));
    REQUIRE(c.dtype() == half);
    const Tensor rounded = cast(cast(matmul(a, b), half), DType::Float32);
    REQUIRE(cast(c, DType::Float32).to_vector<float>() == rounded.to_vector<float>());
  }
}

TEST_CASE("matmul of bfloat16 numbers sums in float32 and rounds once") {
  // Whole numbers: the float32 sums are exact, so only the last rounding is left.
  const auto check = [](const Tensor& a, const Tensor& b) {
    CAPTURE(a.shape(), b.shape(), a.strides(), b.strides());
    const Tensor narrow = matmul(cast(a, DType::BFloat16), cast(b, DType::BFloat16));
    REQUIRE(narrow.dtype() == DType::BFloat16);
    const Tensor expected = cast(matmul(a, b), DType::BFloat16);
    REQUIRE(cast(narrow, DType::Float32).to_vector<float>() == cast(expected, DType::Float32).to_vector<float>());
  };
  for (int64_t m : {1, 15, 16, 29, 113, 300})
    for (int64_t n : {1, 16, 33, 600})
      for (int64_t k : {1, 17, 64, 511, 513, 1100}) {
        const Tensor a = whole_numbers<float>({m, k}, 1), b = whole_numbers<float>({k, n}, 2);
        check(a, b);
        check(transpose(whole_numbers<float>({k, m}, 1)), b);
        check(a, transpose(whole_numbers<float>({n, k}, 2)));
      }
  check(whole_numbers<float>({5, 20, 30}, 3), whole_numbers<float>({5, 30, 40}, 4));
  check(whole_numbers<float>({5, 20, 30}, 3), whole_numbers<float>({30, 40}, 4));
  check(slice(whole_numbers<float>({40, 70}, 3), 1, 1, 60, 2), whole_numbers<float>({30, 40}, 4));
}

TEST_CASE("matmul of bfloat16 numbers lets NaN and infinity through, and has gradients") {
  std::vector<float> values(32 * 32, 1.0f);
  values[5 * 32 + 7] = std::nanf("");
  values[9 * 32 + 3] = INFINITY;
  const Tensor a = cast(Tensor::from_vector(values, {32, 32}), DType::BFloat16).set_requires_grad(true);
  const Tensor b = Tensor::full({32, 32}, 2, DType::BFloat16).set_requires_grad(true);
  const Tensor c = matmul(a, b);
  const std::vector<float> got = cast(c.detach(), DType::Float32).to_vector<float>();
  for (size_t i = 0; i < 32; ++i)
    for (size_t j = 0; j < 32; ++j) {
      if (i == 5) {
        REQUIRE(std::isnan(got[i * 32 + j]));
      } else {
        REQUIRE(got[i * 32 + j] == (i == 9 ? INFINITY : 64.0f));
      }
    }
  sum(c).backward();
  REQUIRE(a.grad().dtype() == DType::BFloat16);
  REQUIRE(cast(a.grad(), DType::Float32).to_vector<float>()[0] == 64.0f);
}

TEST_CASE("matmul of bfloat16 numbers: instruction sets agree, with and without the processor's own products") {
#if defined(__x86_64__)
  const int64_t m = 31, n = 45, k = 530;
  const Tensor a = cast(rand({m, k}), DType::BFloat16), b = cast(rand({k, n}), DType::BFloat16);
  const auto run = [&](GemmTile tile, auto pack, auto block, bool dot) {
    const int64_t columns = (n + tile.cols - 1) / tile.cols * tile.cols,
                  rows = (m + tile.rows - 1) / tile.rows * tile.rows;
    std::vector<uint16_t> c(m * n);
    std::vector<uint32_t> packed_b(columns * gemm_bf16_words(k, dot)), packed_a(rows * kGemmRowWords);
    std::vector<float> sums(rows * columns);
    const auto words = [](const Tensor& x) { return static_cast<const uint16_t*>(x.raw()); };
    const GemmBf16Args args = {m, n, k, words(a), k, 1, words(b), n, 1, c.data(), n, packed_b.data(), dot};
    pack(args, 0, columns / tile.cols);
    block(args, {0, m, 0, n, packed_a.data(), sums.data()});
    return c;
  };
  const std::vector<uint16_t> expected =
      run(baseline::gemm_tile_bf16(), baseline::gemm_pack_b_bf16, baseline::gemm_block_bf16, false);
  if (kIsa != Isa::Baseline)
    REQUIRE(run(avx2::gemm_tile_bf16(), avx2::gemm_pack_b_bf16, avx2::gemm_block_bf16, false) == expected);
  for (bool dot : {false, true})
    if (kIsa == Isa::Avx512 && (!dot || kHasBf16Dot))
      REQUIRE(run(avx512::gemm_tile_bf16(), avx512::gemm_pack_b_bf16, avx512::gemm_block_bf16, dot) == expected);
#endif
}

TEST_CASE("matmul broadcasts leading axes") {
  const Tensor a = whole_numbers<double>({2, 1, 3, 4}, 1), b = whole_numbers<double>({5, 4, 6}, 2);
  const Tensor c = matmul(a, b);
  REQUIRE(c.shape() == Shape{2, 5, 3, 6});
  for (int64_t i = 0; i < 2; ++i)
    for (int64_t j = 0; j < 5; ++j) {
      const Tensor one = select(select(c, 0, i), 0, j);
      REQUIRE(one.to_vector<double>() == reference<double>(select(select(a, 0, i), 0, 0), select(b, 0, j)));
    }
  // One b for all rows of a batch, contiguous or not.
  const Tensor x = whole_numbers<double>({7, 3, 4}, 3), w = whole_numbers<double>({4, 6}, 4);
  REQUIRE(matmul(x, w).to_vector<double>() == reference<double>(reshape(x, {21, 4}), w));
  const Tensor y = permute(whole_numbers<double>({3, 7, 4}, 5), {1, 0, 2});
  REQUIRE(matmul(y, w).to_vector<double>() == reference<double>(reshape(y, {21, 4}), w));
  // Large matrices in a small batch, and many small ones.
  for (Shape shape : {Shape{2, 150, 160}, Shape{300, 9, 10}}) {
    const Tensor p = whole_numbers<float>(shape, 6), q = transpose(whole_numbers<float>(shape, 7));
    const Tensor r = matmul(p, q);
    for (int64_t i : {int64_t{0}, shape[0] / 2, shape[0] - 1}) {
      const std::vector<float> got = contiguous(select(r, 0, i)).to_vector<float>();
      REQUIRE(std::vector<double>(got.begin(), got.end()) == reference<float>(select(p, 0, i), select(q, 0, i)));
    }
  }
}

TEST_CASE("matmul takes 1-D operands as rows and columns") {
  const Tensor v = whole_numbers<double>({4}, 1), w = whole_numbers<double>({4}, 2);
  const Tensor a = whole_numbers<double>({3, 4}, 3), b = whole_numbers<double>({2, 4, 5}, 4);
  REQUIRE(matmul(v, w).shape() == Shape{});
  REQUIRE(matmul(v, w).item() == reference<double>(unsqueeze(v, 0), unsqueeze(w, 1))[0]);
  REQUIRE(matmul(a, w).shape() == Shape{3});
  REQUIRE(matmul(a, w).to_vector<double>() == reference<double>(a, unsqueeze(w, 1)));
  REQUIRE(matmul(v, b).shape() == Shape{2, 5});
  REQUIRE(matmul(b, whole_numbers<double>({5}, 5)).shape() == Shape{2, 4});
}

TEST_CASE("matmul of empty operands") {
  REQUIRE(matmul(Tensor::ones({0, 3}), Tensor::ones({3, 4})).shape() == Shape{0, 4});
  REQUIRE(matmul(Tensor::ones({0, 2, 3}), Tensor::ones({3, 4})).shape() == Shape{0, 2, 4});
  REQUIRE(matmul(Tensor::ones({2, 0}), Tensor::ones({0, 3})).to_vector<float>() == std::vector<float>(6, 0.0f));
  REQUIRE(matmul(Tensor::ones({3, 2, 0}), Tensor::ones({0, 3})).to_vector<float>() == std::vector<float>(18, 0.0f));
  const Tensor a = Tensor::ones({2, 0, 3}).set_requires_grad(true), b = Tensor::ones({3, 4}).set_requires_grad(true);
  sum(matmul(a, b)).backward();
  REQUIRE(a.grad().shape() == a.shape());
  REQUIRE(b.grad().to_vector<float>() == std::vector<float>(12, 0.0f));
}

TEST_CASE("matmul lets NaN and infinity through") {
  std::vector<float> values(50 * 50, 1.0f);
  values[3 * 50 + 7] = NAN;
  values[4 * 50 + 8] = INFINITY;
  const std::vector<float> c =
      matmul(Tensor::from_vector(values, {50, 50}), Tensor::zeros({50, 50})).to_vector<float>();
  for (int i = 0; i < 50; ++i)
    for (int j = 0; j < 50; ++j) REQUIRE(std::isnan(c[static_cast<size_t>(i * 50 + j)]) == (i == 3 || i == 4));
}

TEST_CASE("matmul gives the same bits on any number of threads") {
  Generator generator(1);
  const Threads restored;
  for (Shape size : {Shape{300, 700, 200}, Shape{2, 3000, 401}, Shape{1, 3000, 401}, Shape{30, 9000, 40}}) {
    const Tensor a = randn({size[0], size[1]}, 0, 1, DType::Float32, {}, generator);
    const Tensor b = randn({size[1], size[2]}, 0, 1, DType::Float32, {}, generator);
    const Tensor bt = transpose(contiguous(transpose(b)));
    set_num_threads(1);
    const auto alone = matmul(a, b).to_vector<float>(), alone_t = matmul(a, bt).to_vector<float>();
    for (int threads : {2, 3, 5}) {
      set_num_threads(threads);
      REQUIRE(matmul(a, b).to_vector<float>() == alone);
      REQUIRE(matmul(a, bt).to_vector<float>() == alone_t);
    }
  }
}

TEST_CASE("matmul is as accurate as float32 allows") {
  Generator generator(2);
  for (Shape size : {Shape{64, 1000, 64}, Shape{1, 4000, 3}, Shape{8, 20000, 8}}) {
    const Tensor a = rand({size[0], size[1]}, 0, 1, DType::Float32, {}, generator);
    const Tensor b = rand({size[1], size[2]}, 0, 1, DType::Float32, {}, generator);
    const auto got = matmul(a, b).to_vector<float>();
    const auto expected = reference<float>(a, b);
    for (size_t i = 0; i < got.size(); ++i) REQUIRE(std::abs(got[i] - expected[i]) < 1e-5 * expected[i]);
  }
}

TEST_CASE("matmul has first and second derivatives") {
  Generator generator(3);
  const auto leaf = [&](const Shape& shape) {
    return randn(shape, 0, 1, DType::Float64, {}, generator).set_requires_grad(true);
  };
  const auto product = [](const Tensors& x) { return Tensors{matmul(x[0], x[1])}; };
  const Shape shapes[][2] = {{{3, 4}, {4, 5}}, {{2, 3, 4}, {4, 5}}, {{2, 1, 3, 4}, {3, 4, 2}}, {{3, 4}, {2, 4, 3}},
                             {{4}, {4}},       {{4}, {4, 3}},       {{2, 3, 4}, {4}},          {{1, 1}, {1, 1}}};
  for (const auto& pair : shapes) {
    REQUIRE(gradcheck(product, {leaf(pair[0]), leaf(pair[1])}));
    REQUIRE(gradgradcheck(product, {leaf(pair[0]), leaf(pair[1])}));
  }
  const auto transposed = [](const Tensors& x) { return Tensors{matmul(transpose(x[0]), flip(x[1], {0}))}; };
  REQUIRE(gradcheck(transposed, {leaf({4, 3}), leaf({4, 2})}));
}

TEST_CASE("matmul refuses what it cannot multiply") {
  const Tensor a = Tensor::ones({2, 3});
  REQUIRE_THROWS_AS(matmul(a, a), ValueError);
  REQUIRE_THROWS_AS(matmul(a, Tensor::scalar(1)), ValueError);
  REQUIRE_THROWS_AS(matmul(Tensor::ones({2, 3, 4}), Tensor::ones({3, 4, 5})), ValueError);
  REQUIRE_THROWS_AS(matmul(Tensor::ones({2, 2}, DType::Bool), Tensor::ones({2, 2}, DType::Bool)), TypeError);
  REQUIRE_THROWS_WITH(matmul(a, a), ContainsSubstring("[matmul]") && ContainsSubstring("(2, 3)"));
}

TEST_CASE("gemm accumulates into rows with gaps and leaves the gaps alone") {
  const int64_t sizes[][3] = {{3, 5, 4},   {70, 130, 150}, {1, 40, 50}, {2, 40, 50},
                              {50, 40, 1}, {10, 9000, 20}, {3, 5, 0}};
  for (const auto& size : sizes)
    for (bool accumulate : {false, true}) {
      const int64_t m = size[0], n = size[1], k = size[2], gap = n + 3;
      const Tensor a = whole_numbers<float>({m, k}, 1), b = whole_numbers<float>({k, n}, 2);
      std::vector<float> c(static_cast<size_t>(m * gap), 2.0f);
      cpu::gemm(m, n, k, a.data<float>(), k, 1, b.data<float>(), n, 1, c.data(), gap, accumulate);
      const std::vector<double> expected = reference<float>(a, b);
      for (int64_t i = 0; i < m; ++i)
        for (int64_t j = 0; j < gap; ++j) {
          const double want = j >= n ? 2 : expected[static_cast<size_t>(i * n + j)] + (accumulate ? 2 : 0);
          REQUIRE(static_cast<double>(c[static_cast<size_t>(i * gap + j)]) == want);
        }
    }
}
