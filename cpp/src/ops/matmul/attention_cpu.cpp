// Attention: a tile is kQueries queries against kKeys keys; two products around a kernel (see attention_simd.cpp) make
// its share of the result. Forward tasks are blocks of queries, which share nothing; backward tasks are heads, because
// all blocks of queries add to the same keys and values. Where there are fewer heads than threads, heads follow one
// another and the products inside use the threads.
#include <algorithm>
#include <limits>

#include "needlecpp/core/parallel.h"
#include "ops/matmul/attention_kernels.h"
#include "ops/matmul/attention_run.h"
#include "ops/matmul/gemm_cpu.h"
#include "ops/plumbing/scratch.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kQueries = 64;
constexpr int64_t kKeys = 256;

template <class T>
struct Problem {
  const T *q, *k, *v;
  int64_t heads, l, s, e, ev;  // heads: the product of the leading axes
  const AttentionInputs& inputs;

  explicit Problem(const AttentionInputs& in)
      : q(data<T>(in.query)),
        k(data<T>(in.key)),
        v(data<T>(in.value)),
        heads(1),
        l(in.query.size[in.query.rank - 2]),
        s(in.key.size[in.key.rank - 2]),
        e(in.query.size[in.query.rank - 1]),
        ev(in.value.size[in.value.rank - 1]),
        inputs(in) {
    for (int i = 0; i < in.query.rank - 2; ++i) heads *= in.query.size[i];
  }

  // The scores of queries [row, row + rows) and keys [col, col + cols), before scale and mask.
  AttentionTile<T> tile(int64_t head, int64_t row, int64_t rows, int64_t col, int64_t cols, T* scores) const {
    AttentionTile<T> t = {};
    t.rows = rows;
    t.cols = cols;
    t.scores = scores;
    t.scale = inputs.scale;
    t.causal = inputs.causal;
    t.diagonal = row - col;
    const View& mask = inputs.mask;
    if (mask.given()) {
      int64_t offset = 0;
      for (int i = mask.rank - 3; i >= 0; --i) {
        offset += head % mask.size[i] * mask.stride[i];
        head /= mask.size[i];
      }
      t.mask_row = mask.stride[mask.rank - 2];
      t.mask_col = mask.stride[mask.rank - 1];
      t.mask = data<T>(mask) + offset + row * t.mask_row + col * t.mask_col;
    }
    return t;
  }
  // Keys that a block of queries ending before `row_end` looks at.
  int64_t keys_for(int64_t row_end) const { return inputs.causal ? std::min(s, row_end) : s; }
};

template <class T>
void forward(const Problem<T>& p, const View& y, const View& tops, const View& log_sums) {
  const int64_t blocks = (p.l + kQueries - 1) / kQueries;
  parallel_tasks(p.heads * blocks, [&](int64_t task) {
    const int64_t head = task / blocks, row = task % blocks * kQueries, rows = std::min(kQueries, p.l - row);
    const Scratch<T> scratch(kQueries * kKeys);
    T* scores = scratch.data();
    T* out = data<T>(y) + (head * p.l + row) * p.ev;
    T* top = data<T>(tops) + head * p.l + row;
    T* sums = data<T>(log_sums) + head * p.l + row;
    std::fill(sums, sums + rows, T(0));
    std::fill(top, top + rows, -std::numeric_limits<T>::infinity());
    std::fill(out, out + rows * p.ev, T(0));
    const T* q = p.q + (head * p.l + row) * p.e;
    const auto with_state = [&](AttentionTile<T> t) {
      t.top = top;
      t.sum = sums;
      t.y = out;
      t.width = p.ev;
      return t;
    };
    const int64_t keys = p.keys_for(row + rows);
    for (int64_t col = 0; col < keys; col += kKeys) {
      const int64_t cols = std::min(kKeys, keys - col);
      gemm(rows, cols, p.e, q, p.e, 1, p.k + (head * p.s + col) * p.e, 1, p.e, scores, cols);
      NDL_KERNEL(attention_tile<T>)(with_state(p.tile(head, row, rows, col, cols, scores)));
      gemm(rows, p.ev, cols, scores, cols, 1, p.v + (head * p.s + col) * p.ev, p.ev, 1, out, p.ev, true);
    }
    NDL_KERNEL(attention_finish<T>)(with_state(p.tile(head, row, rows, 0, 0, scores)));
  });
}

template <class T>
void backward(const Problem<T>& p, const View& dy, const View& tops, const View& log_sums, const View& delta,
              const View& dq, const View& dk, const View& dv) {
  const auto one_head = [&](int64_t head) {
    const Scratch<T> scratch(2 * kQueries * kKeys);
    T* scores = scratch.data();
    T* gradient = scores + kQueries * kKeys;
    for (int64_t row = 0; row < p.l; row += kQueries) {
      const int64_t rows = std::min(kQueries, p.l - row);
      const int64_t at = head * p.l + row;
      const T* out = data<T>(dy) + at * p.ev;
      const int64_t keys = p.keys_for(row + rows);
      for (int64_t col = 0; col < keys; col += kKeys) {
        const int64_t cols = std::min(kKeys, keys - col), from = head * p.s + col;
        gemm(rows, cols, p.e, p.q + at * p.e, p.e, 1, p.k + from * p.e, 1, p.e, scores, cols);
        gemm(rows, cols, p.ev, out, p.ev, 1, p.v + from * p.ev, 1, p.ev, gradient, cols);
        AttentionTile<T> t = p.tile(head, row, rows, col, cols, scores);
        t.top = data<T>(tops) + at;
        t.sum = data<T>(log_sums) + at;
        t.delta = data<T>(delta) + at;
        t.gradient = gradient;
        NDL_KERNEL(attention_backward<T>)(t);
        gemm(cols, p.ev, rows, scores, 1, cols, out, p.ev, 1, data<T>(dv) + from * p.ev, p.ev, true);
        gemm(rows, p.e, cols, gradient, cols, 1, p.k + from * p.e, p.e, 1, data<T>(dq) + at * p.e, p.e, true);
        gemm(cols, p.e, rows, gradient, 1, cols, p.q + at * p.e, p.e, 1, data<T>(dk) + from * p.e, p.e, true);
      }
    }
  };
  if (p.heads >= num_threads())
    parallel_tasks(p.heads, one_head);
  else
    for (int64_t head = 0; head < p.heads; ++head) one_head(head);
}

}  // namespace

void run_attention(const AttentionInputs& inputs, const View& y, const View& tops, const View& log_sums) {
  NDL_ISA::with_float(y.element, [&]<class T>(T) { forward(Problem<T>(inputs), y, tops, log_sums); });
}
void run_attention_backward(const AttentionInputs& inputs, const View& dy, const View& tops, const View& log_sums,
                            const View& delta, const View& dq, const View& dk, const View& dv) {
  NDL_ISA::with_float(dy.element,
                      [&]<class T>(T) { backward(Problem<T>(inputs), dy, tops, log_sums, delta, dq, dk, dv); });
}

}  // namespace needlecpp::cpu
