// Between panels and rows of features.
#pragma once

#include <stdint.h>

#include "simd/isa.h"

namespace needlecpp {

// Rows [count, panels * width] (a tensor's layout) and panels [panels][pitch] holding [count, width] each (an encoder's
// layout). pitch is in floats.
struct PanelRowsArgs {
  float* rows;
  float* panels;
  int64_t count, pitch;
  int64_t n_panels, width;
};
NDL_DECLARE_KERNEL(void, rows_from_panels, (const PanelRowsArgs& args))
NDL_DECLARE_KERNEL(void, panels_from_rows, (const PanelRowsArgs& args))

}  // namespace needlecpp
