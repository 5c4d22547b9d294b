// What searching in sorted rows and counting ask of a device. All contiguous; places, bins and counts are int64.
#pragma once

#include "core/run.h"

namespace needlecpp {

// y[i], of the shape of `values`: the number of elements in front of values[i] in its row of `sorted`, which has
// values' shape but for the last axis, or one axis: one row for all. `right`: behind equal elements. Both of one type:
// float32, float64, int32 or int64.
NDL_DECLARE_RUN(void, run_search_sorted, (const View& sorted, const View& values, bool right, const View& y));

// edges[i] = low + (high - low) (i / bins), exactly `high` at the end; float64 [bins + 1].
NDL_DECLARE_RUN(void, run_even_edges, (double low, double high, const View& edges));
// The bins of x's elements, `bins` for those outside; edges [bins + 1] rise, of x's type: float32 or float64. Equal
// bins have `scale` = bins per unit, others 0.
NDL_DECLARE_RUN(void, run_find_bins, (const View& x, const View& edges, double scale, const View& y));
// counts[i] = how often i is in x, whose numbers all are 0 or more and less than counts has elements.
NDL_DECLARE_RUN(void, run_count_bins, (const View& x, const View& counts));

}  // namespace needlecpp
