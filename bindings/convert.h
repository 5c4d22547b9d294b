// Conversions between Python's arguments and the engine's types.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "needlecpp/core/axis_set.h"
#include "needlecpp/core/tensor.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace needlecpp::python {

// None -> fallback; "float32", numpy.float32, numpy.dtype("float32") or float/int/bool -> the dtype.
DType dtype_of(nb::handle object, DType fallback);
// The same, None -> nothing.
inline std::optional<DType> optional_dtype(nb::handle object) {
  return object.is_none() ? std::optional<DType>() : dtype_of(object, DType::Float32);
}
// A Device, or the one that "cpu", "cuda" or "cuda:1" names; None -> fallback.
Device device_of(nb::handle object, Device fallback = default_device());
// str(object).
std::string text_of(nb::handle object);
// Whether it can stand for one integer: int, numpy.int64(3), a 0-d integer array; not an array with axes, not a Tensor.
bool is_integer(nb::handle object);
// Its value; throws TypeError for floats and ValueError beyond int64.
int64_t int64_of(nb::handle object);
// The value of a float or int; throws OverflowError beyond float64.
double double_of(nb::handle object);
// An int or a sequence of ints; None -> empty.
Dims dims_of(nb::handle object);
// The same; None -> all axes. An empty sequence is no axis, as in NumPy.
AxisSet axes_of(nb::handle object);
// PyTorch's reading, for what is called dim: an empty sequence is all axes.
AxisSet dim_axes_of(nb::handle object);
// Of two names of one argument, whichever is not None; ValueError if both are given.
nb::object either(const char* op, const char* name_a, nb::object a, const char* name_b, nb::object b);
// A sequence of ints of any length; an array or tensor of them, too.
std::vector<int64_t> integers_of(nb::handle object);
// (2, 3) or ((2, 3),): the arguments of reshape(2, 3) and reshape((2, 3)).
Dims dims_of_args(const nb::args& args);
// A Tensor as it is; arrays, DLPack objects, lists and numbers copied (or shared where `share` and possible). What is
// no Tensor comes to `home`. Raises OverflowError for values that the integer
// dtype cannot hold.
Tensor tensor_of(nb::handle object, nb::handle dtype, bool share, Device home = default_device());
// x as `dtype`; OverflowError where an integer dtype cannot hold a value, which cast() would wrap around.
Tensor fitted(const Tensor& x, DType dtype);
// Each item of a sequence so, sharing memory where possible.
Tensors tensors_of(nb::handle sequence);
// Raises OverflowError for a number of Python's or NumPy's that an integer dtype cannot hold.
void check_fits(nb::handle number, DType dtype);
// A value to be stored in, or chosen beside, elements of `dtype` on `device`: numbers and lists take both, arrays
// keep their dtype, and tensors keep both. Numbers have to fit, see check_fits().
Tensor value_of(nb::handle object, DType dtype, Device device);
// The other operand of x, on x's device if it is no Tensor: tensors and arrays keep their dtype; numbers are weak as in
// NumPy: they take x's, but an integer lifts bool to int64 and a float lifts integers to float32. An integer that x's
// dtype cannot hold raises OverflowError, unless it is only to be compared (`exact`).
Tensor beside(nb::handle object, const Tensor& x, bool exact = false);
// A number or list to be compared with elements of x: floats beside integers stay floats.
Tensor compared(nb::handle object, const Tensor& x);
// Two operands of which either may be no Tensor.
std::pair<Tensor, Tensor> operands(nb::handle a, nb::handle b, bool exact = false);
// Whether it can be the other operand: a number, a tensor or an array.
bool stands_beside(nb::handle other);
// Both share memory, and throw TypeError, in the name of `op`, where it is not the CPU's.
nb::object to_numpy(const char* op, const Tensor& x);  // bfloat16 comes as float32
nb::object to_exporter(const Tensor& x);               // an object whose __dlpack__ hands it out
nb::tuple to_tuple(const Dims& dims);
nb::tuple to_tuple(const Tensors& tensors);

// Points and colours: three floats as a tuple.
using Triple = std::tuple<float, float, float>;
inline Triple triple(const float v[3]) { return {v[0], v[1], v[2]}; }
inline void assign(float to[3], const Triple& v) {
  to[0] = std::get<0>(v);
  to[1] = std::get<1>(v);
  to[2] = std::get<2>(v);
}

// Runs without Python's lock.
template <class Fn>
auto unlocked(Fn&& fn) {
  nb::gil_scoped_release release;
  return fn();
}

// A Python callable that the engine may keep and call from any thread; its last reference is dropped with the lock
// held.
class Callable {
 public:
  explicit Callable(nb::object fn)
      : fn_(new nb::object(std::move(fn)), [](nb::object* object) {
          if (!nb::is_alive()) return;
          nb::gil_scoped_acquire acquire;
          delete object;
        }) {}
  // The caller holds the lock.
  template <class... Args>
  nb::object operator()(Args&&... args) const {
    return (*fn_)(std::forward<Args>(args)...);
  }

 private:
  std::shared_ptr<nb::object> fn_;
};

// What `import *` takes of a module, and what stands in its stub: all that has been bound in it.
void name_all(nb::module_& m);

void bind_tensor(nb::module_& m);
void bind_operators(nb::class_<Tensor>& c);
void bind_ops(nb::module_& m);
void bind_autograd(nb::module_& m);
void bind_cameras(nb::module_& m);
void bind_picture(nb::module_& m);
void bind_occupancy(nb::module_& m);
void bind_field(nb::module_& m);
void bind_fields(nb::module_& m);
void bind_scene(nb::module_& m);
void bind_renderer(nb::module_& m);
void bind_train(nb::module_& m);
void bind_safetensors(nb::module_& m);
void explain_arguments(nb::module_& m);

}  // namespace needlecpp::python
