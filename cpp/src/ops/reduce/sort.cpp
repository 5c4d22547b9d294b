// Sorting. A row becomes items (key and place), the items are sorted, and values and places are written from them.
//
// Short rows are sorted by counting the items before each; longer ones go through a stable radix sort of 8 bits a pass,
// from the lowest digit up; a pass over a digit that all keys share is left out. Many rows are shared among the
// threads. Of a few long rows each is sorted by all threads together: the row is cut into chunks, each chunk counts its
// digits, sums over the counts tell where the items of every chunk and digit go, and each chunk scatters its own. What
// comes out depends on neither the chunks nor the threads, since the order is stable.
//
// topk first selects the k best by counting digits from the highest down, and sorts those.
#include "needlecpp/ops/sort.h"

#include <algorithm>
#include <array>
#include <vector>

#include "needlecpp/autograd/op.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/shape.h"
#include "ops/plumbing/scratch.h"
#include "ops/plumbing/strided.h"
#include "ops/reduce/sort_kernels.h"

namespace needlecpp {
namespace {

constexpr int64_t kGrain = 1 << 12;    // elements that one thread sorts at least
constexpr int64_t kLongRow = 1 << 16;  // from here on, threads share a row when rows are few
constexpr int64_t kChunk = 1 << 15;    // of a long row, at least
constexpr int64_t kMostChunks = 64;

// Two buffers of items.
class Items {
 public:
  Items(bool wide, int64_t count)
      : wide_(wide),
        bytes_(count * NDL_KERNEL(sort_item_bytes)(wide)),
        memory_(2 * bytes_),
        front_(memory_.data()),
        back_(memory_.data() + bytes_) {}
  Items(const Items&) = delete;
  Items& operator=(const Items&) = delete;
  void* data() const { return front_; }
  void* spare() const { return back_; }

  void sort(int64_t count, int bits, int64_t chunks) {
    if (count <= kSortRanked) {
      NDL_KERNEL(sort_ranks)(wide_, front_, back_, count);
      return;
    }
    std::vector<int64_t> counts(static_cast<size_t>(chunks) * kSortDigits);
    const auto first = [&](int64_t chunk) { return count / chunks * chunk + std::min(chunk, count % chunks); };
    for (int shift = 0; shift < bits; shift += 8) {
      parallel_tasks(chunks, [&](int64_t c) {
        NDL_KERNEL(sort_count)(wide_, front_, first(c), first(c + 1), shift, counts.data() + c * kSortDigits);
      });
      if (!to_starts(&counts, count)) continue;
      parallel_tasks(chunks, [&](int64_t c) {
        NDL_KERNEL(sort_scatter)(wide_, front_, first(c), first(c + 1), shift, back_, counts.data() + c * kSortDigits);
      });
      std::swap(front_, back_);
    }
  }

 private:
  // Counts become the place where each chunk's items of each digit start; false if one digit has all items.
  static bool to_starts(std::vector<int64_t>* counts, int64_t count) {
    int64_t start = 0;
    for (size_t digit = 0; digit < kSortDigits; ++digit) {
      const int64_t before = start;
      for (size_t at = digit; at < counts->size(); at += kSortDigits) {
        const int64_t own = (*counts)[at];
        (*counts)[at] = start;
        start += own;
      }
      if (start - before == count) return false;
    }
    return true;
  }

