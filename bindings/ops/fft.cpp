// Fourier transforms, for needlecpp.fft.
#include "needlecpp/ops/fft.h"

#include "binder.h"
#include "choice.h"

namespace needlecpp::python {
namespace {

fft::Norm norm_of(const char* op, nb::handle word) {
  using fft::Norm;
  if (word.is_none()) return Norm::Backward;
  return choice<Norm>(op, "norm", text_of(word),
                      {{"backward", Norm::Backward}, {"ortho", Norm::Ortho}, {"forward", Norm::Forward}});
}

}  // namespace

void bind_fft(Binder b) {
  b.core.def(
      "fft",
      [](const Tensor& x, bool inverse, fft::MaybeSize n, int64_t axis, nb::object norm) {
        const fft::Norm by = norm_of(inverse ? "fft.ifft" : "fft.fft", norm);
        return unlocked([&] { return fft::transform(x, inverse, n, axis, by); });
      },
      "x"_a, "inverse"_a, "n"_a = nb::none(), "axis"_a = -1, "norm"_a = nb::none(),
      "A complex transform along one axis, of pairs.");
  b.core.def(
      "rfft",
      [](const Tensor& x, fft::MaybeSize n, int64_t axis, nb::object norm) {
        const fft::Norm by = norm_of("fft.rfft", norm);
        return unlocked([&] { return fft::real_transform(x, n, axis, by); });
      },
      "x"_a, "n"_a = nb::none(), "axis"_a = -1, "norm"_a = nb::none(), "Of real numbers, pairs.");
  b.core.def(
      "irfft",
      [](const Tensor& x, fft::MaybeSize n, int64_t axis, nb::object norm) {
        const fft::Norm by = norm_of("fft.irfft", norm);
        return unlocked([&] { return fft::inverse_real_transform(x, n, axis, by); });
      },
      "x"_a, "n"_a = nb::none(), "axis"_a = -1, "norm"_a = nb::none(), "Of pairs, real numbers.");
  b.core.def("conjugate", &fft::conjugate, "x"_a, Release(), "(re, im) -> (re, -im) of pairs.");
}

}  // namespace needlecpp::python
