// The hash grid op: levels and their layout, forward, backward, and the composed twin. The loops are in
// hashgrid_simd.cpp, whose essay explains panels and chunks.
#include "needlecpp/render/hashgrid.h"

#include <algorithm>
#include <cmath>

#include "needlecpp/autograd/op.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/core/random.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/reduce.h"
#include "needlecpp/ops/shape.h"
#include "render/ops/hashgrid_panels.h"

namespace needlecpp {
namespace {

constexpr int64_t kGrain = 1024;  // points below which a thread is not worth waking
constexpr int64_t kBackwardPoints = 1 << 17;
constexpr int64_t kPadding = 16;  // floats between panels: their starts must not share one set of the cache

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

void check_devices(const char* op, const Tensor& a, const Tensor& b) {
  NDL_CHECK(a.device() == Device{} && b.device() == Device{}, TypeError, op, "unsupported device: got ",
            to_string(a.device()), " and ", to_string(b.device()), ", expected cpu.");
}

Tensor encode_rows(const Tensor& positions, const Tensor& table, const HashGridConfig& config) {
  const HashGridPass pass(positions, kUnitBox, table, config);
  const int64_t n = positions.size(0);
  const int64_t width = int64_t{config.levels} * config.features;
  Tensor y = Tensor::empty({n, width});
  parallel_for(n, kGrain, [&](int64_t begin, int64_t end) {
    const int64_t most = std::min(kEncodePoints, end - begin);
    const Tensor memory = Tensor::empty({config.levels * panel_pitch(config, most)});
    const Panels panels = {memory.data<float>(), panel_pitch(config, most)};
    for (int64_t first = begin; first < end; first += most) {
      const int64_t count = std::min(most, end - first);
      pass.encode(first, count, panels);
      NDL_KERNEL(hashgrid_rows_from_panels)
      ({y.data<float>() + first * width, panels.data, count, panels.pitch, config.levels, config.features});
    }
  });
  return y;
}

// In batches, so that the panels stay a small part of what dy holds; a batch's size does not depend on the threads,
// hence neither do the sums.
void backward_rows(const Tensor& positions, const Tensor& table, const Tensor& dy_any, const HashGridConfig& config,
                   const Tensor& table_grad, bool zero, const Tensor& position_grad) {
  const HashGridPass pass(positions, kUnitBox, table, config);
  const int64_t n = positions.size(0);
  const int64_t width = int64_t{config.levels} * config.features;
  const Tensor dy = contiguous(dy_any);
  const int64_t most = std::min(kBackwardPoints, n);
  const Tensor memory = Tensor::empty({config.levels * panel_pitch(config, most)});
  const Panels panels = {memory.data<float>(), panel_pitch(config, most)};
  for (int64_t first = 0; first < n || first == 0; first += kBackwardPoints) {
    const int64_t count = std::min(most, n - first);
    parallel_for(count, kGrain, [&](int64_t begin, int64_t end) {
      NDL_KERNEL(hashgrid_panels_from_rows)
      ({dy.data<float>() + (first + begin) * width, panels.data + begin * config.features, end - begin, panels.pitch,
        config.levels, config.features});
    });
    pass.backward(first, count, panels, table_grad, zero && first == 0, position_grad);
  }
}

}  // namespace

void check_hashgrid(const char* op, const Tensor& positions, const Tensor& table, const HashGridConfig& config) {
  check_config(op, config);
  check_positions(op, positions);
  check_table(op, "table", table, config);
  check_devices(op, positions, table);
}

int64_t panel_pitch(const HashGridConfig& config, int64_t n) { return n * config.features + kPadding; }

class HashGridPass::Split {
 public:
  Split(const HashGridPass& pass, int64_t first, int64_t count)
      : pass_(pass), first_(first), count_(count), pitch_(count + kPadding), axes_(Tensor::empty({3 * pitch_})) {}

