// What sorting asks of a device.
#pragma once

#include "core/run.h"

namespace needlecpp {

// The first k of every row of x along `axis` in sorted order, written to what is given of values (x's type) and places
// (int64). x of any type; all of any layout and of x's shape, but k long on the axis. Equal elements keep their order,
// NaN comes last (first if descending).
NDL_DECLARE_RUN(void, run_sort,
                (const View& x, int axis, bool descending, int64_t k, const View& values, const View& places));

}  // namespace needlecpp
