// What the ops of pad.cpp ask of a device.
#pragma once

#include <vector>

#include "core/run.h"

namespace needlecpp {

// What a padded tensor shows: at position k of axis i stands element at[i][k] of that axis. Along the last axis those
// of [lead, lead + middle) follow one another in x.
struct PadSources {
  std::vector<std::vector<int64_t>> at;
  int64_t lead = 0, middle = 0;
};

// y from x, contiguous both, of one type and at least one axis; y has an element.
NDL_DECLARE_RUN(void, run_pad, (const PadSources& sources, const View& x, const View& y));

}  // namespace needlecpp
