// The safetensors file format: a JSON header and raw little-endian tensors. Every number in a file is taken as
// hostile: sizes, offsets, overlaps and holes are checked before a byte is read.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "needlecpp/core/error.h"
#include "needlecpp/core/tensor.h"

namespace needlecpp {

// A file that the system refuses to read or write. Python sees OSError, or what of its kinds fits the code.
class FileError : public Error {
 public:
  FileError(const std::string& message, std::string path, int code)
      : Error(message), path_(std::move(path)), code_(code) {}
  const std::string& path() const { return path_; }
  int code() const { return code_; }  // as in <errno.h>

 private:
  std::string path_;
  int code_;
};

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

struct SafetensorsFile {
  NamedTensors tensors;  // in file order
  std::map<std::string, std::string> metadata;
};

// Throws ValueError "[safetensors] path: what is wrong" for any malformed file, FileError when it cannot be read.
SafetensorsFile load_safetensors(const std::string& path);
// Writes a neighbour, ".name.<process>-<number>.part", and renames it when it has reached the disk: whatever breaks a
// save off leaves the old file whole. A failed one takes its neighbour away and throws FileError.
void save_safetensors(const std::string& path, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace needlecpp
