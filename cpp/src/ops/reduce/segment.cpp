// Packed segments: reductions, scans and their reverse, spreading one value over a segment's rows.
#include "needlecpp/ops/segment.h"

#include <algorithm>
#include <cmath>

#include "needlecpp/autograd/op.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/shape.h"
#include "ops/reduce/reduce_run.h"
#include "ops/reduce/scan_run.h"
#include "ops/reduce/segment_tasks.h"

namespace needlecpp {
namespace {

// The offsets as a copy of our own: they are read without further checks, also by a later backward.
Tensor checked_offsets(const char* op, const Segments& segments, int64_t total) {
  const Tensor& given = segments.offsets;
  NDL_CHECK(given.defined(), ValueError, op, "offsets are undefined: expected a tensor.");
  NDL_CHECK(given.dtype() == DType::Int64, TypeError, op, "offsets have the wrong dtype: got ", name(given.dtype()),
            ", expected int64.");
  NDL_CHECK(given.rank() == 1 && given.size(0) >= 1, ValueError, op, "offsets have the wrong shape: got ",
            given.shape(), ", expected (n_segments + 1).");
  const NoGrad off_the_tape;
  const Tensor offsets = contiguous(clone(given.detach()));
  const int64_t* offset = offsets.data<int64_t>();
  const int64_t n = offsets.size(0) - 1;
  NDL_CHECK(offset[0] == 0 && (total < 0 || offset[n] == total), ValueError, op, "offsets do not span the values: got ",
            offset[0], " to ", offset[n], ", expected 0 to ", total, ".");
  const int64_t* fall = std::is_sorted_until(offset, offset + n + 1);
  NDL_CHECK(fall == offset + n + 1, ValueError, op, "offsets fall: got ", *fall, " after ", *(fall - 1),
            ", expected none below the one before it.");
  return offsets;
}

Tensor checked_offsets(const char* op, const Tensor& values, const Segments& segments) {
  NDL_CHECK(values.rank() >= 1, ValueError, op, "values have no axis: expected (total, ...).");
  return checked_offsets(op, segments, values.size(0));
}

Tensor ids_of(const Tensor& offsets) {
  const int64_t* offset = offsets.data<int64_t>();
  const int64_t n = offsets.size(0) - 1;
  const Tensor ids = Tensor::empty({offset[n]}, DType::Int64);
  int64_t* id = ids.data<int64_t>();
  for_segments(
      offsets, 1, 1 << 15,
      [&](int64_t begin, int64_t end, int64_t longest) {
        for (int64_t s = begin; s < end; ++s)
          if (offset[s + 1] - offset[s] <= longest) std::fill(id + offset[s], id + offset[s + 1], s);
      },
      [&](int64_t s, int64_t begin, int64_t end) {
        parallel_for(end - begin, 1 << 15,
                     [&](int64_t from, int64_t to) { std::fill(id + begin + from, id + begin + to, s); });
      });
  return ids;
}

Tensor expand(const Tensor& values, const Tensor& offsets);

Tensor run_segments(ReduceOp op, bool mean, const Tensor& values, const Tensor& offsets, DType dtype) {
  const NoGrad off_the_tape;
  Shape shape = values.shape();
  shape[0] = offsets.size(0) - 1;
  const Tensor y = Tensor::empty(shape, dtype, values.device());
  run_reduce_segments(op, mean, contiguous(values.detach()), offsets, y);
  return y;
}

Tensor sum_segments(const Tensor& values, const Tensor& offsets) {
  const DType dtype = is_floating(values.dtype()) ? values.dtype() : DType::Int64;
  return record("segment_reduce", run_segments(ReduceOp::Sum, false, values, offsets, dtype), {values}, {},
                [offsets](Backward& g) { g.give(0, expand(g.dy(), offsets)); });
}

Tensor expand(const Tensor& values, const Tensor& offsets) {
  Tensor y;
  {
    const NoGrad off_the_tape;
    y = index_select(values.detach(), 0, ids_of(offsets));
  }
  return record("segment_expand", y, {values}, {}, [offsets](Backward& g) {
    const Tensor dy = g.dy();
    g.give(0, is_half(dy.dtype()) ? sum_segments(cast(dy, DType::Float32), offsets) : sum_segments(dy, offsets));
  });
}

Tensor reduce_segments(const Tensor& values, const Tensor& offsets, FoldOp op) {
  if (is_half(values.dtype())) return cast(reduce_segments(cast(values, DType::Float32), offsets, op), values.dtype());
  if (op == FoldOp::Sum) return sum_segments(values, offsets);
  if (op == FoldOp::Prod) {
    const DType dtype = is_floating(values.dtype()) ? values.dtype() : DType::Int64;
    return record("segment_reduce", run_segments(ReduceOp::Prod, false, values, offsets, dtype), {values}, {values},
                  [offsets](Backward& g) {
                    const Tensor x = g.saved(0);
                    const auto others = [&](bool reverse) {
                      return scan_on_tape("segment_scan", x, FoldOp::Prod, {0, true, reverse, offsets});
                    };
                    g.give(0, expand(g.dy(), offsets) * (others(false) * others(true)));
                  });
  }
  const ReduceOp best = op == FoldOp::Max ? ReduceOp::Max : ReduceOp::Min;
  return record(
      "segment_reduce", run_segments(best, false, values, offsets, values.dtype()), {values}, {values},
      [offsets](Backward& g) {
        const Tensor x = g.saved(0);
        const Tensor y = expand(g.output(), offsets);
        const Tensor hits = cast(logical_or(eq(x, y), logical_and(isnan(x), isnan(y))), x.dtype());
        g.give(0, hits * expand(g.dy() / clamp(sum_segments(hits, offsets), 1, INFINITY), offsets));
      },
      SaveOutputs::Yes);
}

}  // namespace

Tensor segment_reduce(const Tensor& values, const Segments& segments, FoldOp op) {
  OpScope scope("segment_reduce");
  return reduce_segments(values, checked_offsets("segment_reduce", values, segments), op);
}

Tensor segment_mean(const Tensor& values, const Segments& segments) {
  Op op("segment_mean", values);
  if (is_half(values.dtype())) return cast(segment_mean(cast(values, DType::Float32), segments), values.dtype());
  const Tensor offsets = checked_offsets("segment_mean", values, segments);
  const DType dtype = is_floating(values.dtype()) ? values.dtype() : DType::Float32;
  return op.record(run_segments(ReduceOp::Sum, true, values, offsets, dtype), {values}, {}, [offsets](Backward& g) {
    Shape column = Dims::filled(g.dy().rank(), 1);
    column[0] = offsets.size(0) - 1;
    const Tensor rows = slice(offsets, 0, 1) - slice(offsets, 0, 0, column[0]);
    const Tensor counts = clamp(cast(rows, g.dy().dtype()), 1, INFINITY);  // empty ones have no row
    g.give(0, expand(g.dy() / reshape(counts, column), offsets));
  });
}

Tensor segment_scan(const Tensor& values, const Segments& segments, FoldOp op, bool exclusive, bool reverse) {
  OpScope scope("segment_scan");
  const Tensor offsets = checked_offsets("segment_scan", values, segments);
  return scan_on_tape("segment_scan", values, op, {0, exclusive, reverse, offsets});
}

Tensor segment_expand(const Tensor& values, const Segments& segments) {
  Op op("segment_expand", values);
  const Tensor offsets = checked_offsets("segment_expand", segments, -1);
  NDL_CHECK(values.rank() >= 1 && values.size(0) == offsets.size(0) - 1, ValueError, "segment_expand",
            "values do not fit the segments: got ", values.shape(), ", expected (", offsets.size(0) - 1, ", ...).");
  return expand(values, offsets);
}

Tensor segment_ids(const Segments& segments) {
  Op op("segment_ids");
  return ids_of(checked_offsets("segment_ids", segments, -1));
}

}  // namespace needlecpp
