// Volume rendering of packed samples: checks, splitting over rays, the tape, and the composed twin. How the kernels
// work is told in volume_simd.cpp.
#include "needlecpp/render/volume.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "needlecpp/autograd/op.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/scan.h"
#include "needlecpp/ops/shape.h"
#include "render/ops/volume_kernels.h"

namespace needlecpp {

namespace {

constexpr int64_t kRaysPerTask = 128;

struct Layout {
  int64_t n_rays = 0;
  int64_t longest = 0;  // samples of the longest ray
};

void check_samples(const char* op, const char* what, const Tensor& x, DType dtype, const Shape& shape) {
  NDL_CHECK(x.defined(), ValueError, op, what, " is undefined: expected a tensor.");
  NDL_CHECK(x.device().type == DeviceType::CPU, TypeError, op, what, " is on the wrong device: got ",
            to_string(x.device()), ", expected cpu.");
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

// Offsets must be contiguous, start at 0, end at n and never fall.
Layout check_offsets(const char* op, const Tensor& offsets, int64_t n) {
  const int64_t* offset = offsets.data<int64_t>();
  Layout layout;
  layout.n_rays = offsets.size(0) - 1;
  NDL_CHECK(offset[0] == 0 && offset[layout.n_rays] == n, ValueError, op, "offsets do not span the samples: got ",
            offset[0], " to ", offset[layout.n_rays], ", expected 0 to ", n, ".");
  int64_t shortest = 0;
  for (int64_t ray = 0; ray < layout.n_rays; ++ray) {
    const int64_t length = offset[ray + 1] - offset[ray];
    layout.longest = std::max(layout.longest, length);
    shortest = std::min(shortest, length);
  }
  NDL_CHECK(shortest >= 0, ValueError, op, "offsets fall: got a ray of ", shortest, " samples, expected 0 or more.");
  return layout;
}

Tensor checked_offsets(const char* op, const Tensor& offsets) {
  NDL_CHECK(offsets.defined(), ValueError, op, "offsets are undefined: expected a tensor.");
  NDL_CHECK(offsets.dtype() == DType::Int64 && offsets.device().type == DeviceType::CPU, TypeError, op,
            "offsets have the wrong type: got ", name(offsets.dtype()), " on ", to_string(offsets.device()),
            ", expected int64 on cpu.");
  NDL_CHECK(offsets.rank() == 1 && offsets.size(0) >= 1, ValueError, op, "offsets have the wrong shape: got ",
            offsets.shape(), ", expected (n_rays + 1).");
  return contiguous(offsets.detach());
}

// Runs body(args, first ray, last ray) over all rays with a scratch for each thread.
template <class Body>
void for_rays(VolumeArgs args, const Layout& layout, Body&& body) {
  args.longest = layout.longest;
  parallel_tasks((layout.n_rays + kRaysPerTask - 1) / kRaysPerTask, [&](int64_t task) {
    static thread_local std::vector<float> scratch;
    const size_t needed = static_cast<size_t>(2 * (args.longest + kVolumePadding));
    if (scratch.size() < needed) scratch.resize(needed);
    VolumeArgs mine = args;
    mine.scratch = scratch.data();
    body(mine, task * kRaysPerTask, std::min(layout.n_rays, (task + 1) * kRaysPerTask));
  });
}

template <class T>
void count_live(const Tensor& sigma, const Tensor& dt, const int64_t* offsets, int64_t n_rays, double early_stop,
                std::vector<int64_t>& live) {
  const Tensor tau = contiguous(mul(sigma.detach(), dt.detach()));
  const T* thickness = tau.data<T>();
  const T stop = static_cast<T>(stop_thickness(early_stop));
  for (int64_t ray = 0; ray < n_rays; ++ray) {
    double sum = 0;
    int64_t i = offsets[ray];
    for (; i < offsets[ray + 1] && !(static_cast<T>(sum) > stop); ++i) sum += static_cast<double>(thickness[i]);
    live.push_back(i - offsets[ray]);
  }
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
    const Tensor padded = concat({x, Tensor::zeros(row, x.dtype())}, 0);
    return reshape(index_select(padded, 0, index), rows);
  }
};

Rows make_rows(const Tensor& sigma, const Tensor& dt, const Tensor& offsets, double early_stop) {
  NoGrad no_grad;
  Rows rows;
  rows.n_rays = offsets.size(0) - 1;
  const int64_t* offset = offsets.data<int64_t>();
  std::vector<int64_t> live;
  if (sigma.dtype() == DType::Float64) {
    count_live<double>(sigma, dt, offset, rows.n_rays, early_stop, live);
  } else {
    count_live<float>(sigma, dt, offset, rows.n_rays, early_stop, live);
  }
  for (const int64_t count : live) rows.length = std::max(rows.length, count);
  rows.index = Tensor::full({rows.n_rays * rows.length}, static_cast<double>(sigma.size(0)), DType::Int64);
  int64_t* index = rows.index.data<int64_t>();
  for (int64_t ray = 0; ray < rows.n_rays; ++ray)
    for (int64_t i = 0; i < live[static_cast<size_t>(ray)]; ++i) index[ray * rows.length + i] = offset[ray] + i;
  return rows;
}

// w of rays spread into rows: [n_rays, length] float64.
Tensor row_weights(const Rows& rows, const Tensor& sigma, const Tensor& dt) {
  const Tensor tau = cast(rows.spread(mul(sigma, dt)), DType::Float64);
  return mul(exp(neg(cumsum(tau, 1, true))), sub(1.0, exp(neg(tau))));
}

VolumeOutput run_forward(const VolumeArgs& args, const Layout& layout) {
  VolumeOutput out{Tensor::empty({layout.n_rays, 3}), Tensor::empty({layout.n_rays}), Tensor::empty({layout.n_rays})};
  float* color = out.color.data<float>();
  float* opacity = out.opacity.data<float>();
  float* depth = out.depth.data<float>();
  for_rays(args, layout, [&](const VolumeArgs& mine, int64_t begin, int64_t end) {
    NDL_KERNEL(volume_forward)(mine, begin, end, color, opacity, depth);
  });
  return out;
}

VolumeArgs volume_args(const Tensor& sigma, const Tensor& rgb, const Tensor& t, const Tensor& dt, const Tensor& offsets,
                       double early_stop) {
  VolumeArgs args = {};
  args.sigma = sigma.data<float>();
  args.rgb = rgb.data<float>();
  args.t = t.data<float>();
  args.dt = dt.data<float>();
  args.offsets = offsets.data<int64_t>();
  args.stop = static_cast<float>(stop_thickness(early_stop));
  return args;
}

Layout check_volume(const char* op, const Tensor& sigma, const Tensor& rgb, const Tensor& t, const Tensor& dt,
                    const Tensor& offsets, double early_stop) {
  const int64_t n = check_sigma(op, sigma, early_stop);
  check_samples(op, "sigma", sigma, sigma.dtype(), {n});
  check_samples(op, "rgb", rgb, sigma.dtype(), {n, 3});
  check_samples(op, "t", t, sigma.dtype(), {n});
  check_samples(op, "dt", dt, sigma.dtype(), {n});
  return check_offsets(op, checked_offsets(op, offsets), n);
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
  const Layout layout = check_volume("render_volume", sigma, rgb, t, dt, offsets, early_stop);
  if (sigma.dtype() == DType::Float64) return render_volume_composed(sigma, rgb, t, dt, offsets, early_stop);

  const Tensor sigma_ = contiguous(sigma.detach());
  const Tensor rgb_ = contiguous(rgb.detach());
  const Tensor t_ = contiguous(t.detach());
  const Tensor dt_ = contiguous(dt.detach());
  const Tensor offsets_ = contiguous(offsets.detach());
  const VolumeOutput out = run_forward(volume_args(sigma_, rgb_, t_, dt_, offsets_, early_stop), layout);

  record("render_volume", {out.color, out.opacity, out.depth}, {sigma, rgb}, {sigma, rgb, t_, dt_, offsets_},
         [layout, early_stop](Backward& b) {
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
           Tensor dy[3];
           for (int k = 0; k < 3; ++k)
             if (b.dy(k).defined()) dy[k] = contiguous(b.dy(k));
           const Tensor dsigma = b.needs(0) ? Tensor::empty(sigma.shape()) : Tensor();
           const Tensor drgb = b.needs(1) ? Tensor::empty(rgb.shape()) : Tensor();
           const auto data = [](const Tensor& x) { return x.defined() ? x.data<float>() : nullptr; };
           const VolumeGradients gradients = {data(dy[0]), data(dy[1]), data(dy[2]), data(dsigma), data(drgb)};
           for_rays(volume_args(sigma, rgb, t, dt, offsets, early_stop), layout,
                    [&](const VolumeArgs& mine, int64_t begin, int64_t end) {
                      NDL_KERNEL(volume_backward)(mine, begin, end, gradients);
                    });
           b.give(0, dsigma);
           b.give(1, drgb);
         });
  return out;
}

VolumeOutput render_volume_composed(const Tensor& sigma, const Tensor& rgb, const Tensor& t, const Tensor& dt,
                                    const Tensor& offsets, double early_stop) {
  Op op("render_volume_composed", sigma, rgb, t, dt, offsets);
  check_volume("render_volume_composed", sigma, rgb, t, dt, offsets, early_stop);
  const Tensor distance = t.detach();
  const Tensor length = dt.detach();
  const Rows rows = make_rows(sigma, length, contiguous(offsets.detach()), early_stop);
  const Tensor weights = row_weights(rows, sigma, length);
  const Tensor color = sum(mul(unsqueeze(weights, 2), cast(rows.spread(rgb), DType::Float64)), {1});
  const Tensor depth = sum(mul(weights, cast(rows.spread(distance), DType::Float64)), {1});
  return {cast(color, sigma.dtype()), cast(sum(weights, {1}), sigma.dtype()), cast(depth, sigma.dtype())};
}

Tensor volume_weights(const Tensor& sigma, const Tensor& dt, const Tensor& offsets, double early_stop) {
  Op op("volume_weights", sigma, dt, offsets);
  NoGrad no_grad;
  const int64_t n = check_sigma("volume_weights", sigma, early_stop);
  check_samples("volume_weights", "sigma", sigma, sigma.dtype(), {n});
  check_samples("volume_weights", "dt", dt, sigma.dtype(), {n});
  const Tensor rays = checked_offsets("volume_weights", offsets);
  const Layout layout = check_offsets("volume_weights", rays, n);
  if (sigma.dtype() == DType::Float64) {
    const Rows rows = make_rows(sigma, dt, rays, early_stop);
    const Tensor packed = index_add(op.zeros({n + 1}, DType::Float64), 0, rows.index,
                                    reshape(row_weights(rows, sigma, dt), {rows.n_rays * rows.length}));
    return slice(packed, 0, 0, n);
  }
  const Tensor density = contiguous(sigma.detach());
  const Tensor length = contiguous(dt.detach());
  const Tensor weights = op.empty({n});
  VolumeArgs args = {};
  args.sigma = density.data<float>();
  args.dt = length.data<float>();
  args.offsets = rays.data<int64_t>();
  args.stop = static_cast<float>(stop_thickness(early_stop));
  float* weight = weights.data<float>();
  for_rays(args, layout, [&](const VolumeArgs& mine, int64_t begin, int64_t end) {
    NDL_KERNEL(volume_weights)(mine, begin, end, weight);
  });
  return weights;
}

}  // namespace needlecpp
