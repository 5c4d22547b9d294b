// Looking at offsets, and the segment of every row.
#include <algorithm>

#include "needlecpp/core/parallel.h"
#include "ops/reduce/segment_run.h"
#include "ops/reduce/segment_tasks_cpu.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kGrain = 1 << 15;

}  // namespace

OffsetsFound run_look_at_offsets(const View& offsets) {
  const int64_t* begin = data<int64_t>(offsets);
  const int64_t* end = begin + offsets.count;
  const int64_t* fall = std::is_sorted_until(begin, end);
  return {*begin, *(end - 1), fall == end ? -1 : fall - begin};
}

void run_segment_ids(const View& offsets, const View& ids) {
  const int64_t* offset = data<int64_t>(offsets);
  int64_t* id = data<int64_t>(ids);
  for_segments(
      offsets, 1, kGrain,
      [&](int64_t begin, int64_t end, int64_t longest) {
        for (int64_t s = begin; s < end; ++s)
          if (offset[s + 1] - offset[s] <= longest) std::fill(id + offset[s], id + offset[s + 1], s);
      },
      [&](int64_t s, int64_t begin, int64_t end) {
        parallel_for(end - begin, kGrain,
                     [&](int64_t from, int64_t to) { std::fill(id + begin + from, id + begin + to, s); });
      });
}

}  // namespace needlecpp::cpu
