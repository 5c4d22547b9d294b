// Binds every family of ops: all files in ops/, of which the build makes the list families.inc.
#include "binder.h"

namespace needlecpp::python {

#define NDL_FAMILY(stem) void bind_##stem(Binder b);
#include "families.inc"
#undef NDL_FAMILY

void name_all(nb::module_& m) {
  nb::list names;
  for (nb::handle name : nb::list(m.attr("__dict__").attr("keys")()))
    if (!nb::cast<std::string>(name).starts_with("_")) names.append(name);
  names.sort();
  m.attr("__all__") = names;
}

void bind_ops(nb::module_& m) {
  nb::module_ ops = m.def_submodule("ops", "The ops, as needlecpp.ops offers them.");
  nb::module_ functional = m.def_submodule("functional", "Those of layers, as needlecpp.nn.functional offers them.");
  const Binder b{m, ops, functional, nb::borrow<nb::class_<Tensor>>(m.attr("Tensor"))};
#define NDL_FAMILY(stem) bind_##stem(b);
#include "families.inc"
#undef NDL_FAMILY
  name_all(ops);
  name_all(functional);
}

}  // namespace needlecpp::python
