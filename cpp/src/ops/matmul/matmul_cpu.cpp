// Matrix products: how the work of one product is cut for the threads (multiply), and of a batch (multiply_all).
//
// multiply() picks one of five ways by shape alone, so that no result depends on the number of threads:
//  1. few columns of c  become rows of the transposed product: one always, up to kFewRows where that streams a (way 2);
//  2. few rows of c     streams b: along k if both operands lie that way (gemm_dot), along rows of b for one row
//                       (gemm_row);
//  3. k very long       (weight gradients: m and n are layer widths, k the batch) cuts k into at most 32 slices, each a
//                       product of its own, which are then added in order;
//  4. small             one serial call of the block kernel, nothing packed or allocated;
//  5. everything else   packs a piece of b of at most kPackedLimit numbers, all threads together, and hands out blocks
//                       of rows (of columns too when rows are few) as tasks.
// Where a is packed, each task packs its own block; matmul_simd.cpp says when that pays.
#include <algorithm>

#include "needlecpp/core/parallel.h"
#include "ops/matmul/gemm_cpu.h"
#include "ops/matmul/matmul_kernels.h"
#include "ops/matmul/matmul_run.h"
#include "ops/plumbing/scratch.h"
#include "ops/plumbing/strided.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kSerialWork = 128 * 128 * 128;  // multiply-adds below which a second thread does not pay
constexpr int64_t kStreamWork = 1 << 18;          // the same where memory is the limit
constexpr int64_t kPackedLimit = int64_t{4} << 20;
constexpr int64_t kDeepestPiece = 8192;  // of k, in one packed piece of b; a multiple of every tile's depth
constexpr int64_t kBlockRows = 256;      // of a, so that a block of one step of k stays in the L2 cache
constexpr int64_t kFewRows = 4;
constexpr int64_t kLongDot = 16;            // the shortest k that is worth dot products along it
constexpr int64_t kSlice = 4096;            // of k
constexpr int64_t kSlicedArea = 128 * 128;  // largest m * n whose k is sliced

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

// Columns [begin, end) of the product.
template <class T>
GemmArgs<T> columns(GemmArgs<T> g, int64_t begin, int64_t end) {
  g.n = end - begin;
  g.b += begin * g.b_col;
  g.c += begin * g.c_col;
  return g;
}
template <class T>
GemmArgs<T> rows(GemmArgs<T> g, int64_t begin, int64_t end) {
  g.m = end - begin;
  g.a += begin * g.a_row;
  g.c += begin * g.c_row;
  return g;
}
template <class T>
GemmArgs<T> depths(GemmArgs<T> g, int64_t begin, int64_t end) {
  g.k = end - begin;
  g.a += begin * g.a_col;
  g.b += begin * g.b_row;
  return g;
}

// Way 4, and the inside of way 5: a panel of b that must be packed goes to the stack.
template <class T>
void run_block(const GemmArgs<T>& g, const T* packed_b, T* packed_a) {
  alignas(64) T panel[kGemmPanelBytes / sizeof(T)];
  NDL_KERNEL(gemm_block<T>)(g, {packed_b, packed_a, panel});
}

// How way 5 cuts c.
struct Blocks {
  int64_t rows, cols;  // of one block; cols a multiple of the tile's
  int64_t down, across;
};

Blocks cut(int64_t m, int64_t n, const GemmTile& tile) {
  const int64_t threads = num_threads();
  int64_t down = ceil_div(m, kBlockRows);
  int64_t across = 1;
  if (m >= threads * 4 * tile.rows) {
    down = round_up(down, threads);
  } else {
    across = std::min(ceil_div(threads, down), std::max<int64_t>(1, n / (2 * tile.cols)));
    down = std::max(down, std::min(ceil_div(threads, across), ceil_div(m, tile.rows)));
  }
  Blocks blocks;
  blocks.rows = round_up(ceil_div(m, down), tile.rows);
  blocks.cols = round_up(ceil_div(n, across), tile.cols);
  blocks.down = ceil_div(m, blocks.rows);
  blocks.across = ceil_div(n, blocks.cols);
  return blocks;
}

