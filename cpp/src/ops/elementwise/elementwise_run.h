// What elementwise ops ask of a device, and the few functions by which the ops of this shelf ask it: they choose the
// type of the result and make it.
#pragma once

#include <cmath>

#include "needlecpp/autograd/op.h"
#include "ops/elementwise/elementwise_kernels.h"
#include "ops/plumbing/operand.h"

namespace needlecpp {

// y is contiguous and has the shape that the operands broadcast to; all may be of any dtype. Numbers are read, computed
// and written in compute_of(y's type), unless it says otherwise.
NDL_DECLARE_RUN(void, run_unary, (UnaryOp op, const Operand& x, const View& y, const Params& params));
NDL_DECLARE_RUN(void, run_binary, (BinaryOp op, const Operand& a, const Operand& b, const View& y));
// target = target op x, where both are contiguous, of one type that is computed in, and of one shape; x may be a single
// element.
NDL_DECLARE_RUN(void, run_edit, (BinaryOp op, const View& x, const View& target));
// Floating types alone. `value`: the factor of Addcmul and Addcdiv.
NDL_DECLARE_RUN(void, run_ternary,
                (TernaryOp op, const Operand& a, const Operand& b, const Operand& c, const View& y, double value));
// y is bool; the operands are read as `compute`: F32, F64 or I64.
NDL_DECLARE_RUN(void, run_compare, (CompareOp op, Element compute, const Operand& a, const Operand& b, const View& y));
// condition is bool.
NDL_DECLARE_RUN(void, run_where, (const Operand& condition, const Operand& a, const Operand& b, const View& y));
// Floating types alone, each computed as it is.
NDL_DECLARE_RUN(void, run_nextafter, (const Operand& a, const Operand& b, const View& y));

// What a result of this type is computed in.
constexpr Element compute_of(Element result) {
  if (result == Element::F64) return Element::F64;
  return is_floating(dtype_of(result)) ? Element::F32 : Element::I64;
}
constexpr DType compute_of(DType result) { return dtype_of(compute_of(element_of(result))); }

inline Tensor unary(UnaryOp op, const Tensor& x, DType result, const Params& params = {}) {
  const Tensor y = Tensor::empty(x.shape(), result, x.device());
  NDL_ON(x.device(), run_unary)(op, x, y, params);
  return y;
}

// Functions of real numbers compute integers in float32.
inline DType real_type(DType dtype) { return is_floating(dtype) ? dtype : DType::Float32; }
inline Tensor unary_real(UnaryOp op, const Tensor& x, const Params& params = {}) {
  return unary(op, x, real_type(x.dtype()), params);
}

inline Tensor binary(BinaryOp op, const char* op_name, const Tensor& a, const Tensor& b, DType result) {
  const Tensor y = Tensor::empty(broadcast_shapes(op_name, a.shape(), b.shape()), result, a.device());
  NDL_ON(a.device(), run_binary)(op, a, b, y);
  return y;
}
// A number counts as one of the type that is computed in.
inline Tensor binary(BinaryOp op, const Tensor& a, double b, DType result) {
  const Tensor y = Tensor::empty(a.shape(), result, a.device());
  NDL_ON(a.device(), run_binary)(op, a, {b, compute_of(result)}, y);
  return y;
}
inline Tensor binary(BinaryOp op, double a, const Tensor& b, DType result) {
  const Tensor y = Tensor::empty(b.shape(), result, b.device());
  NDL_ON(b.device(), run_binary)(op, {a, compute_of(result)}, b, y);
  return y;
}
inline Tensor binary_real(BinaryOp op, const char* op_name, const Tensor& a, const Tensor& b) {
  return binary(op, op_name, a, b, real_type(promote_types(a.dtype(), b.dtype())));
}

// Of floating type.
inline Tensor ternary(TernaryOp op, const char* op_name, const Tensor& a, const Tensor& b, const Tensor& c,
                      DType result, double value = 0) {
  const Shape shape = broadcast_shapes(op_name, broadcast_shapes(op_name, a.shape(), b.shape()), c.shape());
  const Tensor y = Tensor::empty(shape, result, a.device());
  NDL_ON(a.device(), run_ternary)(op, a, b, c, y, value);
  return y;
}

Tensor compare(CompareOp op, const char* op_name, const Tensor& a, const Tensor& b);

inline bool is_whole(double x) { return std::floor(x) == x && std::abs(x) < 9e15; }

// The dtype of "tensor op number": the number is weak and only lifts an integer tensor when it is not whole itself.
inline DType with_number(const Tensor& x, double number) {
  if (is_floating(x.dtype())) return x.dtype();
  if (!is_whole(number)) return DType::Float32;
  return x.dtype() == DType::Bool ? DType::Int64 : x.dtype();
}

// target += change, off the tape and without counting an edit; the shape of change broadcasts to target's.
void accumulate_into(const Tensor& target, const Tensor& change);

// dy where the mask holds, 0 elsewhere; its type is dy's.
Tensor where_or_zero(const Tensor& mask, const Tensor& dy);
Tensor zero_where(const Tensor& mask, const Tensor& dy);

// The gradient of what is constant piece by piece.
inline void give_zeros(Backward& g, int input) {
  if (g.needs(input)) g.give(input, Tensor::zeros(g.input_shape(input), g.dy().dtype(), g.dy().device()));
}

}  // namespace needlecpp
