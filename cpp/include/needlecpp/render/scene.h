// A scene: a model and what showing it needs besides. Cameras look at it as everywhere in this library: camera-to-world
// poses with OpenCV's axes (camera.h), in the model's world units.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "needlecpp/render/model.h"

namespace needlecpp {

struct Scene {
  std::shared_ptr<Model> model;
  float background[3] = {1, 1, 1};  // sRGB in [0, 1]
  int64_t step = 0;                 // of its training

  // Writes one safetensors file, in one move: see render/scene_file.cpp for what is in it. Throws ValueError for what
  // could not be loaded again, FileError where it cannot be written.
  void save(const std::string& path) const;
  // Throws ValueError naming the file and what is wrong (missing tensor, wrong shape, unknown version, hostile sizes).
  // `field`: takes the file's parameters, by name; for fields of a program's own, which a file alone cannot make.
  static Scene load(const std::string& path, std::shared_ptr<Field> field = nullptr);

  // Whether every parameter is a finite number: a model that is not renders nothing and is not worth saving.
  bool finite() const;
};

inline constexpr int kSceneVersion = 1;

}  // namespace needlecpp
