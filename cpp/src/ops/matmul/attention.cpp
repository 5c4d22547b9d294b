// Attention: a tile is kQueries queries against kKeys keys; two products around a kernel (see attention_simd.cpp) make
// its share of the result. Forward tasks are blocks of queries, which share nothing; backward tasks are heads, because
// all blocks of queries add to the same keys and values. Where there are fewer heads than threads, heads follow one
// another and the products inside use the threads.
#include "needlecpp/ops/attention.h"

#include <algorithm>
#include <cmath>

#include "needlecpp/autograd/function.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/layers.h"
#include "needlecpp/ops/matmul.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "needlecpp/ops/softmax.h"
#include "ops/matmul/attention_kernels.h"
#include "ops/matmul/gemm.h"

namespace needlecpp {
namespace {

constexpr int64_t kQueries = 64;
constexpr int64_t kKeys = 256;

struct Float {
  static void tile(const AttentionTile<float>& t) { NDL_KERNEL(attention_tile_f32)(t); }
  static void finish(const AttentionTile<float>& t) { NDL_KERNEL(attention_finish_f32)(t); }
  static void backward(const AttentionTile<float>& t) { NDL_KERNEL(attention_backward_f32)(t); }
};
struct Double {
  static void tile(const AttentionTile<double>& t) { NDL_KERNEL(attention_tile_f64)(t); }
  static void finish(const AttentionTile<double>& t) { NDL_KERNEL(attention_finish_f64)(t); }
  static void backward(const AttentionTile<double>& t) { NDL_KERNEL(attention_backward_f64)(t); }
};
template <class T>
using Kernels = std::conditional_t<std::is_same_v<T, float>, Float, Double>;

// Query, key and value with the same leading axes ("heads" is their product), contiguous and off the tape.
template <class T>
struct Problem {
  const T *q, *k, *v;
  int64_t heads, l, s, e, ev;
  double scale;
  bool causal;
  Tensor mask;  // floating, a view of [..., l, s]; may be undefined

  Problem(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionOptions& options)
      : q(query.data<T>()),
        k(key.data<T>()),
        v(value.data<T>()),
        heads(1),
        l(query.size(-2)),
        s(key.size(-2)),
        e(query.size(-1)),
        ev(value.size(-1)),
        scale(*options.scale),
        causal(options.is_causal) {
    Shape full = query.shape();
    full.back() = s;
    for (int i = 0; i < query.rank() - 2; ++i) heads *= query.shape()[i];
    if (options.mask.defined()) mask = broadcast_to(options.mask.detach(), full);
  }

