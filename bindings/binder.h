// How ops are bound: as module functions, and as methods of Tensor under the same names. One file a family in ops/.
#pragma once

#include "convert.h"

namespace needlecpp::python {

using Release = nb::call_guard<nb::gil_scoped_release>;
using Unary = Tensor (*)(const Tensor&);
using Binary = Tensor (*)(const Tensor&, const Tensor&);
using BinaryNumber = Tensor (*)(const Tensor&, double);
using Reduction = Tensor (*)(const Tensor&, const Dims&, bool);

struct Binder {
  nb::module_& m;
  nb::class_<Tensor> tensor;

  // A module function and the method of the same name; `self` is the first argument's name in the function.
  template <class Fn, class... Extra>
  void both(const char* name, Fn&& fn, nb::arg self, const Extra&... extra) {
    m.def(name, fn, self, extra...);
    tensor.def(name, fn, extra...);
  }
  void unary(const char* name, Unary fn, const char* doc) { both(name, fn, "a"_a, Release(), doc); }
  void binary(const char* name, Binary fn, BinaryNumber number, const char* doc) {
    both(name, fn, "a"_a, "b"_a, Release(), doc);
    if (number) both(name, number, "a"_a, "b"_a, Release());
  }
  void reduction(const char* name, Reduction fn, const char* doc) {
    both(
        name,
        [fn](const Tensor& x, nb::object axis, bool keepdims, nb::object axes) {
          const Dims dims = dims_of(axes.is_none() ? axis : axes);
          return unlocked([&] { return fn(x, dims, keepdims); });
        },
        "a"_a, "axis"_a = nb::none(), "keepdims"_a = false, "axes"_a = nb::none(), doc);
  }
};

void bind_creation(Binder& b);
void bind_elementwise(Binder& b);
void bind_gather(Binder& b);
void bind_linalg(Binder& b);
void bind_matmul(Binder& b);
void bind_optim_step(Binder& b);
void bind_reduce(Binder& b);
void bind_scan(Binder& b);
void bind_shape(Binder& b);
void bind_softmax(Binder& b);
void bind_sort(Binder& b);
void bind_sparse(Binder& b);

}  // namespace needlecpp::python
