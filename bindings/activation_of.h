// The activations of small networks by their names.
#pragma once

#include <string>

#include "needlecpp/render/fused_mlp.h"

namespace needlecpp::python {

inline Activation activation_of(const std::string& activation_name) {
  if (activation_name == "none") return Activation::None;
  if (activation_name == "relu") return Activation::ReLU;
  NDL_CHECK(activation_name == "sigmoid", ValueError, "fused_mlp", "unknown activation: got \"", activation_name,
            "\", expected \"none\", \"relu\" or \"sigmoid\".");
  return Activation::Sigmoid;
}

}  // namespace needlecpp::python