  // The scores of queries [row, row + rows) and keys [col, col + cols), before scale and mask.
  AttentionTile<T> tile(int64_t head, int64_t row, int64_t rows, int64_t col, int64_t cols, T* scores) const {
    AttentionTile<T> t = {};
    t.rows = rows;
    t.cols = cols;
    t.scores = scores;
    t.scale = scale;
    t.causal = causal;
    t.diagonal = row - col;
    if (mask.defined()) {
      int64_t offset = 0;
      for (int i = mask.rank() - 3; i >= 0; --i) {
        offset += head % mask.shape()[i] * mask.strides()[i];
        head /= mask.shape()[i];
      }
      t.mask_row = mask.strides()[mask.rank() - 2];
      t.mask_col = mask.strides()[mask.rank() - 1];
      t.mask = mask.data<T>() + offset + row * t.mask_row + col * t.mask_col;
    }
    return t;
  }
  // Keys that a block of queries ending before `row_end` looks at.
  int64_t keys_for(int64_t row_end) const { return causal ? std::min(s, row_end) : s; }
};

template <class T>
void run_forward(const Problem<T>& p, const Tensor& y, const Tensor& tops, const Tensor& log_sums) {
  const int64_t blocks = (p.l + kQueries - 1) / kQueries;
  parallel_tasks(p.heads * blocks, [&](int64_t task) {
    const int64_t head = task / blocks, row = task % blocks * kQueries, rows = std::min(kQueries, p.l - row);
    const Tensor scratch = Tensor::empty({kQueries * kKeys}, y.dtype());
    T* scores = scratch.data<T>();
    T* out = y.data<T>() + (head * p.l + row) * p.ev;
    T* top = tops.data<T>() + head * p.l + row;
    T* sums = log_sums.data<T>() + head * p.l + row;
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
      Kernels<T>::tile(with_state(p.tile(head, row, rows, col, cols, scores)));
      gemm(rows, p.ev, cols, scores, cols, 1, p.v + (head * p.s + col) * p.ev, p.ev, 1, out, p.ev, true);
    }
    Kernels<T>::finish(with_state(p.tile(head, row, rows, 0, 0, scores)));
  });
}

template <class T>
void run_backward(const Problem<T>& p, const Tensor& dy, const Tensor& tops, const Tensor& log_sums,
                  const Tensor& delta, const Tensor& dq, const Tensor& dk, const Tensor& dv) {
  const auto one_head = [&](int64_t head) {
    const Tensor scratch = Tensor::empty({2 * kQueries * kKeys}, dy.dtype());
    T* scores = scratch.data<T>();
    T* gradient = scores + kQueries * kKeys;
    for (int64_t row = 0; row < p.l; row += kQueries) {
      const int64_t rows = std::min(kQueries, p.l - row);
      const int64_t at = head * p.l + row;
      const T* out = dy.data<T>() + at * p.ev;
      const int64_t keys = p.keys_for(row + rows);
      for (int64_t col = 0; col < keys; col += kKeys) {
        const int64_t cols = std::min(kKeys, keys - col), from = head * p.s + col;
        gemm(rows, cols, p.e, p.q + at * p.e, p.e, 1, p.k + from * p.e, 1, p.e, scores, cols);
        gemm(rows, cols, p.ev, out, p.ev, 1, p.v + from * p.ev, 1, p.ev, gradient, cols);
        AttentionTile<T> t = p.tile(head, row, rows, col, cols, scores);
        t.top = tops.data<T>() + at;
        t.sum = log_sums.data<T>() + at;
        t.delta = delta.data<T>() + at;
        t.gradient = gradient;
        Kernels<T>::backward(t);
        gemm(cols, p.ev, rows, scores, 1, cols, out, p.ev, 1, dv.data<T>() + from * p.ev, p.ev, true);
        gemm(rows, p.e, cols, gradient, cols, 1, p.k + from * p.e, p.e, 1, dq.data<T>() + at * p.e, p.e, true);
        gemm(cols, p.e, rows, gradient, 1, cols, p.q + at * p.e, p.e, 1, dk.data<T>() + from * p.e, p.e, true);
      }
    }
  };
  if (p.heads >= num_threads())
    parallel_tasks(p.heads, one_head);
  else
    for (int64_t head = 0; head < p.heads; ++head) one_head(head);
}

template <class T>
Tensor fused(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& options) {
  const char* op = "scaled_dot_product_attention";
  const Tensor query = contiguous(q.detach()), key = contiguous(k.detach()), value = contiguous(v.detach());
  Shape shape = q.shape();
  Shape rows = shape;
  rows.back() = 1;
  const Tensor tops = Tensor::empty(rows, q.dtype()), log_sums = Tensor::empty(rows, q.dtype());
  shape.back() = v.size(-1);
  const Tensor y = Tensor::empty(shape, q.dtype());
  if (tops.numel() > 0) run_forward(Problem<T>(query, key, value, options), y, tops, log_sums);
  Tensors saved = {q, k, v, tops, log_sums};
  if (options.mask.defined()) saved.push_back(options.mask);
  const bool masked = options.mask.defined();
  AttentionOptions kept = options;
  kept.mask = Tensor();  // comes back through the tape, which checks that nobody changed it
  return record(
      op, Tensors{y}, {q, k, v}, saved,
      [kept, masked](Backward& g) {
        const Tensor q = g.saved(0), k = g.saved(1), v = g.saved(2);
        AttentionOptions options = kept;
        if (masked) options.mask = g.saved(5);
        if (Backward::recording()) {
          g.through_twin(
              [options](const Tensors& in) { return Tensors{attention_composed(in[0], in[1], in[2], options)}; },
              {q, k, v});
          return;
        }
        const Tensor query = contiguous(q.detach()), key = contiguous(k.detach()), value = contiguous(v.detach());
        const Tensor dy = contiguous(g.dy());
        const Tensor delta = contiguous(sum(dy * g.output(), {-1}, true));
        const Tensor dq = Tensor::zeros(q.shape(), q.dtype()), dk = Tensor::zeros(k.shape(), k.dtype());
        const Tensor dv = Tensor::zeros(v.shape(), v.dtype());
        if (delta.numel() > 0)
          run_backward(Problem<T>(query, key, value, options), dy, g.saved(3), g.saved(4), delta, dq, dk, dv);
        g.give(0, dq);
        g.give(1, dk);
        g.give(2, dv);
      },
      SaveOutputs::Yes)[0];
}

// What both ways start from: one dtype and the same leading axes everywhere, a floating mask, the scale set.
struct Prepared {
  Tensor q, k, v;
  AttentionOptions options;
};

Prepared prepare(const char* op, const Tensor& query, const Tensor& key, const Tensor& value,
                 const AttentionOptions& given) {
  Prepared p = {query, key, value, given};
  NDL_CHECK(query.rank() >= 2 && key.rank() >= 2 && value.rank() >= 2, ValueError, op, "too few axes: got shapes ",
            query.shape(), ", ", key.shape(), " and ", value.shape(), ", expected (..., length, features).");
  NDL_CHECK(is_floating(query.dtype()) && query.dtype() == key.dtype() && key.dtype() == value.dtype(), TypeError, op,
            "wrong dtypes: got ", name(query.dtype()), ", ", name(key.dtype()), " and ", name(value.dtype()),
            ", expected one floating dtype. Cast first.");
  NDL_CHECK(query.size(-1) == key.size(-1) && key.size(-2) == value.size(-2), ValueError, op,
            "sizes differ: got shapes ", query.shape(), ", ", key.shape(), " and ", value.shape(),
            ", expected (..., l, e), (..., s, e) and (..., s, ev).");
  NDL_CHECK(given.dropout_p >= 0 && given.dropout_p <= 1, ValueError, op, "bad dropout_p: got ", given.dropout_p,
            ", expected 0 to 1.");
  NDL_CHECK(!given.scale || std::isfinite(*given.scale), ValueError, op, "bad scale: got ", *given.scale,
            ", expected a finite number.");
  NDL_CHECK(!given.is_causal || !given.mask.defined(), ValueError, op,
            "two masks: got a mask and is_causal, expected one. Put both into the mask.");
  if (given.enable_gqa) {
    NDL_CHECK(query.rank() >= 3 && key.rank() >= 3 && value.rank() >= 3 && key.size(-3) > 0 && value.size(-3) > 0 &&
                  query.size(-3) % key.size(-3) == 0 && query.size(-3) % value.size(-3) == 0,
              ValueError, op, "heads do not divide: got shapes ", query.shape(), ", ", key.shape(), " and ",
              value.shape(), ", expected query to have a multiple of the others' heads (axis -3).");
    const auto repeat = [&](const Tensor& x) {
      const int at = x.rank() - 3;
      Shape spread = x.shape(), result = x.shape();
      spread.insert(at + 1, query.size(-3) / x.shape()[at]);
      result[at] = query.size(-3);
      return reshape(broadcast_to(unsqueeze(x, at + 1), spread), result);
    };
    p.k = repeat(key);
    p.v = repeat(value);
    p.options.enable_gqa = false;
  }
  const auto lead = [](const Tensor& x) {
    Shape shape;
    for (int i = 0; i < x.rank() - 2; ++i) shape.push_back(x.shape()[i]);
    return shape;
  };
  const Shape batch = broadcast_shapes(op, broadcast_shapes(op, lead(p.q), lead(p.k)), lead(p.v));
  for (Tensor* x : {&p.q, &p.k, &p.v}) {
    Shape shape = batch;
    shape.push_back(x->size(-2));
    shape.push_back(x->size(-1));
    *x = broadcast_to(*x, shape);
  }
  if (!given.scale) p.options.scale = 1 / std::sqrt(static_cast<double>(std::max<int64_t>(1, query.size(-1))));
  if (given.mask.defined()) {
    Shape full = batch;
    full.push_back(query.size(-2));
    full.push_back(key.size(-2));
    NDL_CHECK(broadcast_shapes(op, full, given.mask.shape()) == full, ValueError, op, "mask does not fit: got shape ",
              given.mask.shape(), ", expected one that broadcasts to ", full, ".");
    NDL_CHECK(given.mask.dtype() == DType::Bool || is_floating(given.mask.dtype()), TypeError, op,
              "wrong mask dtype: got ", name(given.mask.dtype()), ", expected bool or a floating one.");
    const DType type = query.dtype();
    p.options.mask = given.mask.dtype() == DType::Bool
                         ? where(given.mask, Tensor::zeros({}, type), Tensor::full({}, -INFINITY, type))
                         : cast(given.mask, type);
  }
  return p;
}

template <class Way>
Tensor attend(const char* op, const Tensor& query, const Tensor& key, const Tensor& value,
              const AttentionOptions& options, Way&& way) {
  OpScope scope(op);
  const Prepared p = prepare(op, query, key, value, options);
  if (!is_half(query.dtype())) return way(p.q, p.k, p.v, p.options);
  AttentionOptions wide = p.options;
  if (wide.mask.defined()) wide.mask = cast(wide.mask, DType::Float32);
  return cast(way(cast(p.q, DType::Float32), cast(p.k, DType::Float32), cast(p.v, DType::Float32), wide),
              query.dtype());
}

Tensor composed(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& options) {
  Tensor scores = matmul(q * *options.scale, transpose(k));
  if (options.mask.defined()) scores = scores + options.mask;
  if (options.is_causal) {
    const Tensor seen = le(unsqueeze(Tensor::arange(k.size(-2)), 0), unsqueeze(Tensor::arange(q.size(-2)), 1));
    scores = where(seen, scores, Tensor::full({}, -INFINITY, scores.dtype()));
  }
  // softmax(), but rows of minus infinities give zeros.
  const Tensor top = max(scores.detach(), {-1}, true);
  const Tensor weights = softmax(where(eq(top, -INFINITY), Tensor::zeros({}, scores.dtype()), scores), -1) *
                         cast(ne(top, -INFINITY), scores.dtype());
  return matmul(dropout(weights, options.dropout_p, true), v);
}

}  // namespace

Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const AttentionOptions& options) {
  return attend("scaled_dot_product_attention", query, key, value, options,
                [](const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& o) {
                  const bool mask_on_tape = o.mask.defined() && on_tape({o.mask});
                  if (o.dropout_p > 0 || mask_on_tape) return composed(q, k, v, o);
                  return q.dtype() == DType::Float64 ? fused<double>(q, k, v, o) : fused<float>(q, k, v, o);
                });
}

Tensor attention_composed(const Tensor& query, const Tensor& key, const Tensor& value,
                          const AttentionOptions& options) {
  return attend("attention_composed", query, key, value, options, composed);
}

}  // namespace needlecpp
