// Sorting and what follows from it: places, the k largest, the order of other values.
#include "needlecpp/ops/sort.h"

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/shape.h"
#include "ops/reduce/sort_run.h"

namespace needlecpp {
namespace {

// The first k elements of the order, and where they stood.
std::pair<Tensor, Tensor> ordered(const char* op, const Tensor& x, int axis, bool descending, int64_t k) {
  Shape shape = x.shape();
  shape[axis] = k;
  const Tensor values = Tensor::empty(shape, x.dtype(), x.device());
  const Tensor places = Tensor::empty(shape, DType::Int64, x.device());
  NDL_ON(x.device(), run_sort)(x, axis, descending, k, values, places);
  const Tensors outputs = record(op, Tensors{values, places}, Tensors{x}, Tensors{places}, [axis](Backward& g) {
    const Tensor dy = g.dy_or_zeros(0);
    g.give(0, scatter_add(Tensor::zeros(g.input_shape(0), dy.dtype(), dy.device()), axis, g.saved(0), dy));
  });
  return {outputs[0], outputs[1]};
}

// A tensor without axes, sorted as a row of one element.
std::pair<Tensor, Tensor> sort_number(const Tensor& x, int64_t axis, bool descending) {
  const auto [values, places] = sort_with_index(unsqueeze(x, 0), axis, descending);
  return {squeeze(values, {0}), squeeze(places, {0})};
}

}  // namespace

std::pair<Tensor, Tensor> sort_with_index(const Tensor& x, int64_t axis, bool descending) {
  Op op("sort", x);
  if (x.rank() == 0) return sort_number(x, axis, descending);
  const int at = normalize_axis("sort", axis, x.rank());
  return ordered("sort", x, at, descending, x.shape()[at]);
}

Tensor sort(const Tensor& x, int64_t axis, bool descending) {
  Op op("sort", x);
  if (x.rank() == 0 || (grad_enabled() && x.requires_grad())) return sort_with_index(x, axis, descending).first;
  const int at = normalize_axis("sort", axis, x.rank());
  const Tensor values = op.empty(x.shape(), x.dtype());
  NDL_ON(op.device(), run_sort)(x, at, descending, x.shape()[at], values, Tensor());
  return values;
}

Tensor argsort(const Tensor& x, int64_t axis, bool descending) {
  Op op("argsort", x);
  if (x.rank() == 0) return sort_number(x, axis, descending).second;
  const int at = normalize_axis("argsort", axis, x.rank());
  const Tensor places = op.empty(x.shape(), DType::Int64);
  NDL_ON(op.device(), run_sort)(x, at, descending, x.shape()[at], Tensor(), places);
  return places;
}

std::pair<Tensor, Tensor> topk(const Tensor& x, int64_t k, int64_t axis, bool largest) {
  Op op("topk", x);
  if (x.rank() == 0) {
    NDL_CHECK(k == 1, ValueError, op, "bad number of elements: got ", k, " of a single number, expected 1.");
    return sort_number(x, axis, largest);
  }
  const int at = normalize_axis("topk", axis, x.rank());
  NDL_CHECK(k >= 0 && k <= x.shape()[at], ValueError, op, "bad number of elements: got ", k, " for axis ", at,
            " of shape ", x.shape(), ", expected 0 to ", x.shape()[at], ".");
  return ordered("topk", x, at, largest, k);
}

std::pair<Tensor, Tensor> sort_by_key(const Tensor& keys,      // [n]
                                      const Tensor& values) {  // [n, ...]
  Op op("sort_by_key", keys, values);
  NDL_CHECK(keys.rank() == 1 && values.rank() >= 1 && values.size(0) == keys.size(0), ValueError, op,
            "keys and values do not fit: got shapes ", keys.shape(), " and ", values.shape(),
            ", expected [n] and [n, ...].");
  const auto [sorted, places] = sort_with_index(keys);
  return {sorted, index_select(values, 0, places)};
}

}  // namespace needlecpp
