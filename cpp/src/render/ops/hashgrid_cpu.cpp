// The hash grid's points and levels cut for threads. The loops are in hashgrid_simd.cpp, whose essay explains panels
// and chunks.
#include <algorithm>
#include <cmath>

#include "needlecpp/core/parallel.h"
#include "ops/plumbing/scratch.h"
#include "render/ops/hashgrid_encoder.h"
#include "render/ops/hashgrid_run.h"
#include "render/ops/panel_encoder_cpu.h"

namespace needlecpp::cpu {
namespace {

constexpr int64_t kPadding = 16;  // floats between axes: their starts must not share one set of the cache

// A table at many positions.
class HashGridPass : public PanelPass {
 public:
  HashGridPass(const HashGridEncoder& encoder, View positions, View table)
      : encoder_(encoder), positions_(positions), table_(table) {}

  void encode(int64_t first, int64_t count, const Panels& panels) const override;
  void backward(int64_t first, int64_t count, const Panels& dy, const EncoderTargets& targets) const override;

 private:
  class Split;  // points axis by axis
  const HashGridEncoder& encoder_;
  View positions_, table_;
};

class HashGridPass::Split {
 public:
  Split(const HashGridPass& pass, int64_t first, int64_t count)
      : pass_(pass), first_(first), count_(count), pitch_(count + kPadding), axes_(3 * pitch_) {}

  void fill(int64_t begin, int64_t end) const {
    const View& positions = pass_.positions_;
    const ToUnitBox& to_unit = pass_.encoder_.to_unit();
    HashGridSplitPositionsArgs args = {};
    args.positions = data<float>(positions) + (first_ + begin) * positions.stride[0];
    args.stride_point = positions.stride[0];
    args.stride_axis = positions.stride[1];
    args.count = end - begin;
    std::copy_n(to_unit.scale, 3, args.scale);
    std::copy_n(to_unit.shift, 3, args.shift);
    args.x = axis(0) + begin;
    args.y = axis(1) + begin;
    args.z = axis(2) + begin;
    NDL_KERNEL(hashgrid_split_positions)(args);
  }
  HashGridPoints points(int64_t begin, int64_t end) const {
    return {axis(0) + begin, axis(1) + begin, axis(2) + begin, end - begin};
  }
  HashGridPoints points() const { return points(0, count_); }

 private:
  float* axis(int i) const { return axes_.data() + i * pitch_; }
  const HashGridPass& pass_;
  int64_t first_, count_, pitch_;
  Scratch<float> axes_;
};

void HashGridPass::encode(int64_t first, int64_t count, const Panels& panels) const {
  const Split split(*this, first, count);
  split.fill(0, count);
  float* panel = panels.data;
  for (const HashGridLevelArgs& level : encoder_.levels()) {
    NDL_KERNEL(hashgrid_encode)({level, split.points(), table_.data, table_.element, panel});
    panel += panels.pitch;
  }
}

void HashGridPass::backward(int64_t first, int64_t count, const Panels& dy, const EncoderTargets& targets) const {
  const Split split(*this, first, count);
  const std::vector<HashGridLevelArgs>& levels = encoder_.levels();
  const int64_t n_levels = static_cast<int64_t>(levels.size());
  parallel_for(count, kEncodeGrain, [&](int64_t begin, int64_t end) { split.fill(begin, end); });
  const EncoderTargets::Parameter& table = targets.parameters[0];
  if (table.gradient.given()) {
    float* gradient = data<float>(table.gradient);
    parallel_tasks(n_levels, [&](int64_t task) {
      const int64_t l = n_levels - 1 - task;  // the costly, hashed levels first
      NDL_KERNEL(hashgrid_scatter)
      ({levels[static_cast<size_t>(l)], split.points(), dy.data + l * dy.pitch, gradient, table.clear});
    });
  }
  if (targets.positions.given()) {
    float* gradient = data<float>(targets.positions);
    const float* scale = encoder_.to_unit().scale;
    const int64_t width = encoder_.layout().width;
    parallel_for(count, kEncodeGrain, [&](int64_t begin, int64_t end) {
      float* rows = gradient + (first + begin) * 3;
      std::fill_n(rows, (end - begin) * 3, 0.0f);
      for (int64_t l = 0; l < n_levels; ++l) {
        NDL_KERNEL(hashgrid_position_grad)
        ({levels[static_cast<size_t>(l)], split.points(begin, end), table_.data, table_.element,
          dy.data + l * dy.pitch + begin * width, rows});
      }
      for (int64_t i = 0; i < end - begin; ++i)
        for (int axis = 0; axis < 3; ++axis) rows[3 * i + axis] *= scale[axis];
    });
  }
}

template <class T>
void find_corners(const HashGridLevelArgs& level, const T* lattice, int64_t n, T* cell, int64_t* corner) {
  for (int64_t i = 0; i < n; ++i) {
    uint32_t at[3];
    for (int axis = 0; axis < 3; ++axis) {
      const T floored = std::floor(lattice[3 * i + axis]);
      cell[3 * i + axis] = floored;
      at[axis] = portable::lattice_cell(floored);
    }
    for (int c = 0; c < portable::kCorners; ++c)
      corner[c * n + i] = level.offset + portable::corner_entry(level, c, at[0], at[1], at[2]);
  }
}

}  // namespace

void run_find_corners(const HashGridLevelArgs& level, View lattice, View cells, View corners) {
  const int64_t n = lattice.size[0];
  if (lattice.element == Element::F64)
    find_corners(level, data<double>(lattice), n, data<double>(cells), data<int64_t>(corners));
  else
    find_corners(level, data<float>(lattice), n, data<float>(cells), data<int64_t>(corners));
}

}  // namespace needlecpp::cpu

namespace needlecpp {

std::unique_ptr<cpu::PanelPass> HashGridEncoder::on_cpu(View positions, const Views& parameters) const {
  return std::make_unique<cpu::HashGridPass>(*this, positions, parameters[0]);
}

}  // namespace needlecpp
