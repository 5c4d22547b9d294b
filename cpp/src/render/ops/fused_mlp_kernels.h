// What the fused multilayer perceptron's kernels take, and the formulas of one activation.
#pragma once

#include "simd/isa.h"
#include "simd/math.h"

namespace needlecpp {

// Rows of tiles and packed weights are padded to whole vectors of the widest instruction set.
constexpr int64_t kMlpPad = 16;
constexpr int64_t mlp_padded(int64_t width) { return (width + kMlpPad - 1) / kMlpPad * kMlpPad; }
// Floats from one point's row to the next one's. Rows of a large power of two would fall into few sets of the cache.
constexpr int64_t mlp_row(int64_t width) {
  return mlp_padded(width) % 128 == 0 ? mlp_padded(width) + kMlpPad : mlp_padded(width);
}

// Points that pass all layers together.
constexpr int64_t kMlpTile = 72;

enum class MlpActivation { kNone, kRelu, kSigmoid };
// What products are made of: float32 numbers, or bfloat16 ones, as the floats that they are or in pairs by vdpbf16ps,
// which needs kHasBf16Dot.
enum class MlpProducts { kFloat32, kBrainFloats, kBrainPairs };

struct MlpLayer {
  int64_t in, out;
  const float* weight;  // [in, out], any strides
  int64_t weight_in_stride, weight_out_stride;
  float* packed;        // the weight in panels; in * mlp_padded(out) words (pairs of bfloat16: half as many)
  float* packed_t;      // its transpose in panels; out * mlp_padded(in) words, null in the forward pass
  void* saved;          // activations behind it of all points [n, mlp_row(out)]; null: not kept (forward only)
  int64_t gradient_at;  // where its gradient starts in a chunk's buffer, -1 if not wanted
};

// Where the columns of [n, in] lie: column k of point i at `at` + i * row + k % group * column + k / group *
// group_stride. One group of `in` columns is a matrix with any strides; else a group is an encoding's panel, and column
// is 1.
struct MlpColumns {
  float* at;
  int64_t row, column;
  int64_t group, group_stride;
};

struct MlpArgs {
  const MlpLayer* layers;
  int n_layers;
  MlpActivation hidden, output;
  MlpColumns x;
  float* y;         // [n, out] contiguous: written by the forward pass, read by the backward pass of a sigmoid
  const float* dy;  // [n, out] contiguous
  MlpColumns dx;    // `at` is null if not wanted; one group is contiguous rows
  MlpProducts products;
};

// Writes `packed`, and `packed_t` if it is there, from `weight`.
NDL_DECLARE_KERNEL(void, mlp_pack, (MlpProducts products, const MlpLayer& layer))
// Floats of scratch memory that the two passes need.
NDL_DECLARE_KERNEL(int64_t, mlp_scratch, (const MlpArgs& args))
NDL_DECLARE_KERNEL(void, mlp_forward, (const MlpArgs& args, int64_t begin, int64_t end, float* scratch))
// Writes dx of points [begin, end) and adds the weights' gradients into `gradients`, a zeroed buffer of the caller's.
NDL_DECLARE_KERNEL(void, mlp_backward,
                   (const MlpArgs& args, int64_t begin, int64_t end, float* scratch, float* gradients))
// Floats of one layer's gradient in a chunk's buffer.
NDL_DECLARE_KERNEL(int64_t, mlp_gradient_size, (const MlpLayer& layer))
// Adds the floats [begin, end) of `count` buffers, `stride` floats apart, into the first one, in their order.
NDL_DECLARE_KERNEL(void, mlp_sum_chunks, (float* buffers, int64_t stride, int64_t count, int64_t begin, int64_t end))
// gradient [in, out] from the first chunk's buffer.
NDL_DECLARE_KERNEL(void, mlp_unpack_gradient, (const MlpLayer& layer, const float* buffer, float* gradient))

namespace NDL_ISA {

// max(x, 0) as one instruction; NaN stays NaN.
template <class V>
NDL_HD V mlp_relu(V x) {
  const V zero = V{};
  return zero > x ? zero : x;
}
template <class V>
NDL_HD V mlp_sigmoid(V x) {
  return 1.0f / (1.0f + m_exp(-x));
}
// dy times the sigmoid's derivative, from its value y.
template <class V>
NDL_HD V mlp_sigmoid_backward(V y, V dy) {
  return dy * (y * (1.0f - y));
}

}  // namespace NDL_ISA
}  // namespace needlecpp
