// What the ops of encoding.h ask of a device. Everything is float32, and contiguous but for `directions`.
#pragma once

#include "core/run.h"

namespace needlecpp {

// directions [n, 3] with any strides -> y [n, degree^2].
NDL_DECLARE_RUN(void, run_spherical_harmonics, (int degree, View directions, View y))
// dy [n, degree^2] -> gradient [n, 3].
NDL_DECLARE_RUN(void, run_spherical_harmonics_backward, (int degree, View directions, View dy, View gradient))
// x -> y, 2 * frequencies numbers for each of x.
NDL_DECLARE_RUN(void, run_frequency_encoding, (int frequencies, View x, View y))
// y and dy as above -> gradient of x.
NDL_DECLARE_RUN(void, run_frequency_encoding_backward, (int frequencies, View y, View dy, View gradient))

}  // namespace needlecpp
