// The hash grid op: levels and their layout, and the composed twin. What is on the tape is an encoder's
// (panel_encoder.cpp); the loops are in hashgrid_simd.cpp, whose essay explains panels and chunks.
#include "needlecpp/render/hashgrid.h"

#include <cmath>

#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "render/ops/hashgrid_encoder.h"
#include "render/ops/hashgrid_run.h"

namespace needlecpp {
namespace {

std::vector<HashGridLevelArgs> level_args(const HashGridConfig& config) {
  std::vector<HashGridLevelArgs> args;
  for (const HashGridLevel& level : hashgrid_levels(config))
    args.push_back({level.scale, static_cast<uint32_t>(level.resolution), static_cast<uint32_t>(level.size),
                    level.hashed, level.offset, config.features});
  return args;
}

void check_positions(const char* op, const Tensor& positions) {
  NDL_CHECK(positions.defined() && positions.rank() == 2 && positions.size(1) == 3, ValueError, op,
            "bad shape of positions: got ", positions.defined() ? to_string(positions.shape()) : "nothing",
            ", expected (n, 3).");
  NDL_CHECK(is_floating(positions.dtype()), TypeError, op, "bad dtype of positions: got ", name(positions.dtype()),
            ", expected float32.");
}

void check_table(const char* op, const char* what, const Tensor& table, const HashGridConfig& config) {
  const Shape expected = {hashgrid_entries(config), config.features};
  NDL_CHECK(table.defined() && table.shape() == expected, ValueError, op, "bad shape of ", what, ": got ",
            table.defined() ? to_string(table.shape()) : "nothing", ", expected ", expected,
            " for this configuration. Make it with hashgrid_init.");
  NDL_CHECK(is_floating(table.dtype()), TypeError, op, "bad dtype of ", what, ": got ", name(table.dtype()),
            ", expected float32.");
}

// positions * scale + 0.5, rounded once as the fused op does it.
Tensor lattice_of(const Tensor& positions, float scale, DType dtype) {
  return cast(add(mul(cast(positions, DType::Float64), scale), 0.5), dtype);
}

}  // namespace

void check_hashgrid(const char* op, const Tensor& positions, const Tensor& table, const HashGridConfig& config) {
  check_config(op, config);
  check_positions(op, positions);
  check_table(op, "table", table, config);
}

bool hashgrid_is_fused(const Tensor& positions, const Tensor& table) {
  return positions.dtype() == DType::Float32 && (table.dtype() == DType::Float32 || table.dtype() == DType::BFloat16);
}

HashGridEncoder::HashGridEncoder(const HashGridConfig& config, const Box& box)
    : config_(config), to_unit_(box), levels_(level_args(config)) {}

Tensor HashGridEncoder::composed(const Tensors& inputs) const {
  const Tensor& positions = inputs[0];
  if (!to_unit_.moves(0) && !to_unit_.moves(1) && !to_unit_.moves(2))
    return hashgrid_composed(positions, inputs[1], config_);
  // Rounded once, as the fused op does it.
  Tensors axes;
  for (int axis = 0; axis < 3; ++axis)
    axes.push_back(
        add(mul(cast(select(positions, 1, axis), DType::Float64), to_unit_.scale[axis]), to_unit_.shift[axis]));
  return hashgrid_composed(cast(stack(axes, 1), positions.dtype()), inputs[1], config_);
}

std::vector<HashGridLevel> hashgrid_levels(const HashGridConfig& config) {
  check_config("hashgrid_levels", config);
  std::vector<HashGridLevel> levels;
  const int64_t most = int64_t{1} << config.log2_table_size;
  int64_t offset = 0;
  for (int l = 0; l < config.levels; ++l) {
    const float scale = static_cast<float>(config.base_resolution * std::pow(config.growth, l) - 1);
    const int resolution = static_cast<int>(std::ceil(scale)) + 1;
    const double cells = static_cast<double>(resolution) * resolution * resolution;
    const bool hashed = cells > static_cast<double>(most);
    const int64_t size = hashed ? most : (static_cast<int64_t>(cells) + 7) / 8 * 8;
    levels.push_back({scale, resolution, offset, size, hashed});
    offset += size;
  }
  return levels;
}

int64_t hashgrid_entries(const HashGridConfig& config) {
  const HashGridLevel last = hashgrid_levels(config).back();
  return last.offset + last.size;
}

Tensor hashgrid_init(const HashGridConfig& config, uint64_t seed) {
  Op op("hashgrid_init");
  Generator generator(seed);
  return rand({hashgrid_entries(config), config.features}, -1e-4, 1e-4, DType::Float32, op.device(), generator);
}

Tensor hashgrid(const Tensor& positions, const Tensor& table, const HashGridConfig& config) {
  Op op("hashgrid", positions, table);
  check_hashgrid(op, positions, table, config);
  if (!hashgrid_is_fused(positions, table)) return hashgrid_composed(positions, table, config);
  return encode(op, std::make_shared<HashGridEncoder>(config, kUnitBox), positions, {table});
}

Tensor hashgrid_composed(const Tensor& positions, const Tensor& table, const HashGridConfig& config) {
  Op op("hashgrid_composed", positions, table);
  check_hashgrid(op, positions, table, config);
  const int64_t n = positions.size(0);
  const DType dtype = promote_types(promote_types(positions.dtype(), table.dtype()), DType::Float32);
  const Tensor entries = cast(table, dtype);
  Tensors parts;
  for (const HashGridLevelArgs& level : level_args(config)) {
    const Tensor lattice = lattice_of(positions, level.scale, dtype);
    const Tensor cells = op.empty({n, 3}, dtype);
    const Tensor corners = op.empty({portable::kCorners * n}, DType::Int64);
    NDL_ON(op.device(), run_find_corners)(level, contiguous(lattice.detach()), cells, corners);
    const Tensor high = sub(lattice, cells);
    const Tensor low = sub(1.0, high);
    Tensors weights;
    for (int c = 0; c < portable::kCorners; ++c) {
      const Tensor x = select(c & 1 ? high : low, 1, 0);
      const Tensor y = select(c >> 1 & 1 ? high : low, 1, 1);
      const Tensor z = select(c >> 2 ? high : low, 1, 2);
      weights.push_back(mul(mul(y, z), x));
    }
    const Tensor weight = reshape(stack(weights, 0), {portable::kCorners, n, 1});
    const Tensor rows = reshape(index_select(entries, 0, corners), {portable::kCorners, n, config.features});
    parts.push_back(sum(mul(rows, weight), {0}));
  }
  return concat(parts, 1);
}

}  // namespace needlecpp
