// What scans ask of a device.
#pragma once

#include "core/run.h"
#include "ops/reduce/scan_kernels.h"

namespace needlecpp {

// Scans x along `axis` into y, of x's shape; `reverse` from its end to its start. x: any layout, no half type, at least
// one axis. a: Linear's factors, of x's shape and type, not given otherwise. y: int64 for places and for sums and
// products of integers, else as x; ScanOp says what `exclusive` ones hold.
NDL_DECLARE_RUN(void, run_scan,
                (ScanOp op, const View& x, const View& a, const View& y, int axis, bool exclusive, bool reverse));
// The same along axis 0 in each of the segments [offsets[s], offsets[s + 1]); all contiguous. Places count from the
// start of x.
NDL_DECLARE_RUN(void, run_scan_segments,
                (ScanOp op, const View& x, const View& a, const View& offsets, const View& y, bool exclusive,
                 bool reverse));

}  // namespace needlecpp
