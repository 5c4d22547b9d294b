// Resizing: every mode is a table of taps for each axis (which pixels an output pixel draws from, with what weights),
// and one kernel that applies three tables. The op is linear, so its derivative is the same kernel with the tables
// turned round (which outputs a pixel went into): nothing is scattered, threads share no memory, and the derivative of
// the derivative is the op itself.
#include "needlecpp/ops/resample.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/shape.h"
#include "ops/window/resample_run.h"

namespace needlecpp {
namespace {

constexpr double kCubic = -0.75;

void add_tap(ResampleTaps* taps, int64_t at, double weight) {
  taps->index.push_back(std::clamp<int64_t>(at, 0, taps->in - 1));
  taps->weight.push_back(weight);
}
void finish(ResampleTaps* taps) { taps->weight_f32.assign(taps->weight.begin(), taps->weight.end()); }

// `scale` is the scale factor that positions are computed with, 0 to take the ratio of the sizes.
ResampleTaps make_taps(Interpolation mode, int64_t in, int64_t out, double scale, bool align_corners) {
  ResampleTaps taps;
  taps.in = in;
  taps.out = out;
  const double step = align_corners ? (out > 1 ? static_cast<double>(in - 1) / static_cast<double>(out - 1) : 0)
                      : scale > 0   ? 1 / scale
                                    : static_cast<double>(in) / static_cast<double>(out);
  for (int64_t i = 0; i < out; ++i) {
    const double at = align_corners ? step * static_cast<double>(i) : step * (static_cast<double>(i) + 0.5) - 0.5;
    switch (mode) {
      case Interpolation::Nearest:
      case Interpolation::NearestExact: {
        // In float32, so that pixels on an edge fall to the side that PyTorch puts them.
        const float shift = mode == Interpolation::NearestExact ? 0.5f : 0.0f;
        add_tap(&taps, static_cast<int64_t>((static_cast<float>(i) + shift) * static_cast<float>(step)), 1);
        break;
      }
      case Interpolation::Linear: {
        // As PyTorch: a size that stays is left alone, though the scale factor be a little off.
        const double inside = in == out ? static_cast<double>(i) : std::clamp(at, 0.0, static_cast<double>(in - 1));
        const int64_t first = static_cast<int64_t>(inside);
        const double f = inside - static_cast<double>(first);
        add_tap(&taps, first, 1 - f);
        if (f > 0) add_tap(&taps, first + 1, f);
        break;
      }
      case Interpolation::Cubic: {
        const double below = std::floor(at);
        const double f = at - below;
        for (int k = -1; k <= 2; ++k) {
          const double d = std::abs(f - k);
          const double w = d <= 1 ? ((kCubic + 2) * d - (kCubic + 3)) * d * d + 1
                                  : ((kCubic * d - 5 * kCubic) * d + 8 * kCubic) * d - 4 * kCubic;
          add_tap(&taps, static_cast<int64_t>(below) + k, w);
        }
        break;
      }
      case Interpolation::Area: {
        const int64_t begin = i * in / out, end = ((i + 1) * in + out - 1) / out;
        for (int64_t j = begin; j < end; ++j) add_tap(&taps, j, 1 / static_cast<double>(end - begin));
        break;
      }
    }
    taps.start.push_back(static_cast<int64_t>(taps.index.size()));
  }
  finish(&taps);
  return taps;
}

ResampleTaps turned(const ResampleTaps& taps) {
  ResampleTaps result;
  result.in = taps.out;
  result.out = taps.in;
  result.start.assign(static_cast<size_t>(taps.in) + 1, 0);
  for (int64_t at : taps.index) ++result.start[static_cast<size_t>(at) + 1];
  for (size_t i = 1; i < result.start.size(); ++i) result.start[i] += result.start[i - 1];
  result.index.resize(taps.index.size());
  result.weight.resize(taps.index.size());
  std::vector<int64_t> next = result.start;
  for (int64_t i = 0; i < taps.out; ++i)
    for (int64_t t = taps.start[static_cast<size_t>(i)]; t < taps.start[static_cast<size_t>(i) + 1]; ++t) {
      const size_t to = static_cast<size_t>(next[static_cast<size_t>(taps.index[static_cast<size_t>(t)])]++);
      result.index[to] = i;
      result.weight[to] = taps.weight[static_cast<size_t>(t)];
    }
  finish(&result);
  return result;
}

// Fills y by applying `tables` to the last three axes of x; `turned_tables` are its derivative's.
Tensor resample(const Tensor& x, const Tensor& y, const std::shared_ptr<const ResampleTables>& tables,
                const std::shared_ptr<const ResampleTables>& turned_tables) {
  Op op("interpolate", x, y);
  NDL_ON(op.device(), run_resample)(*tables, contiguous(x.detach()), y);
  return op.record(y, {x}, {}, [shape = x.shape(), tables, turned_tables](Backward& g) {
    const Tensor dx = Tensor::empty(shape, g.dy().dtype(), g.dy().device());
    g.give(0, resample(g.dy(), dx, turned_tables, tables));
  });
}

// A list with one number for each spatial axis.
template <class T>
std::vector<T> for_axes(const char* what, const std::vector<T>& given, int axes) {
  NDL_CHECK(given.size() == 1 || given.size() == static_cast<size_t>(axes), ValueError, "interpolate",
            "wrong number of values in ", what, ": got ", given.size(), ", expected 1 or ", axes, ".");
  return given.size() == 1 ? std::vector<T>(static_cast<size_t>(axes), given[0]) : given;
}

}  // namespace

Tensor interpolate(const Tensor& x, Interpolation mode, const InterpolateOptions& options) {
  Op op("interpolate", x);
  NDL_CHECK(x.rank() >= 3 && x.rank() <= 5, ValueError, op, "wrong number of axes: got shape ", x.shape(),
            ", expected (n, c, ...) with 1 to 3 spatial axes.");
  const bool nearest = mode == Interpolation::Nearest || mode == Interpolation::NearestExact;
  NDL_CHECK(!options.align_corners || mode == Interpolation::Linear || mode == Interpolation::Cubic, ValueError, op,
            "align_corners does not apply: got true, expected false for nearest and area.");
  NDL_CHECK(options.size.empty() != options.scale_factor.empty(), ValueError, op,
            "give one of size and scale_factor: ", "got ", options.size.empty() ? "neither" : "both",
            ", expected one.");
  const int axes = x.rank() - 2;
  std::vector<int64_t> size(static_cast<size_t>(axes));
  std::vector<double> scale(static_cast<size_t>(axes), 0.0);
  if (!options.size.empty()) size = for_axes("size", options.size, axes);
  if (!options.scale_factor.empty()) {
    scale = for_axes("scale_factor", options.scale_factor, axes);
    for (int a = 0; a < axes; ++a) {
      double& s = scale[static_cast<size_t>(a)];
      const double exact = std::floor(static_cast<double>(x.shape()[a + 2]) * s);
      NDL_CHECK(s > 0 && exact < 0x1p53, ValueError, op, "bad scale factor: got ", s, ", expected a positive number.");
      size[static_cast<size_t>(a)] = static_cast<int64_t>(exact);
      if (options.recompute_scale_factor) s = 0;
    }
  }
  Shape shape = {x.shape()[0], x.shape()[1]};
  for (int a = 0; a < axes; ++a) {
    const int64_t in = x.shape()[a + 2], out = size[static_cast<size_t>(a)];
    NDL_CHECK(in > 0 && out > 0 && in <= INT32_MAX && out <= INT32_MAX, ValueError, op, "bad size: got ", in,
              " resized to ", out, " on spatial axis ", a, ", expected 1 to ", INT32_MAX, ".");
    shape.push_back(out);
  }
  if (x.dtype() != DType::Float32 && x.dtype() != DType::Float64 && !(nearest && !is_floating(x.dtype()))) {
    const Tensor y = interpolate(cast(x, DType::Float32), mode, options);
    return is_floating(x.dtype()) ? cast(y, x.dtype()) : y;
  }
  // An empty result needs no tables, and one that no memory holds gets none.
  if (numel(shape) == 0) return reshape(x, shape);
  const Tensor y = op.empty(shape, x.dtype());
  auto tables = std::make_shared<ResampleTables>();
  for (int a = axes - 3; a < axes; ++a) {  // missing axes in front have size 1
    const size_t at = static_cast<size_t>(std::max(a, 0));
    (*tables)[static_cast<size_t>(a + 3 - axes)] =
        a < 0 ? make_taps(Interpolation::Nearest, 1, 1, 0, false)
              : make_taps(mode, x.shape()[a + 2], size[at], scale[at], options.align_corners);
  }
  if (!is_floating(x.dtype())) {
    Tensor taken = x;
    for (int a = 0; a < axes; ++a) {
      const std::vector<int64_t>& index = (*tables)[static_cast<size_t>(a + 3 - axes)].index;
      taken = index_select(taken, a + 2, Tensor::from_vector(index, {static_cast<int64_t>(index.size())}, op.device()));
    }
    return taken;
  }
  auto turned_tables = std::make_shared<ResampleTables>();
  std::transform(tables->begin(), tables->end(), turned_tables->begin(), turned);
  return resample(x, y, tables, turned_tables);
}

Tensor pixel_shuffle(const Tensor& x, int64_t upscale_factor) {
  Op op("pixel_shuffle", x);
  const int64_t r = upscale_factor;
  NDL_CHECK(x.rank() >= 3, ValueError, op, "too few axes: got shape ", x.shape(), ", expected (..., c, h, w).");
  NDL_CHECK(r > 0 && r < 1 << 20 && x.size(-3) % (r * r) == 0, ValueError, op, "channels do not divide: got ",
            x.size(-3), " channels and factor ", r, ", expected a multiple of the factor's square.");
  Shape split, result;
  Dims order;
  const int lead = x.rank() - 3;
  for (int i = 0; i < lead; ++i) {
    split.push_back(x.shape()[i]);
    order.push_back(i);
  }
  result = split;
  const int64_t c = x.size(-3) / (r * r), h = x.size(-2), w = x.size(-1);
  for (int64_t size : {c, r, r, h, w}) split.push_back(size);
  for (int axis : {0, 3, 1, 4, 2}) order.push_back(lead + axis);
  for (int64_t size : {c, h * r, w * r}) result.push_back(size);
  return reshape(permute(reshape(x, split), order), result);
}

Tensor pixel_unshuffle(const Tensor& x, int64_t downscale_factor) {
  Op op("pixel_unshuffle", x);
  const int64_t r = downscale_factor;
  NDL_CHECK(x.rank() >= 3, ValueError, op, "too few axes: got shape ", x.shape(), ", expected (..., c, h, w).");
  NDL_CHECK(r > 0 && x.size(-2) % r == 0 && x.size(-1) % r == 0, ValueError, op, "size does not divide: got ",
            x.size(-2), " by ", x.size(-1), " and factor ", r, ", expected multiples of the factor.");
  Shape split, result;
  Dims order;
  const int lead = x.rank() - 3;
  for (int i = 0; i < lead; ++i) {
    split.push_back(x.shape()[i]);
    order.push_back(i);
  }
  result = split;
  const int64_t c = x.size(-3), h = x.size(-2) / r, w = x.size(-1) / r;
  for (int64_t size : {c, h, r, w, r}) split.push_back(size);
  for (int axis : {0, 2, 4, 1, 3}) order.push_back(lead + axis);
  NDL_CHECK(r < 1 << 20, ValueError, op, "factor too large: got ", r, ", expected less than 2^20.");
  for (int64_t size : {c * r * r, h, w}) result.push_back(size);
  return reshape(permute(reshape(x, split), order), result);
}

}  // namespace needlecpp
