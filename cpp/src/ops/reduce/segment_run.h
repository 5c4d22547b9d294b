// What packed segments ask of a device, beside their reductions (reduce_run.h) and scans (scan_run.h). Offsets are
// int64, contiguous, at least one.
#pragma once

#include "core/run.h"

namespace needlecpp {

struct OffsetsFound {
  int64_t first, last;
  int64_t fall;  // the place of the first offset that is below the one before it, -1 if there is none
};
NDL_DECLARE_RUN(OffsetsFound, run_look_at_offsets, (const View& offsets));
// ids[i] = s for the places i of segment s; the offsets start at 0, never fall and end at the number of ids (int64).
NDL_DECLARE_RUN(void, run_segment_ids, (const View& offsets, const View& ids));

}  // namespace needlecpp
