// What core asks of a device: to fill memory, and to bring elements there and back.
#pragma once

#include "core/run.h"

namespace needlecpp {

// The one element of `value`, in the host's memory, over and over. `y` is contiguous and of its type.
NDL_DECLARE_RUN(void, run_fill, (const View& value, const View& y));
// Elements from the host's memory, contiguous, to the device's: `y` is contiguous, and of the same type and count.
NDL_DECLARE_RUN(void, run_write, (const View& host, const View& y));
// Elements of any layout from the device's memory, in C order, to the host's, where they lie contiguous. Waits for the
// device: the host reads them next.
NDL_DECLARE_RUN(void, run_read, (const View& x, const View& host));

}  // namespace needlecpp
