// Every kind of field that this library has. Files, tests and whoever else has to do with all of them go by this table.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "needlecpp/render/field.h"
#include "render/files/scene_reader.h"

namespace needlecpp {

struct FieldKind {
  const char* name;  // Field::kind()
  // The settings that make a field of this kind again, but for its parameters.
  nlohmann::json (*write)(const Field& field);
  // A field of settings read from a file. Before it is built, the file holds tensors of the shapes that its parameters
  // will have, so that no file makes it larger than itself.
  std::shared_ptr<Field> (*read)(const Description& settings, const SceneReader& file);
  // As small a field as shows all that the kind does, for tests: in the box from -1 to 1.
  std::shared_ptr<Field> (*small)(uint64_t seed);
};

std::span<const FieldKind> field_kinds();
const FieldKind* find_field_kind(const std::string& name);  // null: none of them

}  // namespace needlecpp