  void fill(int64_t begin, int64_t end) const {
    const Strides& strides = pass_.positions_.strides();
    HashGridSplitPositionsArgs args = {};
    args.positions = pass_.positions_.data<float>() + (first_ + begin) * strides[0];
    args.stride_point = strides[0];
    args.stride_axis = strides[1];
    args.count = end - begin;
    std::copy_n(pass_.to_unit_.scale, 3, args.scale);
    std::copy_n(pass_.to_unit_.shift, 3, args.shift);
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
  float* axis(int i) const { return axes_.data<float>() + i * pitch_; }
  const HashGridPass& pass_;
  int64_t first_, count_, pitch_;
  Tensor axes_;
};

HashGridPass::HashGridPass(const Tensor& positions, const Box& box, const Tensor& table, const HashGridConfig& config)
    : positions_(positions), table_(table), to_unit_(box), levels_(level_args(config)), features_(config.features) {}

void HashGridPass::encode(int64_t first, int64_t count, const Panels& panels) const {
  const Split split(*this, first, count);
  split.fill(0, count);
  for (size_t l = 0; l < levels_.size(); ++l) NDL_KERNEL(hashgrid_encode)
  ({levels_[l], split.points(), table_.raw(), table_.dtype() == DType::BFloat16,
    panels.data + static_cast<int64_t>(l) * panels.pitch});
}

void HashGridPass::backward(int64_t first, int64_t count, const Panels& dy, const Tensor& table_grad, bool zero,
                            const Tensor& position_grad) const {
  const Split split(*this, first, count);
  const int64_t n_levels = static_cast<int64_t>(levels_.size());
  parallel_for(count, kGrain, [&](int64_t begin, int64_t end) { split.fill(begin, end); });
  if (table_grad.defined())
    parallel_tasks(n_levels, [&](int64_t task) {
      const int64_t l = n_levels - 1 - task;  // the costly, hashed levels first
      NDL_KERNEL(hashgrid_scatter)
      ({levels_[static_cast<size_t>(l)], split.points(), dy.data + l * dy.pitch, table_grad.data<float>(), zero});
    });
  if (position_grad.defined())
    parallel_for(count, kGrain, [&](int64_t begin, int64_t end) {
      float* rows = position_grad.data<float>() + (first + begin) * 3;
      std::fill_n(rows, (end - begin) * 3, 0.0f);
      for (int64_t l = 0; l < n_levels; ++l) NDL_KERNEL(hashgrid_position_grad)
      ({levels_[static_cast<size_t>(l)], split.points(begin, end), table_.raw(), table_.dtype() == DType::BFloat16,
        dy.data + l * dy.pitch + begin * features_, rows});
      for (int64_t i = 0; i < end - begin; ++i)
        for (int axis = 0; axis < 3; ++axis) rows[3 * i + axis] *= to_unit_.scale[axis];
    });
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
  return rand({hashgrid_entries(config), config.features}, -1e-4, 1e-4, DType::Float32, generator);
}

Tensor hashgrid(const Tensor& positions, const Tensor& table, const HashGridConfig& config) {
  Op op("hashgrid", positions, table);
  check_hashgrid("hashgrid", positions, table, config);
  const bool narrow = table.dtype() == DType::BFloat16;
  if (positions.dtype() != DType::Float32 || (table.dtype() != DType::Float32 && !narrow))
    return hashgrid_composed(positions, table, config);
  const Tensor entries = contiguous(table.detach());
  return op.record(
      encode_rows(positions, entries, config), {positions, table}, {positions, table}, [config](Backward& b) {
        const Tensor positions = b.saved(0), table = b.saved(1);
        if (Backward::recording()) {
          b.through_twin([config](const Tensors& in) { return Tensors{hashgrid_composed(in[0], in[1], config)}; },
                         {positions, table});
          return;
        }
        const Tensor by_positions = b.needs(0) ? Tensor::empty(positions.shape()) : Tensor();
        const TableGradient by_table(b, 1, table);
        backward_rows(positions, contiguous(table), b.dy(), config, by_table.tensor(), by_table.fresh(), by_positions);
        b.give(0, by_positions);
        by_table.give("hashgrid");
      });
}

namespace {

// Constants of the interpolation on one level: cells as numbers [n, 3] and the corners' rows of the table [8 * n],
// corner-major.
template <class T>
void find_corners(const HashGridLevelArgs& level, const Tensor& lattice, const Tensor& cells, const Tensor& corners) {
  const int64_t n = lattice.size(0);
  const T* from = lattice.data<T>();
  T* cell = cells.data<T>();
  int64_t* corner = corners.data<int64_t>();
  for (int64_t i = 0; i < n; ++i) {
    uint32_t at[3];
    for (int axis = 0; axis < 3; ++axis) {
      const T floored = std::floor(from[3 * i + axis]);
      cell[3 * i + axis] = floored;
      at[axis] = portable::lattice_cell(floored);
    }
    for (int c = 0; c < portable::kCorners; ++c)
      corner[c * n + i] = level.offset + portable::corner_entry(level, c, at[0], at[1], at[2]);
  }
}

// positions * scale + 0.5, rounded once as the fused op does it.
Tensor lattice_of(const Tensor& positions, float scale, DType dtype) {
  return cast(add(mul(cast(positions, DType::Float64), scale), 0.5), dtype);
}

}  // namespace

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
    const Tensor at = contiguous(lattice.detach());
    if (dtype == DType::Float64)
      find_corners<double>(level, at, cells, corners);
    else
      find_corners<float>(level, at, cells, corners);
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
