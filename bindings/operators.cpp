// Python's operators on Tensor, and the methods that edit in place.
#include "binder.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/ops/matmul.h"

namespace needlecpp::python {
namespace {

// Whether it can be the other operand: a number, a tensor or an array.
bool stands_beside(nb::handle other) {
  return PyFloat_Check(other.ptr()) || PyLong_Check(other.ptr()) || nb::isinstance<Tensor>(other) ||
         nb::hasattr(other, "__array__");
}

// A Python float lifts an integer tensor to float32; an int does not.
template <BinaryNumber fn>
Tensor with_float(const Tensor& x, nb::float_ number) {
  const double value = PyFloat_AsDouble(number.ptr());
  return unlocked([&] { return fn(is_floating(x.dtype()) ? x : cast(x, DType::Float32), value); });
}
// A double cannot hold every int64, so integers meet as tensors.
template <Binary both, BinaryNumber fn, bool kReflected>
Tensor with_int(const Tensor& x, nb::int_ number) {
  if (is_floating(x.dtype())) {
    const double value = PyLong_AsDouble(number.ptr());
    if (value == -1 && PyErr_Occurred()) nb::raise_python_error();
    return unlocked([&] { return fn(x, value); });
  }
  const Tensor y = beside(number, x);
  return unlocked([&] { return kReflected ? both(y, x) : both(x, y); });
}
// Anything that can stand beside a tensor; Python is left to try the other side's operator for the rest.
template <Binary both, bool kReflected, bool kExact>
nb::typed<nb::object, Tensor> with_object(const Tensor& x, nb::object other) {
  if (!stands_beside(other)) return nb::borrow(nb::handle(Py_NotImplemented));
  const Tensor y = beside(other, x, kExact);
  return nb::cast(unlocked([&] { return kReflected ? both(y, x) : both(x, y); }));
}

Tensor reverse_sub(const Tensor& x, double a) { return sub(a, x); }
Tensor reverse_div(const Tensor& x, double a) { return div(a, x); }
Tensor reverse_pow(const Tensor& x, double a) { return pow(Tensor::full({}, a, x.dtype(), x.device()), x); }

// tensor op tensor, tensor op number, and number op tensor under the reflected name.
template <Binary both, BinaryNumber number, BinaryNumber reflected>
void bind_operator(nb::class_<Tensor>& c, const char* name, const char* reflected_name) {
  c.def(name, both, Release(), nb::is_operator());
  c.def(name, &with_float<number>, nb::is_operator());
  c.def(name, &with_int<both, number, false>, nb::is_operator());
  c.def(name, &with_object<both, false, false>, nb::is_operator());
  c.def(reflected_name, &with_float<reflected>, nb::is_operator());
  c.def(reflected_name, &with_int<both, reflected, true>, nb::is_operator());
  c.def(reflected_name, &with_object<both, true, false>, nb::is_operator());
}
// The same where numbers have no shortcut.
template <Binary both, bool kExact = false>
void bind_operator(nb::class_<Tensor>& c, const char* name, const char* reflected_name = nullptr) {
  c.def(name, both, Release(), nb::is_operator());
  c.def(name, &with_object<both, false, kExact>, nb::is_operator());
  if (reflected_name) c.def(reflected_name, &with_object<both, true, kExact>, nb::is_operator());
}

template <bool kReflected>
nb::typed<nb::object, std::pair<Tensor, Tensor>> divmod(const Tensor& x, nb::object other) {
  if (!stands_beside(other)) return nb::borrow(nb::handle(Py_NotImplemented));
  const Tensor y = beside(other, x);
  return nb::cast(unlocked([&] {
    return kReflected ? std::pair(floor_divide(y, x), remainder(y, x)) : std::pair(floor_divide(x, y), remainder(x, y));
  }));
}

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

void bind_edits(nb::class_<Tensor>& c) {
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

}  // namespace

void bind_operators(nb::class_<Tensor>& c) {
  bind_operator<add, add, add>(c, "__add__", "__radd__");
  bind_operator<sub, sub, reverse_sub>(c, "__sub__", "__rsub__");
  bind_operator<mul, mul, mul>(c, "__mul__", "__rmul__");
  bind_operator<div, div, reverse_div>(c, "__truediv__", "__rtruediv__");
  bind_operator<pow, pow, reverse_pow>(c, "__pow__", "__rpow__");
  bind_operator<floor_divide>(c, "__floordiv__", "__rfloordiv__");
  bind_operator<remainder>(c, "__mod__", "__rmod__");
  bind_operator<matmul>(c, "__matmul__", "__rmatmul__");
  bind_operator<bitwise_and>(c, "__and__", "__rand__");
  bind_operator<bitwise_or>(c, "__or__", "__ror__");
  bind_operator<bitwise_xor>(c, "__xor__", "__rxor__");
  bind_operator<bitwise_left_shift>(c, "__lshift__", "__rlshift__");
  bind_operator<bitwise_right_shift>(c, "__rshift__", "__rrshift__");
  bind_operator<eq, true>(c, "__eq__");
  bind_operator<ne, true>(c, "__ne__");
  bind_operator<lt, true>(c, "__lt__");
  bind_operator<le, true>(c, "__le__");
  bind_operator<gt, true>(c, "__gt__");
  bind_operator<ge, true>(c, "__ge__");
  c.def("__divmod__", &divmod<false>, nb::is_operator());
  c.def("__rdivmod__", &divmod<true>, nb::is_operator());
  c.def("__neg__", &neg, Release());
  c.def("__pos__", &positive, Release());
  c.def("__abs__", static_cast<Unary>(&abs), Release());
  c.def("__invert__", &bitwise_not, Release());
  c.def(
      "__round__", [](const Tensor& x, std::optional<int> decimals) { return round(x, decimals.value_or(0)); },
      "ndigits"_a = nb::none(), Release());
  bind_edits(c);
}

}  // namespace needlecpp::python
