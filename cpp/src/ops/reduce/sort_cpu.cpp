// Sorting. A row becomes items (key and place), the items are sorted, and values and places are written from them.
//
// Short rows are sorted by counting the items before each; longer ones go through a stable radix sort of 8 bits a pass,
// from the lowest digit up; a pass over a digit that all keys share is left out. Many rows are shared among the
// threads. Of a few long rows each is sorted by all threads together: the row is cut into chunks, each chunk counts its
// digits, sums over the counts tell where the items of every chunk and digit go, and each chunk scatters its own. What
// comes out depends on neither the chunks nor the threads, since the order is stable.
//
// topk first selects the k best by counting digits from the highest down, and sorts those.
#include <algorithm>
#include <array>
#include <vector>

#include "needlecpp/core/parallel.h"
#include "ops/plumbing/scratch.h"
#include "ops/plumbing/strided.h"
#include "ops/reduce/sort_kernels.h"
#include "ops/reduce/sort_run.h"

namespace needlecpp::cpu {
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

}  // namespace

void run_sort(const View& x, int axis, bool descending, int64_t k, const View& values, const View& places) {
  const int64_t length = x.size[axis];
  if (x.count == 0 || k == 0) return;
  const int64_t item = element_bytes(x.element);
  const int bits = static_cast<int>(8 * item);
  SortRow common = {};
  common.type = x.element;
  common.descending = descending;
  common.wide = item == 8 || length > int64_t{1} << 32;
  const View& y = values.given() ? values : x;
  const View& at = places.given() ? places : x;
  common.x_step = x.stride[axis];
  common.values_step = y.stride[axis];
  common.places_step = at.stride[axis];
  Shape others;
  std::array<Strides, 3> strides;
  for (int i = 0; i < x.rank; ++i) {
    if (i == axis) continue;
    others.push_back(x.size[i]);
    strides[0].push_back(x.stride[i]);
    strides[1].push_back(y.stride[i]);
    strides[2].push_back(at.stride[i]);
  }
  const StridedLoop<3> loop = make_loop<3>(others, strides);

  const auto row_at = [&](int64_t i) {
    const std::array<int64_t, 3> offset = loop.offsets(i);
    SortRow row = common;
    row.x = x.as<const char>() + offset[0] * item;
    row.values = values.given() ? values.as<char>() + offset[1] * item : nullptr;
    row.places = places.given() ? data<int64_t>(places) + offset[2] : nullptr;
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

}  // namespace needlecpp::cpu
