// What the op of picture.h asks of a device.
#pragma once

#include "core/run.h"

namespace needlecpp {

// Contiguous uint8 pictures [height, width, 3 or 4]; out is not larger than image in any axis.
NDL_DECLARE_RUN(void, run_area_average, (View image, View out))

}  // namespace needlecpp
