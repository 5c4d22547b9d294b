// Histograms: each element's bin is found, bincount counts them, with one bin more for what lies outside.
#include "needlecpp/ops/histogram.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "ops/reduce/search_run.h"

namespace needlecpp {
namespace {

DType edge_dtype(const Tensor& x) {
  if (x.dtype() == DType::Float64 || !is_floating(x.dtype())) return DType::Float64;
  return DType::Float32;
}

// scale: bins per unit of equal bins, 0 for others.
Histogram count_between(const Tensor& x, const Tensor& edges, double scale, const Tensor& weights, bool density) {
  const int64_t bins = edges.numel() - 1;
  NDL_CHECK(!weights.defined() || weights.shape() == x.shape(), ValueError, "histogram",
            "weights do not fit: got shape ", weights.shape(), ", expected ", x.shape(), ".");
  const DType compute = promote_types(edge_dtype(x), edge_dtype(edges));
  const Tensor places = Tensor::empty({x.numel()}, DType::Int64, x.device());
  {
    NoGrad off;
    const Tensor from = contiguous(cast(x, compute));
    const Tensor between = contiguous(cast(edges, compute));
    NDL_ON(x.device(), run_find_bins)(from, between, scale, places);
  }
  const Tensor flat = weights.defined() ? reshape(weights, {weights.numel()}) : weights;
  Tensor counts = slice(bincount(places, flat, bins + 1), 0, 0, bins);
  if (density) {
    const Tensor widths = sub(slice(edges, 0, 1), slice(edges, 0, 0, bins));
    counts = div(counts, mul(sum(counts), cast(widths, DType::Float64)));
    counts = cast(counts, weights.defined() && is_floating(weights.dtype()) ? weights.dtype() : edge_dtype(edges));
  }
  return {counts, edges};
}

}  // namespace

Tensor bincount(const Tensor& x, const Tensor& weights, int64_t minlength) {
  Op op("bincount", x, weights);
  NDL_CHECK(x.rank() == 1, ValueError, op, "wrong shape: got ", x.shape(), ", expected one axis. Reshape it.");
  NDL_CHECK(!is_floating(x.dtype()), TypeError, op, "cannot count floats: got ", name(x.dtype()),
            ", expected integers. Cast it.");
  constexpr int64_t kMost = int64_t{1} << 60;
  NDL_CHECK(minlength >= 0 && minlength <= kMost, ValueError, op, "bad minlength: got ", minlength,
            ", expected 0 to 2^60.");
  const Tensor whole = contiguous(cast(x, DType::Int64));
  int64_t bins = minlength;
  if (x.numel() > 0) {
    const int64_t least = min(whole).item_int();
    const int64_t most = max(whole).item_int();
    NDL_CHECK(least >= 0 && most < kMost, ValueError, op, "number out of range: got ", least < 0 ? least : most,
              ", expected 0 or more, and less than 2^60.");
    bins = std::max(bins, most + 1);
  }
  if (!weights.defined()) {
    const Tensor counts = op.empty({bins}, DType::Int64);
    NDL_ON(op.device(), run_count_bins)(whole, counts);
    return counts;
  }
  NDL_CHECK(weights.shape() == x.shape(), ValueError, op, "weights do not fit: got shape ", weights.shape(),
            ", expected ", x.shape(), ".");
  const Tensor w = is_floating(weights.dtype()) ? weights : cast(weights, DType::Float64);
  return index_add(op.zeros({bins}, w.dtype()), 0, whole, w);
}

Histogram histogram(const Tensor& x, int64_t bins, std::optional<std::pair<double, double>> range,
                    const Tensor& weights, bool density) {
  Op op("histogram", x, weights);
  NDL_CHECK(bins >= 1 && bins < int64_t{1} << 40, ValueError, op, "bad number of bins: got ", bins,
            ", expected 1 to 2^40.");
  double low = 0;
  double high = 1;
  if (range) {
    low = range->first;
    high = range->second;
  } else if (x.numel() > 0) {
    low = min(x.detach()).item();
    high = max(x.detach()).item();
  }
  NDL_CHECK(std::isfinite(low) && std::isfinite(high) && low <= high, ValueError, op, "bad range: got ", low, " to ",
            high, ", expected finite numbers that rise. Name a range?");
  if (low == high) {
    low -= 0.5;
    high += 0.5;
  }
  const Tensor edges = op.empty({bins + 1}, DType::Float64);
  NDL_ON(op.device(), run_even_edges)(low, high, edges);
  const double scale = static_cast<double>(bins) / (high - low);
  const double widest = edge_dtype(x) == DType::Float32 ? FLT_MAX : DBL_MAX;
  NDL_CHECK(high - low <= widest && high <= widest && low >= -widest, ValueError, op, "range too wide: got ", low,
            " to ", high, ", expected a difference that ", name(edge_dtype(x)), " holds.");
  return count_between(x, cast(edges, edge_dtype(x)), std::isfinite(scale) ? scale : 0, weights, density);
}

Histogram histogram(const Tensor& x, const Tensor& edges, const Tensor& weights, bool density) {
  Op op("histogram", x, edges, weights);
  NDL_CHECK(edges.rank() == 1 && edges.numel() >= 2, ValueError, op, "wrong shape of the edges: got ", edges.shape(),
            ", expected one axis of two or more.");
  const Tensor falls = logical_not(le(slice(edges.detach(), 0, 0, edges.numel() - 1), slice(edges.detach(), 0, 1)));
  NDL_CHECK(sum(falls).item_int() == 0, ValueError, op, "edges fall: got one below the edge before it, ",
            "expected rising edges. Sort them.");
  return count_between(x, edges.detach(), 0, weights, density);
}

}  // namespace needlecpp
