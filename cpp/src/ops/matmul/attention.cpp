// Attention as an op: checks, one shape for all, and a way by plain ops for what the fused one does not take.
#include "needlecpp/ops/attention.h"

#include <algorithm>
#include <cmath>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/layers.h"
#include "needlecpp/ops/matmul.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "needlecpp/ops/softmax.h"
#include "ops/matmul/attention_run.h"

namespace needlecpp {
namespace {

// The mask as the scores see it: a view of [..., l, s]; undefined where there is none.
Tensor spread_mask(const Tensor& mask, const Tensor& query, const Tensor& key) {
  if (!mask.defined()) return mask;
  Shape full = query.shape();
  full.back() = key.size(-2);
  return broadcast_to(mask.detach(), full);
}

Tensor fused(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& options) {
  Op op("scaled_dot_product_attention", q, k, v, options.mask);
  Shape shape = q.shape();
  Shape rows = shape;
  rows.back() = 1;
  shape.back() = v.size(-1);
  const Tensor y = op.empty(shape, q.dtype()), tops = op.empty(rows, q.dtype()), log_sums = op.empty(rows, q.dtype());
  if (tops.numel() > 0) {
    const Tensor query = contiguous(q.detach()), key = contiguous(k.detach()), value = contiguous(v.detach());
    const Tensor mask = spread_mask(options.mask, q, k);
    NDL_ON(op.device(), run_attention)
    ({query, key, value, mask, *options.scale, options.is_causal}, y, tops, log_sums);
  }
  Tensors saved = {q, k, v, tops, log_sums};
  if (options.mask.defined()) saved.push_back(options.mask);
  const bool masked = options.mask.defined();
  AttentionOptions kept = options;
  kept.mask = Tensor();  // comes back through the tape, which checks that nobody changed it
  return op.record(
      Tensors{y}, {q, k, v}, saved,
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
        const Tensor dq = Tensor::zeros(q.shape(), q.dtype(), q.device());
        const Tensor dk = Tensor::zeros(k.shape(), k.dtype(), k.device());
        const Tensor dv = Tensor::zeros(v.shape(), v.dtype(), v.device());
        if (delta.numel() > 0) {
          const Tensor mask = spread_mask(options.mask, q, k);
          NDL_ON(q.device(), run_attention_backward)
          ({query, key, value, mask, *options.scale, options.is_causal}, dy, g.saved(3), g.saved(4), delta, dq, dk, dv);
        }
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
    const Device device = query.device();
    p.options.mask = given.mask.dtype() == DType::Bool
                         ? where(given.mask, Tensor::zeros({}, type, device), Tensor::full({}, -INFINITY, type, device))
                         : cast(given.mask, type);
  }
  return p;
}

template <class Way>
Tensor attend(const char* name, const Tensor& query, const Tensor& key, const Tensor& value,
              const AttentionOptions& options, Way&& way) {
  Op op(name, query, key, value, options.mask);
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
    const Tensor keys = Tensor::arange(k.size(-2), DType::Int64, q.device());
    const Tensor queries = Tensor::arange(q.size(-2), DType::Int64, q.device());
    const Tensor seen = le(unsqueeze(keys, 0), unsqueeze(queries, 1));
    scores = where(seen, scores, Tensor::full({}, -INFINITY, scores.dtype(), q.device()));
  }
  // softmax(), but rows of minus infinities give zeros.
  const Tensor top = max(scores.detach(), {-1}, true);
  const Tensor weights = softmax(where(eq(top, -INFINITY), Tensor::zeros({}, scores.dtype(), q.device()), scores), -1) *
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
                  return fused(q, k, v, o);
                });
}

Tensor attention_composed(const Tensor& query, const Tensor& key, const Tensor& value,
                          const AttentionOptions& options) {
  return attend("attention_composed", query, key, value, options, composed);
}

}  // namespace needlecpp
