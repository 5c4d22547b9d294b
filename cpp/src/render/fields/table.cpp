// The table of kinds, and what makes a row of a class of fields.
#include "render/fields/table.h"

#include "needlecpp/render/fields/ngp.h"

namespace needlecpp {
namespace {

// A class of fields has kKind, a Config that is described, config(), and shapes(config).
template <class Kind>
nlohmann::json write(const Field& field) {
  const auto* mine = dynamic_cast<const Kind*>(&field);
  NDL_CHECK(mine, ValueError, "checkpoint", "a field takes the name of another kind: got kind '", Kind::kKind,
            "' of a class of its own, expected another name.");
  return json_of(mine->config());
}

template <class Kind>
std::shared_ptr<Field> read(const Description& settings, const SceneReader& file) {
  typename Kind::Config config;
  settings.read(config);
  try {
    for (const auto& [parameter_name, shape] : Kind::shapes(config))
      file.find(kFieldPrefix + parameter_name, shape, DType::Float32);
    return std::make_shared<Kind>(config);
  } catch (const ValueError& error) {
    const std::string text = error.what();
    if (text.starts_with("[checkpoint] ")) throw;
    malformed(file.path(), "the description is not of a field that can be built: " + text);
  }
}

template <class Kind, auto small_config>
std::shared_ptr<Field> small(uint64_t seed) {
  return std::make_shared<Kind>(small_config(), seed);
}

NgpConfig small_ngp() {
  NgpConfig config;
  config.grid = {4, 2, 12, 8, 1.7};
  config.density_hidden = 24;
  config.features = 8;
  config.color_hidden = 24;
  config.sh_degree = 3;
  return config;
}

template <class Kind, auto small_config>
constexpr FieldKind kind_of() {
  return {Kind::kKind, &write<Kind>, &read<Kind>, &small<Kind, small_config>};
}

constexpr FieldKind kKinds[] = {
    kind_of<NgpField, &small_ngp>(),
};

}  // namespace

std::span<const FieldKind> field_kinds() { return kKinds; }

const FieldKind* find_field_kind(const std::string& name) {
  for (const FieldKind& kind : kKinds)
    if (name == kind.name) return &kind;
  return nullptr;
}

std::vector<std::string> field_kind_names() {
  std::vector<std::string> names;
  for (const FieldKind& kind : kKinds) names.emplace_back(kind.name);
  return names;
}

std::shared_ptr<Field> small_field(const std::string& kind, uint64_t seed) {
  const FieldKind* found = find_field_kind(kind);
  NDL_CHECK(found, ValueError, "field", "unknown kind: got '", kind, "', expected one of field_kind_names().");
  return found->small(seed);
}

}  // namespace needlecpp
