// Fields between Python and C++.
#pragma once

#include "convert.h"
#include "needlecpp/render/field.h"

namespace needlecpp::python {

// The field that a Python object is: one of this library's, or a needlecpp.render.Field, which is called back for
// densities and colours.
std::shared_ptr<Field> field_of(nb::handle object);
// And back.
nb::object object_of(const std::shared_ptr<Field>& field);

}  // namespace needlecpp::python
