// Python's operators on Tensor.
#include "binder.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/matmul.h"

namespace needlecpp::python {
namespace {

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
}

}  // namespace needlecpp::python
