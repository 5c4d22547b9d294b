// A trained field on disk: safetensors with a versioned JSON description in the metadata key "needlecpp", enough to
// rebuild field, occupancy grid and marching options.
#pragma once

#include <memory>
#include <string>

#include "needlecpp/io/safetensors.h"
#include "needlecpp/render/field.h"
#include "needlecpp/render/occupancy.h"

namespace needlecpp {

struct Checkpoint {
  std::shared_ptr<RadianceField> field;
  std::shared_ptr<OccupancyGrid> occupancy;
  MarchOptions march;
  float background[3] = {1, 1, 1};
  int64_t step = 0;
};

inline constexpr int kCheckpointVersion = 1;

void save_checkpoint(const std::string& path, const Checkpoint& checkpoint);
// Whether every parameter is a finite number: a field that is not renders nothing and is not worth saving.
bool is_finite(const Checkpoint& checkpoint);
// What save_checkpoint writes; the tensors are the field's own, not copies. `path` is named in errors.
SafetensorsFile to_safetensors(const Checkpoint& checkpoint, const std::string& path);
// Throws ValueError naming the file and what is wrong (missing tensor, wrong shape, unknown version, hostile sizes).
Checkpoint load_checkpoint(const std::string& path);

}  // namespace needlecpp
