// Resizing and sampling of images and volumes.
#include "needlecpp/ops/resample.h"

#include "binder.h"
#include "choice.h"

namespace needlecpp::python {
namespace {

// A number or a sequence of numbers; None -> empty.
std::vector<double> numbers_of(const char* op, nb::handle object) {
  std::vector<double> numbers;
  double number = 0;
  if (object.is_none()) return numbers;
  if (nb::try_cast(object, number)) return {number};
  NDL_CHECK(nb::try_cast(object, numbers), TypeError, op, "no scale_factor: got ", text_of(object.type()),
            ", expected a number or a sequence of numbers.");
  return numbers;
}

// PyTorch's modes, which say how many axes there are; -1: any.
struct Mode {
  Interpolation kind;
  int axes;
};

Tensor run(const char* op, const Tensor& x, nb::object size, nb::object scale_factor, const std::string& word,
           bool align_corners, bool recompute) {
  const Mode mode = choice<Mode>(op, "mode", word,
                                 {{"nearest", {Interpolation::Nearest, -1}},
                                  {"nearest-exact", {Interpolation::NearestExact, -1}},
                                  {"linear", {Interpolation::Linear, 1}},
                                  {"bilinear", {Interpolation::Linear, 2}},
                                  {"trilinear", {Interpolation::Linear, 3}},
                                  {"bicubic", {Interpolation::Cubic, 2}},
                                  {"area", {Interpolation::Area, -1}}});
  NDL_CHECK(mode.axes < 0 || x.rank() == mode.axes + 2, ValueError, op, "mode does not fit: got \"", word,
            "\" and shape ", x.shape(), ", expected ", mode.axes + 2, " axes.");
  InterpolateOptions options;
  options.size = dims_of(size).to_vector();
  options.scale_factor = numbers_of(op, scale_factor);
  options.align_corners = align_corners;
  options.recompute_scale_factor = recompute;
  return unlocked([&] { return interpolate(x, mode.kind, options); });
}

}  // namespace

void bind_resample(Binder b) {
  b = b.layers();
  b.def(
      "interpolate",
      [](const Tensor& x, nb::object size, nb::object scale_factor, const std::string& mode,
         std::optional<bool> align_corners, std::optional<bool> recompute, bool antialias) {
        NDL_CHECK(!antialias, ValueError, "interpolate",
                  "antialias is not offered: got True, expected False. Shrink by mode \"area\" first.");
        return run("interpolate", x, size, scale_factor, mode, align_corners.value_or(false),
                   recompute.value_or(false));
      },
      "input"_a, "size"_a = nb::none(), "scale_factor"_a = nb::none(), "mode"_a = "nearest",
      "align_corners"_a = nb::none(), "recompute_scale_factor"_a = nb::none(), "antialias"_a = false,
      "input [n, c, spatial...] resized to `size`, or by scale_factor (one number, or one an axis).\n\n"
      "mode: \"nearest\", \"nearest-exact\", \"area\"; by number of spatial axes \"linear\", \"bilinear\" or "
      "\"bicubic\",\n"
      "\"trilinear\". align_corners maps the corner pixels' centres to each other. Nearest keeps integer dtypes.\n"
      "Differentiable.\n\n"
      ">>> import needlecpp as ndl\n>>> ndl.interpolate(ndl.Tensor([[[1.0, 3.0]]]), 3, mode=\"linear\", "
      "align_corners=True).tolist()\n[[[1.0, 2.0, 3.0]]]");
  b.def(
      "upsample_bilinear",
      [](const Tensor& x, nb::object size, nb::object scale_factor) {
        return run("upsample_bilinear", x, size, scale_factor, "bilinear", true, false);
      },
      "input"_a, "size"_a = nb::none(), "scale_factor"_a = nb::none(),
      "interpolate with mode \"bilinear\" and align_corners. Differentiable.\n\n"
      ">>> import needlecpp as ndl\n>>> ndl.upsample_bilinear(ndl.ones(1, 1, 2, 2), scale_factor=2).shape\n(1, 1, 4, "
      "4)");
  b.def(
      "upsample_nearest",
      [](const Tensor& x, nb::object size, nb::object scale_factor) {
        return run("upsample_nearest", x, size, scale_factor, "nearest", false, false);
      },
      "input"_a, "size"_a = nb::none(), "scale_factor"_a = nb::none(),
      "interpolate with mode \"nearest\". Differentiable.\n\n"
      ">>> import needlecpp as ndl\n>>> ndl.upsample_nearest(ndl.Tensor([[[1.0, 2.0]]]), 4).tolist()\n"
      "[[[1.0, 1.0, 2.0, 2.0]]]");
  b.def("pixel_shuffle", &pixel_shuffle, "input"_a, "upscale_factor"_a, Release(),
        "[..., c r^2, h, w] to [..., c, h r, w r]: channel c r^2 + i r + j becomes pixel (i, j) of each block of r by "
        "r.\nAny dtype; differentiable.\n\n"
        ">>> import needlecpp as ndl\n>>> ndl.pixel_shuffle(ndl.ones(1, 8, 3, 3), 2).shape\n(1, 2, 6, 6)");
  b.def("pixel_unshuffle", &pixel_unshuffle, "input"_a, "downscale_factor"_a, Release(),
        "The inverse of pixel_shuffle: [..., c, h r, w r] to [..., c r^2, h, w]. Any dtype; differentiable.\n\n"
        ">>> import needlecpp as ndl\n>>> ndl.pixel_unshuffle(ndl.ones(1, 2, 6, 6), 2).shape\n(1, 8, 3, 3)");
}

}  // namespace needlecpp::python
