// Arrays in and out: the buffer protocol and DLPack, through nanobind's ndarray.
#include "convert.h"

#include <cmath>
#include <cstring>
#include <memory>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/transfer.h"

namespace needlecpp::python {
namespace {

nb::dlpack::dtype dlpack_dtype(DType dtype) {
  switch (dtype) {
    case DType::Float32:
      return nb::dtype<float>();
    case DType::Float64:
      return nb::dtype<double>();
    case DType::Float16:
      return {static_cast<uint8_t>(nb::dlpack::dtype_code::Float), 16, 1};
    case DType::BFloat16:
      return {static_cast<uint8_t>(nb::dlpack::dtype_code::Bfloat), 16, 1};
    case DType::Int32:
      return nb::dtype<int32_t>();
    case DType::Int64:
      return nb::dtype<int64_t>();
    case DType::UInt8:
      return nb::dtype<uint8_t>();
    case DType::Bool:
      break;
  }
  return {static_cast<uint8_t>(nb::dlpack::dtype_code::Bool), 8, 1};
}

// The dtype of a foreign array; false for those the engine has not.
bool find_dtype(nb::dlpack::dtype foreign, DType& found) {
  for (int i = 0; i < kNumDTypes; ++i)
    if (dlpack_dtype(static_cast<DType>(i)) == foreign) {
      found = static_cast<DType>(i);
      return true;
    }
  return false;
}

using AnyArray = nb::ndarray<nb::ro, nb::device::cpu>;

// Whether its memory may be written. An old, unversioned capsule cannot say; as NumPy does, it is taken for constant
// (JAX's arrays come this way, and must not change).
bool writable(nb::handle object) {
  if (nb::hasattr(object, "flags") && nb::hasattr(object.attr("flags"), "writeable"))
    return nb::cast<bool>(object.attr("flags").attr("writeable"));
  if (nb::hasattr(object, "__dlpack__")) {
    try {
      const nb::object capsule = object.attr("__dlpack__")("max_version"_a = nb::make_tuple(1, 0));
      const char* capsule_name = PyCapsule_GetName(capsule.ptr());
      if (!capsule_name || std::strcmp(capsule_name, "dltensor_versioned") != 0) return false;
    } catch (nb::python_error&) {
      return false;
    }
  }
  nb::ndarray<nb::device::cpu> array;  // refuses what is flagged as read-only
  return nb::try_cast(object, array);
}

[[noreturn]] void raise_out_of_range(nb::handle value, const char* of, const char* remedy) {
  PyErr_Format(PyExc_OverflowError, "[tensor] out of range: got %S, expected a value of %s. %s", value.ptr(), of,
               remedy);
  nb::raise_python_error();
}

// An array of a width that the engine has not (int16, uint32, longdouble, ...) as one of the nearest that it has: every
// integer that int64 holds is kept. uint64 beyond that is refused, unless it is to become floats.
nb::object nearest_array(nb::object array, bool to_float) {
  const std::string kind = nb::cast<std::string>(array.attr("dtype").attr("kind"));
  NDL_CHECK(kind == "b" || kind == "i" || kind == "u" || kind == "f", TypeError, "tensor",
            "unsupported element type: got ", text_of(array.attr("dtype")), ", expected numbers or bool.");
  const int bytes = nb::cast<int>(array.attr("dtype").attr("itemsize"));
  if (kind == "u" && bytes == 8 && !to_float && nb::cast<int64_t>(array.attr("size")) > 0) {
    const nb::object largest = array.attr("max")();
    if (nb::cast<bool>(nb::int_(largest).attr("__gt__")(INT64_MAX)))
      raise_out_of_range(largest, "int64", "Convert it to float64.");
  }
  const char* nearest = kind == "f" || (kind == "u" && bytes == 8 && to_float) ? "float64" : "int64";
  const bool known = kind == "b" || (kind == "f" ? bytes <= 8 : kind == "i" ? bytes >= 4 : bytes == 1);
  const nb::object dtype = known ? nb::object(array.attr("dtype").attr("newbyteorder")("=")) : nb::str(nearest);
  return array.attr("astype")(dtype, "C");
}

Tensor from_array(const AnyArray& array, nb::handle source, bool share, bool to_float) {
  DType dtype;
  if (!find_dtype(array.dtype(), dtype)) {
    const nb::module_ numpy = nb::module_::import_("numpy");
    nb::object found = numpy.attr("asarray")(source);
    if (nb::cast<std::string>(found.attr("dtype").attr("kind")) == "O") found = numpy.attr("from_dlpack")(source);
    const nb::object converted = nearest_array(found, to_float);
    return from_array(nb::cast<AnyArray>(converted), converted, true, to_float);
  }
  Shape shape;
  Strides strides;
  for (size_t i = 0; i < array.ndim(); ++i) {
    shape.push_back(static_cast<int64_t>(array.shape(i)));
    strides.push_back(array.stride(i));
  }
  // The array must outlive the storage; its last reference is dropped with the lock held.
  auto* owner = new AnyArray(array);
  const auto release = [owner] {
    if (!nb::is_alive()) return;
    nb::gil_scoped_acquire acquire;
    delete owner;
  };
  Tensor shared =
      Tensor::wrap(const_cast<void*>(array.data()), shape, strides, dtype, release, share && !writable(source));
  return share ? shared : unlocked([&] { return clone(shared); });
}

}  // namespace

DType dtype_of(nb::handle object, DType fallback) {
  if (object.is_none()) return fallback;
  if (object.is(nb::handle(reinterpret_cast<PyObject*>(&PyFloat_Type)))) return DType::Float32;
  if (object.is(nb::handle(reinterpret_cast<PyObject*>(&PyLong_Type)))) return DType::Int64;
  if (object.is(nb::handle(reinterpret_cast<PyObject*>(&PyBool_Type)))) return DType::Bool;
  if (nb::isinstance<nb::str>(object)) return dtype_from_name(nb::cast<std::string>(object).c_str());
  if (nb::hasattr(object, "name")) return dtype_from_name(nb::cast<std::string>(object.attr("name")).c_str());
  if (nb::hasattr(object, "__name__")) {  // numpy.float32 and its kin
    const std::string type_name = nb::cast<std::string>(object.attr("__name__"));
    return dtype_from_name(type_name == "bool_" ? "bool" : type_name.c_str());
  }
  return dtype_from_name(text_of(object).c_str());
}

Device device_of(nb::handle object, Device fallback) {
  if (object.is_none()) return fallback;
  if (nb::isinstance<Device>(object)) return nb::cast<Device>(object);
  NDL_CHECK(nb::isinstance<nb::str>(object), TypeError, "device", "not a device: got ",
            text_of(object.type().attr("__name__")), ", expected a Device or the name of one.");
  return device_from_name(nb::cast<std::string>(object));
}

std::string text_of(nb::handle object) { return nb::cast<std::string>(nb::str(object)); }

bool is_integer(nb::handle object) {
  if (PyLong_Check(object.ptr())) return !PyBool_Check(object.ptr());
  if (!PyIndex_Check(object.ptr()) || nb::isinstance<Tensor>(object)) return false;
  if (!nb::hasattr(object, "dtype")) return true;
  const std::string kind = text_of(object.attr("dtype").attr("kind"));
  return (kind == "i" || kind == "u") && nb::len(nb::object(object.attr("shape"))) == 0;
}

int64_t int64_of(nb::handle object) {
  const nb::object number = nb::steal(PyNumber_Index(object.ptr()));
  if (!number.is_valid()) nb::raise_python_error();
  int overflow = 0;
  const int64_t value = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  NDL_CHECK(overflow == 0, ValueError, "int", "number out of range: got ", text_of(number), ", expected 64 bits.");
  return value;
}

double double_of(nb::handle object) {
  const double value = PyFloat_AsDouble(object.ptr());
  if (value == -1 && PyErr_Occurred()) {
    if (PyErr_ExceptionMatches(PyExc_OverflowError))
      PyErr_SetString(PyExc_OverflowError,
                      "[number] out of range: got an integer beyond float64, expected a smaller one.");
    else if (PyErr_ExceptionMatches(PyExc_TypeError))
      PyErr_Format(PyExc_TypeError, "[number] not a number: got %R, expected a float or an int.", object.type().ptr());
    nb::raise_python_error();
  }
  return value;
}

Dims dims_of(nb::handle object) {
  Dims dims;
  if (object.is_none()) return dims;
  if (is_integer(object)) {
    dims.push_back(int64_of(object));
    return dims;
  }
  NDL_CHECK(nb::isinstance<nb::sequence>(object), TypeError, "axes", "not integers: got ", text_of(object.type()),
            ", expected an int or a sequence of ints.");
  for (nb::handle item : nb::borrow<nb::sequence>(object)) {
    NDL_CHECK(is_integer(item), TypeError, "axes", "not an integer: got ", text_of(item.type()), ", expected int.");
    dims.push_back(int64_of(item));
  }
  return dims;
}

AxisSet axes_of(nb::handle object) { return object.is_none() ? AxisSet() : AxisSet(dims_of(object)); }
AxisSet dim_axes_of(nb::handle object) {
  const Dims listed = dims_of(object);
  return listed.empty() ? AxisSet() : AxisSet(listed);
}

nb::object either(const char* op, const char* name_a, nb::object a, const char* name_b, nb::object b) {
  NDL_CHECK(a.is_none() || b.is_none(), ValueError, op, name_a, " and ", name_b,
            " mean the same: got both, expected one of them.");
  return a.is_none() ? b : a;
}

std::vector<int64_t> integers_of(nb::handle object) {
  NDL_CHECK(nb::isinstance<nb::sequence>(object), TypeError, "axes", "not integers: got ", text_of(object.type()),
            ", expected a sequence of ints.");
  std::vector<int64_t> integers;
  for (nb::handle item : nb::borrow<nb::sequence>(object)) {
    NDL_CHECK(is_integer(item) || nb::isinstance<Tensor>(item), TypeError, "axes", "not an integer: got ",
              text_of(item.type()), ", expected int.");
    integers.push_back(int64_of(item));
  }
  return integers;
}

Dims dims_of_args(const nb::args& args) {
  if (args.size() == 1 && !is_integer(args[0])) return dims_of(args[0]);
  return dims_of(args);
}

namespace {

struct Range {
  double low;
  double high;  // without
};
// What an integer dtype holds.
Range range_of(DType dtype) {
  if (dtype == DType::Int32) return {-0x1p31, 0x1p31};
  if (dtype == DType::UInt8) return {0, 256};
  return {-0x1p63, 0x1p63};
}
bool is_whole_dtype(DType dtype) { return !is_floating(dtype) && dtype != DType::Bool; }

}  // namespace

// x as `dtype`. What comes from outside is not wrapped around: OverflowError where an integer dtype cannot hold a
// value.
Tensor fitted(const Tensor& x, DType dtype) {
  if (dtype == x.dtype()) return x;
  if (is_whole_dtype(dtype) && (is_floating(x.dtype()) || itemsize(x.dtype()) > itemsize(dtype)) && x.numel() > 0) {
    const auto [low, high] = unlocked([&] {
      const NoGrad no_grad;
      return std::pair(min(x).item(), max(x).item());
    });
    const Range range = range_of(dtype);
    for (const double value : {low, high})
      if (!(std::trunc(value) >= range.low && std::trunc(value) < range.high))
        raise_out_of_range(
            is_floating(x.dtype()) ? nb::object(nb::float_(value)) : nb::object(nb::int_(static_cast<int64_t>(value))),
            name(dtype), "Choose a wider dtype.");
  }
  return unlocked([&] { return cast(x, dtype); });
}

namespace {

// A Python number without axes: of `dtype`, or of bool, int64 or float32.
Tensor tensor_of_number(nb::handle number, std::optional<DType> dtype, Device device) {
  if (PyBool_Check(number.ptr()))
    return Tensor::full({}, number.is(nb::handle(Py_True)), dtype.value_or(DType::Bool), device);
  if (PyFloat_Check(number.ptr())) {
    if (dtype) check_fits(number, *dtype);
    return Tensor::full({}, PyFloat_AsDouble(number.ptr()), dtype.value_or(DType::Float32), device);
  }
  int overflow = 0;
  const int64_t value = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  if (overflow != 0 && dtype && is_floating(*dtype)) return Tensor::full({}, double_of(number), *dtype, device);
  check_fits(number, dtype && is_whole_dtype(*dtype) ? *dtype : DType::Int64);
  return cast(Tensor::from_vector<int64_t>({value}, {}, device), dtype.value_or(DType::Int64));
}

// An array of Python's objects is one of numbers where all are integers, some beyond 64 bits.
nb::object numbers_of(nb::object array, bool to_float) {
  for (nb::handle item : nb::borrow<nb::list>(array.attr("ravel")().attr("tolist")())) {
    if (!PyLong_Check(item.ptr())) return array;
    int overflow = 0;
    PyLong_AsLongLongAndOverflow(item.ptr(), &overflow);
    if (overflow != 0 && !to_float) raise_out_of_range(item, "int64", "Name a floating dtype.");
  }
  return array.attr("astype")(to_float ? "float64" : "int64");
}

}  // namespace

// Memory that only its own device can read is not the host's to share or copy.
void check_on_host(nb::handle object) {
  if (!nb::hasattr(object, "__dlpack_device__")) return;
  constexpr int kCpu = 1;
  constexpr int kCuda = 2;
  constexpr int kCudaHost = 3;
  const auto [type, index] = nb::cast<std::pair<int, int64_t>>(object.attr("__dlpack_device__")());
  if (type == kCuda) check_available("dlpack", cuda_device(index));
  NDL_CHECK(type == kCpu || type == kCudaHost, TypeError, "dlpack", "memory of an unknown device: got DLPack's kind ",
            type, ", expected 1, the CPU. Copy it there first.");
}

Tensor tensor_of(nb::handle object, nb::handle dtype, bool share, Device home) {
  const std::optional<DType> wanted_dtype = optional_dtype(dtype);
  if (PyFloat_CheckExact(object.ptr()) || PyLong_CheckExact(object.ptr()) || PyBool_Check(object.ptr()))
    return tensor_of_number(object, wanted_dtype, home);
  const bool to_float = wanted_dtype && is_floating(*wanted_dtype);
  Tensor x;
  AnyArray array;
  if (nb::isinstance<Tensor>(object)) {
    x = nb::cast<Tensor>(object);
    if (!share) x = unlocked([&] { return clone(x.detach()); });
  } else if (nb::try_cast(object, array)) {
    x = to(from_array(array, object, share, to_float), home);
  } else {
    check_on_host(object);
    // Lists, whose floats become float32 as everywhere in this field; and arrays that no capsule can describe: of the
    // other byte order, or with strides that are no multiple of an element.
    const nb::module_ numpy = nb::module_::import_("numpy");
    nb::object numpy_array = numpy.attr("asarray")(object);
    const auto kind_of = [](nb::handle a) { return nb::cast<std::string>(a.attr("dtype").attr("kind")); };
    if (kind_of(numpy_array) == "O" && nb::cast<int64_t>(numpy_array.attr("size")) > 0)
      numpy_array = numbers_of(numpy_array, to_float);
    const std::string kind = kind_of(numpy_array);
    NDL_CHECK(kind == "b" || kind == "i" || kind == "u" || kind == "f", TypeError, "tensor", "not numbers: got ",
              text_of(object.type().attr("__name__")), " of ", text_of(numpy_array.attr("dtype")),
              ", expected an array, list or number.");
    numpy_array = nearest_array(numpy_array, to_float);
    x = from_array(nb::cast<AnyArray>(numpy_array), numpy_array, true, to_float);
    if (kind == "f" && dtype.is_none() && !nb::hasattr(object, "dtype")) x = cast(x, DType::Float32);
    x = to(x, home);
  }
  return wanted_dtype ? fitted(x, *wanted_dtype) : x;
}

Tensors tensors_of(nb::handle sequence) {
  NDL_CHECK(nb::isinstance<nb::iterable>(sequence), TypeError, "tensors", "not a sequence of tensors: got ",
            text_of(sequence.type().attr("__name__")), ", expected a list or tuple.");
  Tensors tensors;
  for (nb::handle item : sequence) tensors.push_back(tensor_of(item, nb::none(), true));
  return tensors;
}

void check_fits(nb::handle number, DType dtype) {
  if (!is_whole_dtype(dtype)) return;
  const Range range = range_of(dtype);
  bool fits = true;
  if (PyFloat_Check(number.ptr())) {
    const double value = std::trunc(PyFloat_AsDouble(number.ptr()));
    fits = value >= range.low && value < range.high;
  } else if (is_integer(number)) {
    const nb::object whole = nb::steal(PyNumber_Index(number.ptr()));
    int overflow = 0;
    const int64_t value = PyLong_AsLongLongAndOverflow(whole.ptr(), &overflow);
    fits = overflow == 0 && (dtype == DType::Int64 ||
                             (static_cast<double>(value) >= range.low && static_cast<double>(value) < range.high));
  } else if (!nb::isinstance<Tensor>(number) && nb::hasattr(number, "item") && nb::hasattr(number, "shape") &&
             nb::len(nb::object(number.attr("shape"))) == 0) {
    const nb::object value = number.attr("item")();  // numpy.float32(3) and its kin
    if (PyFloat_Check(value.ptr())) return check_fits(value, dtype);
  }
  if (fits) return;
  PyErr_Format(PyExc_OverflowError, "[number] out of range: got %S, expected a value of %s. Cast the tensor first.",
               number.ptr(), name(dtype));
  nb::raise_python_error();
}

Tensor value_of(nb::handle object, DType dtype, Device device) {
  check_fits(object, dtype);
  if (nb::isinstance<Tensor>(object)) return nb::cast<Tensor>(object);
  const bool typed = nb::hasattr(object, "dtype");
  return tensor_of(object, typed ? nb::object(nb::none()) : nb::object(nb::str(name(dtype))), true, device);
}

namespace {

void check_readable(const char* op, const Tensor& x) {
  NDL_CHECK(x.device() == Device{}, TypeError, op, "memory of another device: got a tensor on ", to_string(x.device()),
            ", expected cpu. Copy it with cpu().");
}

// The tensor's memory as an array of a framework that nanobind knows; it keeps the memory alive.
template <class... Kind>
nb::object export_as(const Tensor& tensor) {
  const Tensor x = tensor.detach();
  size_t sizes[kMaxRank];
  for (int i = 0; i < x.rank(); ++i) sizes[i] = static_cast<size_t>(x.shape()[i]);
  nb::capsule owner(new Tensor(x), [](void* p) noexcept { delete static_cast<Tensor*>(p); });
  return nb::cast(nb::ndarray<Kind...>(x.raw(), static_cast<size_t>(x.rank()), sizes, owner, x.strides().begin(),
                                       dlpack_dtype(x.dtype())));
}

}  // namespace

Tensor beside(nb::handle object, const Tensor& x, bool exact) {
  const bool floating = is_floating(x.dtype());
  if (nb::isinstance<Tensor>(object)) return nb::cast<Tensor>(object);
  const auto number = [&x](double value, DType dtype) { return Tensor::full({}, value, dtype, x.device()); };
  if (PyBool_Check(object.ptr())) return number(object.is(nb::handle(Py_True)), x.dtype());
  if (PyFloat_Check(object.ptr())) {
    const double value = PyFloat_AsDouble(object.ptr());
    if (floating) return number(value, x.dtype());
    const bool whole = std::floor(value) == value && std::abs(value) < 0x1p63;
    return number(value, !exact ? DType::Float32 : whole ? DType::Int64 : DType::Float64);
  }
  if (PyLong_Check(object.ptr())) {
    int overflow = 0;
    const int64_t value = floating ? 0 : PyLong_AsLongLongAndOverflow(object.ptr(), &overflow);
    if (floating || (exact && overflow != 0)) {
      return number(double_of(object), floating ? x.dtype() : DType::Float64);
    }
    const DType dtype = exact || x.dtype() == DType::Bool ? DType::Int64 : x.dtype();
    check_fits(object, dtype);
    const Tensor y = Tensor::from_vector<int64_t>({value}, {}, x.device());
    return dtype == DType::Int64 ? y : cast(y, dtype);
  }
  Tensor y;
  try {
    y = tensor_of(object, nb::none(), true, x.device());
  } catch (nb::python_error& error) {
    // One number of uint64 beyond int64 stands beside floats, and is compared, as a Python number is.
    if (!error.matches(PyExc_OverflowError) || !is_integer(object)) throw;
    return beside(nb::steal(PyNumber_Index(object.ptr())), x, exact);
  }
  // NumPy's scalars are as weak as Python's.
  if (y.rank() == 0 && floating && is_floating(y.dtype())) y = cast(y, x.dtype());
  return y;
}

Tensor compared(nb::handle object, const Tensor& x) {
  return is_floating(x.dtype()) ? value_of(object, x.dtype(), x.device())
                                : tensor_of(object, nb::none(), true, x.device());
}

std::pair<Tensor, Tensor> operands(nb::handle a, nb::handle b, bool exact) {
  if (nb::isinstance<Tensor>(a)) {
    const Tensor x = nb::cast<Tensor>(a);
    return {x, beside(b, x, exact)};
  }
  const Tensor y = nb::isinstance<Tensor>(b) ? nb::cast<Tensor>(b) : tensor_of(b, nb::none(), true);
  return {beside(a, y, exact), y};
}

bool stands_beside(nb::handle other) {
  return PyFloat_Check(other.ptr()) || PyLong_Check(other.ptr()) || nb::isinstance<Tensor>(other) ||
         nb::hasattr(other, "__array__");
}

nb::object to_numpy(const char* op, const Tensor& tensor) {
  check_readable(op, tensor);
  const bool wide = tensor.dtype() == DType::BFloat16;
  const Tensor x = wide ? unlocked([&] { return cast(tensor.detach(), DType::Float32); }) : tensor;
  return x.impl()->storage->read_only() ? export_as<nb::numpy, nb::ro>(x) : export_as<nb::numpy>(x);
}

nb::object to_exporter(const Tensor& x) {
  check_readable("dlpack", x);
  return x.impl()->storage->read_only() ? export_as<nb::array_api, nb::ro>(x) : export_as<nb::array_api>(x);
}

nb::tuple to_tuple(const Dims& dims) {
  nb::list list;
  for (int64_t value : dims) list.append(value);
  return nb::tuple(list);
}

nb::tuple to_tuple(const Tensors& tensors) {
  nb::list list;
  for (const Tensor& x : tensors) list.append(x);
  return nb::tuple(list);
}

}  // namespace needlecpp::python
