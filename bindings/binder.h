// How ops are bound: as functions of _core.ops, and as methods of Tensor under the same names. Each file in ops/ has
// the stem of the public header whose functions it binds, and binds them in a function of that name: ops/conv.cpp has
// void bind_conv(Binder b), and the build finds it there. What is bound is public by that: needlecpp.ops offers it.
#pragma once

#include <string_view>
#include <type_traits>
#include <utility>

#include "convert.h"

namespace needlecpp::python {

using Release = nb::call_guard<nb::gil_scoped_release>;
using Unary = Tensor (*)(const Tensor&);
using Binary = Tensor (*)(const Tensor&, const Tensor&);
using BinaryNumber = Tensor (*)(const Tensor&, double);
using Reduction = Tensor (*)(const Tensor&, const AxisSet&, bool);
using AxesOf = AxisSet (*)(nb::handle);

// PyTorch's keyword for an argument of ours, if it has another.
inline const char* torch_name(const char* name) {
  const std::string_view ours = name ? name : "";
  for (const auto& [name_here, name_there] :
       {std::pair{"axis", "dim"}, std::pair{"axes", "dims"}, std::pair{"keepdims", "keepdim"},
        std::pair{"axis0", "dim0"}, std::pair{"axis1", "dim1"}, std::pair{"axis2", "dim2"}})
    if (ours == name_here) return name_there;
  return nullptr;
}
template <class Extra>
bool has_torch_name(const Extra& extra) {
  if constexpr (requires { extra.name_; }) return torch_name(extra.name_) != nullptr;
  return false;
}
template <class Extra>
Extra with_torch_name(Extra extra) {
  if constexpr (requires { extra.name_; })
    if (const char* name = torch_name(extra.name_)) extra.name_ = name;
  if constexpr (std::is_convertible_v<Extra, const char*>) return "";  // the docstring stands with the first
  return extra;
}

struct Binder {
  nb::module_ core;        // needlecpp._core: what functions written in Python are made of
  nb::module_ ops;         // needlecpp._core.ops, which needlecpp.ops offers
  nb::module_ functional;  // needlecpp._core.functional, which needlecpp.nn.functional offers
  nb::class_<Tensor> tensor;
  bool in_functional = false;

  // Binds into needlecpp.nn.functional as well.
  Binder layers() const {
    Binder b = *this;
    b.in_functional = true;
    return b;
  }
  // A function with its arguments as they are named.
  template <class Fn, class... Extra>
  void def(const char* name, Fn&& fn, const Extra&... extra) {
    ops.def(name, std::forward<Fn>(fn), extra...);
    if (in_functional) functional.attr(name) = ops.attr(name);
  }
  // A function. Arguments named axis, axes and keepdims may be given as dim, dims and keepdim, too.
  template <class Fn, class... Extra>
  void function(const char* name, Fn&& fn, const Extra&... extra) {
    def(name, fn, extra...);
    if ((has_torch_name(extra) || ...)) def(name, fn, with_torch_name(extra)...);
  }
  template <class Fn, class... Extra>
  void method(const char* name, Fn&& fn, const Extra&... extra) {
    tensor.def(name, fn, extra...);
    if ((has_torch_name(extra) || ...)) tensor.def(name, fn, with_torch_name(extra)...);
  }
  // A function and the method of the same name; `self` is the first argument's name in the function.
  template <class Fn, class... Extra>
  void both(const char* name, Fn&& fn, nb::arg self, const Extra&... extra) {
    function(name, fn, self, extra...);
    method(name, fn, extra...);
  }
  void unary(const char* name, Unary fn, const char* doc) { both(name, fn, "a"_a, Release(), doc); }
  // Of two tensors, or of a tensor and what can stand beside one: numbers (by `number` where it is given), arrays.
  void binary(const char* name, Binary fn, BinaryNumber number, const char* doc, bool exact = false) {
    both(name, fn, "a"_a, "b"_a, Release(), doc);
    both(
        name,
        [fn, number, exact](nb::object a, nb::object b) {
          if (number && !exact && nb::isinstance<Tensor>(a) && (PyFloat_Check(b.ptr()) || PyLong_Check(b.ptr()))) {
            const Tensor x = nb::cast<Tensor>(a);
            if (is_floating(x.dtype())) {
              const double value = double_of(b);
              return unlocked([&] { return number(x, value); });
            }
          }
          const auto [x, y] = operands(a, b, exact);
          return unlocked([&, &x = x, &y = y] { return fn(x, y); });
        },
        "a"_a, "b"_a);
  }
  // A function and method over axes. `make` makes it for a reading of them: axes_of for NumPy's names of the
  // arguments, dim_axes_of for PyTorch's.
  template <class Make, class... Extra>
  void over_axes(const char* name, Make make, nb::arg self, const Extra&... extra) {
    def(name, make(&axes_of), self, extra...);
    def(name, make(&dim_axes_of), self, with_torch_name(extra)...);
    tensor.def(name, make(&axes_of), extra...);
    tensor.def(name, make(&dim_axes_of), with_torch_name(extra)...);
  }
  void reduction(const char* name, Reduction fn, const char* doc) {
    const auto make = [name, fn](AxesOf axes_of) {
      return [name, fn, axes_of](const Tensor& x, nb::object axis, bool keepdims, nb::object axes) {
        const AxisSet over = axes_of(either(name, "axis", axis, "axes", axes));
        return unlocked([&] { return fn(x, over, keepdims); });
      };
    };
    over_axes(name, make, "a"_a, "axis"_a = nb::none(), "keepdims"_a = false, "axes"_a = nb::none(), doc);
  }
};

}  // namespace needlecpp::python
