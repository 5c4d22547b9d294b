// Normalization layers: each is a layout of rows (see NormRows) for one pair of functions; running statistics; and the
// composed twin, which gives the second derivatives. Read normalize_rows() first.
#include "needlecpp/ops/norm.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "ops/layers/norm_run.h"

namespace needlecpp {
namespace {

constexpr int64_t kSlices = 32;      // of the rows, at most, over which sums are made apart
constexpr int64_t kSlice = 1 << 14;  // elements of such a slice of columns, at least
constexpr int64_t kShortChunk = 16;  // batch norm of shorter chunks, but for 1, moves the channels to the front

// What a layer is: the layout, and its sizes.
struct Layer {
  NormLayout layout;
  int64_t groups = 1;  // of Group
  int normalized = 0;  // of Layer and Rms: the number of last axes
  double eps = 1e-5;
};

NormRows rows_of(const Shape& shape, const Layer& layer) {
  NormRows r;
  r.centered = layer.layout != NormLayout::Rms;
  r.eps = layer.eps;
  const int rank = shape.size();
  if (layer.layout == NormLayout::Layer || layer.layout == NormLayout::Rms) {
    for (int i = 0; i < rank; ++i) (i < rank - layer.normalized ? r.count : r.chunk) *= shape[i];
    r.row_stride = r.chunk;
    r.along = true;
    return r;
  }
  const int64_t n = shape[0], c = shape[1];
  for (int i = 2; i < rank; ++i) r.chunk *= shape[i];
  r.channels = c;
  if (layer.layout == NormLayout::Group) {
    r.chunks = c / layer.groups;
    r.count = n * layer.groups;
    r.row_stride = r.chunks * r.chunk;
    r.chunk_stride = r.chunk;
    r.row_weights = r.chunks;
    r.chunk_weight = 1;
  } else {
    r.count = c;
    r.chunks = n;
    r.row_stride = r.chunk;
    r.chunk_stride = c * r.chunk;
    r.row_weights = 1;
  }
  return r;
}

// The shape of weight and bias: their own, and spread over x's axes.
Shape affine_shape(const Shape& x, const Layer& layer, bool spread) {
  Shape shape;
  const bool last = layer.layout == NormLayout::Layer || layer.layout == NormLayout::Rms;
  if (!last && !spread) return {x[1]};
  for (int i = 0; i < x.size(); ++i) {
    if (last && i >= x.size() - layer.normalized)
      shape.push_back(x[i]);
    else if (spread)
      shape.push_back(!last && i == 1 ? x[i] : 1);
  }
  return shape;
}

Tensor contiguous_or_none(const Tensor& x) { return x.defined() ? contiguous(x.detach()) : x; }

// Gives the gradients of x, weight and bias; the last two stand at inputs `weight_at` and `bias_at` (0: absent).
void give_gradients(Backward& g, const NormRows& r, const Layer& layer, const Tensor& x, const Tensor& weight,
                    const Tensor& stats, int weight_at, int bias_at) {
  // Weights along the row: every slice of the rows has sums of its own, a number that depends on the shape alone.
  const Shape sums = r.along ? Shape{std::min(r.count, kSlices), r.chunk} : Shape{r.count, r.chunks};
  Tensor dx, dweight, dbias;
  if (g.needs(0)) dx = Tensor::empty(x.shape(), x.dtype(), x.device());
  if (weight_at && g.needs(weight_at)) dweight = Tensor::zeros(sums, x.dtype(), x.device());
  if (bias_at && g.needs(bias_at)) dbias = Tensor::zeros(sums, x.dtype(), x.device());
  const Tensor from = contiguous(x), dy = contiguous(g.dy()), w = contiguous_or_none(weight);
  NDL_ON(x.device(), run_norm_backward)(r, from, dy, w, stats, dx, dweight, dbias);
  if (dx.defined()) g.give(0, dx);
  const Shape affine = affine_shape(x.shape(), layer, false);
  const auto summed = [&](const Tensor& parts) {
    if (layer.layout == NormLayout::Group) return sum(reshape(parts, {x.size(0), x.size(1)}), {0});
    if (layer.layout == NormLayout::Batch) return sum(parts, {1});
    return reshape(sum(parts, {0}), affine);
  };
  if (dweight.defined()) g.give(weight_at, summed(dweight));
  if (dbias.defined()) g.give(bias_at, summed(dbias));
}

// Batch normalization of [rows, columns], whose columns are not adjacent: sums of slices of the rows (a number that
// depends on the shape alone), then one pass of the rows.

// The means over the rows: [1 or 2, columns], float64.
Tensor column_means(ColumnsOp op, const Tensor& x, const Tensor& dy, const Tensor& stats) {
  const int64_t rows = x.size(0), columns = x.size(1);
  const int64_t slices = std::clamp<int64_t>(rows * columns / kSlice, 1, kSlices);
  const int64_t sums = op == ColumnsOp::Products ? 2 : 1;
  const Tensor parts = Tensor::zeros({slices, sums, columns}, DType::Float64, x.device());
  NDL_ON(x.device(), run_norm_column_sums)(op, x, dy, stats, parts);
  const NoGrad off_the_tape;
  return sum(parts, {0}) / static_cast<double>(rows);
}

void normalize_columns(const Layer& layer, const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& y,
                       const Tensor& stats) {
  copy_(select(stats, 0, 0), select(column_means(ColumnsOp::Sum, x, Tensor(), stats), 0, 0));
  const Tensor variance = select(column_means(ColumnsOp::Squares, x, Tensor(), stats), 0, 0);
  copy_(select(stats, 0, 1), variance);
  copy_(select(stats, 0, 2), rsqrt(variance + layer.eps));
  NDL_ON(x.device(), run_norm_columns)(x, weight, bias, stats, y);
}

void give_column_gradients(Backward& g, const Tensor& x, const Tensor& weight, const Tensor& stats, int weight_at,
                           int bias_at) {
  const Tensor from = contiguous(x), dy = contiguous(g.dy());
  const Tensor means = column_means(ColumnsOp::Products, from, dy, stats);
  if (g.needs(0)) {
    const Tensor of_dy = contiguous(cast(select(means, 0, 1), x.dtype()));
    const Tensor of_product = contiguous(cast(select(means, 0, 0), x.dtype()));
    const Tensor w = contiguous_or_none(weight), dx = Tensor::empty(x.shape(), x.dtype(), x.device());
    NDL_ON(x.device(), run_norm_columns_backward)(from, dy, w, stats, of_product, of_dy, dx);
    g.give(0, dx);
  }
  const double rows = static_cast<double>(x.size(0));
  if (weight_at) g.give(weight_at, select(means, 0, 0) * rows);
  if (bias_at) g.give(bias_at, select(means, 0, 1) * rows);
}

DType computed(DType dtype) { return dtype == DType::Float64 ? dtype : DType::Float32; }

void check_affine(const char* op, const char* what, const Tensor& w, const Shape& shape, DType dtype) {
  if (!w.defined()) return;
  NDL_CHECK(w.shape() == shape, ValueError, op, what, " does not fit: got shape ", w.shape(), ", expected ", shape,
            ".");
  NDL_CHECK(is_floating(w.dtype()) && computed(w.dtype()) == computed(dtype), TypeError, op, what,
            " has the wrong dtype: got ", name(w.dtype()), " beside ", name(dtype), ", expected the same. Cast it.");
}

// The one op. `stats`, if wanted, becomes [3, rows]: mean, variance, 1 / sqrt(variance + eps).
Tensor normalize_rows(const Op& op, const Layer& layer, const Tensor& x, const Tensor& weight, const Tensor& bias,
                      Tensor* stats_out = nullptr) {
  const DType type = computed(x.dtype());
  const Shape affine = affine_shape(x.shape(), layer, false);
  check_affine(op, "weight", weight, affine, x.dtype());
  check_affine(op, "bias", bias, affine, x.dtype());
  const auto cast_to = [&](const Tensor& t) { return t.defined() ? cast(t, type) : t; };
  if (x.dtype() != type || (weight.defined() && weight.dtype() != type) || (bias.defined() && bias.dtype() != type)) {
    const Tensor y = normalize_rows(op, layer, cast(x, type), cast_to(weight), cast_to(bias), stats_out);
    return is_floating(x.dtype()) ? cast(y, x.dtype()) : y;
  }
  const NormRows r = rows_of(x.shape(), layer);
  if (x.numel() > 0 && layer.layout == NormLayout::Batch && r.chunk > 1 && r.chunk < kShortChunk && r.chunks > 1) {
    // [n, c, few] as [1, c, n * few]: the strided elements of a channel are copied together first, and back after.
    const Shape moved = {x.size(1), x.size(0), r.chunk};
    const Tensor front = contiguous(transpose(reshape(x, {x.size(0), x.size(1), r.chunk}), 0, 1));
    const Tensor rows = reshape(front, {1, moved[0], moved[1] * moved[2]});
    const Tensor y = normalize_rows(op, layer, rows, weight, bias, stats_out);
    return reshape(transpose(reshape(y, moved), 0, 1), x.shape());
  }
  if (layer.layout == NormLayout::Batch && r.chunk == 1 && x.rank() > 2)
    return reshape(normalize_rows(op, layer, reshape(x, {x.size(0), x.size(1)}), weight, bias, stats_out), x.shape());
  const bool columns = layer.layout == NormLayout::Batch && r.chunk == 1;
  const Tensor stats = op.empty({3, r.count}, type);
  const Tensor y = op.empty(x.shape(), type);
  if (x.numel() > 0) {
    const Tensor from = contiguous(x.detach()), w = contiguous_or_none(weight), b = contiguous_or_none(bias);
    const NoGrad off_the_tape;
    if (columns)
      normalize_columns(layer, from, w, b, y, stats);
    else
      NDL_ON(op.device(), run_norm)(r, from, w, b, y, stats);
  }
  if (stats_out) *stats_out = stats;
  Tensors inputs = {x};
  int weight_at = 0, bias_at = 0;
  if (weight.defined()) {
    weight_at = static_cast<int>(inputs.size());
    inputs.push_back(weight);
  }
  if (bias.defined()) {
    bias_at = static_cast<int>(inputs.size());
    inputs.push_back(bias);
  }
  Tensors saved = inputs;
  saved.push_back(stats);
  return op.record(Tensors{y}, inputs, saved, [layer, r, columns, weight_at, bias_at](Backward& g) {
    const int count = 1 + (weight_at > 0) + (bias_at > 0);
    Tensors in;
    for (int i = 0; i < count; ++i) in.push_back(g.saved(i));
    const auto at = [](const Tensors& tensors, int i) { return i > 0 ? tensors[static_cast<size_t>(i)] : Tensor(); };
    if (Backward::recording() || in[0].numel() == 0) {
      g.through_twin(
          [=](const Tensors& t) {
            return Tensors{norm_composed(t[0], layer.layout, layer.groups, layer.normalized, at(t, weight_at),
                                         at(t, bias_at), layer.eps)};
          },
          in);
      return;
    }
    const Tensor w = at(in, weight_at), stats = g.saved(count);
    if (columns)
      give_column_gradients(g, in[0], w, stats, weight_at, bias_at);
    else
      give_gradients(g, r, layer, in[0], w, stats, weight_at, bias_at);
  })[0];
}

// As in PyTorch they may be negative: what they are added to is mostly larger.
void check_finite(const char* op, const char* what, double value) {
  NDL_CHECK(std::isfinite(value), ValueError, op, "bad ", what, ": got ", value, ", expected a finite number.");
}

Layer last_axes(const char* op, NormLayout layout, const Tensor& x, const Shape& normalized_shape, double eps) {
  const int count = normalized_shape.size();
  bool fits = count >= 1 && count <= x.rank();
  for (int i = 0; fits && i < count; ++i) fits = x.shape()[x.rank() - count + i] == normalized_shape[i];
  NDL_CHECK(fits, ValueError, op, "normalized_shape does not fit: got ", normalized_shape, " for an input of shape ",
            x.shape(), ", expected its last sizes.");
  check_finite(op, "eps", eps);
  Layer layer = {layout};
  layer.normalized = count;
  layer.eps = eps;
  return layer;
}

// x with statistics that are given, one for each channel.
Tensor apply_stats(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& weight,
                   const Tensor& bias, double eps) {
  const auto wide = [&](const Tensor& t) { return cast(t, computed(x.dtype())); };  // halves are rounded once
  Tensor scale = rsqrt(wide(variance) + eps);
  if (weight.defined()) scale = scale * wide(weight);
  Tensor shift = neg(wide(mean) * scale);
  if (bias.defined()) shift = shift + wide(bias);
  Shape spread = Dims::filled(x.rank(), 1);
  spread[1] = x.shape()[1];
  const Tensor y = wide(x) * reshape(scale, spread) + reshape(shift, spread);
  return is_floating(x.dtype()) ? cast(y, x.dtype()) : y;
}

void update_running(const Tensor& running, const Tensor& value, double momentum) {
  if (!running.defined()) return;
  mul_(running, 1 - momentum);
  add_(running, value.detach(), momentum);
}

void check_channels(const char* op, const Tensor& x, const Tensor& running_mean, const Tensor& running_var) {
  NDL_CHECK(x.rank() >= 2, ValueError, op, "too few axes: got shape ", x.shape(), ", expected (n, c, ...).");
  check_affine(op, "running_mean", running_mean, {x.shape()[1]}, x.dtype());
  check_affine(op, "running_var", running_var, {x.shape()[1]}, x.dtype());
}

}  // namespace

Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight, const Tensor& bias,
                  double eps) {
  Op op("layer_norm", x, weight, bias);
  return normalize_rows(op, last_axes(op, NormLayout::Layer, x, normalized_shape, eps), x, weight, bias);
}

