// The hash grid as an encoder: its one parameter is the table.
#pragma once

#include <vector>

#include "needlecpp/render/camera.h"
#include "needlecpp/render/hashgrid.h"
#include "render/ops/hashgrid_kernels.h"
#include "render/ops/panel_encoder.h"

namespace needlecpp {

// Throws for what no hash grid takes.
void check_hashgrid(const char* op, const Tensor& positions, const Tensor& table, const HashGridConfig& config);
// Whether the encoder takes them, for which positions are float32 and the table float32 or bfloat16; the twin takes
// all.
bool hashgrid_is_fused(const Tensor& positions, const Tensor& table);

// Coordinates of a box to those of the unit box: x * scale + shift.
struct ToUnitBox {
  float scale[3], shift[3];
  explicit ToUnitBox(const Box& box) {
    for (int axis = 0; axis < 3; ++axis) {
      scale[axis] = 1.0f / (box.high[axis] - box.low[axis]);
      shift[axis] = box.low[axis] == 0 ? 0.0f : -box.low[axis] * scale[axis];
    }
  }
  bool moves(int axis) const { return scale[axis] != 1.0f || shift[axis] != 0.0f; }
};

class HashGridEncoder : public PanelEncoder {
 public:
  // Positions of the box are moved to the unit box.
  HashGridEncoder(const HashGridConfig& config, const Box& box);

  PanelLayout layout() const override { return {config_.levels, config_.features}; }
  Tensor composed(const Tensors& inputs) const override;
  std::unique_ptr<cpu::PanelPass> on_cpu(View positions, const Views& parameters) const override;

  const ToUnitBox& to_unit() const { return to_unit_; }
  const std::vector<HashGridLevelArgs>& levels() const { return levels_; }

 private:
  HashGridConfig config_;
  ToUnitBox to_unit_;
  std::vector<HashGridLevelArgs> levels_;
};

}  // namespace needlecpp