  bool wide_;
  int64_t bytes_;  // of one buffer
  Scratch<char> memory_;
  void* front_;
  void* back_;
};

SortType sort_type(DType dtype) {
  switch (dtype) {
    case DType::Float32:
      return SortType::F32;
    case DType::Float64:
      return SortType::F64;
    case DType::Float16:
      return SortType::F16;
    case DType::BFloat16:
      return SortType::BF16;
    case DType::Int32:
      return SortType::I32;
    case DType::Int64:
      return SortType::I64;
    default:
      return SortType::U8;  // uint8 and bool
  }
}

// The first k of every row in sorted order, written to what is defined of values and places.
void run_sort(const Tensor& x, int axis, bool descending, int64_t k, const Tensor& values, const Tensor& places) {
  const int64_t length = x.shape()[axis];
  if (x.numel() == 0 || k == 0) return;
  const int64_t item = static_cast<int64_t>(itemsize(x.dtype()));
  const int bits = static_cast<int>(8 * item);
  SortRow common = {};
  common.type = sort_type(x.dtype());
  common.descending = descending;
  common.wide = item == 8 || length > int64_t{1} << 32;
  common.x_step = x.strides()[axis];
  Shape others = x.shape();
  std::array<Strides, 3> strides = {x.strides(), x.strides(), x.strides()};
  if (values.defined()) strides[1] = values.strides();
  if (places.defined()) strides[2] = places.strides();
  common.values_step = strides[1][axis];
  common.places_step = strides[2][axis];
  others.erase(axis);
  for (Strides& one : strides) one.erase(axis);
  const StridedLoop<3> loop = make_loop<3>(others, strides);

  const auto row_at = [&](int64_t i) {
    const std::array<int64_t, 3> at = loop.offsets(i);
    SortRow row = common;
    row.x = static_cast<const char*>(x.raw()) + at[0] * item;
    row.values = values.defined() ? static_cast<char*>(values.raw()) + at[1] * item : nullptr;
    row.places = places.defined() ? places.data<int64_t>() + at[2] : nullptr;
    return row;
  };
  const auto sort_items = [&](Items* items, int64_t chunks) {
    if (k < length) NDL_KERNEL(sort_select)(common.wide, items->data(), items->spare(), length, k, bits);
    items->sort(k, bits, chunks);
  };
  if (loop.count < num_threads() && length >= kLongRow) {
    Items items(common.wide, length);
    for (int64_t i = 0; i < loop.count; ++i) {
      const SortRow row = row_at(i);
      parallel_for(length, kChunk, [&](int64_t begin, int64_t end) {
        NDL_KERNEL(sort_load)(row, begin, end, items.data());
      });
      sort_items(&items, std::clamp<int64_t>(k / kChunk, 1, kMostChunks));
      parallel_for(k, kChunk, [&](int64_t begin, int64_t end) {
        NDL_KERNEL(sort_store)(row, begin, end, items.data());
      });
    }
    return;
  }
  parallel_for(loop.count, std::max<int64_t>(1, kGrain / length), [&](int64_t begin, int64_t end) {
    Items items(common.wide, length);
    for (int64_t i = begin; i < end; ++i) {
      const SortRow row = row_at(i);
      NDL_KERNEL(sort_load)(row, 0, length, items.data());
      sort_items(&items, 1);
      NDL_KERNEL(sort_store)(row, 0, k, items.data());
    }
  });
}

// The first k elements of the order, and where they stood.
std::pair<Tensor, Tensor> ordered(const char* op, const Tensor& x, int axis, bool descending, int64_t k) {
  Shape shape = x.shape();
  shape[axis] = k;
  const Tensor values = Tensor::empty(shape, x.dtype(), x.device());
  const Tensor places = Tensor::empty(shape, DType::Int64, x.device());
  run_sort(x, axis, descending, k, values, places);
  const Tensors outputs = record(op, Tensors{values, places}, Tensors{x}, Tensors{places}, [axis](Backward& g) {
    const Tensor dy = g.dy_or_zeros(0);
    g.give(0, scatter_add(Tensor::zeros(g.input_shape(0), dy.dtype()), axis, g.saved(0), dy));
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
  run_sort(x, at, descending, x.shape()[at], values, Tensor());
  return values;
}

Tensor argsort(const Tensor& x, int64_t axis, bool descending) {
  Op op("argsort", x);
  if (x.rank() == 0) return sort_number(x, axis, descending).second;
  const int at = normalize_axis("argsort", axis, x.rank());
  const Tensor places = op.empty(x.shape(), DType::Int64);
  run_sort(x, at, descending, x.shape()[at], Tensor(), places);
  return places;
}

std::pair<Tensor, Tensor> topk(const Tensor& x, int64_t k, int64_t axis, bool largest) {
  Op op("topk", x);
  if (x.rank() == 0) {
    NDL_CHECK(k == 1, ValueError, "topk", "bad number of elements: got ", k, " of a single number, expected 1.");
    return sort_number(x, axis, largest);
  }
  const int at = normalize_axis("topk", axis, x.rank());
  NDL_CHECK(k >= 0 && k <= x.shape()[at], ValueError, "topk", "bad number of elements: got ", k, " for axis ", at,
            " of shape ", x.shape(), ", expected 0 to ", x.shape()[at], ".");
  return ordered("topk", x, at, largest, k);
}

std::pair<Tensor, Tensor> sort_by_key(const Tensor& keys,      // [n]
                                      const Tensor& values) {  // [n, ...]
  OpScope scope("sort_by_key");
  NDL_CHECK(keys.rank() == 1 && values.rank() >= 1 && values.size(0) == keys.size(0), ValueError, "sort_by_key",
            "keys and values do not fit: got shapes ", keys.shape(), " and ", values.shape(),
            ", expected [n] and [n, ...].");
  const auto [sorted, places] = sort_with_index(keys);
  return {sorted, index_select(values, 0, places)};
}

}  // namespace needlecpp
