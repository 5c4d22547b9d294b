// A scene on disk: safetensors with a versioned JSON description in the metadata key "needlecpp", enough to rebuild
// field, occupancy grid and marching options:
//
//   {"format": "needlecpp-field", "version": 1, "step": 300, "background": [1, 1, 1],
//    "field": {"kind": "ngp", "box": ..., ...}, "occupancy": {"box": ..., "resolution": 128}, "march": {"step": ...,
//    ...}}
//
// and the tensors field.<parameter> and occupancy.bits. Loading goes from small to large: the description's numbers are
// checked one by one, then the tensors' shapes against what they imply, and only then are field and grid built, whose
// sizes are thereby those of tensors that the file really holds.
#include "render/scene_file.h"

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/autograd/op.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/inplace.h"
#include "needlecpp/render/model.h"
#include "render/fields/table.h"
#include "render/files/scene_reader.h"
#include "render/renderer_run.h"

namespace needlecpp {
namespace {

using nlohmann::json;

constexpr const char* kKey = "needlecpp";
constexpr const char* kFormat = "needlecpp-field";
constexpr const char* kBits = "occupancy.bits";
constexpr size_t kMaxDescription = 1 << 16;  // bytes; a real one has about a thousand
constexpr const char* kFirstKind = "ngp";    // of files from before there were others

json parsed(const std::string& path, const std::string& text) {
  if (text.size() > kMaxDescription)
    malformed(path, detail::concat("the description is too long: got ", text.size(), " bytes, expected at most ",
                                   kMaxDescription, "."));
  json description = json::parse(text, nullptr, false);
  if (description.is_discarded()) malformed(path, "the description is not JSON. The file is damaged.");
  return description;
}

void check_format(const Description& root) {
  if (root.text("format") != kFormat)
    malformed(root.path(), "the file is something else: got format '" + root.text("format").substr(0, 40) +
                               "', expected '" + kFormat + "'.");
  const int64_t version = root.number("version", int64_t{1}, INT32_MAX);
  if (version > kSceneVersion)
    malformed(root.path(), detail::concat("the file is newer than this program: got version ", version,
                                          ", expected at most ", kSceneVersion, ". Update needlecpp."));
}

// What stands in a file besides the model.
void read_surroundings(const Description& root, Scene& scene) {
  scene.step = root.number("step", int64_t{0}, INT64_MAX);
  root.three("background", 0, 1, scene.background);
}

std::string kind_in(const Description& field) {
  if (!field.has("kind")) return kFirstKind;
  return field.text("kind");
}

// The settings of a volume model that are not its field's.
struct VolumeSettings {
  OccupancyConfig occupancy;
  MarchOptions march;
};
VolumeSettings read_volume(const Description& root) {
  VolumeSettings settings;
  root.object("occupancy").read(settings.occupancy);
  root.object("march").read(settings.march);
  return settings;
}

std::shared_ptr<Field> read_field(const SceneReader& file) {
  const Description field = file.description().object("field");
  const std::string kind = kind_in(field);
  const FieldKind* known = find_field_kind(kind);
  if (!known) {
    std::string names;
    for (const FieldKind& each : field_kinds()) names += (names.empty() ? "" : ", ") + std::string(each.name);
    malformed(file.path(), "a field of this kind cannot be made from a file: got '" + kind.substr(0, 40) +
                               "', expected one of " + names + ". Load it with the field that takes its parameters.");
  }
  return known->read(field, file);
}

Scene read_scene(const std::string& path, const Description& root, std::map<std::string, Tensor> tensors,
                 std::shared_ptr<Field> field) {
  check_format(root);
  Scene scene;
  read_surroundings(root, scene);
  const VolumeSettings settings = read_volume(root);
  const SceneReader file(path, root, std::move(tensors));
  const int64_t resolution = settings.occupancy.resolution;
  const Tensor bits = file.find(kBits, {resolution * resolution * resolution / 8}, DType::UInt8);
  if (!field) field = read_field(file);
  std::vector<std::pair<Tensor, Tensor>> copies;  // to, from; nothing is written before all have been found
  for (const Parameter& parameter : field->parameters())
    copies.emplace_back(parameter.tensor,
                        file.find(kFieldPrefix + parameter.name, parameter.tensor.shape(), DType::Float32));
  const auto occupancy = std::make_shared<OccupancyGrid>(settings.occupancy.box, settings.occupancy.resolution);
  for (const auto& [to, from] : copies) copy_(to, from);
  occupancy->set_bits(bits);
  scene.model = std::make_shared<VolumeModel>(field, occupancy, settings.march);
  return scene;
}

}  // namespace

void VolumeModel::write(SceneWriter& to) const {
  const FieldKind* kind = find_field_kind(field_->kind());
  json field = kind ? kind->write(*field_) : json{{"box", json_of(field_->box())}};
  field["kind"] = field_->kind();
  to.description["field"] = std::move(field);
  to.description["occupancy"] = json_of(OccupancyConfig{occupancy_->box(), occupancy_->resolution()});
  to.description["march"] = json_of(march_);
  for (const Parameter& parameter : field_->parameters())
    to.tensors.emplace_back(kFieldPrefix + parameter.name, parameter.tensor);
  to.tensors.emplace_back(kBits, occupancy_->bits());
}

SafetensorsFile to_safetensors(const Scene& scene, const std::string& path) {
  OpScope scope("checkpoint");
  if (!scene.model) malformed(path, "nothing to save: the scene has no model.");
  SceneWriter writer;
  scene.model->write(writer);
  writer.description["format"] = kFormat;
  writer.description["version"] = kSceneVersion;
  writer.description["step"] = scene.step;
  writer.description["background"] = scene.background;
  const std::string text = writer.description.dump();
  // What could not be loaded again is not saved.
  const json description = parsed(path, text);
  const Description root(path, "description", description);
  Scene checked;
  read_surroundings(root, checked);
  read_volume(root);
  return {std::move(writer.tensors), {{kKey, text}}};
}

void Scene::save(const std::string& path) const {
  const SafetensorsFile file = to_safetensors(*this, path);
  save_safetensors(path, file.tensors, file.metadata);
}

Scene Scene::load(const std::string& path, std::shared_ptr<Field> field) {
  OpScope scope("checkpoint");
  SafetensorsFile file = load_safetensors(path);
  const auto text = file.metadata.find(kKey);
  if (text == file.metadata.end())
    malformed(path, "this is no checkpoint: a safetensors file without the metadata key 'needlecpp'.");
  const json description = parsed(path, text->second);
  std::map<std::string, Tensor> tensors(file.tensors.begin(), file.tensors.end());
  file.tensors.clear();
  NoGrad no_grad;
  return read_scene(path, {path, "description", description}, std::move(tensors), std::move(field));
}

bool Scene::finite() const {
  NDL_CHECK(model, ValueError, "scene", "the scene is empty: got no model, expected one.");
  for (const Parameter& parameter : model->parameters())
    if (!NDL_ON(parameter.tensor.device(), run_all_finite)(parameter.tensor)) return false;
  return true;
}

}  // namespace needlecpp
