// Readers split the rows of y. Writers may meet the same place twice, so they split x: by `pre` where that suffices,
// else by equal ranges of offsets, each thread passing over all offsets and keeping its own. Each place thus sees its
// writes in the order of p for every number of threads: sums are reproducible and the last write wins. The rejected
// variants: atomics (order, and with it the sum, would change from run to run) and sorting the offsets (pays only when
// rows are long, and then the scan costs nothing beside them).
#include <algorithm>
#include <atomic>
#include <utility>

#include "needlecpp/core/parallel.h"
#include "ops/index/gather_run.h"

namespace needlecpp::cpu {
namespace {

static_assert(kMaxAxes == kMaxRank);
constexpr int64_t kGrainBytes = 32 << 10;  // a thread's least share of the elements moved

// Runs kernel(begin, end) over `count` positions of an index; returns the first that it found to be outside, or -1.
template <class Kernel>
int64_t first_outside(int64_t count, const Kernel& kernel) {
  std::atomic<int64_t> bad = count;
  parallel_for(count, kGrainBytes / 8, [&](int64_t begin, int64_t end) {
    const int64_t found = kernel(begin, end);
    int64_t lowest = bad.load();
    while (found >= 0 && found < lowest && !bad.compare_exchange_weak(lowest, found)) {
    }
  });
  return bad < count ? bad.load() : -1;
}

PlacesArgs arguments(const Places& places, const View& offsets, const View& x, const View& y) {
  PlacesArgs args;
  args.x = x.as<char>();
  args.y = y.as<char>();
  args.offsets = data<int64_t>(offsets);
  args.count = offsets.count;
  args.places = places;
  args.type = x.element;
  args.combine = Combine::Sum;
  return args;
}

// Writes y's rows through kernel(args, begin, end).
template <class Kernel>
void write(const PlacesArgs& args, const Kernel& kernel) {
  const Places& places = args.places;
  const int64_t bytes = places.pre_count * args.count * places.post_count * element_bytes(args.type);
  const int64_t wanted = std::min<int64_t>(num_threads(), bytes / kGrainBytes);
  if (bytes == 0) return;
  if (wanted <= 1) {
    kernel(args, int64_t{0}, places.pre_count);
  } else if (places.pre_count >= wanted) {
    parallel_for(places.pre_count, 1, [&](int64_t begin, int64_t end) { kernel(args, begin, end); });
  } else {
    parallel_tasks(wanted, [&](int64_t task) {
      const int64_t span = places.high - places.low;
      PlacesArgs mine = args;
      mine.places.low = places.low + span / wanted * task + std::min(task, span % wanted);
      mine.places.high = places.low + span / wanted * (task + 1) + std::min(task + 1, span % wanted);
      kernel(mine, int64_t{0}, places.pre_count);
    });
  }
}

}  // namespace

int64_t run_offsets(const View& index, const IndexedAxis& axis, bool add, const View& offsets) {
  const OffsetsArgs args = {index.data, index.element == Element::I64, data<int64_t>(offsets), axis, add};
  return first_outside(index.count,
                       [&](int64_t begin, int64_t end) { return NDL_KERNEL(gather_offsets)(args, begin, end); });
}

int64_t run_take_single(const View& x, const View& index, const IndexedAxis& axis, const View& y) {
  const OffsetsArgs args = {index.data, index.element == Element::I64, nullptr, axis, false};
  const int item = static_cast<int>(element_bytes(x.element));
  return first_outside(index.count, [&](int64_t begin, int64_t end) {
    return NDL_KERNEL(take_one)(args, x.as<const char>(), y.as<char>(), item, begin, end);
  });
}

void run_take(const Places& places, const View& offsets, const View& x, const View& y) {
  if (y.count == 0) return;
  const PlacesArgs args = arguments(places, offsets, x, y);
  const int64_t row_bytes = places.post_count * element_bytes(x.element);
  parallel_for(places.pre_count * args.count, std::max<int64_t>(1, kGrainBytes / row_bytes),
               [&](int64_t begin, int64_t end) {
                 NDL_KERNEL(take_places)
                 (args, begin, end);
               });
}

void run_put(const Places& places, const View& offsets, const View& x, const View& y) {
  write(arguments(places, offsets, x, y), [](const PlacesArgs& args, int64_t begin, int64_t end) {
    NDL_KERNEL(put_places)(args, begin, end);
  });
}

void run_combine(const Places& places, const View& offsets, const View& x, const View& y, Combine combine) {
  PlacesArgs args = arguments(places, offsets, x, y);
  args.combine = combine;
  write(args, [](const PlacesArgs& part, int64_t begin, int64_t end) { NDL_KERNEL(combine_places)(part, begin, end); });
}

int64_t run_count_true(const View& flags, const View& starts) {
  const uint8_t* bytes = flags.as<const uint8_t>();
  if (!starts.given()) return NDL_KERNEL(count_true)(bytes, 0, flags.count);
  int64_t* start = data<int64_t>(starts);
  parallel_for(starts.count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b)
      start[b] = NDL_KERNEL(count_true)(bytes, b * kFlagBlock, std::min(flags.count, (b + 1) * kFlagBlock));
  });
  int64_t total = 0;
  for (int64_t b = 0; b < starts.count; ++b) total += std::exchange(start[b], total);
  return total;
}

void run_write_true(const View& flags, const View& starts, const View& places) {
  const uint8_t* bytes = flags.as<const uint8_t>();
  int64_t* to = data<int64_t>(places);
  Axes axes;
  axes.rank = flags.rank;
  std::copy(flags.size, flags.size + flags.rank, axes.size);
  if (!starts.given()) return NDL_KERNEL(write_true)(bytes, axes, to, 0, flags.count);
  const int64_t* start = data<int64_t>(starts);
  parallel_for(starts.count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) NDL_KERNEL(write_true)
    (bytes, axes, to + start[b] * axes.rank, b * kFlagBlock, std::min(flags.count, (b + 1) * kFlagBlock));
  });
}

}  // namespace needlecpp::cpu
