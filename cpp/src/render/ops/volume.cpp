// Volume rendering of packed samples: checks, the tape, and the composed twin. How the kernels work is told in
// volume_simd.cpp.
#include "needlecpp/render/volume.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/creation.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/scan.h"
#include "needlecpp/ops/shape.h"
#include "render/ops/volume_kernels.h"
#include "render/ops/volume_run.h"

namespace needlecpp {

namespace {

void check_samples(const char* op, const char* what, const Tensor& x, DType dtype, const Shape& shape) {
  NDL_CHECK(x.defined(), ValueError, op, what, " is undefined: expected a tensor.");
  NDL_CHECK(x.dtype() == dtype, TypeError, op, what, " has the wrong dtype: got ", name(x.dtype()), ", expected ",
            name(dtype), ".");
  NDL_CHECK(x.shape() == shape, ValueError, op, what, " has the wrong shape: got ", x.shape(), ", expected ", shape,
            ".");
}

int64_t check_sigma(const char* op, const Tensor& sigma, double early_stop) {
  NDL_CHECK(sigma.defined(), ValueError, op, "sigma is undefined: expected a tensor.");
  NDL_CHECK(sigma.dtype() == DType::Float32 || sigma.dtype() == DType::Float64, TypeError, op,
            "sigma has the wrong dtype: got ", name(sigma.dtype()), ", expected float32 or float64.");
  NDL_CHECK(sigma.rank() == 1, ValueError, op, "sigma has the wrong shape: got ", sigma.shape(), ", expected (n).");
  NDL_CHECK(early_stop >= 0 && early_stop < 1, ValueError, op, "bad early_stop: got ", early_stop,
            ", expected 0 or more and below 1.");
  return sigma.size(0);
}

struct Layout {
  Tensor offsets;  // contiguous
  int64_t n_rays = 0;
  int64_t longest = 0;  // samples of the longest ray
};

// Offsets must start at 0, end at n and never fall.
Layout check_offsets(const char* op, const Tensor& offsets, int64_t n) {
  NDL_CHECK(offsets.defined(), ValueError, op, "offsets are undefined: expected a tensor.");
  NDL_CHECK(offsets.dtype() == DType::Int64, TypeError, op, "offsets have the wrong type: got ", name(offsets.dtype()),
            ", expected int64.");
  NDL_CHECK(offsets.rank() == 1 && offsets.size(0) >= 1, ValueError, op, "offsets have the wrong shape: got ",
            offsets.shape(), ", expected (n_rays + 1).");
  const Tensor dense = contiguous(offsets.detach());
  const RayOffsets found = NDL_ON(dense.device(), run_read_offsets)(dense);
  NDL_CHECK(found.first == 0 && found.last == n, ValueError, op, "offsets do not span the samples: got ", found.first,
            " to ", found.last, ", expected 0 to ", n, ".");
  NDL_CHECK(found.shortest >= 0, ValueError, op, "offsets fall: got a ray of ", found.shortest,
            " samples, expected 0 or more.");
  return {dense, dense.size(0) - 1, found.longest};
}

// Rays as rows of a matrix: the samples before each ray's stop, then padding.
struct Rows {
  int64_t n_rays = 0;
  int64_t length = 0;
  Tensor index;  // [n_rays * length] int64: the sample, or n for padding

