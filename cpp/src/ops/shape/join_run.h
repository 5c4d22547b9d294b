// Copies that join, keep or repeat parts of a tensor, as a device does them.
#pragma once

#include "core/run.h"

namespace needlecpp {

// y = the parts, of y's type, one behind the other along `axis`.
NDL_DECLARE_RUN(void, run_concat, (const View* parts, int64_t count, int axis, const View& y));
// target = source, of one shape and type; the elements of all axes from `axis` on often lie side by side in both.
NDL_DECLARE_RUN(void, run_copy_rows, (const View& source, const View& target, int axis));
// y = the matrices of x (both contiguous) with zeros outside the columns [0, row + shift] of every row (lower), or
// outside those from row + shift on.
NDL_DECLARE_RUN(void, run_triangle, (const View& x, int64_t shift, bool lower, const View& y));
// The sum of `times` (int64, contiguous); the number of the first that is negative or lets the sum pass 2^60, as
// -1 - number.
NDL_DECLARE_RUN(int64_t, run_count_repeats, (const View& times));
// y (int64) = 0 times[0] times, then 1 times[1] times, ...
NDL_DECLARE_RUN(void, run_repeat_places, (const View& times, const View& y));

}  // namespace needlecpp
