// Pictures on their way into a training set.
#pragma once

#include "needlecpp/core/tensor.h"

namespace needlecpp {

// Shrinks a picture into `out`: each new pixel is the mean over the area it covers, pixels cut by its edges counting by
// the part inside, rounded half up; exact. Colour is weighted by alpha, so that what a transparent pixel hides does not
// bleed into its neighbours; it is 0 where alpha is 0 all over. Of four channels three are taken where `out` has three:
// the fourth is no alpha then. A picture of the size of `out` is copied as it is. Runs on the calling thread: callers
// shrink many pictures at once. Sides up to 65535.
void area_average(const Tensor& image,  // [h, w, 3 or 4] uint8, straight alpha
                  const Tensor& out);   // [h', w', 3 or 4] uint8, contiguous; h' <= h, w' <= w

}  // namespace needlecpp
