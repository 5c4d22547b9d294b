// Feeds elementwise kernels: one output, K inputs of any shape, strides and dtype.
//
// Three routes, fastest first. (1) Everything contiguous, of one shape and of the kernel's dtype: the kernel runs on
// the memory as it is. (2) The innermost merged axis is long and every operand either steps by one or stands still on
// it: the kernel runs on each such row. (3) Otherwise tiles of kTile elements are gathered and converted on the stack
// where they have to be, the kernel runs on them, and the result is converted back.
#pragma once

#include <array>
#include <cstring>

#include "needlecpp/core/parallel.h"
#include "needlecpp/core/tensor.h"
#include "ops/elementwise/elementwise_kernels.h"
#include "ops/plumbing/strided.h"

namespace needlecpp {

inline constexpr int64_t kElementwiseGrain = 1 << 15;
inline constexpr int64_t kTile = 512;
inline constexpr int64_t kShortestRow = 16;

inline Compute compute_of(DType dtype) {
  if (dtype == DType::Float64) return Compute::F64;
  return is_floating(dtype) ? Compute::F32 : Compute::I64;
}
inline DType dtype_of(Compute compute) {
  return compute == Compute::F32 ? DType::Float32 : compute == Compute::F64 ? DType::Float64 : DType::Int64;
}

inline void convert_run(DType to, void* y, int64_t y_stride, DType from, const void* x, int64_t x_stride,
                        int64_t count) {
  NDL_KERNEL(convert_loop)
  ({static_cast<uint8_t>(to), static_cast<uint8_t>(from), y, x, count, y_stride, x_stride});
}

// Elements `stride` apart, as they are, to a row. Runs are short here: a call of a kernel for each would cost more.
inline void gather_run(int64_t size, char* to, const char* from, int64_t stride, int64_t length) {
  const auto gather = [=](auto item) {
    for (int64_t i = 0; i < length; ++i) {
      std::memcpy(&item, from + i * stride * static_cast<int64_t>(sizeof item), sizeof item);
      std::memcpy(to + i * static_cast<int64_t>(sizeof item), &item, sizeof item);
    }
  };
  if (size == 4) return gather(uint32_t{});
  if (size == 8) return gather(uint64_t{});
  if (size == 2) return gather(uint16_t{});
  gather(uint8_t{});
}

// target = source, converting; shapes equal, strides free.
void strided_copy(const Tensor& target, const Tensor& source);
// target += change; the shape of change broadcasts to target's.
void accumulate_into(const Tensor& target, const Tensor& change);

// kernel(y, operands, single, count): y is written in the dtype `write`, the K operands are read in the dtypes `read`;
// single[k] says that operand k is one element for the whole run.
template <int K, class Kernel>
Tensor map(const Shape& shape, DType result, DType write, const std::array<const Tensor*, K>& inputs,
           const std::array<DType, K>& read, Kernel&& kernel) {
  const Tensor y = Tensor::empty(shape, result);
  if (y.numel() == 0) return y;

  std::array<int64_t, K + 1> size;  // bytes an element; the output is operand 0
  std::array<DType, K + 1> dtype;
  std::array<char*, K + 1> base;
  size[0] = static_cast<int64_t>(itemsize(result));
  dtype[0] = result;
  base[0] = static_cast<char*>(y.raw());
  bool plain = result == write;  // no conversion
  bool flat = true;              // contiguous and of one shape
  for (int k = 0; k < K; ++k) {
    const Tensor& x = *inputs[k];
    size[k + 1] = static_cast<int64_t>(itemsize(x.dtype()));
    dtype[k + 1] = x.dtype();
    base[k + 1] = static_cast<char*>(x.raw());
    plain = plain && x.dtype() == read[k];
    flat = flat && (x.numel() == 1 || (x.is_contiguous() && x.shape() == shape));
  }

  if (plain && flat) {
    std::array<bool, K> single;
    for (int k = 0; k < K; ++k) single[k] = inputs[k]->numel() == 1;
    parallel_for(y.numel(), kElementwiseGrain, [&](int64_t begin, int64_t end) {
      std::array<const void*, K> operands;
      for (int k = 0; k < K; ++k) operands[k] = base[k + 1] + (single[k] ? 0 : begin * size[k + 1]);
      kernel(base[0] + begin * size[0], operands, single, end - begin);
    });
    return y;
  }

  std::array<Strides, K + 1> strides;
  strides[0] = y.strides();
  for (int k = 0; k < K; ++k) strides[k + 1] = broadcast_strides(*inputs[k], shape);
  const StridedLoop<K + 1> loop = make_loop<K + 1>(shape, strides);

  bool rows = plain && loop.inner() >= kShortestRow;
  std::array<bool, K> single;
  for (int k = 0; k < K; ++k) {
    const int64_t stride = loop.strides[k + 1].back();
    single[k] = stride == 0;
    rows = rows && (stride == 1 || (stride == 0 && K > 1));  // loops over one operand know no single element
  }
  if (rows) {
    parallel_for(loop.count, kElementwiseGrain, [&](int64_t begin, int64_t end) {
      for_each_run(loop, begin, end, [&](const std::array<int64_t, K + 1>& offsets, int64_t length) {
        std::array<const void*, K> operands;
        for (int k = 0; k < K; ++k) operands[k] = base[k + 1] + offsets[k + 1] * size[k + 1];
        kernel(base[0] + offsets[0] * size[0], operands, single, length);
      });
    });
    return y;
  }

  std::array<bool, K> in_order;  // as the output, in the dtype that is read: used where it lies
  for (int k = 0; k < K; ++k)
    in_order[k] = inputs[k]->dtype() == read[k] && inputs[k]->is_contiguous() && inputs[k]->shape() == shape;
  parallel_for(loop.count, kElementwiseGrain / 4, [&](int64_t begin, int64_t end) {
    alignas(64) char gathered[K][kTile * 8];
    alignas(64) char converted[K + 1][kTile * 8];
    std::array<const void*, K> operands;
    std::array<bool, K> none{};
    for (int64_t at = begin; at < end; at += kTile) {
      const int64_t count = end - at < kTile ? end - at : kTile;
      int64_t filled = 0;
      for_each_run(loop, at, at + count, [&](const std::array<int64_t, K + 1>& offsets, int64_t length) {
        for (int k = 0; k < K; ++k)
          if (!in_order[k])
            gather_run(size[k + 1], gathered[k] + filled * size[k + 1], base[k + 1] + offsets[k + 1] * size[k + 1],
                       loop.strides[k + 1].back(), length);
        filled += length;
      });
      for (int k = 0; k < K; ++k) {
        operands[k] = in_order[k] ? base[k + 1] + at * size[k + 1] : gathered[k];
        if (in_order[k] || dtype[k + 1] == read[k]) continue;
        convert_run(read[k], converted[k + 1], 1, dtype[k + 1], gathered[k], 1, count);
        operands[k] = converted[k + 1];
      }
      char* to = base[0] + at * size[0];  // the output is contiguous
      kernel(result == write ? to : converted[0], operands, none, count);
      if (result != write) convert_run(result, to, 1, write, converted[0], 1, count);
    }
  });
  return y;
}

}  // namespace needlecpp
