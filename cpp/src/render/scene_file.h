// A scene as a safetensors file, on its way to the disk.
#pragma once

#include <string>

#include "needlecpp/io/safetensors.h"
#include "needlecpp/render/scene.h"

namespace needlecpp {

// What Scene::save writes; the tensors are the model's own, not copies. `path` is named in errors.
SafetensorsFile to_safetensors(const Scene& scene, const std::string& path);

}  // namespace needlecpp
