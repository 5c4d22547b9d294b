// New tensors.
#include "needlecpp/ops/creation.h"

#include "binder.h"
#include "creation_options.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/shape.h"
#include "needlecpp/ops/transfer.h"

namespace needlecpp::python {
namespace {

bool is_whole(nb::handle object) {
  if (nb::isinstance<Tensor>(object)) return !is_floating(nb::cast<Tensor>(object).dtype());
  return PyBool_Check(object.ptr()) || is_integer(object);
}
int64_t whole_of(nb::handle object) {
  return nb::isinstance<Tensor>(object) ? nb::cast<Tensor>(object).item_int() : int64_of(object);
}
double number_of(nb::handle object) {
  if (nb::isinstance<Tensor>(object)) return nb::cast<Tensor>(object).item();
  const double value = PyFloat_AsDouble(object.ptr());
  if (value == -1 && PyErr_Occurred()) nb::raise_python_error();
  return value;
}

// One value everywhere.
Tensor filled(const Shape& shape, nb::handle value, const CreationOptions& options) {
  check_fits(value, options.dtype);
  if (PyFloat_Check(value.ptr())) {
    const double number = number_of(value);
    return options([&](DType to, Device on) { return Tensor::full(shape, number, to, on); });
  }
  // Integers beyond 2^53 stay as they are.
  const Tensor one = tensor_of(value, nb::str(name(options.dtype)), true, options.device).detach();
  return options([&](DType dtype, Device on) { return clone(broadcast_to(to(cast(one, dtype), on), shape)); });
}
DType kind_of(nb::handle value) {
  if (nb::isinstance<Tensor>(value)) return nb::cast<Tensor>(value).dtype();
  return PyBool_Check(value.ptr()) ? DType::Bool : is_integer(value) ? DType::Int64 : DType::Float32;
}

void bind_constants(Binder b) {
  using Make = Tensor (*)(const Shape&, DType, Device);
  for (auto [name, like, make, doc, like_doc] :
       {std::tuple{"zeros", "zeros_like", static_cast<Make>(&Tensor::zeros),
                   "Zeros.\n\n>>> ndl.zeros(2, dtype=\"int64\").tolist()\n[0, 0]",
                   "Zeros of a's shape, dtype and device unless others are named.\n\n"
                   ">>> ndl.zeros_like(ndl.arange(2)).tolist()\n[0, 0]"},
        std::tuple{"ones", "ones_like", static_cast<Make>(&Tensor::ones),
                   "Ones.\n\n>>> ndl.ones((1, 2)).tolist()\n[[1.0, 1.0]]",
                   "Ones of a's shape, dtype and device unless others are named.\n\n"
                   ">>> ndl.ones_like(ndl.arange(2)).tolist()\n[1, 1]"},
        std::tuple{"empty", "empty_like", static_cast<Make>(&Tensor::empty),
                   "Elements of no certain value.\n\n>>> ndl.empty(2, 3).shape\n(2, 3)",
                   "Elements of no certain value, of a's shape, dtype and device unless others are named.\n\n"
                   ">>> ndl.empty_like(ndl.zeros(2)).shape\n(2,)"}}) {
    b.def(
        name,
        [make = make](nb::args shape, nb::object dtype, nb::object device, bool requires_grad) {
          const Shape sizes = dims_of_args(shape);
          return CreationOptions(dtype, DType::Float32, device,
                                 requires_grad)([&](DType to, Device on) { return make(sizes, to, on); });
        },
        "shape"_a, "dtype"_a = nb::none(), "device"_a = nb::none(), "requires_grad"_a = false, doc);
    b.def(
        like,
        [make = make](const Tensor& x, nb::object dtype, nb::object device, bool requires_grad) {
          return CreationOptions(dtype, device, requires_grad,
                                 x)([&](DType to, Device on) { return make(x.shape(), to, on); });
        },
        "a"_a, "dtype"_a = nb::none(), "device"_a = nb::none(), "requires_grad"_a = false, like_doc);
  }
  b.def(
      "full",
      [](nb::object shape, nb::object value, nb::object dtype, nb::object device, bool requires_grad) {
        return filled(dims_of(shape), value, CreationOptions(dtype, kind_of(value), device, requires_grad));
      },
      "shape"_a, "fill_value"_a, "dtype"_a = nb::none(), "device"_a = nb::none(), "requires_grad"_a = false,
      "One value everywhere; a float gives float32, an int int64 and a bool bool if no dtype is named.\n\n"
      ">>> ndl.full((2,), 7).tolist()\n[7, 7]");
  b.def(
      "full_like",
      [](const Tensor& x, nb::object value, nb::object dtype, nb::object device, bool requires_grad) {
        return filled(x.shape(), value, CreationOptions(dtype, device, requires_grad, x));
      },
      "a"_a, "fill_value"_a, "dtype"_a = nb::none(), "device"_a = nb::none(), "requires_grad"_a = false,
      "One value everywhere, of a's shape, dtype and device unless others are named.\n\n"
      ">>> ndl.full_like(ndl.zeros(2), 7).tolist()\n[7.0, 7.0]");
}

// NumPy's names of the arguments, then PyTorch's.
void bind_sequences(Binder b, const char* stop, const char* num) {
  b.def(
      "arange",
      [](nb::object start, nb::object stop, nb::object step, nb::object dtype, nb::object device, bool requires_grad) {
        const nb::object first = stop.is_none() ? nb::object(nb::int_(0)) : start;
        const nb::object last = stop.is_none() ? start : stop;
        if (is_whole(first) && is_whole(last) && is_whole(step)) {
          const int64_t from = whole_of(first);
          const int64_t end = whole_of(last);
          const int64_t by = whole_of(step);
          return CreationOptions(dtype, DType::Int64, device, requires_grad)
              .fitting(DType::Int64, [&](DType to, Device on) { return arange(from, end, by, to, on); });
        }
        const double from = number_of(first);
        const double end = number_of(last);
        const double by = number_of(step);
        return CreationOptions(dtype, DType::Float32, device, requires_grad)
            .fitting(DType::Float64, [&](DType to, Device on) { return arange(from, end, by, to, on); });
      },
      "start"_a, nb::arg(stop) = nb::none(), "step"_a = 1, "dtype"_a = nb::none(), "device"_a = nb::none(),
      "requires_grad"_a = false,
      "start, start + step, ... up to but without stop; arange(stop) starts at 0. int64 if all are integers, else "
      "float32.\n\n>>> ndl.arange(1, 2, 0.25).tolist()\n[1.0, 1.25, 1.5, 1.75]");
  b.def(
      "linspace",
      [](nb::object start, nb::object stop, int64_t num, bool endpoint, nb::object dtype, nb::object device,
         bool requires_grad) {
        const double from = number_of(start);
        const double last = number_of(stop);
        return CreationOptions(dtype, DType::Float32, device, requires_grad)
            .fitting(DType::Float64, [&](DType to, Device on) { return linspace(from, last, num, endpoint, to, on); });
      },
      "start"_a, nb::arg(stop), nb::arg(num) = 50, "endpoint"_a = true, "dtype"_a = nb::none(), "device"_a = nb::none(),
      "requires_grad"_a = false,
      "`num` numbers at equal distances from start to stop, which is the last unless endpoint is False.\n\n"
      ">>> ndl.linspace(0, 1, 5).tolist()\n[0.0, 0.25, 0.5, 0.75, 1.0]");
  b.def(
      "logspace",
      [](nb::object start, nb::object stop, int64_t num, double base, bool endpoint, nb::object dtype,
         nb::object device, bool requires_grad) {
        const double from = number_of(start);
        const double last = number_of(stop);
        return CreationOptions(dtype, DType::Float32, device, requires_grad)
            .fitting(DType::Float64,
                     [&](DType to, Device on) { return logspace(from, last, num, base, endpoint, to, on); });
      },
      "start"_a, nb::arg(stop), nb::arg(num) = 50, "base"_a = 10.0, "endpoint"_a = true, "dtype"_a = nb::none(),
      "device"_a = nb::none(), "requires_grad"_a = false,
      "base to the power of linspace(start, stop, num).\n\n"
      ">>> ndl.logspace(0, 2, 3).tolist()\n[1.0, 10.0, 100.0]");
}

void bind_matrices(Binder b) {
  b.def(
      "eye",
      [](int64_t n, std::optional<int64_t> m, int64_t k, nb::object dtype, nb::object device, bool requires_grad) {
        return CreationOptions(dtype, DType::Float32, device,
                               requires_grad)([&](DType to, Device on) { return eye(n, m.value_or(n), k, to, on); });
      },
      "n"_a, "m"_a = nb::none(), "k"_a = 0, "dtype"_a = nb::none(), "device"_a = nb::none(), "requires_grad"_a = false,
      "Ones on diagonal k of an n by m matrix of zeros (m = n by default).\n\n"
      ">>> ndl.eye(2, 3, 1).tolist()\n[[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]");
  for (auto [name, fn, doc] : {std::tuple{"tril_indices", &tril_indices,
                                          "Positions on and below a diagonal of a matrix, int64 [2, count].\n\n"
                                          ">>> ndl.tril_indices(2, 2).tolist()\n[[0, 1, 1], [0, 0, 1]]"},
                               std::tuple{"triu_indices", &triu_indices,
                                          "Positions on and above a diagonal of a matrix, int64 [2, count].\n\n"
                                          ">>> ndl.triu_indices(2, 2).tolist()\n[[0, 0, 1], [0, 1, 1]]"}})
    b.def(
        name,
        [fn = fn](int64_t row, std::optional<int64_t> col, int64_t offset, nb::object device) {
          const Device on = device_of(device);
          return unlocked([&] { return fn(row, col.value_or(row), offset, on); });
        },
        "row"_a, "col"_a = nb::none(), "offset"_a = 0, "device"_a = nb::none(), doc);
}

}  // namespace

void bind_creation(Binder b) {
  bind_constants(b);
  bind_sequences(b, "stop", "num");
  bind_sequences(b, "end", "steps");
  bind_matrices(b);
}

}  // namespace needlecpp::python