// Reading a where it lies is as fast as packing it until its rows compete for the same sets of the cache or every
// number of a row is on another line.
template <class T>
bool should_pack_a(const GemmArgs<T>& g, int64_t cols, const GemmTile& tile) {
  if (cols <= 4 * tile.cols) return false;
  return g.a_col != 1 || g.a_row * static_cast<int64_t>(sizeof(T)) % 1024 == 0;
}

// Way 5 for a piece of b that fits the limit.
template <class T>
void run_blocks(const GemmArgs<T>& g, const GemmTile& tile) {
  const Blocks blocks = cut(g.m, g.n, tile);
  const bool shared = blocks.down > 1;
  const int64_t panels = ceil_div(g.n, tile.cols);
  Scratch<T> packed_b(shared ? panels * tile.cols * g.k : 0);
  if (shared)
    parallel_for(panels, std::max<int64_t>(1, (1 << 14) / (tile.cols * g.k)), [&](int64_t first, int64_t last) {
      NDL_KERNEL(gemm_pack_b<T>)(g, first, last, packed_b.data());
    });
  parallel_tasks(blocks.down * blocks.across, [&](int64_t task) {
    const int64_t row = task / blocks.across * blocks.rows;
    const int64_t col = task % blocks.across * blocks.cols;
    const GemmArgs<T> piece =
        columns(rows(g, row, std::min(g.m, row + blocks.rows)), col, std::min(g.n, col + blocks.cols));
    const bool pack = should_pack_a(g, piece.n, tile);
    Scratch<T> packed_a(pack ? blocks.rows * tile.depth : 0);
    run_block(piece, shared ? packed_b.data() + col * g.k : nullptr, pack ? packed_a.data() : nullptr);
  });
}

// Way 2 along k. The kernel takes columns four by four; cuts between fours keep each sum's order.
template <class T>
void run_dots(const GemmArgs<T>& g) {
  parallel_for(ceil_div(g.n, 4), std::max<int64_t>(16, kStreamWork / (4 * g.m * g.k)), [&](int64_t begin, int64_t end) {
    NDL_KERNEL(gemm_dot<T>)(columns(g, 4 * begin, std::min(g.n, 4 * end)));
  });
}

// Way 3.
template <class T>
void run_slices(const GemmArgs<T>& g) {
  const int64_t count = std::min<int64_t>(32, g.k / kSlice);
  const int64_t area = g.m * g.n;
  Scratch<T> partial(count * area + count);
  T* ones = partial.data() + count * area;
  std::fill_n(ones, count, T{1});
  parallel_tasks(count, [&](int64_t s) {
    GemmArgs<T> slice = depths(g, g.k * s / count, g.k * (s + 1) / count);
    slice.c = partial.data() + s * area;
    slice.c_row = g.n;
    slice.accumulate = false;
    run_block(slice, static_cast<const T*>(nullptr), static_cast<T*>(nullptr));
  });
  for (int64_t i = 0; i < g.m; ++i) {
    const GemmArgs<T> sum = {1, g.n,         count, ones, 0, 1, partial.data() + i * g.n, area, 1, g.c + i * g.c_row,
                             0, g.accumulate};
    NDL_KERNEL(gemm_row<T>)(sum);
  }
}

