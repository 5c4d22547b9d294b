// Gathering and scattering.
#include "needlecpp/ops/gather.h"

#include "binder.h"

namespace needlecpp::python {

void bind_gather(Binder& b) {
  b.both("gather", &gather, "a"_a, "axis"_a, "index"_a, Release(), "y[i][j] = x[index[i][j]][j] for axis 0.");
  b.both("scatter_add", &scatter_add, "a"_a, "axis"_a, "index"_a, "src"_a, Release(),
         "x with src added at the places that gather reads.");
  b.both("index_select", &index_select, "a"_a, "axis"_a, "index"_a, Release(), "Slices of x along an axis.");
  b.both("index_add", &index_add, "a"_a, "axis"_a, "index"_a, "src"_a, Release(), "x with slices of src added.");
  b.m.def("nonzero", &nonzero, "a"_a, Release(), "Positions of nonzero elements, int64 [count, ndim].");
  b.m.def(
      "one_hot",
      [](const Tensor& classes, int64_t num_classes, nb::object dtype) {
        return one_hot(classes, num_classes, dtype_of(dtype, DType::Float32));
      },
      "classes"_a, "num_classes"_a, "dtype"_a = nb::none(), "1 at the class, 0 elsewhere.");
}

}  // namespace needlecpp::python
