// Sparse products on a device.
#pragma once

#include "core/run.h"

namespace needlecpp {

// Where a matrix in compressed rows has entries, int64 and contiguous.
struct SparsePattern {
  View offsets;  // [rows + 1]
  View columns;  // [n]
  int64_t cols;
  int64_t rows() const { return offsets.count - 1; }
  int64_t count() const { return columns.count; }
};

// The place of the first offset that does not fit: offsets start at 0, never fall and end at n. -1 if all do.
NDL_DECLARE_RUN(int64_t, run_find_bad_offset, (const SparsePattern& pattern));
// The place of a column that is not in [0, cols), or -1.
NDL_DECLARE_RUN(int64_t, run_find_bad_column, (const SparsePattern& pattern));
// All of one dtype, float32, float64 or int64 (which wraps around). Rows of dense matrices have adjacent elements.
// y [rows, k] = A dense: values [n] and y contiguous, dense [cols, k].
NDL_DECLARE_RUN(void, run_sparse_product,
                (const SparsePattern& pattern, const View& values, const View& dense, const View& y));
// values[p] = left[row of p] . right[column of p]: left [rows, k], right [cols, k], values [n] contiguous.
NDL_DECLARE_RUN(void, run_sparse_dots,
                (const SparsePattern& pattern, const View& left, const View& right, const View& values));

}  // namespace needlecpp
