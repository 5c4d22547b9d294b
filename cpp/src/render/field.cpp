// The radiance field: parameters, and the two functions that rendering calls.
#include "needlecpp/render/field.h"

#include <cmath>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/ops/elementwise.h"
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

void check(const FieldConfig& config) {
  const auto positive = [](int value, const char* what) {
    NDL_CHECK(value >= 1 && value <= 256, ValueError, "field", what, " out of range: got ", value,
              ", expected 1 to 256.");
  };
  positive(config.density_hidden, "density_hidden");
  positive(config.features, "features");
  positive(config.color_hidden, "color_hidden");
  NDL_CHECK(config.color_layers >= 1 && config.color_layers <= 8, ValueError, "field",
            "color_layers out of range: got ", config.color_layers, ", expected 1 to 8.");
  NDL_CHECK(config.sh_degree >= 1 && config.sh_degree <= 4, ValueError, "field", "sh_degree out of range: got ",
            config.sh_degree, ", expected 1 to 4.");
  config.box.check("field");
}

}  // namespace

RadianceField::RadianceField(const FieldConfig& config, uint64_t seed) : config_(config) {
  check(config);
  Generator generator(seed);
  table_ = hashgrid_init(config.grid, ~seed);  // numbers of its own
  table_.set_requires_grad(true);
  const int64_t encoded = static_cast<int64_t>(config.grid.levels) * config.grid.features;
  density_weights_ = {weight(encoded, config.density_hidden, generator),
                      weight(config.density_hidden, config.features, generator)};
  int64_t width = config.features + config.sh_degree * config.sh_degree;
  for (int layer = 0; layer < config.color_layers; ++layer, width = config.color_hidden)
    color_weights_.push_back(weight(width, config.color_hidden, generator));
  color_weights_.push_back(weight(width, 3, generator));
}

RadianceField RadianceField::for_rendering() const {
  NoGrad no_grad;
  RadianceField field = *this;
  field.table_ = config_.precision == Precision::BFloat16 ? cast(table_, DType::BFloat16) : table_.detach();
  return field;
}

RadianceField::Density RadianceField::density(const Tensor& positions) const {
  double diagonal = 0;
  for (size_t axis = 0; axis < 3; ++axis)
    diagonal = std::hypot(diagonal, static_cast<double>(config_.box.high[axis] - config_.box.low[axis]));
  const Tensor features = hashgrid_mlp(positions, table_, density_weights_, config_.grid, config_.box, Activation::ReLU,
                                       Activation::None, config_.precision);
  return {trunc_exp(select(features, 1, 0)) * (kInitialThickness / diagonal), features};
}

Tensor RadianceField::color(const Tensor& features, const Tensor& directions) const {
  return color_encoded(features, spherical_harmonics(directions, config_.sh_degree));
}

Tensor RadianceField::color_encoded(const Tensor& features, const Tensor& harmonics) const {
  return fused_mlp(concat({features, harmonics}, 1), color_weights_, Activation::ReLU, Activation::Sigmoid,
                   config_.precision);
}

std::vector<std::pair<std::string, Tensor>> RadianceField::named_parameters() const {
  std::vector<std::pair<std::string, Tensor>> parameters = {{"table", table_}};
  for (size_t i = 0; i < density_weights_.size(); ++i)
    parameters.emplace_back("density." + std::to_string(i), density_weights_[i]);
  for (size_t i = 0; i < color_weights_.size(); ++i)
    parameters.emplace_back("color." + std::to_string(i), color_weights_[i]);
  return parameters;
}

}  // namespace needlecpp
