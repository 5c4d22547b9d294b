// A scene's file while it is written or read: the description, and tensors by name.
#pragma once

#include <map>
#include <string>

#include "needlecpp/io/safetensors.h"
#include "render/files/description.h"

namespace needlecpp {

inline constexpr const char* kFieldPrefix = "field.";  // of the field's parameters

class SceneWriter {
 public:
  nlohmann::json description = nlohmann::json::object();
  NamedTensors tensors;
};

class SceneReader {
 public:
  SceneReader(const std::string& path, const Description& description, std::map<std::string, Tensor> tensors)
      : path_(path), description_(description), tensors_(std::move(tensors)) {}
  const std::string& path() const { return path_; }
  const Description& description() const { return description_; }
  // The tensor of this name, of exactly this shape and dtype.
  Tensor find(const std::string& wanted, const Shape& shape, DType dtype) const;

 private:
  const std::string& path_;
  const Description& description_;
  std::map<std::string, Tensor> tensors_;
};

}  // namespace needlecpp
