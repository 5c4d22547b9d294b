// The hash grid's table gradient without the tape, for loops that keep one gradient tensor and clear it themselves.
#pragma once

#include "needlecpp/render/hashgrid.h"

namespace needlecpp {

// table_grad += the gradient of sum(dy * hashgrid(positions, table, config)) by the table. The sums are taken in the
// order of the points, whatever the number of threads.
void hashgrid_backward_table(const Tensor& positions,  // [n, 3] float32
                             const Tensor& dy,         // [n, levels * features] float32
                             const HashGridConfig& config,
                             const Tensor& table_grad);  // [entries, features] float32, contiguous

}  // namespace needlecpp
