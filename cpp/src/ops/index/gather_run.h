// What reading and writing by index ask of a device; gather.cpp tells how the ops come down to this.
#pragma once

#include "core/run.h"
#include "ops/index/gather_kernels.h"

namespace needlecpp {

// offsets[p] (int64) = where p of the index lies, or with `add` that much more. The index is int64 or int32; both are
// contiguous. Returns the first position whose index is outside its axis, and -1 if there is none; after the former,
// nothing is known of the offsets.
NDL_DECLARE_RUN(int64_t, run_offsets, (const View& index, const IndexedAxis& axis, bool add, const View& offsets));
// y[p] = the element of x where p of the index lies, both contiguous; returns what run_offsets does.
NDL_DECLARE_RUN(int64_t, run_take_single, (const View& x, const View& index, const IndexedAxis& axis, const View& y));

// Elements of any one type move between x, of any layout, and y, which is contiguous: see Places. The offsets are
// int64, contiguous and inside x. Of several writes to one place the last stays.
NDL_DECLARE_RUN(void, run_take, (const Places& places, const View& offsets, const View& x, const View& y));
NDL_DECLARE_RUN(void, run_put, (const Places& places, const View& offsets, const View& x, const View& y));
// x combined with y, in the order of y: float32, float64, int32 or int64.
NDL_DECLARE_RUN(void, run_combine,
                (const Places& places, const View& offsets, const View& x, const View& y, Combine combine));

// How many elements of `flags` (bool, contiguous) are true. starts[b] (int64) is how many come before block b of
// kFlagBlock flags; it is given where there is more than one block.
inline constexpr int64_t kFlagBlock = 32 << 10;
NDL_DECLARE_RUN(int64_t, run_count_true, (const View& flags, const View& starts));
// Their places along each axis, int64 [how many, rank of the flags], contiguous; starts as run_count_true left it.
NDL_DECLARE_RUN(void, run_write_true, (const View& flags, const View& starts, const View& places));

}  // namespace needlecpp
