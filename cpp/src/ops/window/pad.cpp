// Padding. A constant border is a filled tensor with x copied into its middle by rows. Every other mode names, for each
// position of each axis, the element of x that stands there; its gradient is added there, axis by axis.
#include "needlecpp/ops/pad.h"

#include <algorithm>
#include <string_view>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/shape.h"
#include "ops/shape/ranges.h"
#include "ops/window/pad_run.h"

namespace needlecpp {

PadMode pad_mode_from_name(const char* name) {
  const std::string_view mode = name;
  if (mode == "constant") return PadMode::Constant;
  if (mode == "reflect") return PadMode::Reflect;
  if (mode == "symmetric") return PadMode::Symmetric;
  if (mode == "replicate" || mode == "edge") return PadMode::Replicate;
  if (mode == "circular" || mode == "wrap") return PadMode::Circular;
  detail::fail<ValueError>("pad", "no such mode: got ", name,
                           ", expected constant, reflect, symmetric, replicate (edge) or circular (wrap).");
}

namespace {

int64_t modulo(int64_t i, int64_t n) { return (i % n + n) % n; }

// The element of an axis of size n that stands at position i, which may lie outside.
int64_t source_of(PadMode mode, int64_t i, int64_t n) {
  switch (mode) {
    case PadMode::Reflect: {
      if (n == 1) return 0;
      const int64_t k = modulo(i, 2 * n - 2);
      return k < n ? k : 2 * n - 2 - k;
    }
    case PadMode::Symmetric: {
      const int64_t k = modulo(i, 2 * n);
      return k < n ? k : 2 * n - 1 - k;
    }
    case PadMode::Circular:
      return modulo(i, n);
    default:
      return std::clamp<int64_t>(i, 0, n - 1);
  }
}

Tensor pad_with_own(const Op& op, const Tensor& x, const std::vector<int64_t>& before, const Shape& shape,
                    PadMode mode) {
  for (int i = 0; i < x.rank(); ++i)
    NDL_CHECK(x.shape()[i] > 0 || shape[i] == 0, ValueError, op, "nothing to repeat on axis ", i, ": got shape ",
              x.shape(), ", expected at least one element there.");
  const Tensor y = op.empty(shape, x.dtype());
  if (y.numel() == 0)
    return op.record(y, {x}, {},
                     [](Backward& b) { b.give(0, Tensor::zeros(b.input_shape(0), b.dy().dtype(), b.dy().device())); });
  PadSources sources;
  for (int i = 0; i < x.rank(); ++i) {
    std::vector<int64_t> places(static_cast<size_t>(shape[i]));
    for (int64_t k = 0; k < shape[i]; ++k) places[k] = source_of(mode, k - before[i], x.shape()[i]);
    sources.at.push_back(std::move(places));
  }
  const int last = x.rank() - 1;
  const int64_t cut = std::max<int64_t>(0, -before[last]);
  sources.lead = std::clamp<int64_t>(before[last], 0, shape[last]);
  sources.middle = std::max<int64_t>(0, std::min(x.shape()[last] - cut, shape[last] - sources.lead));
  NDL_ON(op.device(), run_pad)(sources, contiguous(x.detach()), y);
  return op.record(y, {x}, {}, [sources = std::move(sources.at)](Backward& b) {
    // Axis by axis, images are added to what they show.
    Tensor dx = b.dy();
    for (int i = 0; i < dx.rank(); ++i) {
      const int64_t size = b.input_shape(0)[i];
      if (size == dx.shape()[i] && std::is_sorted(sources[i].begin(), sources[i].end()) &&
          std::adjacent_find(sources[i].begin(), sources[i].end()) == sources[i].end())
        continue;  // every element once and in order
      Shape folded = dx.shape();
      folded[i] = size;
      dx = index_add(Tensor::zeros(folded, dx.dtype(), dx.device()), i,
                     Tensor::from_vector(sources[i], {dx.shape()[i]}, dx.device()), dx);
    }
    b.give(0, dx);
  });
}

Tensor pad_constant(const Op& op, const Tensor& x, const std::vector<int64_t>& before, const Shape& shape,
                    double value) {
  const Tensor y = op.full(shape, value, x.dtype());
  Tensor target = y;
  Tensor source = x.detach();
  std::vector<Range> kept;  // of x, for each axis
  for (int i = 0; i < x.rank(); ++i) {
    const int64_t cut = std::max<int64_t>(0, -before[i]);
    const int64_t at = std::max<int64_t>(0, before[i]);
    const int64_t length = std::max<int64_t>(0, std::min(x.shape()[i] - cut, shape[i] - at));
    kept.push_back({i, cut, length, 1});
    source = view_range(source, kept.back());
    target = view_range(target, {i, length > 0 ? at : 0, length, 1});
  }
  copy_into(target, source, std::max(0, x.rank() - 1));
  std::vector<int64_t> back;
  std::vector<int64_t> back_after;
  for (int i = 0; i < x.rank(); ++i) {
    back.push_back(-before[i]);
    back_after.push_back(x.shape()[i] - shape[i] + before[i]);
  }
  return op.record(y, {x}, {}, [back, back_after](Backward& b) { b.give(0, pad(b.dy(), back, back_after)); });
}

}  // namespace

Tensor pad(const Tensor& x, const std::vector<int64_t>& before, const std::vector<int64_t>& after, PadMode mode,
           double value) {
  Op op("pad", x);
  const size_t rank = static_cast<size_t>(x.rank());
  NDL_CHECK(before.size() == rank && after.size() == rank, ValueError, "pad", "wrong number of widths: got ",
            before.size(), " before and ", after.size(), " after, expected one for each of the ", rank, " axes.");
  Shape shape = x.shape();
  for (int i = 0; i < x.rank(); ++i) {
    constexpr int64_t kMost = int64_t{1} << 60;
    NDL_CHECK(std::max(before[i], after[i]) < kMost && std::min(before[i], after[i]) > -kMost, ValueError, "pad",
              "width too large on axis ", i, ": got ", before[i], " before and ", after[i],
              " after, expected less than 2^60.");
    shape[i] += before[i] + after[i];
    NDL_CHECK(shape[i] >= 0, ValueError, "pad", "cuts more than there is on axis ", i, ": got ", before[i],
              " before and ", after[i], " after, expected at least -", x.shape()[i], " in all.");
  }
  numel(shape);  // throws for a product beyond its range
  if (mode == PadMode::Constant) return pad_constant(op, x, before, shape, value);
  if (x.rank() == 0) return reshape(x, {});
  if (mode != PadMode::Circular) return pad_with_own(op, x, before, shape, mode);
  Tensor rest = x;  // what is cut off does not come back on the other side
  std::vector<int64_t> around;
  for (int i = 0; i < x.rank(); ++i) {
    const int64_t cut = std::max<int64_t>(0, -before[i]);
    const int64_t length = x.shape()[i] - cut - std::max<int64_t>(0, -after[i]);
    NDL_CHECK(length >= 0, ValueError, "pad", "cuts more than there is on axis ", i, ": got ", before[i],
              " before and ", after[i], " after, expected at least -", x.shape()[i], " in all.");
    if (length < x.shape()[i]) rest = slice_range(rest, {i, cut, length, 1});
    around.push_back(std::max<int64_t>(0, before[i]));
  }
  return pad_with_own(op, rest, around, shape, mode);
}

Tensor pad_last(const Tensor& x, const std::vector<int64_t>& widths, PadMode mode, double value) {
  Op op("pad", x);
  const size_t rank = static_cast<size_t>(x.rank());
  NDL_CHECK(widths.size() % 2 == 0 && widths.size() <= 2 * rank, ValueError, "pad", "wrong number of widths: got ",
            widths.size(), ", expected two for each padded axis of ", x.shape(), ".");
  std::vector<int64_t> before(rank, 0);
  std::vector<int64_t> after(rank, 0);
  for (size_t k = 0; k < widths.size() / 2; ++k) {
    const size_t axis = rank - 1 - k;
    before[axis] = widths[2 * k];
    after[axis] = widths[2 * k + 1];
    const int64_t size = x.shape()[static_cast<int>(axis)];
    const int64_t most = std::max(before[axis], after[axis]);
    NDL_CHECK(mode != PadMode::Reflect || most <= 0 || most < size, ValueError, "pad",
              "reflects beyond the axis: got a width of ", most, ", expected less than the size ", size, " of axis ",
              axis, ".");
    NDL_CHECK(mode != PadMode::Circular || most <= size, ValueError, "pad", "wraps more than once: got a width of ",
              most, ", expected at most the size ", size, " of axis ", axis, ".");
  }
  return pad(x, before, after, mode, value);
}

}  // namespace needlecpp
