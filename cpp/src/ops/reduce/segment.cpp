// Packed segments: reductions, scans and their reverse, spreading one value over a segment's rows.
#include "needlecpp/ops/segment.h"

#include <cmath>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/shape.h"
#include "ops/reduce/reduce_run.h"
#include "ops/reduce/scan_on_tape.h"
#include "ops/reduce/segment_run.h"

namespace needlecpp {
namespace {

// Segments as an op keeps them. The offsets are a copy of our own: they are read without further checks, also by a
// later backward.
struct Packed {
  Tensor offsets;
  int64_t total;  // number of rows

  int64_t count() const { return offsets.size(0) - 1; }
};

// `total`: as many rows as there have to be, or -1.
Packed checked(const char* op, const Segments& segments, int64_t total) {
  const Tensor& given = segments.offsets;
  NDL_CHECK(given.defined(), ValueError, op, "offsets are undefined: expected a tensor.");
  NDL_CHECK(given.dtype() == DType::Int64, TypeError, op, "offsets have the wrong dtype: got ", name(given.dtype()),
            ", expected int64.");
  NDL_CHECK(given.rank() == 1 && given.size(0) >= 1, ValueError, op, "offsets have the wrong shape: got ",
            given.shape(), ", expected (n_segments + 1).");
  const NoGrad off_the_tape;
  const Tensor offsets = contiguous(clone(given.detach()));
  const OffsetsFound found = NDL_ON(offsets.device(), run_look_at_offsets)(offsets);
  NDL_CHECK(found.first == 0 && (total < 0 || found.last == total), ValueError, op,
            "offsets do not span the values: got ", found.first, " to ", found.last, ", expected 0 to ", total, ".");
  NDL_CHECK(found.fall < 0, ValueError, op, "offsets fall: got ", select(offsets, 0, found.fall).item_int(), " after ",
            select(offsets, 0, found.fall - 1).item_int(), ", expected none below the one before it.");
  return {offsets, found.last};
}

Packed checked(const char* op, const Tensor& values, const Segments& segments) {
  NDL_CHECK(values.rank() >= 1, ValueError, op, "values have no axis: expected (total, ...).");
  return checked(op, segments, values.size(0));
}

Tensor ids_of(const Packed& segments) {
  const Device device = segments.offsets.device();
  const Tensor ids = Tensor::empty({segments.total}, DType::Int64, device);
  NDL_ON(device, run_segment_ids)(segments.offsets, ids);
  return ids;
}

Tensor expand(const Tensor& values, const Packed& segments);

Tensor reduced(ReduceOp op, bool mean, const Tensor& values, const Packed& segments, DType dtype) {
  const NoGrad off_the_tape;
  Shape shape = values.shape();
  shape[0] = segments.count();
  const Tensor y = Tensor::empty(shape, dtype, values.device());
  NDL_ON(values.device(), run_reduce_segments)(op, mean, contiguous(values.detach()), segments.offsets, y);
  return y;
}

Tensor sum_segments(const Tensor& values, const Packed& segments) {
  const DType dtype = is_floating(values.dtype()) ? values.dtype() : DType::Int64;
  return record("segment_reduce", reduced(ReduceOp::Sum, false, values, segments, dtype), {values}, {},
                [segments](Backward& g) { g.give(0, expand(g.dy(), segments)); });
}

Tensor expand(const Tensor& values, const Packed& segments) {
  Tensor y;
  {
    const NoGrad off_the_tape;
    y = index_select(values.detach(), 0, ids_of(segments));
  }
  return record("segment_expand", y, {values}, {}, [segments](Backward& g) {
    const Tensor dy = g.dy();
    g.give(0, is_half(dy.dtype()) ? sum_segments(cast(dy, DType::Float32), segments) : sum_segments(dy, segments));
  });
}

Tensor reduce_segments(const Tensor& values, const Packed& segments, FoldOp fold) {
  if (is_half(values.dtype()))
    return cast(reduce_segments(cast(values, DType::Float32), segments, fold), values.dtype());
  if (fold == FoldOp::Sum) return sum_segments(values, segments);
  if (fold == FoldOp::Prod) {
    const DType dtype = is_floating(values.dtype()) ? values.dtype() : DType::Int64;
    return record("segment_reduce", reduced(ReduceOp::Prod, false, values, segments, dtype), {values}, {values},
                  [segments](Backward& g) {
                    const Tensor x = g.saved(0);
                    const auto others = [&](bool reverse) {
                      return scan_on_tape("segment_scan", x, FoldOp::Prod, {0, true, reverse, segments.offsets});
                    };
                    g.give(0, expand(g.dy(), segments) * (others(false) * others(true)));
                  });
  }
  const ReduceOp best = fold == FoldOp::Max ? ReduceOp::Max : ReduceOp::Min;
  return record(
      "segment_reduce", reduced(best, false, values, segments, values.dtype()), {values}, {values},
      [segments](Backward& g) {
        const Tensor x = g.saved(0);
        const Tensor y = expand(g.output(), segments);
        const Tensor hits = cast(logical_or(eq(x, y), logical_and(isnan(x), isnan(y))), x.dtype());
        g.give(0, hits * expand(g.dy() / clamp(sum_segments(hits, segments), 1, INFINITY), segments));
      },
      SaveOutputs::Yes);
}

}  // namespace

Tensor segment_reduce(const Tensor& values, const Segments& segments, FoldOp fold) {
  Op op("segment_reduce", values, segments.offsets);
  return reduce_segments(values, checked(op, values, segments), fold);
}

Tensor segment_mean(const Tensor& values, const Segments& segments) {
  Op op("segment_mean", values, segments.offsets);
  if (is_half(values.dtype())) return cast(segment_mean(cast(values, DType::Float32), segments), values.dtype());
  const Packed packed = checked(op, values, segments);
  const DType dtype = is_floating(values.dtype()) ? values.dtype() : DType::Float32;
  return op.record(reduced(ReduceOp::Sum, true, values, packed, dtype), {values}, {}, [packed](Backward& g) {
    Shape column = Dims::filled(g.dy().rank(), 1);
    column[0] = packed.count();
    const Tensor rows = slice(packed.offsets, 0, 1) - slice(packed.offsets, 0, 0, column[0]);
    const Tensor counts = clamp(cast(rows, g.dy().dtype()), 1, INFINITY);  // empty ones have no row
    g.give(0, expand(g.dy() / reshape(counts, column), packed));
  });
}

Tensor segment_scan(const Tensor& values, const Segments& segments, FoldOp fold, bool exclusive, bool reverse) {
  Op op("segment_scan", values, segments.offsets);
  const Tensor offsets = checked(op, values, segments).offsets;
  return scan_on_tape(op, values, fold, {0, exclusive, reverse, offsets});
}

Tensor segment_expand(const Tensor& values, const Segments& segments) {
  Op op("segment_expand", values, segments.offsets);
  const Packed packed = checked(op, segments, -1);
  NDL_CHECK(values.rank() >= 1 && values.size(0) == packed.count(), ValueError, op,
            "values do not fit the segments: got ", values.shape(), ", expected (", packed.count(), ", ...).");
  return expand(values, packed);
}

Tensor segment_ids(const Segments& segments) {
  Op op("segment_ids", segments.offsets);
  return ids_of(checked(op, segments, -1));
}

}  // namespace needlecpp
