// The safetensors file format: a JSON header and raw little-endian tensors. Every number in a file is taken as
// hostile: sizes, offsets, overlaps and holes are checked before a byte is read.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "needlecpp/core/tensor.h"

namespace needlecpp {

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

struct SafetensorsFile {
  NamedTensors tensors;  // in file order
  std::map<std::string, std::string> metadata;
};

// Throws ValueError "[safetensors] path: what is wrong" for any malformed file, Error when it cannot be read.
SafetensorsFile load_safetensors(const std::string& path);
// Writes to a temporary neighbour first and renames: an interrupted save leaves the old file whole.
void save_safetensors(const std::string& path, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace needlecpp