Tensor rms_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight, std::optional<double> eps) {
  Op op("rms_norm", x, weight);
  NDL_CHECK(!eps || *eps >= 0, ValueError, op, "bad eps: got ", *eps, ", expected a number of 0 or more.");
  const double machine = x.dtype() == DType::Float64    ? 0x1p-52
                         : x.dtype() == DType::Float16  ? 0x1p-10
                         : x.dtype() == DType::BFloat16 ? 0x1p-7
                                                        : 0x1p-23;
  return normalize_rows(op, last_axes(op, NormLayout::Rms, x, normalized_shape, eps.value_or(machine)), x, weight,
                        Tensor());
}

Tensor group_norm(const Tensor& x, int64_t num_groups, const Tensor& weight, const Tensor& bias, double eps) {
  Op op("group_norm", x, weight, bias);
  NDL_CHECK(x.rank() >= 2, ValueError, op, "too few axes: got shape ", x.shape(), ", expected (n, c, ...).");
  NDL_CHECK(num_groups > 0 && x.shape()[1] % num_groups == 0, ValueError, op, "channels do not divide: got ",
            x.shape()[1], " channels and ", num_groups, " groups, expected a multiple.");
  check_finite(op, "eps", eps);
  Layer layer = {NormLayout::Group};
  layer.groups = num_groups;
  layer.eps = eps;
  return normalize_rows(op, layer, x, weight, bias);
}

