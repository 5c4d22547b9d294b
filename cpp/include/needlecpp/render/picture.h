// Pictures on their way into a training set.
#pragma once

#include "needlecpp/core/tensor.h"

namespace needlecpp {

// Shrinks a picture: each new pixel is the mean over the area it covers, pixels cut by its edges counting by the part
// inside, rounded half up; exact in integers. Colour is weighted by alpha, so that what a transparent pixel hides does
// not bleed into its neighbours; it is 0 where alpha is 0 all over. Runs on the calling thread: callers shrink many
// pictures at once. Sides up to 65535.
Tensor area_average(const Tensor& image,  // [h, w, 3 or 4] uint8, straight alpha
                    int64_t width, int64_t height);

}  // namespace needlecpp
