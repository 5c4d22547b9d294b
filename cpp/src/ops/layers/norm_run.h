// What the ops of norm.cpp ask of a device.
#pragma once

#include "core/run.h"
#include "ops/layers/norm_kernels.h"

namespace needlecpp {

// All views are contiguous and of one type, float32 or float64; x is not empty, and weight and bias may be missing.
//
// y = (x - mean) * rstd * weight + bias, and stats [3, rows] = mean, variance and rstd = 1 / sqrt(variance + eps).
NDL_DECLARE_RUN(void, run_norm, (const NormRows& rows, View x, View weight, View bias, View y, View stats));
// The gradients, of which each may be missing. dweight and dbias are sums that are left to be added up: for each chunk
// [rows, chunks]; or, where weights run along the row, of equal slices of the rows, [slices, chunk] and zero before.
NDL_DECLARE_RUN(void, run_norm_backward,
                (const NormRows& rows, View x, View dy, View weight, View stats, View dx, View dweight, View dbias));

// Batch normalization of x [rows, columns], each column by itself, whose numbers are not adjacent. stats [3, columns].
// Sums over equal slices of the rows, added to parts (float64 [slices, 1 or 2, columns]): of x, of (x - mean)^2, or of
// dy * (x - mean) * rstd and dy.
NDL_DECLARE_RUN(void, run_norm_column_sums, (ColumnsOp op, View x, View dy, View stats, View parts));
NDL_DECLARE_RUN(void, run_norm_columns, (View x, View weight, View bias, View stats, View y));
// mean_gn and mean_g [columns]: the means of those two products.
NDL_DECLARE_RUN(void, run_norm_columns_backward,
                (View x, View dy, View weight, View stats, View mean_gn, View mean_g, View dx));

}  // namespace needlecpp
