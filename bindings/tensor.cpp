// The Tensor class: construction, properties, exchange with NumPy and DLPack.
#include "choice.h"
#include "convert.h"
#include "needlecpp/autograd/autograd.h"
#include "needlecpp/core/random.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/ops/matmul.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/scan.h"
#include "needlecpp/ops/shape.h"
#include "needlecpp/ops/softmax.h"
#include "needlecpp/ops/transfer.h"

namespace needlecpp::python {
namespace {

using Release = nb::call_guard<nb::gil_scoped_release>;

// The elements on the host, wherever they are, off the tape.
nb::object array_of(const Tensor& x) {
  return to_numpy("array", x.device() == Device{} ? x : to(x.detach(), Device{}));
}

nb::object to_list(const Tensor& x) { return array_of(x).attr("tolist")(); }

std::string represent(const Tensor& x) {
  nb::object text =
      nb::module_::import_("numpy").attr("array2string")(array_of(x), "separator"_a = ", ", "prefix"_a = "tensor(");
  std::string result = "tensor(" + nb::cast<std::string>(text);
  if (x.dtype() != DType::Float32) result += std::string(", dtype=") + name(x.dtype());
  if (x.device() != Device{}) result += ", device='" + to_string(x.device()) + "'";
  if (x.requires_grad()) result += ", requires_grad=True";
  return result + ")";
}

// A copy of anything that tensor_of() takes. What is no tensor comes to the default device unless one is named.
Tensor new_tensor(nb::handle array, nb::handle dtype, nb::handle device, bool requires_grad) {
  const bool placed = nb::isinstance<Tensor>(array);
  const Device home = device_of(device, placed ? nb::cast<const Tensor&>(array).device() : default_device());
  check_available("tensor", home);
  const Tensor x = to(tensor_of(array, dtype, false, home), home);
  x.set_requires_grad(requires_grad);
  return x;
}

void bind_construction(nb::class_<Tensor>& c) {
  c.def(
      "__init__",
      [](Tensor* self, nb::object array, nb::object device, nb::object dtype, bool requires_grad) {
        new (self) Tensor(new_tensor(array, dtype, device, requires_grad));
      },
      "array"_a, "device"_a = nb::none(), "dtype"_a.none() = "float32", "requires_grad"_a = false,
      "Copies an array, list, number or tensor into a new tensor of `dtype` (None keeps the array's) on `device`: the\n"
      "default one unless named, or where a tensor is.\n\n"
      "Floats are rounded to nearest and infinite beyond the dtype's range, integers that a floating dtype has no "
      "digits "
      "for are rounded. An integer dtype cuts fractions off; a value that it cannot hold is an OverflowError.");
  c.def(
      "__array__",
      [](const Tensor& x, nb::object dtype, nb::object copy) {
        nb::object array = to_numpy("array", x);
        if (!dtype.is_none()) array = array.attr("astype")(dtype, "copy"_a = false);
        if (copy.is_none()) return array;
        const bool shared = nb::cast<nb::ndarray<nb::ro, nb::device::cpu>>(array).data() == x.raw() || x.numel() == 0;
        if (nb::cast<bool>(copy)) return shared ? nb::object(array.attr("copy")()) : array;
        NDL_CHECK(shared, ValueError, "array", "needs a copy: got copy=False and ", name(x.dtype()),
                  ", expected a dtype that NumPy can read as it lies.");
        return array;
      },
      "dtype"_a = nb::none(), "copy"_a = nb::none(),
      "This tensor as a NumPy array: its memory unless copy is True or another dtype asked for.");
  c.def(
      "__dlpack__",
      [](const Tensor& tensor, nb::object stream, nb::object max_version, nb::object dl_device, nb::object copy) {
        NDL_CHECK(stream.is_none(), ValueError, "dlpack", "the CPU has no streams: got a stream, expected None.");
        NDL_CHECK(dl_device.is_none() || dl_device.equal(nb::make_tuple(1, 0)), ValueError, "dlpack",
                  "unsupported device: got ", text_of(dl_device), ", expected (1, 0), the CPU.");
        const bool copied = !copy.is_none() && nb::cast<bool>(copy);
        const Tensor x = copied ? unlocked([&] { return clone(tensor.detach()); }) : tensor;
        nb::object array = to_exporter(x);
        if (max_version.is_none()) return nb::object(array.attr("__dlpack__")());
        return nb::object(array.attr("__dlpack__")("max_version"_a = max_version));
      },
      nb::kw_only(), "stream"_a = nb::none(), "max_version"_a = nb::none(), "dl_device"_a = nb::none(),
      "copy"_a = nb::none(), "A DLPack capsule that shares this tensor's memory, unless a copy is asked for.");
  c.def("__dlpack_device__", [](const Tensor& x) {
    return x.device().type == DeviceType::CUDA ? nb::make_tuple(2, x.device().index) : nb::make_tuple(1, 0);
  });
  c.def(
      "numpy", [](const Tensor& x) { return to_numpy("numpy", x); },
      "This tensor as a NumPy array that shares its memory, which has to be the CPU's (bfloat16 is converted to "
      "float32).");
  c.def(
      "item",
      [](const Tensor& x) -> nb::object {
        if (x.dtype() == DType::Bool) return nb::bool_(x.item() != 0);
        if (!is_floating(x.dtype())) return nb::int_(x.item_int());
        return nb::float_(x.item());
      },
      nb::sig("def item(self) -> float"), "The value of a one-element tensor as a Python number.");
  c.def("tolist", &to_list, "Nested lists of Python numbers.");
  c.def("__repr__", &represent);
  c.def("__format__", [](nb::object self, nb::str spec) {
    const Tensor& x = nb::cast<const Tensor&>(self);
    if (nb::len(spec) == 0) return nb::str(self);
    NDL_CHECK(x.rank() == 0, TypeError, "format", "not a single value: got shape ", x.shape(),
              ", expected (). Format elements, or print the tensor.");
    return nb::borrow<nb::str>(nb::steal(PyObject_Format(self.attr("item")().ptr(), spec.ptr())));
  });
  c.def("__len__", [](const Tensor& x) {
    NDL_CHECK(x.rank() > 0, TypeError, "len", "a 0-d tensor has no length: got shape (), expected an axis.");
    return x.shape()[0];
  });
  c.def("__float__", [](const Tensor& x) { return x.item(); });
  c.def("__complex__", [](const Tensor& x) { return nb::steal(PyComplex_FromDoubles(x.item(), 0)); });
  c.def("__int__", [](const Tensor& x) -> nb::object {
    if (!is_floating(x.dtype())) return nb::int_(x.item_int());
    return nb::steal(PyLong_FromDouble(x.item()));  // raises for NaN and infinities
  });
  c.def("__index__", [](const Tensor& x) {
    NDL_CHECK(!is_floating(x.dtype()) && x.numel() == 1, TypeError, "index", "not an integer: got ", name(x.dtype()),
              " of shape ", x.shape(), ", expected one integer.");
    return nb::int_(x.item_int());
  });
  c.def("__trunc__", [](nb::handle self) { return nb::int_(self); });
  c.def("__bool__", [](const Tensor& x) {
    NDL_CHECK(x.numel() == 1, ValueError, "bool", "the truth value of several elements, or of none, is ambiguous: got ",
              "shape ", x.shape(), ", expected one element. Use .any() or .all().");
    return x.item() != 0;
  });
  c.def(
      "__contains__",
      [](const Tensor& x, nb::object value) {
        const Tensor y = beside(value, x, true);
        return unlocked([&] {
          const NoGrad no_grad;
          const Tensor found = eq(x, y);
          return found.numel() > 0 && max(found).item() != 0;
        });
      },
      "value"_a, "Whether an element equals value (or those it broadcasts with).");
  c.def("__iter__", [](const Tensor& x) {
    NDL_CHECK(x.rank() > 0, TypeError, "iter", "a 0-d tensor cannot be iterated: got shape (), expected an axis.");
    nb::list parts;
    for (const Tensor& part : unbind(x, 0)) parts.append(part);
    return nb::iter(parts);
  });
  // Pickles and deep copies: the elements, off the tape, and where they were: a device that is not there when the
  // pickle is read is an error.
  c.def("__reduce__", [](nb::object self) {
    const Tensor x = nb::cast<Tensor>(self);
    return nb::make_tuple(self.type(), nb::make_tuple(array_of(x), x.device(), name(x.dtype()), x.requires_grad()));
  });
  c.def("__hash__", [](const Tensor& x) { return reinterpret_cast<intptr_t>(x.impl().get()); });
}

void bind_properties(nb::class_<Tensor>& c) {
  c.def_prop_ro(
      "shape", [](const Tensor& x) { return to_tuple(x.shape()); }, "Sizes of the axes.");
  c.def_prop_ro(
      "strides", [](const Tensor& x) { return to_tuple(x.strides()); }, "Steps along the axes, in elements.");
  c.def_prop_ro("ndim", &Tensor::rank, "Number of axes.");
  c.def_prop_ro("size", &Tensor::numel, "Number of elements.");
  c.def("numel", &Tensor::numel, "Number of elements.");
  c.def_prop_ro("nbytes", &Tensor::nbytes, "Bytes of the elements.");
  c.def_prop_ro(
      "dtype", [](const Tensor& x) { return name(x.dtype()); }, "Name of the element type.");
  c.def_prop_ro("device", &Tensor::device, "Where the elements live.");
  c.def(
      "__array_namespace__",
      [](const Tensor&, const std::optional<std::string>& version) {
        if (version)
          choice("array_namespace", "version of the array API", *version,
                 {std::pair{"2021.12", 0}, {"2022.12", 0}, {"2023.12", 0}, {"2024.12", 0}});
        return nb::module_::import_("needlecpp.array_api");
      },
      nb::kw_only(), "api_version"_a = nb::none(), "needlecpp.array_api, the array API standard over these tensors.");
  c.def_prop_rw(
      "requires_grad", &Tensor::requires_grad, [](const Tensor& x, bool value) { x.set_requires_grad(value); },
      "Whether gradients are recorded.");
  c.def_prop_rw(
      "grad",
      [](const Tensor& x) -> std::optional<Tensor> {
        return x.grad().defined() ? std::optional<Tensor>(x.grad()) : std::nullopt;
      },
      [](const Tensor& x, std::optional<Tensor> g) { x.set_grad(g ? *g : Tensor()); },
      "The gradient accumulated by backward(), or None.", nb::for_setter(nb::arg("value").none()));
  c.def_prop_rw(
      "data", &Tensor::detach,
      [](const Tensor& x, const Tensor& value) {
        NoGrad no_grad;
        copy_(x.detach(), value);
      },
      "The same memory off the tape; assigning copies into it.");
  c.def_prop_ro("version", &Tensor::version, "Counts in-place edits of the memory.");
  c.def("is_leaf", &Tensor::is_leaf, "Whether no op made this tensor.");
  c.def("is_contiguous", &Tensor::is_contiguous, "Whether the elements lie in C order without gaps.");
  c.def("is_compact", &Tensor::is_contiguous, "needle's name of is_contiguous().");
  c.def("detach", &Tensor::detach, "The same memory off the tape.");
  c.def(
      "realize_cached_data", [](const Tensor& x) { return x; }, "needle's name for forcing a lazy tensor: itself.");
  c.def(
      "requires_grad_",
      [](nb::object self, bool value) {
        nb::cast<Tensor>(self).set_requires_grad(value);
        return nb::typed<nb::object, Tensor>(self);
      },
      "requires_grad"_a = true);
  c.def(
      "register_hook",
      [](const Tensor& x, nb::object hook) {
        NDL_CHECK(PyCallable_Check(hook.ptr()), TypeError, "register_hook", "not a function: got ",
                  text_of(hook.type()), ", expected one of a gradient.");
        return register_hook(x, [callable = Callable(hook)](const Tensor& gradient) {
          nb::gil_scoped_acquire acquire;
          const nb::object changed = callable(gradient);
          NDL_CHECK(changed.is_none() || nb::isinstance<Tensor>(changed), TypeError, "hook",
                    "a hook returned no gradient: got ", text_of(changed.type()), ", expected a Tensor or None.");
          return changed.is_none() ? Tensor() : nb::cast<Tensor>(changed);
        });
      },
      "hook"_a.none(),
      "Calls hook(gradient) when this tensor's gradient is complete in a sweep; a tensor it returns takes the "
      "gradient's place. Returns a handle with .remove().");
  c.def("retain_grad", &retain_grad, "Makes backward() set .grad of this result of an op too.");
  c.def(
      "backward",
      [](const Tensor& x, std::optional<Tensor> dy, bool retain_graph, bool create_graph) {
        unlocked([&] {
          x.backward(dy ? *dy : Tensor(), retain_graph, create_graph);
          return 0;
        });
      },
      "out_grad"_a = nb::none(), "retain_graph"_a = false, "create_graph"_a = false,
      "Adds the gradients of this tensor (contracted with out_grad; 1 for a scalar) to the .grad of every leaf.");
}

void bind_conversion(nb::class_<Tensor>& c) {
  c.def("contiguous", &contiguous, Release(), "This tensor, or a copy whose elements lie in C order without gaps.");
  c.def("compact", &contiguous, Release(), "needle's name of contiguous().");
  c.def("clone", &clone, Release());
  c.def(
      "astype",
      [](const Tensor& x, nb::object dtype) {
        const DType to = dtype_of(dtype, x.dtype());
        return unlocked([&] { return cast(x, to); });
      },
      "dtype"_a);
  c.def("float", [](const Tensor& x) { return cast(x, DType::Float32); });
  c.def("double", [](const Tensor& x) { return cast(x, DType::Float64); });
  c.def("long", [](const Tensor& x) { return cast(x, DType::Int64); });
}

bool shares_memory(const Tensor& x, nb::handle object) {
  if (nb::isinstance<Tensor>(object)) return nb::cast<Tensor>(object).impl()->storage == x.impl()->storage;
  nb::ndarray<nb::ro, nb::device::cpu> array;
  return nb::try_cast(object, array) && (array.data() == x.raw() || x.numel() == 0);
}

// asarray and its like: copy is None, True or False. Arrays and tensors stay where they are unless a device is named.
Tensor shared_or_copied(const char* op, nb::handle array, nb::handle dtype, nb::handle device, nb::handle copy) {
  const bool copied = !copy.is_none() && nb::cast<bool>(copy);
  const bool placed = nb::hasattr(array, "dtype") || nb::hasattr(array, "__dlpack__");
  const Device home = device_of(device, placed ? Device{} : default_device());
  if (!device.is_none()) check_available(op, home);
  const Tensor found = tensor_of(array, dtype, !copied, home);
  const Tensor x = device.is_none() ? found : to(found, home);
  NDL_CHECK(copy.is_none() || copied || shares_memory(x, array), ValueError, op,
            "needs a copy: got copy=False for an array of another kind, expected memory that can be shared.");
  return x;
}

}  // namespace

void bind_tensor(nb::module_& m) {
  nb::class_<HookHandle>(m, "HookHandle", "A registered hook.")
      .def("remove", &HookHandle::remove, "Takes the hook away.");
  nb::class_<Tensor> c(m, "Tensor", "An n-dimensional array with gradients.", nb::is_weak_referenceable());
  bind_construction(c);
  bind_properties(c);
  bind_operators(c);
  bind_conversion(c);

  m.def(
      "promote_types",
      [](nb::object a, nb::object b) {
        return name(promote_types(dtype_of(a, DType::Float32), dtype_of(b, DType::Float32)));
      },
      "a"_a, "b"_a, "The dtype in which two dtypes meet.");
  m.def(
      "asarray",
      [](nb::object array, nb::object dtype, nb::object device, nb::object copy) {
        return shared_or_copied("asarray", array, dtype, device, copy);
      },
      "array"_a, "dtype"_a = nb::none(), "device"_a = nb::none(), "copy"_a = nb::none(),
      "A tensor of an array, list or number: copy=None shares the memory of arrays where it can, True never does, and "
      "False is an error where it cannot. Lists and numbers come to the default device, arrays and tensors stay where "
      "they are, unless a device is named.\n\n"
      "Arrays keep their dtype where the engine has it. Narrower integers and uint64 become int64, longdouble float64; "
      "lists of floats become float32. What int64, or an integer dtype asked for, cannot hold is an OverflowError.\n\n"
      ">>> ndl.asarray([1, 2]).tolist()\n[1, 2]");
  m.def(
      "tensor",
      [](nb::object array, nb::object dtype, bool requires_grad, nb::object device) {
        return new_tensor(array, dtype, device, requires_grad);
      },
      "array"_a, "dtype"_a = nb::none(), "requires_grad"_a = false, "device"_a = nb::none(),
      "Copies an array, list or number into a new tensor; dtypes as in asarray(). It comes to the default device "
      "unless "
      "one is named; a copy of a tensor stays where that is.\n\n"
      ">>> ndl.tensor([1, 2], device=\"cpu\").tolist()\n[1, 2]");
  m.def(
      "from_numpy", [](nb::object array) { return tensor_of(array, nb::none(), true, Device{}); }, "array"_a,
      "Shares a NumPy array's memory, which is the CPU's.");
  m.def(
      "from_dlpack",
      [](nb::object array, nb::object device, nb::object copy) {
        if (!nb::hasattr(array, "__dlpack__"))
          throw nb::attribute_error(
              ("[from_dlpack] no DLPack object: got " + text_of(array.type()) + ", expected __dlpack__. Use asarray.")
                  .c_str());
        return shared_or_copied("from_dlpack", array, nb::none(), device, copy);
      },
      "array"_a, nb::kw_only(), "device"_a = nb::none(), "copy"_a = nb::none(),
      "A tensor of an object with __dlpack__, whose memory it shares where it can; copy=True never does, and False is "
      "an error where it cannot.");
}

}  // namespace needlecpp::python
