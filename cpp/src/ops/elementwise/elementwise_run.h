// How elementwise ops run their kernels: the compute type, the result type, and the formula by name.
#pragma once

#include <cmath>

#include "needlecpp/autograd/function.h"
#include "ops/elementwise/elementwise_map.h"

namespace needlecpp {

inline Tensor unary(UnaryOp op, const Tensor& x, DType result, const Params& params = {}) {
  const Compute compute = compute_of(result);
  return map<1>(x.shape(), result, dtype_of(compute), {&x}, {dtype_of(compute)},
                [=](void* y, const auto& operands, const auto&, int64_t count) {
                  const UnaryArgs args{op, compute, y, operands[0], count, params};
                  compute == Compute::I64 ? NDL_KERNEL(unary_int_loop)(args) : NDL_KERNEL(unary_loop)(args);
                });
}

// Functions of real numbers compute integers in float32.
inline DType real_type(DType dtype) { return is_floating(dtype) ? dtype : DType::Float32; }
inline Tensor unary_real(UnaryOp op, const Tensor& x, const Params& params = {}) {
  return unary(op, x, real_type(x.dtype()), params);
}

inline Tensor binary(BinaryOp op, const char* op_name, const Tensor& a, const Tensor& b, DType result) {
  const Compute compute = compute_of(result);
  return map<2>(broadcast_shapes(op_name, a.shape(), b.shape()), result, dtype_of(compute), {&a, &b},
                {dtype_of(compute), dtype_of(compute)},
                [=](void* y, const auto& operands, const auto& single, int64_t count) {
                  const BinaryArgs args{op, compute, y, operands[0], operands[1], count, single[0], single[1]};
                  compute == Compute::I64 ? NDL_KERNEL(binary_int_loop)(args) : NDL_KERNEL(binary_loop)(args);
                });
}
inline Tensor binary_real(BinaryOp op, const char* op_name, const Tensor& a, const Tensor& b) {
  return binary(op, op_name, a, b, real_type(promote_types(a.dtype(), b.dtype())));
}

// Of floating type.
inline Tensor ternary(TernaryOp op, const char* op_name, const Tensor& a, const Tensor& b, const Tensor& c,
                      DType result, double value = 0) {
  const Compute compute = compute_of(result);
  const DType read = dtype_of(compute);
  const Shape shape = broadcast_shapes(op_name, broadcast_shapes(op_name, a.shape(), b.shape()), c.shape());
  return map<3>(
      shape, result, read, {&a, &b, &c}, {read, read, read},
      [=](void* y, const auto& operands, const auto& single, int64_t count) {
        NDL_KERNEL(ternary_loop)
        ({op, compute, y, operands[0], operands[1], operands[2], count, single[0], single[1], single[2], value});
      });
}

Tensor compare(CompareOp op, const char* op_name, const Tensor& a, const Tensor& b);

inline bool is_whole(double x) { return std::floor(x) == x && std::abs(x) < 9e15; }

// The dtype of "tensor op number": the number is weak and only lifts an integer tensor when it is not whole itself.
inline DType with_number(const Tensor& x, double number) {
  if (is_floating(x.dtype())) return x.dtype();
  if (!is_whole(number)) return DType::Float32;
  return x.dtype() == DType::Bool ? DType::Int64 : x.dtype();
}
inline Tensor number(double value, DType result) { return Tensor::full({}, value, dtype_of(compute_of(result))); }

// dy where the mask holds, 0 elsewhere; its type is dy's.
Tensor where_or_zero(const Tensor& mask, const Tensor& dy);
Tensor zero_where(const Tensor& mask, const Tensor& dy);

// The gradient of what is constant piece by piece.
inline void give_zeros(Backward& g, int input) {
  if (g.needs(input)) g.give(input, Tensor::zeros(g.input_shape(input), g.dy().dtype()));
}

}  // namespace needlecpp