  // [n] or [n, 3] -> [n_rays, length] or [n_rays, length, 3] with zeros as padding.
  Tensor spread(const Tensor& x) const {
    Shape row = x.shape();
    row[0] = 1;
    Shape rows = {n_rays, length};
    if (x.rank() == 2) rows.push_back(x.size(1));
    const Tensor padded = concat({x, Tensor::zeros(row, x.dtype(), x.device())}, 0);
    return reshape(index_select(padded, 0, index), rows);
  }
};

Rows make_rows(const Tensor& sigma, const Tensor& dt, const Layout& layout, double early_stop) {
  NoGrad no_grad;
  Rows rows;
  rows.n_rays = layout.n_rays;
  const Device device = sigma.device();
  const Tensor live = Tensor::empty({rows.n_rays}, DType::Int64, device);
  NDL_ON(device, run_count_live)
  (contiguous(mul(sigma.detach(), dt.detach())), layout.offsets, stop_thickness(early_stop), live);
  if (rows.n_rays > 0) rows.length = max(live).item_int();
  const Tensor step = Tensor::arange(rows.length, DType::Int64, device);
  const Tensor index = add(unsqueeze(slice(layout.offsets, 0, 0, rows.n_rays), 1), step);
  const Tensor padding = Tensor::full({}, static_cast<double>(sigma.size(0)), DType::Int64, device);
  rows.index = reshape(where(lt(step, unsqueeze(live, 1)), index, padding), {rows.n_rays * rows.length});
  return rows;
}

// w of rays spread into rows: [n_rays, length] float64.
Tensor row_weights(const Rows& rows, const Tensor& sigma, const Tensor& dt) {
  const Tensor tau = cast(rows.spread(mul(sigma, dt)), DType::Float64);
  return mul(exp(neg(cumsum(tau, 1, true))), sub(1.0, exp(neg(tau))));
}

VolumeSamples volume_samples(const Tensor& sigma, const Tensor& rgb, const Tensor& t, const Tensor& dt,
                             const Tensor& offsets, int64_t longest, double early_stop) {
  return {sigma, rgb, t, dt, offsets, longest, static_cast<float>(stop_thickness(early_stop))};
}

Layout check_volume(const char* op, const Tensor& sigma, const Tensor& rgb, const Tensor& t, const Tensor& dt,
                    const Tensor& offsets, double early_stop) {
  const int64_t n = check_sigma(op, sigma, early_stop);
  check_samples(op, "sigma", sigma, sigma.dtype(), {n});
  check_samples(op, "rgb", rgb, sigma.dtype(), {n, 3});
  check_samples(op, "t", t, sigma.dtype(), {n});
  check_samples(op, "dt", dt, sigma.dtype(), {n});
  return check_offsets(op, offsets, n);
}

}  // namespace

// Finite, so that nothing is seen behind infinite thickness.
double stop_thickness(double early_stop) {
  const double most = std::numeric_limits<float>::max();
  return early_stop > 0 ? std::min(most, -std::log(early_stop)) : most;
}

VolumeOutput render_volume(const Tensor& sigma, const Tensor& rgb, const Tensor& t, const Tensor& dt,
                           const Tensor& offsets, double early_stop) {
  Op op("render_volume", sigma, rgb, t, dt, offsets);
  const Layout layout = check_volume(op, sigma, rgb, t, dt, offsets, early_stop);
  if (sigma.dtype() == DType::Float64) return render_volume_composed(sigma, rgb, t, dt, offsets, early_stop);

  const Tensor dense_t = contiguous(t.detach());
  const Tensor dense_dt = contiguous(dt.detach());
  const VolumeOutput out = {op.empty({layout.n_rays, 3}), op.empty({layout.n_rays}), op.empty({layout.n_rays})};
  NDL_ON(op.device(), run_volume)
  (volume_samples(contiguous(sigma.detach()), contiguous(rgb.detach()), dense_t, dense_dt, layout.offsets,
                  layout.longest, early_stop),
   out.color, out.opacity, out.depth);

  const int64_t longest = layout.longest;
  op.record({out.color, out.opacity, out.depth}, {sigma, rgb}, {sigma, rgb, dense_t, dense_dt, layout.offsets},
            [longest, early_stop](Backward& b) {
              const Tensor t = b.saved(2);
              const Tensor dt = b.saved(3);
              const Tensor offsets = b.saved(4);
              if (Backward::recording()) {
                b.through_twin(
                    [&](const Tensors& x) -> Tensors {
                      const VolumeOutput y = render_volume_composed(x[0], x[1], t, dt, offsets, early_stop);
                      return {y.color, y.opacity, y.depth};
                    },
                    {b.saved(0), b.saved(1)});
                return;
              }
              const Tensor sigma = contiguous(b.saved(0));
              const Tensor rgb = contiguous(b.saved(1));
              const auto incoming = [&](int k) { return b.dy(k).defined() ? contiguous(b.dy(k)) : Tensor(); };
              const auto wanted = [&](int input, const Tensor& x) {
                return b.needs(input) ? Tensor::empty(x.shape(), DType::Float32, x.device()) : Tensor();
              };
              const Tensor dcolor = incoming(0), dopacity = incoming(1), ddepth = incoming(2);
              const Tensor dsigma = wanted(0, sigma), drgb = wanted(1, rgb);
              NDL_ON(sigma.device(), run_volume_backward)
              (volume_samples(sigma, rgb, t, dt, offsets, longest, early_stop), dcolor, dopacity, ddepth, dsigma, drgb);
              b.give(0, dsigma);
              b.give(1, drgb);
            });
  return out;
}

VolumeOutput render_volume_composed(const Tensor& sigma, const Tensor& rgb, const Tensor& t, const Tensor& dt,
                                    const Tensor& offsets, double early_stop) {
  Op op("render_volume_composed", sigma, rgb, t, dt, offsets);
  const Layout layout = check_volume(op, sigma, rgb, t, dt, offsets, early_stop);
  const Tensor distance = t.detach();
  const Tensor length = dt.detach();
  const Rows rows = make_rows(sigma, length, layout, early_stop);
  const Tensor weights = row_weights(rows, sigma, length);
  const Tensor color = sum(mul(unsqueeze(weights, 2), cast(rows.spread(rgb), DType::Float64)), {1});
  const Tensor depth = sum(mul(weights, cast(rows.spread(distance), DType::Float64)), {1});
  return {cast(color, sigma.dtype()), cast(sum(weights, {1}), sigma.dtype()), cast(depth, sigma.dtype())};
}

Tensor volume_weights(const Tensor& sigma, const Tensor& dt, const Tensor& offsets, double early_stop) {
  Op op("volume_weights", sigma, dt, offsets);
  NoGrad no_grad;
  const int64_t n = check_sigma(op, sigma, early_stop);
  check_samples(op, "sigma", sigma, sigma.dtype(), {n});
  check_samples(op, "dt", dt, sigma.dtype(), {n});
  const Layout layout = check_offsets(op, offsets, n);
  if (sigma.dtype() == DType::Float64) {
    const Rows rows = make_rows(sigma, dt, layout, early_stop);
    const Tensor packed = index_add(op.zeros({n + 1}, DType::Float64), 0, rows.index,
                                    reshape(row_weights(rows, sigma, dt), {rows.n_rays * rows.length}));
    return slice(packed, 0, 0, n);
  }
  const Tensor weights = op.empty({n});
  NDL_ON(op.device(), run_volume_weights)
  (volume_samples(contiguous(sigma.detach()), {}, {}, contiguous(dt.detach()), layout.offsets, layout.longest,
                  early_stop),
   weights);
  return weights;
}

}  // namespace needlecpp