template <class T>
void multiply(GemmArgs<T> g) {
  if (g.m == 0 || g.n == 0) return;
  if (g.k == 0) {
    for (int64_t i = 0; i < g.m && !g.accumulate; ++i) std::fill_n(g.c + i * g.c_row, g.n, T{});
    return;
  }
  if (g.n == 1 && g.m > 1 && g.c_row == 1)
    g = {1, g.m, g.k, g.b, g.b_col, g.b_row, g.a, g.a_col, g.a_row, g.c, g.m, g.accumulate};
  // The stride of an axis of size 1 is free.
  if (g.k == 1) g.a_col = g.b_row = 1;
  if (g.n == 1) g.b_col = 1;
  const int64_t work = g.m * g.n * g.k;

  if (g.m <= kFewRows && g.a_col == 1 && g.b_row == 1 && g.k >= kLongDot) {
    run_dots(g);
  } else if (g.n <= kFewRows && g.m > kFewRows && g.a_col == 1 && g.k >= kLongDot) {
    Scratch<T> lines(g.n * g.k);
    for (int64_t j = 0; j < g.n; ++j)
      for (int64_t p = 0; p < g.k; ++p) lines.data()[j * g.k + p] = g.b[p * g.b_row + j * g.b_col];
    run_dots(GemmArgs<T>{g.n, g.m, g.k, lines.data(), g.k, 1, g.a, 1, g.a_row, g.c, 1, g.accumulate, g.c_row});
  } else if (g.k >= 2 * kSlice && g.m * g.n <= kSlicedArea && work > 4 * kSerialWork) {
    run_slices(g);
  } else if (g.m == 1 && g.b_col == 1) {
    parallel_for(g.n, std::max<int64_t>(64, kStreamWork / g.k), [&](int64_t begin, int64_t end) {
      NDL_KERNEL(gemm_row<T>)(columns(g, begin, end));
    });
  } else if (work <= kSerialWork) {
    run_block(g, static_cast<const T*>(nullptr), static_cast<T*>(nullptr));
  } else {
    const GemmTile tile = NDL_KERNEL(gemm_tile<T>)();
    for (int64_t p = 0; p < g.k; p += kDeepestPiece) {
      GemmArgs<T> piece = depths(g, p, std::min(g.k, p + kDeepestPiece));
      piece.accumulate = g.accumulate || p > 0;
      const int64_t width = kPackedLimit / piece.k / tile.cols * tile.cols;
      for (int64_t j = 0; j < g.n; j += width) run_blocks(columns(piece, j, std::min(g.n, j + width)), tile);
    }
  }
}

// Of bfloat16 numbers: b packed by all threads, then blocks of c as tasks.
void multiply(const GemmArgs<uint16_t>& g) {
  constexpr int64_t kBlockCols = 512;
  const GemmTile tile = NDL_KERNEL(gemm_tile_bf16)();
  const int64_t block_rows = 8 * tile.rows, panels = ceil_div(g.n, tile.cols);
  const int64_t words = gemm_bf16_words(g.k, kFastBf16Dot);
  const Scratch<uint32_t> packed_b(panels * tile.cols * words);
  const GemmBf16Args args = {g.m,     g.n,     g.k, g.a,     g.a_row,         g.a_col,     g.b,
                             g.b_row, g.b_col, g.c, g.c_row, packed_b.data(), kFastBf16Dot};
  parallel_for(panels, std::max<int64_t>(1, (1 << 14) / (tile.cols * words + 1)), [&](int64_t first, int64_t last) {
    NDL_KERNEL(gemm_pack_b_bf16)(args, first, last);
  });
  const int64_t down = ceil_div(g.m, block_rows), across = ceil_div(g.n, kBlockCols);
  parallel_tasks(down * across, [&](int64_t i) {
    const int64_t row = i / across * block_rows, col = i % across * kBlockCols;
    const Scratch<uint32_t> packed_a(block_rows * kGemmRowWords);
    const Scratch<float> sums(block_rows * kBlockCols);
    NDL_KERNEL(gemm_block_bf16)
    (args, {row, std::min(block_rows, g.m - row), col, std::min(kBlockCols, g.n - col), packed_a.data(), sums.data()});
  });
}

