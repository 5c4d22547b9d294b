// Pictures: shrinking them, and their pixels as other libraries hand them out.
#include "needlecpp/render/picture.h"

#include "convert.h"

namespace needlecpp::python {
namespace {

using Writable = nb::ndarray<uint8_t, nb::ndim<3>, nb::c_contig, nb::device::cpu>;

// Arrow's C data interface (arrow.apache.org/docs/format/CDataInterface.html), as far as pixels need it.
struct ArrowArray {
  int64_t length, null_count, offset, n_buffers, n_children;
  const void** buffers;
  ArrowArray** children;
  ArrowArray* dictionary;
  void (*release)(ArrowArray*);
  void* private_data;
};

Tensor arrow_pixels(const nb::capsule& capsule, int64_t width, int64_t height) {
  const char* label = capsule.name();
  NDL_CHECK(label && std::string(label) == "arrow_array", TypeError, "arrow_pixels", "no array: got a capsule of ",
            label ? label : "nothing", ", expected arrow_array.");
  // A list of four bytes for each pixel: the bytes stand in its only child, behind a buffer for nulls.
  const auto* pixels = static_cast<const ArrowArray*>(capsule.data());
  const ArrowArray* bytes = pixels->n_children == 1 ? pixels->children[0] : nullptr;
  NDL_CHECK(width > 0 && height > 0 && bytes && bytes->n_buffers == 2 && pixels->offset == 0 && bytes->offset == 0 &&
                pixels->length / width == height && pixels->length % width == 0 && bytes->length / 4 == pixels->length,
            ValueError, "arrow_pixels", "array does not fit: got ", pixels->length, " entries, expected ", width, " x ",
            height, " pixels of four bytes.");
  auto* owner = new nb::capsule(capsule);
  const auto release = [owner] {
    if (!nb::is_alive()) return;
    nb::gil_scoped_acquire acquire;
    delete owner;
  };
  return Tensor::wrap(const_cast<void*>(bytes->buffers[1]), {height, width, 4}, {width * 4, 4, 1}, DType::UInt8,
                      release, true);
}

}  // namespace

void bind_picture(nb::module_& m) {
  m.def(
      "area_average",
      [](nb::object image, const Writable& out) {
        const Tensor from = tensor_of(image, nb::none(), true);
        const int64_t h = static_cast<int64_t>(out.shape(0)), w = static_cast<int64_t>(out.shape(1)),
                      c = static_cast<int64_t>(out.shape(2));
        const Tensor to = Tensor::wrap(out.data(), {h, w, c}, {w * c, c, 1}, DType::UInt8, [] {});
        nb::gil_scoped_release release;
        area_average(from, to);
      },
      "image"_a, "out"_a,
      "A picture [h, w, 3 or 4] uint8 with straight alpha, shrunk by exact area averaging into another. A picture of "
      "four channels goes into three without its fourth, which is no alpha then.\n\n"
      ">>> import numpy as np\n"
      ">>> out = np.empty((1, 1, 4), 'uint8')\n"
      ">>> ndl._core.area_average(np.array([[[200, 0, 0, 255], [9, 9, 9, 0]]], 'uint8'), out)\n"
      ">>> out.tolist()\n"
      "[[[200, 0, 0, 128]]]");
  m.def("arrow_pixels", &arrow_pixels, "capsule"_a, "width"_a, "height"_a,
        "[height, width, 4] uint8 of the memory that Pillow's __arrow_c_array__ hands out for pictures of four bytes a "
        "pixel, shared.");
}

}  // namespace needlecpp::python
