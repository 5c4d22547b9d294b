// Reading images and volumes at given places.
#include "needlecpp/ops/grid_sample.h"

#include "binder.h"
#include "choice.h"

namespace needlecpp::python {

void bind_grid_sample(Binder b) {
  b = b.layers();
  b.def(
      "grid_sample",
      [](const Tensor& x, const Tensor& grid, const std::string& mode, const std::string& padding,
         std::optional<bool> align_corners) {
        return grid_sample(
            x, grid,
            choice<GridMode>(
                "grid_sample", "mode", mode,
                {{"bilinear", GridMode::Bilinear}, {"nearest", GridMode::Nearest}, {"bicubic", GridMode::Bicubic}}),
            choice<GridPadding>("grid_sample", "padding_mode", padding,
                                {{"zeros", GridPadding::Zeros},
                                 {"border", GridPadding::Border},
                                 {"reflection", GridPadding::Reflection}}),
            align_corners.value_or(false));
      },
      "input"_a, "grid"_a, "mode"_a = "bilinear", "padding_mode"_a = "zeros", "align_corners"_a = nb::none(), Release(),
      "input [n, c, h, w] or [n, c, d, h, w] read at the places grid [n, ho, wo, 2] or [n, do, ho, wo, 3].\n\n"
      "Coordinates (x, y[, z]) run from -1 to 1 between the image's edges, or the corner pixels' centres with\n"
      "align_corners. mode: \"bilinear\", \"nearest\", \"bicubic\" (images); padding_mode: \"zeros\", \"border\",\n"
      "\"reflection\". Floats; differentiable in both, the nearest mode in input alone.\n\n"
      ">>> import needlecpp as ndl\n>>> image = ndl.Tensor([[[[1.0, 2.0], [3.0, 4.0]]]])\n"
      ">>> ndl.grid_sample(image, ndl.zeros(1, 1, 1, 2)).tolist()\n[[[[2.5]]]]");
  b.def(
      "affine_grid",
      [](const Tensor& theta, nb::object size, std::optional<bool> align_corners) {
        const Shape shape = dims_of(size);
        return unlocked([&] { return affine_grid(theta, shape, align_corners.value_or(false)); });
      },
      "theta"_a, "size"_a, "align_corners"_a = nb::none(),
      "The places theta[n] (x, y[, z], 1) of the pixels of an image of `size` (n, c, [d,] h, w), for grid_sample; "
      "theta\n"
      "[n, 2, 3] or [n, 3, 4]. Floats; differentiable in theta.\n\n"
      ">>> import needlecpp as ndl\n>>> ndl.affine_grid(ndl.ones(1, 2, 3), (1, 1, 4, 5)).shape\n(1, 4, 5, 2)");
}

}  // namespace needlecpp::python