template <class T>
void multiply_integers(const GemmArgs<T>& g) {
  parallel_for(g.m, std::max<int64_t>(1, kStreamWork / (g.n * g.k + 1)), [&](int64_t begin, int64_t end) {
    NDL_KERNEL(gemm_plain<T>)(rows(g, begin, end));
  });
}
void multiply(const GemmArgs<int32_t>& g) { multiply_integers(g); }
void multiply(const GemmArgs<int64_t>& g) { multiply_integers(g); }

// Strides of the leading axes of x over `axes` of them, 0 where x repeats.
Strides batch_strides(const View& x, int axes) {
  Strides strides = Dims::filled(axes, 0);
  const int lead = axes - (x.rank - 2);
  for (int i = 0; i + 2 < x.rank; ++i) strides[lead + i] = x.size[i] == 1 ? 0 : x.stride[i];
  return strides;
}

template <class T>
void multiply_all(const View& a, const View& b, const View& c) {
  const int64_t m = c.size[c.rank - 2], n = c.size[c.rank - 1], k = a.size[a.rank - 1];
  GemmArgs<T> g = {m,
                   n,
                   k,
                   a.as<T>(),
                   a.stride[a.rank - 2],
                   a.stride[a.rank - 1],
                   b.as<T>(),
                   b.stride[b.rank - 2],
                   b.stride[b.rank - 1],
                   c.as<T>(),
                   n,
                   false};
  const int axes = c.rank - 2;
  if (axes == 0) return multiply(g);
  Shape batch;
  for (int i = 0; i < axes; ++i) batch.push_back(c.size[i]);
  const StridedLoop<2> loop = make_loop<2>(batch, {batch_strides(a, axes), batch_strides(b, axes)});
  const int64_t count = loop.count;
  if (count == 1) return multiply(g);
  // One b for all: the batch is more rows.
  if (loop.shape.size() == 1 && loop.strides[1][0] == 0 && (m == 1 || loop.strides[0][0] == m * g.a_row)) {
    if (m == 1) g.a_row = loop.strides[0][0];
    g.m = m * count;
    return multiply(g);
  }
  const auto run_one = [&](int64_t i) {
    const auto offsets = loop.offsets(i);
    GemmArgs<T> one = g;
    one.a += offsets[0];
    one.b += offsets[1];
    one.c += i * m * n;
    multiply(one);
  };
  const int64_t work = m * n * k;
  if (count < 2 * num_threads() && work > 8 * kSerialWork) {
    for (int64_t i = 0; i < count; ++i) run_one(i);
  } else {
    parallel_for(count, std::max<int64_t>(1, kSerialWork / (work + 1)), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) run_one(i);
    });
  }
}

}  // namespace

void gemm(int64_t m, int64_t n, int64_t k, const float* a, int64_t a_row, int64_t a_col, const float* b, int64_t b_row,
          int64_t b_col, float* c, int64_t c_row, bool accumulate) {
  multiply(GemmArgs<float>{m, n, k, a, a_row, a_col, b, b_row, b_col, c, c_row, accumulate});
}
void gemm(int64_t m, int64_t n, int64_t k, const double* a, int64_t a_row, int64_t a_col, const double* b,
          int64_t b_row, int64_t b_col, double* c, int64_t c_row, bool accumulate) {
  multiply(GemmArgs<double>{m, n, k, a, a_row, a_col, b, b_row, b_col, c, c_row, accumulate});
}

void run_matmul(const View& a, const View& b, const View& c) {
  if (c.count == 0) return;
  switch (c.element) {
    case Element::F64:
      return multiply_all<double>(a, b, c);
    case Element::BF16:
      return multiply_all<uint16_t>(a, b, c);
    case Element::I32:
      return multiply_all<int32_t>(a, b, c);
    case Element::I64:
      return multiply_all<int64_t>(a, b, c);
    default:
      return multiply_all<float>(a, b, c);
  }
}

}  // namespace needlecpp::cpu
