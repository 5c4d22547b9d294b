// Edits in place: methods alone, and Python's augmented assignments.
#include "needlecpp/ops/inplace.h"

#include "binder.h"
#include "needlecpp/ops/activation.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/matmul.h"

namespace needlecpp::python {
namespace {

using Edit = void (*)(const Tensor&, const Tensor&);

// The method `name` (x.add_(y)), which edits x, and the augmented assignment (x += y), which is the same: the object
// that was edited is the one that goes on, so that no other name, container or view of it is left behind.
template <Binary op>
void bind_edit(nb::class_<Tensor>& c, const char* name, const char* augmented, Edit in_place = nullptr) {
  const auto run = [name, in_place](const Tensor& x, nb::handle other) {
    const Tensor y = beside(other, x);
    nb::gil_scoped_release release;
    in_place ? in_place(x, y) : edit_(name, x, y, op);
  };
  c.def(
      name,
      [run](nb::object self, nb::object other) {
        run(nb::cast<const Tensor&>(self), other);
        return nb::typed<nb::object, Tensor>(self);
      },
      "other"_a, "In place; returns this tensor.");
  if (!augmented) return;
  c.def(
      augmented,
      [run](nb::object self, nb::object other) -> nb::typed<nb::object, Tensor> {
        if (!stands_beside(other)) return nb::borrow(nb::handle(Py_NotImplemented));
        run(nb::cast<const Tensor&>(self), other);
        return self;
      },
      nb::is_operator());
}

// A method that runs edit(self, arguments...) without Python's lock and returns the tensor itself.
template <class... Arguments, class Edit, class... Extra>
void bind_method(nb::class_<Tensor>& c, const char* name, Edit edit, const Extra&... extra) {
  c.def(
      name,
      [edit](nb::object self, Arguments... arguments) {
        const Tensor& x = nb::cast<const Tensor&>(self);
        unlocked([&] {
          edit(x, arguments...);
          return 0;
        });
        return nb::typed<nb::object, Tensor>(self);
      },
      extra...);
}

void add_in_place(const Tensor& x, const Tensor& y) { add_(x, y); }
void sub_in_place(const Tensor& x, const Tensor& y) { sub_(x, y); }
void mul_in_place(const Tensor& x, const Tensor& y) { mul_(x, y); }
void div_in_place(const Tensor& x, const Tensor& y) { div_(x, y); }

}  // namespace

void bind_inplace(Binder b) {
  nb::class_<Tensor>& c = b.tensor;
  bind_edit<add>(c, "add_", "__iadd__", &add_in_place);
  bind_edit<sub>(c, "sub_", "__isub__", &sub_in_place);
  bind_edit<mul>(c, "mul_", "__imul__", &mul_in_place);
  bind_edit<div>(c, "div_", "__itruediv__", &div_in_place);
  bind_edit<pow>(c, "pow_", "__ipow__");
  bind_edit<floor_divide>(c, "floor_divide_", "__ifloordiv__");
  bind_edit<remainder>(c, "remainder_", "__imod__");
  bind_edit<matmul>(c, "matmul_", "__imatmul__");
  bind_edit<bitwise_and>(c, "bitwise_and_", "__iand__");
  bind_edit<bitwise_or>(c, "bitwise_or_", "__ior__");
  bind_edit<bitwise_xor>(c, "bitwise_xor_", "__ixor__");
  bind_edit<bitwise_left_shift>(c, "bitwise_left_shift_", "__ilshift__");
  bind_edit<bitwise_right_shift>(c, "bitwise_right_shift_", "__irshift__");
  bind_edit<maximum>(c, "maximum_", nullptr);
  bind_edit<minimum>(c, "minimum_", nullptr);
  const std::pair<const char*, Unary> edits[] = {
      {"abs_", &abs},     {"ceil_", &ceil},     {"cos_", &cos},         {"exp_", &exp},
      {"floor_", &floor}, {"log_", &log},       {"neg_", &neg},         {"reciprocal_", &reciprocal},
      {"relu_", &relu},   {"rsqrt_", &rsqrt},   {"sigmoid_", &sigmoid}, {"sin_", &sin},
      {"sqrt_", &sqrt},   {"square_", &square}, {"tanh_", &tanh},       {"trunc_", &trunc}};
  for (const auto& [name, op] : edits)
    bind_method(
        c, name, [name, op](const Tensor& x) { edit_(name, x, op); }, "In place; returns this tensor.");
  bind_method<const Tensor&, double>(
      c, "add_", [](const Tensor& x, const Tensor& y, double alpha) { add_(x, y, alpha); }, "other"_a, nb::kw_only(),
      "alpha"_a);
  bind_method<const Tensor&, double>(
      c, "sub_", [](const Tensor& x, const Tensor& y, double alpha) { sub_(x, y, alpha); }, "other"_a, nb::kw_only(),
      "alpha"_a);
  bind_method<const Tensor&>(c, "copy_", &copy_, "source"_a,
                             "The elements of source, which broadcasts and is cast, in place; returns this tensor.");
  c.def(
      "fill_",
      [](nb::object self, nb::object value) {
        const Tensor& x = nb::cast<const Tensor&>(self);
        const Tensor one = value_of(value, x.dtype(), x.device());
        NDL_CHECK(one.rank() == 0, ValueError, "fill_", "not a single value: got shape ", one.shape(),
                  ", expected one number.");
        unlocked([&] {
          copy_(x, one);
          return 0;
        });
        return nb::typed<nb::object, Tensor>(self);
      },
      "value"_a, "One value everywhere, in place; returns this tensor.");
  bind_method(
      c, "zero_", [](const Tensor& x) { fill_(x, 0); }, "Zeros, in place; returns this tensor.");
}

}  // namespace needlecpp::python
