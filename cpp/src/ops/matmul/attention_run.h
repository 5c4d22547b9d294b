// Attention on a device.
#pragma once

#include "core/run.h"

namespace needlecpp {

// All with the same leading axes, of one dtype, float32 or float64.
struct AttentionInputs {
  View query, key, value;  // [..., l, e], [..., s, e], [..., s, ev], contiguous
  View mask;               // [..., l, s] of any strides, added to the scores; may be missing
  double scale;            // of the scores
  bool causal;             // query i looks at keys 0 to i
};

// y [..., l, ev] = softmax(query key^T scale + mask) value, and for the backward the largest score of each query and
// the logarithm of its sum [..., l, 1]. All contiguous, l and the leading axes not empty.
NDL_DECLARE_RUN(void, run_attention,
                (const AttentionInputs& inputs, const View& y, const View& tops, const View& log_sums));
// Adds the gradients of the inputs to dq, dk and dv; delta [..., l, 1] is the sum of dy * y.
NDL_DECLARE_RUN(void, run_attention_backward,
                (const AttentionInputs& inputs, const View& dy, const View& tops, const View& log_sums,
                 const View& delta, const View& dq, const View& dk, const View& dv));

}  // namespace needlecpp
