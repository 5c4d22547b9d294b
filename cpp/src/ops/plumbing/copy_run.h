// Copies between any two layouts and types, which most ops need somewhere.
#pragma once

#include "core/run.h"

namespace needlecpp {

// target = source, converting; of one shape, strides free.
NDL_DECLARE_RUN(void, run_copy, (const View& source, const View& target));

}  // namespace needlecpp
