// A radiance field: hash grid -> density MLP -> (features, direction) -> colour MLP.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "needlecpp/core/tensor.h"
#include "needlecpp/render/camera.h"
#include "needlecpp/render/fused_mlp.h"
#include "needlecpp/render/hashgrid.h"

namespace needlecpp {

struct FieldConfig {
  Box box;  // the scene, world units
  // Eight levels from 16 to 512, and tables large enough that views of some hundred pixels fill them.
  HashGridConfig grid = {8, 2, 18, 16, 1.640670712015276};
  int density_hidden = 64;  // width of the density network's one hidden layer
  int features = 16;        // its outputs; the first is log density
  int color_hidden = 64;
  int color_layers = 2;  // hidden layers of the colour network
  int sh_degree = 4;
  Precision precision = Precision::Float32;  // of the products in the two networks
};

class RadianceField {
 public:
  explicit RadianceField(const FieldConfig& config, uint64_t seed = 0);

  struct Density {
    Tensor sigma;     // [n] float32, per world unit
    Tensor features;  // [n, features]
  };
  Density density(const Tensor& positions) const;  // [n, 3] world units
  Tensor color(const Tensor& features,             // [n, features]
               const Tensor& directions) const;    // [n, 3] unit -> [n, 3] sRGB in [0,1]
  // The same for directions that are encoded already: samples of one ray share their harmonics.
  Tensor color_encoded(const Tensor& features, const Tensor& harmonics) const;  // [n, sh_degree^2]

  // The field as it is now, for as long as its parameters do not change: with bfloat16 networks the table is read as
  // bfloat16, too.
  RadianceField for_rendering() const;

  const FieldConfig& config() const { return config_; }
  // Name and tensor of every parameter; the order is that of checkpoints and optimizers.
  std::vector<std::pair<std::string, Tensor>> named_parameters() const;
  const Tensor& table() const { return table_; }

 private:
  FieldConfig config_;
  Tensor table_;
  Tensors density_weights_;
  Tensors color_weights_;
};

}  // namespace needlecpp
