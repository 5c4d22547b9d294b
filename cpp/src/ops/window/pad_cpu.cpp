// Padding on the CPU: whole rows of the last axis, of which what lies beside each other in x is copied at once and the
// borders one by one.
#include <string.h>

#include <algorithm>

#include "needlecpp/core/parallel.h"
#include "ops/window/pad_run.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kGrain = 32 << 10;  // elements a thread must have to write before a second one pays

template <class T>
void fill_rows(const PadSources& sources, const View& x, const View& y) {
  const int last = x.rank - 1;
  const std::vector<int64_t>& columns = sources.at[last];
  const int64_t lead = sources.lead, middle = sources.middle;
  const int64_t length = y.size[last];
  T* to = y.as<T>();
  const T* from = x.as<T>();
  parallel_for(y.count / length, std::max<int64_t>(1, kGrain / length), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      int64_t offset = 0;
      int64_t rest = r;
      for (int axis = last - 1; axis >= 0; --axis) {
        offset += sources.at[axis][rest % y.size[axis]] * x.stride[axis];
        rest /= y.size[axis];
      }
      const T* line = from + offset;
      T* row = to + r * length;
      for (int64_t k = 0; k < lead; ++k) row[k] = line[columns[k]];
      if (middle > 0) memcpy(row + lead, line + columns[lead], static_cast<size_t>(middle) * sizeof(T));
      for (int64_t k = lead + middle; k < length; ++k) row[k] = line[columns[k]];
    }
  });
}

}  // namespace

void run_pad(const PadSources& sources, const View& x, const View& y) {
  switch (element_bytes(x.element)) {
    case 1:
      return fill_rows<uint8_t>(sources, x, y);
    case 2:
      return fill_rows<uint16_t>(sources, x, y);
    case 4:
      return fill_rows<uint32_t>(sources, x, y);
    default:
      return fill_rows<uint64_t>(sources, x, y);
  }
}

}  // namespace needlecpp::cpu