Tensor instance_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight,
                     const Tensor& bias, bool use_input_stats, double momentum, double eps) {
  Op op("instance_norm", x, running_mean, running_var, weight, bias);
  check_channels(op, x, running_mean, running_var);
  check_finite(op, "eps", eps);
  check_finite(op, "momentum", momentum);
  if (!use_input_stats) return batch_norm(x, running_mean, running_var, weight, bias, false, momentum, eps);
  const int64_t n = x.shape()[0], c = x.shape()[1], per_channel = n * c == 0 ? 2 : x.numel() / (n * c);
  NDL_CHECK(per_channel != 1, ValueError, op, "one value has no variance: got shape ", x.shape(),
            ", expected more than 1 value in a channel.");
  Layer layer = {NormLayout::Group};
  layer.groups = std::max<int64_t>(1, c);
  layer.eps = eps;
  Tensor stats;
  const Tensor y = normalize_rows(op, layer, x, weight, bias, &stats);
  if (x.numel() > 0) {
    const NoGrad off_the_tape;
    const double count = static_cast<double>(per_channel);
    update_running(running_mean, mean(reshape(select(stats, 0, 0), {n, c}), {0}), momentum);
    update_running(running_var, mean(reshape(select(stats, 0, 1), {n, c}), {0}) * (count / (count - 1)), momentum);
  }
  return y;
}

Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var, const Tensor& weight,
                  const Tensor& bias, bool training, double momentum, double eps) {
  Op op("batch_norm", x, running_mean, running_var, weight, bias);
  check_finite(op, "eps", eps);
  check_finite(op, "momentum", momentum);
  if (x.numel() == 0) return identity(x);
  check_channels(op, x, running_mean, running_var);
  Layer layer = {NormLayout::Batch};
  layer.eps = eps;
  if (!training) {
    NDL_CHECK(running_mean.defined() && running_var.defined(), ValueError, op,
              "running statistics are missing: got none, expected running_mean and running_var unless training.");
    check_affine(op, "weight", weight, affine_shape(x.shape(), layer, false), x.dtype());
    check_affine(op, "bias", bias, affine_shape(x.shape(), layer, false), x.dtype());
    return apply_stats(x, running_mean.detach(), running_var.detach(), weight, bias, eps);
  }
  const int64_t count = x.numel() / x.shape()[1];
  NDL_CHECK(count > 1, ValueError, op, "one value has no variance: got shape ", x.shape(),
            ", expected more than 1 value in a channel when training.");
  Tensor stats;
  const Tensor y = normalize_rows(op, layer, x, weight, bias, &stats);
  const double n = static_cast<double>(count);
  update_running(running_mean, select(stats, 0, 0), momentum);
  update_running(running_var, select(stats, 0, 1) * (n / (n - 1)), momentum);
  return y;
}

Tensor norm_composed(const Tensor& x, NormLayout layout, int64_t groups, int normalized, const Tensor& weight,
                     const Tensor& bias, double eps) {
  Op op("norm_composed", x, weight, bias);
  Layer layer = {layout};
  layer.groups = groups;
  layer.normalized = normalized;
  Dims axes;
  Tensor grouped = x;
  if (layout == NormLayout::Group) {
    grouped = reshape(x, {x.size(0) * groups, x.numel() == 0 ? 0 : x.numel() / (x.size(0) * groups)});
    axes = {1};
  } else {
    for (int i = 0; i < x.rank(); ++i)
      if (layout == NormLayout::Batch ? i != 1 : i >= x.rank() - normalized) axes.push_back(i);
  }
  const Tensor centered = layout == NormLayout::Rms ? grouped : grouped - mean(grouped, axes, true);
  Tensor y = reshape(centered * rsqrt(mean(square(centered), axes, true) + eps), x.shape());
  const Shape spread = affine_shape(x.shape(), layer, true);
  if (weight.defined()) y = y * reshape(weight, spread);
  if (bias.defined()) y = y + reshape(bias, spread);
  return y;
}

}  // namespace needlecpp
