// Sharing packed segments over threads, though they differ in length.
#pragma once

#include <algorithm>

#include "core/run.h"
#include "needlecpp/core/parallel.h"

namespace needlecpp::cpu {

// Calls some(begin, end, longest) in parallel on runs of segments that hold about `grain` elements together (a row has
// `columns` of them), leaving out segments of more than `longest` rows; then one(s, first row, last row) on each of
// those, one after the other: it shares its own work. The runs depend on the offsets alone.
template <class Some, class One>
void for_segments(const View& offsets, int64_t columns, int64_t grain, Some&& some, One&& one) {
  const int64_t* offset = data<int64_t>(offsets);
  const int64_t segments = offsets.count - 1;
  const int64_t total = offset[segments];
  const int64_t longest = 4 * std::max<int64_t>(1, grain / columns);
  // Segments without elements are work, too. Run r has the segments s of offset[s] + s >= r share.
  const int64_t tasks = std::max<int64_t>(1, (total + segments) / std::max<int64_t>(1, longest / 4));
  const auto first_of = [&](int64_t task) {
    const int64_t at = (total + segments) / tasks * task + std::min(task, (total + segments) % tasks);
    int64_t low = 0;
    int64_t high = segments;
    while (low < high) {
      const int64_t middle = (low + high) / 2;
      if (offset[middle] + middle < at)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  };
  parallel_tasks(tasks, [&](int64_t task) {
    const int64_t begin = first_of(task);
    const int64_t end = task + 1 == tasks ? segments : first_of(task + 1);
    if (begin < end) some(begin, end, longest);
  });
  if (total <= longest) return;
  for (int64_t s = 0; s < segments; ++s)
    if (offset[s + 1] - offset[s] > longest) one(s, offset[s], offset[s + 1]);
}

}  // namespace needlecpp::cpu
