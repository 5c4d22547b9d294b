// Scans on the tape whichever way they go: along an axis or within packed segments.
#pragma once

#include "needlecpp/core/tensor.h"
#include "needlecpp/ops/scan.h"

namespace needlecpp {

struct ScanWay {
  int axis = 0;
  bool exclusive = false;
  bool reverse = false;
  Tensor offsets;  // of segments along axis 0, checked and not shared with the user; undefined if there are none

  ScanWay back() const { return {axis, exclusive, !reverse, offsets}; }
  ScanWay inclusive() const { return {axis, false, reverse, offsets}; }
  ScanWay before() const { return {axis, true, reverse, offsets}; }  // exclusive
};

// Of any dtype.
Tensor scan_on_tape(const char* op_name, const Tensor& x, FoldOp op, const ScanWay& way);

}  // namespace needlecpp
