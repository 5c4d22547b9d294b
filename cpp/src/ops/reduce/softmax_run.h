// What softmax and its relatives ask of a device: float32 or float64 alone, all of one type, at least one element.
#pragma once

#include "core/run.h"
#include "ops/reduce/softmax_kernels.h"

namespace needlecpp {

// Along the rows of x [rows, length], whose columns are adjacent. y is contiguous, as x, or [rows] for LogSumExp, whose
// `top` [rows] may be given: the largest x of a row, or 0 for an infinity; y is then less by that.
NDL_DECLARE_RUN(void, run_softmax_rows, (SoftmaxOp op, const View& x, const View& y, const View& top));
// Down the columns of x [outer, length, inner], whose inner axis is adjacent. y is contiguous, as x, or [outer, inner]
// for LogSumExp.
NDL_DECLARE_RUN(void, run_softmax_columns, (SoftmaxOp op, const View& x, const View& y));
// dx (contiguous) of Softmax or LogSoftmax from y and dy, all [rows, length] with adjacent columns.
NDL_DECLARE_RUN(void, run_softmax_backward, (SoftmaxOp op, const View& y, const View& dy, const View& dx));

}  // namespace needlecpp
