// From one device to another.
#include "needlecpp/ops/transfer.h"

#include "binder.h"
#include "needlecpp/ops/elementwise.h"

namespace needlecpp::python {
namespace {

// The object that it came from where nothing was made.
nb::typed<nb::object, Tensor> itself_or(nb::object self, const Tensor& y) {
  return y.is_same(nb::cast<const Tensor&>(self)) ? self : nb::cast(y);
}

nb::typed<nb::object, Tensor> moved(nb::object self, Device device) {
  const Tensor& x = nb::cast<const Tensor&>(self);
  return itself_or(self, unlocked([&] { return to(x, device); }));
}

// What to() may be asked for.
struct Place {
  DType dtype;
  Device device;
};

// Where x is, but for what is asked for: target is a tensor, a device or a dtype.
Place place_of(const char* op, const Tensor& x, nb::handle target, nb::handle dtype, nb::handle device) {
  Place place{x.dtype(), x.device()};
  if (nb::isinstance<Tensor>(target)) {
    const Tensor& like = nb::cast<const Tensor&>(target);
    place = {like.dtype(), like.device()};
  } else if (nb::isinstance<nb::str>(target)) {
    const std::string word = nb::cast<std::string>(target);
    int i = 0;
    while (i < kNumDTypes && word != name(static_cast<DType>(i))) ++i;
    const bool on_device = word == "cpu" || word.starts_with("cuda");
    NDL_CHECK(on_device || i < kNumDTypes, TypeError, op, "neither a dtype nor a device: got \"", word,
              "\", expected the name of one, \"float64\" or \"cpu\" say, or a Tensor.");
    if (on_device)
      place.device = device_from_name(word);
    else
      place.dtype = static_cast<DType>(i);
  } else if (nb::isinstance<Device>(target)) {
    place.device = nb::cast<Device>(target);
  } else {
    place.dtype = dtype_of(target, place.dtype);
  }
  place = {dtype_of(dtype, place.dtype), device_of(device, place.device)};
  check_available(op, place.device);
  return place;
}

}  // namespace

void bind_transfer(Binder b) {
  b.tensor.def(
      "to",
      [](nb::object self, nb::object target, nb::object dtype, bool, bool copy, nb::object device) {
        const Tensor& x = nb::cast<const Tensor&>(self);
        const Place place = place_of("to", x, target, dtype, device);
        const Tensor y = unlocked([&] {
          const Tensor moved = to(cast(x, place.dtype), place.device);
          return copy && moved.is_same(x) ? clone(x) : moved;
        });
        return itself_or(self, y);
      },
      "target"_a = nb::none(), "dtype"_a = nb::none(), "non_blocking"_a = false, "copy"_a = false, nb::kw_only(),
      "device"_a = nb::none(),
      "This tensor as another dtype, on another device, or as another tensor is (PyTorch's call: target is any of the "
      "three). Where nothing changes it is this tensor itself, unless copy is True. The gradient comes back to where "
      "this tensor is.\n\n"
      ">>> ndl.ones(2).to(\"float64\").dtype\n'float64'\n"
      ">>> ndl.arange(2).to(ndl.ones(1)).tolist()\n[0.0, 1.0]");
  b.tensor.def(
      "cpu", [](nb::object self) { return moved(self, Device{}); },
      "This tensor on the CPU.\n\n>>> ndl.ones(2).cpu().device\ncpu");
  b.tensor.def(
      "cuda",
      [](nb::object self, nb::object device) {
        const Device card =
            is_integer(device) ? cuda_device(int64_of(device)) : device_of(device, Device{DeviceType::CUDA, 0});
        NDL_CHECK(card.type == DeviceType::CUDA, ValueError, "cuda", "not a card: got ", to_string(card),
                  ", expected cuda. Use to().");
        return moved(self, card);
      },
      "device"_a = nb::none(), "This tensor on a CUDA card: the first unless another is named, or its number given.");
  b.tensor.def(
      "to_device",
      [](nb::object self, nb::object device, nb::object stream) {
        NDL_CHECK(stream.is_none(), ValueError, "to_device", "the CPU has no streams: got a stream, expected None.");
        return moved(self, device_of(device));
      },
      "device"_a, nb::kw_only(), "stream"_a = nb::none(), "The array API's name of to(), for devices.");
  b.core.def(
      "to_",
      [](const Tensor& x, nb::object target, nb::object dtype, nb::object device) {
        const Place place = place_of("to", x, target, dtype, device);
        unlocked([&] {
          to_(x, place.dtype, place.device);
          return 0;
        });
      },
      "x"_a, "target"_a = nb::none(), "dtype"_a = nb::none(), "device"_a = nb::none(),
      "A leaf goes on in another dtype and on another device, its gradient too: what Module.to() does to parameters.");
  // For tests, which have one device, of what happens on others.
  b.core.def(
      "_said_to_be_on",
      [](const Tensor& x, const Device& device) {
        return Tensor::wrap(
            x.raw(), x.shape(), x.strides(), x.dtype(), [x] {}, false, device);
      },
      "x"_a, "device"_a);
}

}  // namespace needlecpp::python
