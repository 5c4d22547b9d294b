// Instantiates the formulas of the kernel headers on the device. It is compiled by .ci/check_kernels_cuda.sh, not run:
// a formula that calls what the device lacks fails here, on the day it is written.
#include "ops/elementwise/elementwise_kernels.h"
#include "ops/layers/optim_step_kernels.h"
#include "ops/reduce/reduce_kernels.h"
#include "ops/shape/random_kernels.h"
#include "render/ops/camera_kernels.h"
#include "render/ops/encoding_kernels.h"
#include "render/ops/fused_mlp_kernels.h"
#include "render/ops/hashgrid_kernels.h"
#include "render/ops/occupancy_kernels.h"
#include "render/ops/picture_kernels.h"
#include "render/ops/volume_kernels.h"
#include "simd/half.h"

namespace needlecpp::NDL_ISA {

template <class T>
__device__ T all_unary(T x) {
  T sum = 0;
#define NDL_ADD(op) sum += unary_formula<UnaryOp::op, T>(x, T(-1), T(1), T(1));
  NDL_UNARY_OPS(NDL_ADD)
#undef NDL_ADD
  return sum;
}
template <class T>
__device__ T all_binary(T a, T b) {
  T sum = 0;
#define NDL_ADD(op) sum += binary_formula<BinaryOp::op, T>(a, b);
  NDL_BINARY_OPS(NDL_ADD)
#undef NDL_ADD
#define NDL_ADD(op) sum += ternary_formula<TernaryOp::op, T>(a, b, a, b);
  NDL_TERNARY_OPS(NDL_ADD)
#undef NDL_ADD
#define NDL_ADD(op) sum += T(compare_formula<CompareOp::op, T>(a, b));
  NDL_COMPARE_OPS(NDL_ADD)
#undef NDL_ADD
  return sum;
}

template <class T>
__global__ void elementwise(T* y, const T* a, const T* b) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  y[i] = all_unary<T>(a[i]) + all_binary<T>(a[i], b[i]) + better_of<ReduceOp::Max, T>(a[i], b[i]) +
         better_of<ReduceOp::Min, T>(a[i], b[i]) + half_to_float(float_to_half(static_cast<float>(a[i]))) +
         brain_to_float(float_to_brain(static_cast<float>(b[i])));
}
template __global__ void elementwise<float>(float*, const float*, const float*);
template __global__ void elementwise<double>(double*, const double*, const double*);

template <class T>
__global__ void optimizers(AdamArgs adam, SgdArgs sgd) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const auto at = [i](void* x) -> T& { return static_cast<T*>(x)[i]; };
  at(adam.parameter) =
      adam_update<T, T>(AdamRates<T>(adam), at(adam.parameter), at(adam.gradient), at(adam.m), at(adam.v));
  at(sgd.parameter) = sgd_update<T, T>(SgdRates<T>(sgd), at(sgd.parameter), static_cast<const T*>(sgd.gradient)[i],
                                       at(sgd.momentum_buffer));
}
template __global__ void optimizers<float>(AdamArgs, SgdArgs);
template __global__ void optimizers<double>(AdamArgs, SgdArgs);

__global__ void randomness(float* y, int64_t* integers) {
  const int64_t i = blockIdx.x * blockDim.x + threadIdx.x;
  const Philox4 bits = philox(1, 2, static_cast<uint64_t>(i));
  float second;
  box_muller(positive_uniform(bits.x), in_range(uniform24(bits.y), 0.0f, 1.0f), 6.2831853f, &y[i], &second);
  y[i] += second + static_cast<float>(positive_uniform(bits.z, bits.w));
  integers[i] = integer_in_range(bits.x, bits.y, -5, 11);
}

template <class T>
__global__ void rendering(T* y, const T* x, const float* ray, HashGridLevelArgs level) {
  const int64_t i = blockIdx.x * blockDim.x + threadIdx.x;
  T undistorted[2], fisheye[3];
  const PlaneLens<T> lens{x[2], x[3], x[4], x[5], x[2], x[3], x[4], x[5], x[2], x[3], x[4], x[5]};
  undistort(BrownLens<T>{x[2], x[3], x[4], x[5]}, x[0], x[1], undistorted[0], undistorted[1]);
  undistort_in_stages(lens, x[0], x[1], undistorted[0], undistorted[1]);
  fisheye_ray(x[2], x[3], x[4], x[5], x[0], x[1], fisheye[0], fisheye[1], fisheye[2]);
  float near, far;
  box_interval(ray, ray + 3, ray + 6, ray + 9, near, far);

  T basis[16], basis_slope[3], sine, cosine;
  harmonics(4, x[0], x[1], x[2], basis);
  harmonics_slope(4, x[0], x[1], x[2], basis, basis_slope);
  sinusoid(x[0], 8.0f, sine, cosine);

  const T at = lattice_position(x[i], T(15));
  const AxisWeights<T> weights = axis_weights(at - m_floor(at));
  T face[4], corners[kCorners], slope[3];
  face_weights(weights, weights, face);
  for (int c = 0; c < kCorners; ++c)
    corners[c] = T(corner_entry(level, c, lattice_cell(m_floor(at)), 1, 2)) * face[c % 4];
  trilinear_slope(weights, weights, weights, corners, slope);

  float point[3];
  const int64_t cell = probe(i, 64, 512, 8, 1, 2, point);
  y[i] = undistorted[0] + undistorted[1] + undistort_error(lens, x[0], x[1], x[2], x[3]) + fisheye[2] + T(near) +
         T(far) + basis_slope[0] + sine + cosine + slope[0] + T(step_length(near, 0.1f, 0.01f, 1.0f)) + T(cell) +
         sample_weight(x[0], T(1), m_exp(-x[0])) + mlp_sigmoid_backward(mlp_sigmoid(x[1]), mlp_relu(x[2])) +
         T(rounded_mean(double(near), 2.0, inverse_of(2.0))) + T(overlap({3, 7}, i, i));
}
template __global__ void rendering<float>(float*, const float*, const float*, HashGridLevelArgs);
template __global__ void rendering<double>(double*, const double*, const float*, HashGridLevelArgs);

}  // namespace needlecpp::NDL_ISA
