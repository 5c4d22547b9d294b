// Edits in place: straight into the memory where the kernels can, through a temporary result elsewhere.
#include "needlecpp/ops/inplace.h"

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/shape.h"
#include "ops/elementwise/elementwise_run.h"
#include "ops/plumbing/copy_run.h"

namespace needlecpp {
namespace {

// `source`, or a copy of it where an edit of `target` would change what is still to be read.
Tensor unaliased(const Tensor& source, const Tensor& target) {
  const bool shared = source.impl()->storage == target.impl()->storage;
  const bool same_view =
      source.offset() == target.offset() && source.shape() == target.shape() && source.strides() == target.strides();
  return shared && !same_view ? clone(source) : source;
}

// A result that is to be stored in target: as NumPy, a float does not become an integer unasked.
void check_result(const char* op, const Tensor& target, const Shape& shape, DType dtype) {
  NDL_CHECK(shape == target.shape(), ValueError, op, "the result does not fit in place: got shape ", shape,
            ", expected ", target.shape(), ".");
  NDL_CHECK(is_floating(target.dtype()) || !is_floating(dtype), TypeError, op, "the result does not fit in place: got ",
            name(dtype), ", expected ", name(target.dtype()), ". Cast, or use the op out of place.");
  NDL_CHECK(target.dtype() != DType::Bool || dtype == DType::Bool, TypeError, op,
            "the result does not fit in place: got ", name(dtype), ", expected bool.");
}

// The op on the tape, with a result of target's dtype.
template <class Fn>
void on_tape_edit(const char* op, const Tensor& target, Fn&& out_of_place) {
  edit_on_tape(op, target, [&](const Tensor& before) {
    const Tensor result = out_of_place(before);
    check_result(op, target, result.shape(), result.dtype());
    return cast(result, target.dtype());
  });
}

template <class Fn>
void off_tape_edit(const char* op, const Tensor& target, Fn&& out_of_place) {
  check_inplace(op, target);
  const NoGrad no_grad;
  const Tensor result = out_of_place(target.detach());
  check_result(op, target, result.shape(), result.dtype());
  NDL_ON(target.device(), run_copy)(result, target);
  target.bump_version(op);
}

// target = target op other with no memory between, where both lie contiguous in the dtype that kernels compute in.
bool edit_directly(BinaryOp op, const Tensor& target, const Tensor& other) {
  const bool single = other.numel() == 1 && other.rank() <= target.rank();
  const bool direct = target.is_contiguous() && target.dtype() == other.dtype() &&
                      compute_of(target.dtype()) == target.dtype() &&
                      (single || (other.is_contiguous() && target.shape() == other.shape()));
  if (direct) NDL_ON(target.device(), run_edit)(op, other, target);
  return direct;
}

void edit(BinaryOp which, const char* op_name, const Tensor& target, const Tensor& other,
          Tensor (*out_of_place)(const Tensor&, const Tensor&)) {
  Op op(op_name, target, other);
  if (edits_tape(target, other))
    return on_tape_edit(op_name, target, [&](const Tensor& before) { return out_of_place(before, other); });
  const bool whole_division = which == BinaryOp::Div && !is_floating(target.dtype());  // gives a float
  check_inplace(op_name, target);
  if (!whole_division && edit_directly(which, target, unaliased(other.detach(), target)))
    return target.bump_version(op_name);
  off_tape_edit(op_name, target, [&](const Tensor& before) { return out_of_place(before, other.detach()); });
}

// A summand; of halves in float32, so that only the sum is rounded.
Tensor scaled(const Tensor& source, double scale) {
  if (scale == 1) return source;
  return mul(is_half(source.dtype()) ? cast(source, DType::Float32) : source, scale);
}

// `value` beside target: a number widens no float, and an integer only if it is whole itself.
Tensor number_beside(const Tensor& target, double value) {
  const bool fits = is_floating(target.dtype()) || value == static_cast<double>(static_cast<int64_t>(value));
  return Tensor::full({}, value, fits ? target.dtype() : DType::Float32, target.device());
}

}  // namespace

void copy_(const Tensor& target, const Tensor& source) {
  Op op("copy_", target, source);
  if (edits_tape(target, source))
    return edit_on_tape("copy_", target, [&](const Tensor& before) {
      const Tensor y = cast(broadcast_to(source, target.shape()), target.dtype());
      return op.record(contiguous(clone(y.detach())), {before, y}, {}, [](Backward& g) { g.give(1, g.dy()); });
    });
  check_inplace("copy_", target);
  NDL_ON(op.device(), run_copy)(broadcast_to(unaliased(source.detach(), target), target.shape()), target);
  target.bump_version("copy_");
}

void fill_(const Tensor& target, double value) {
  Op op("fill_", target);
  const Tensor number = op.full({}, value, target.dtype());
  if (edits_tape(target)) return copy_(target, number);
  check_inplace("fill_", target);
  NDL_ON(op.device(), run_copy)(number.view(target.shape(), Dims::filled(target.rank(), 0), 0), target);
  target.bump_version("fill_");
}

void add_(const Tensor& target, const Tensor& source, double scale) {
  edit(BinaryOp::Add, "add_", target, scaled(source, scale), &add);
}
void sub_(const Tensor& target, const Tensor& source, double scale) {
  edit(BinaryOp::Sub, "sub_", target, scaled(source, scale), &sub);
}
void mul_(const Tensor& target, const Tensor& factor) { edit(BinaryOp::Mul, "mul_", target, factor, &mul); }
void mul_(const Tensor& target, double factor) { mul_(target, number_beside(target, factor)); }
void div_(const Tensor& target, const Tensor& divisor) { edit(BinaryOp::Div, "div_", target, divisor, &div); }
void div_(const Tensor& target, double divisor) { div_(target, number_beside(target, divisor)); }

void edit_(const char* name, const Tensor& target, Tensor (*out_of_place)(const Tensor&)) {
  Op op(name, target);
  if (edits_tape(target)) return on_tape_edit(op, target, out_of_place);
  off_tape_edit(op, target, out_of_place);
}

void edit_(const char* name, const Tensor& target, const Tensor& other,
           Tensor (*out_of_place)(const Tensor&, const Tensor&)) {
  Op op(name, target, other);
  if (edits_tape(target, other))
    return on_tape_edit(op, target, [&](const Tensor& before) { return out_of_place(before, other); });
  off_tape_edit(op, target, [&](const Tensor& before) { return out_of_place(before, other.detach()); });
}

void accumulate_into(const Tensor& target, const Tensor& change) {
  if (edit_directly(BinaryOp::Add, target, change)) return;
  const NoGrad no_grad;
  const Tensor sum = add(target.detach(), change.detach());
  check_result("add_", target, sum.shape(), sum.dtype());
  NDL_ON(target.device(), run_copy)(sum, target);
}

}  // namespace needlecpp
