// What the hash grid's twin asks of a device; the fused op asks as an encoder does (panel_encoder_run.h).
#pragma once

#include "core/run.h"
#include "render/ops/hashgrid_kernels.h"

namespace needlecpp {

// Constants of the interpolation on one level, from positions on its lattice [n, 3], float32 or float64: cells as
// numbers of that type [n, 3] and the corners' rows of the table [8 * n] int64, corner-major. All are contiguous.
NDL_DECLARE_RUN(void, run_find_corners, (const HashGridLevelArgs& level, View lattice, View cells, View corners))

}  // namespace needlecpp
