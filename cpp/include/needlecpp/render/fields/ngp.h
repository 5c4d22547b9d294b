// Instant-NGP's field (Mueller et al. 2022, section 5.4): hash grid -> density network -> (features, direction) ->
// colour network.
#pragma once

#include <utility>

#include "needlecpp/core/config.h"
#include "needlecpp/render/field.h"
#include "needlecpp/render/fused_mlp.h"
#include "needlecpp/render/hashgrid.h"

namespace needlecpp {

struct NgpConfig {
  Box box;  // the scene, world units
  // Eight levels from 16 to 512, and tables large enough that views of some hundred pixels fill them.
  HashGridConfig grid = {8, 2, 18, 16, 1.640670712015276};
  int density_hidden = 64;
  int features = 16;
  int color_hidden = 64;
  int color_layers = 2;
  int sh_degree = 4;
  Precision precision = Precision::Float32;
};
template <class Visitor, MaybeConst<NgpConfig> Config>
void describe(Visitor& v, Config& c) {
  v("box", c.box, "the scene, world units");
  v("grid", c.grid, "the hash grid");
  v("density_hidden", c.density_hidden, 1, 256, "width of the density network's one hidden layer");
  v("features", c.features, 1, 256, "outputs of the density network; the first is the logarithm of density");
  v("color_hidden", c.color_hidden, 1, 256, "width of the colour network's hidden layers");
  v("color_layers", c.color_layers, 1, 8, "hidden layers of the colour network");
  v("sh_degree", c.sh_degree, 1, 4, "of the spherical harmonics that encode directions");
  v("precision", c.precision, "of the products in the two networks", Absent::Default);
}

class NgpField : public Field {
 public:
  static constexpr const char* kKind = "ngp";
  using Config = NgpConfig;
  explicit NgpField(const NgpConfig& config, uint64_t seed = 0);

  std::string kind() const override { return kKind; }
  const Box& box() const override { return config_.box; }
  Density density(const Tensor& positions) const override;
  Tensor color(const Tensor& features, const Rays& rays, const Tensor& ray_index) const override;
  std::vector<Parameter> parameters() const override;
  size_t bytes(int64_t samples, bool training) const override;
  // With bfloat16 networks the table is read as bfloat16, too.
  std::shared_ptr<const Field> for_rendering() const override;

  const NgpConfig& config() const { return config_; }
  // Names and shapes of the parameters that a field of these settings has, before there is one.
  static std::vector<std::pair<std::string, Shape>> shapes(const NgpConfig& config);

 private:
  NgpConfig config_;
  Tensor table_;
  Tensors density_weights_;
  Tensors color_weights_;
};

}  // namespace needlecpp
