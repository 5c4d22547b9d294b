// A hash grid and two networks: parameters, and the two functions that rendering calls.
#include "needlecpp/render/fields/ngp.h"

#include <cmath>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/gather.h"
#include "needlecpp/ops/random.h"
#include "needlecpp/ops/shape.h"
#include "needlecpp/render/encoding.h"
#include "needlecpp/render/hashgrid_mlp.h"

namespace needlecpp {
namespace {

// Optical thickness of a fresh field along the diagonal of its box, about that of instant-ngp's unit cube. Were density
// per world unit 1 at first, a large scene would start as a fog that no ray leaves, and a small one as nothing.
constexpr double kInitialThickness = 1.7;

// Uniform in +-sqrt(6 / (in + out)) (Glorot and Bengio, 2010, equation 16).
Tensor weight(int64_t in, int64_t out, Generator& generator) {
  const double bound = std::sqrt(6.0 / static_cast<double>(in + out));
  return rand({in, out}, -bound, bound, DType::Float32, {}, generator).set_requires_grad(true);
}

// Rows of activations are padded to whole vectors.
int64_t round_up(int64_t width) { return (width + 15) / 16 * 16; }
// What the two ops hold for each thread: panels of a run of points, tiles of activations, sums of gradients.
constexpr size_t kThreadBytes = size_t{8} << 20;

}  // namespace

NgpField::NgpField(const NgpConfig& config, uint64_t seed) : config_(config) {
  check_config("field", config);
  Generator generator(seed);
  table_ = hashgrid_init(config.grid, ~seed);  // numbers of its own
  table_.set_requires_grad(true);
  for (const auto& [parameter_name, shape] : shapes(config))
    if (parameter_name != "table")
      (parameter_name.starts_with("density") ? density_weights_ : color_weights_)
          .push_back(weight(shape[0], shape[1], generator));
}

std::vector<std::pair<std::string, Shape>> NgpField::shapes(const NgpConfig& config) {
  const int64_t encoded = static_cast<int64_t>(config.grid.levels) * config.grid.features;
  std::vector<std::pair<std::string, Shape>> shapes = {{"table", {hashgrid_entries(config.grid), config.grid.features}},
                                                       {"density.0", {encoded, config.density_hidden}},
                                                       {"density.1", {config.density_hidden, config.features}}};
  int64_t width = config.features + config.sh_degree * config.sh_degree;
  for (int layer = 0; layer <= config.color_layers; ++layer) {
    const int64_t next = layer < config.color_layers ? config.color_hidden : 3;
    shapes.push_back({"color." + std::to_string(layer), {width, next}});
    width = next;
  }
  return shapes;
}

std::shared_ptr<const Field> NgpField::for_rendering() const {
  NoGrad no_grad;
  auto field = std::make_shared<NgpField>(*this);
  field->table_ = config_.precision == Precision::BFloat16 ? cast(table_, DType::BFloat16) : table_.detach();
  return field;
}

Density NgpField::density(const Tensor& positions) const {
  double diagonal = 0;
  for (size_t axis = 0; axis < 3; ++axis)
    diagonal = std::hypot(diagonal, static_cast<double>(config_.box.high[axis] - config_.box.low[axis]));
  const Tensor features = hashgrid_mlp(positions, table_, density_weights_, config_.grid, config_.box, Activation::ReLU,
                                       Activation::None, config_.precision);
  return {trunc_exp(select(features, 1, 0)) * (kInitialThickness / diagonal), features};
}

Tensor NgpField::color(const Tensor& features, const Rays& rays, const Tensor& ray_index) const {
  const Tensor harmonics = index_select(spherical_harmonics(rays.directions, config_.sh_degree), 0, ray_index);
  return fused_mlp(concat({features, harmonics}, 1), color_weights_, Activation::ReLU, Activation::Sigmoid,
                   config_.precision);
}

std::vector<Parameter> NgpField::parameters() const {
  std::vector<Parameter> parameters = {{.name = "table", .tensor = table_, .touched_only = true}};
  for (size_t i = 0; i < density_weights_.size(); ++i)
    parameters.push_back({.name = "density." + std::to_string(i), .tensor = density_weights_[i]});
  for (size_t i = 0; i < color_weights_.size(); ++i)
    parameters.push_back({.name = "color." + std::to_string(i), .tensor = color_weights_[i]});
  return parameters;
}

size_t NgpField::bytes(int64_t samples, bool training) const {
  // Widths of rows, in floats, as the two fused ops lay them out; what a thread needs comes on top.
  const int64_t encoded = int64_t{config_.grid.levels} * config_.grid.features;
  const int64_t seen = config_.features + config_.sh_degree * config_.sh_degree;
  const int64_t hidden =
      round_up(config_.density_hidden) + int64_t{config_.color_layers} * round_up(config_.color_hidden);
  const int64_t off_tape = 2 * config_.features + 2 * seen + 8;
  const int64_t on_tape = 2 * encoded + hidden + 2 * config_.features + 2 * seen + 8;
  int64_t weights = 0;
  for (const auto& [parameter_name, shape] : shapes(config_)) weights += numel(shape);
  const int64_t floats = samples * (training ? off_tape + on_tape : off_tape) + (training ? weights : 0);
  return static_cast<size_t>(floats) * sizeof(float) + kThreadBytes * static_cast<size_t>(num_threads());
}

}  // namespace needlecpp
