// Packed segments: offsets stand for a Segments.
#include "needlecpp/ops/segment.h"

#include "binder.h"

namespace needlecpp::python {

void bind_segment(Binder b) {
  b.def(
      "segment_reduce",
      [](const Tensor& values, const Tensor& offsets, const std::string& op) {
        if (op == "mean") return unlocked([&] { return segment_mean(values, {offsets}); });
        const FoldOp fold = fold_from_name("segment_reduce", op.c_str());
        return unlocked([&] { return segment_reduce(values, {offsets}, fold); });
      },
      "values"_a, "offsets"_a, "op"_a = "sum",
      R"(The sum, prod, max, min or mean (op) of each segment of packed values: [total, ...] gives [n_segments, ...].

Segment s has the rows offsets[s] to offsets[s + 1] (int64, from 0 to total): the samples of a ray, the row of a CSR
matrix. An empty segment gives the op's neutral element (mean: NaN). Differentiable; ties share the gradient.

>>> offsets = ndl.tensor([0, 2, 2, 3])
>>> ndl.segment_reduce(ndl.Tensor([1.0, 2.0, 5.0]), offsets).tolist()
[3.0, 0.0, 5.0])");
  b.def(
      "segment_scan",
      [](const Tensor& values, const Tensor& offsets, const std::string& op, bool exclusive, bool reverse) {
        const FoldOp fold = fold_from_name("segment_scan", op.c_str());
        return unlocked([&] { return segment_scan(values, {offsets}, fold, exclusive, reverse); });
      },
      "values"_a, "offsets"_a, "op"_a = "sum", "exclusive"_a = false, "reverse"_a = false,
      R"(The scan of each segment of packed values by itself, [total, ...]: see scan and segment_reduce.

>>> ndl.segment_scan(ndl.Tensor([1.0, 2.0, 5.0, 6.0]), ndl.tensor([0, 2, 4])).tolist()
[1.0, 3.0, 5.0, 11.0])");
  b.def(
      "segment_expand", [](const Tensor& values, const Tensor& offsets) { return segment_expand(values, {offsets}); },
      "values"_a, "offsets"_a, Release(),
      R"(values[s] for every row of segment s: [n_segments, ...] gives [total, ...]. Differentiable.

>>> ndl.segment_expand(ndl.Tensor([1.0, 2.0]), ndl.tensor([0, 2, 3])).tolist()
[1.0, 1.0, 2.0])");
  b.def(
      "segment_ids", [](const Tensor& offsets) { return segment_ids({offsets}); }, "offsets"_a, Release(),
      R"(The segment of every row, [total] int64.

>>> ndl.segment_ids(ndl.tensor([0, 2, 2, 3])).tolist()
[0, 0, 2])");
}

}  // namespace needlecpp::python
