// Checkpoints: a description in JSON beside the tensors of a safetensors file. Loading goes from small to large: the
// description's numbers are checked one by one, then the tensors' shapes against what they imply, and only then are
// field and grid built, whose sizes are thereby those of tensors that the file really holds.
#include "needlecpp/io/checkpoint.h"

#include <atomic>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/core/allocator.h"
#include "needlecpp/core/parallel.h"
#include "needlecpp/io/safetensors.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/inplace.h"

namespace needlecpp {
namespace {

using nlohmann::json;

constexpr const char* kKey = "needlecpp";
constexpr const char* kFormat = "needlecpp-field";
constexpr const char* kBits = "occupancy.bits";
constexpr const char* kParameterPrefix = "field.";
constexpr size_t kMaxDescription = 1 << 16;  // bytes; a real one has about a thousand
constexpr double kMaxWorld = 1e30;           // world units: far from where float32 overflows when squared and added
constexpr int kMaxOccupancyResolution = 1024;

[[noreturn]] void malformed(const std::string& path, const std::string& what) {
  detail::fail<ValueError>("checkpoint", path, ": ", what);
}

// One object of the description; every value it hands out is of the right kind and within bounds.
class Description {
 public:
  Description(const std::string& path, std::string where, const json& object)
      : path_(path), where_(std::move(where)), object_(object) {
    if (!object.is_object()) malformed(path, where_ + " is no JSON object.");
  }
  const json& value(const char* key) const {
    const auto found = object_.find(key);
    if (found == object_.end()) malformed(path_, where_ + "." + key + " is missing.");
    return *found;
  }
  bool has(const char* key) const { return object_.contains(key); }
  Description object(const char* key) const { return {path_, where_ + "." + key, value(key)}; }
  std::string text(const char* key) const {
    if (!value(key).is_string()) malformed(path_, where_ + "." + key + " is no string.");
    return value(key).get<std::string>();
  }
  int64_t integer(const char* key, int64_t low, int64_t high) const {
    const json& number = value(key);
    // An unsigned number beyond int64 would wrap around when read as one.
    const bool fits =
        number.is_number_integer() && !(number.is_number_unsigned() && number.get<uint64_t>() > INT64_MAX);
    if (!fits || number.get<int64_t>() < low || number.get<int64_t>() > high) out_of_bounds(key, number, low, high);
    return number.get<int64_t>();
  }
  double real(const char* key, double low, double high) const { return real(key, value(key), low, high); }
  void three(const char* key, double low, double high, float (&to)[3]) const {
    const json& list = value(key);
    if (!list.is_array() || list.size() != 3) malformed(path_, where_ + "." + key + " is no list of three numbers.");
    for (size_t i = 0; i < 3; ++i) to[i] = static_cast<float>(real(key, list[i], low, high));
  }

 private:
  double real(const char* key, const json& number, double low, double high) const {
    const double x = number.is_number() ? number.get<double>() : NAN;
    if (!(x >= low && x <= high)) out_of_bounds(key, number, low, high);
    return x;
  }
  template <class T>
  [[noreturn]] void out_of_bounds(const char* key, const json& got, T low, T high) const {
    const std::string shown = got.is_number() ? got.dump() : "a JSON " + std::string(got.type_name());
    malformed(path_,
              detail::concat(where_, ".", key, " is out of bounds: got ", shown, ", expected ",
                             std::is_integral_v<T> ? "an integer" : "a number", " from ", low, " to ", high, "."));
  }

  const std::string& path_;
  std::string where_;
  const json& object_;
};

struct Settings {
  FieldConfig field;
  Box occupancy_box;
  int occupancy_resolution = 0;
  MarchOptions march;
  float background[3];
  int64_t step = 0;
};

json json_of(const Box& box) { return {{"low", box.low}, {"high", box.high}}; }

json json_of(const Settings& s) {
  return {{"format", kFormat},
          {"version", kCheckpointVersion},
          {"step", s.step},
          {"background", s.background},
          {"field",
           {{"box", json_of(s.field.box)},
            {"grid",
             {{"levels", s.field.grid.levels},
              {"features", s.field.grid.features},
              {"log2_table_size", s.field.grid.log2_table_size},
              {"base_resolution", s.field.grid.base_resolution},
              {"growth", s.field.grid.growth}}},
            {"density_hidden", s.field.density_hidden},
            {"features", s.field.features},
            {"color_hidden", s.field.color_hidden},
            {"color_layers", s.field.color_layers},
            {"sh_degree", s.field.sh_degree},
            {"precision", name(s.field.precision)}}},
          {"occupancy", {{"box", json_of(s.occupancy_box)}, {"resolution", s.occupancy_resolution}}},
          {"march",
           {{"step", s.march.step},
            {"cone_angle", s.march.cone_angle},
            {"max_step", s.march.max_step},
            {"near", s.march.near},
            {"max_samples", s.march.max_samples}}}};
}

Box read_box(const std::string& path, const Description& from) {
  Box box;
  from.three("low", -kMaxWorld, kMaxWorld, box.low);
  from.three("high", -kMaxWorld, kMaxWorld, box.high);
  for (int axis = 0; axis < 3; ++axis)
    if (!(box.low[axis] < box.high[axis]))
      malformed(path, detail::concat("a box is empty on axis ", axis, ": got ", box.low[axis], " to ", box.high[axis],
                                     ", expected low < high."));
  return box;
}

Settings read_settings(const std::string& path, const std::string& text) {
  if (text.size() > kMaxDescription)
    malformed(path, detail::concat("the description is too long: got ", text.size(), " bytes, expected at most ",
                                   kMaxDescription, "."));
  const json parsed = json::parse(text, nullptr, false);
  if (parsed.is_discarded()) malformed(path, "the description is not JSON. The file is damaged.");

  const Description root(path, "description", parsed);
  if (root.text("format") != kFormat)
    malformed(path, "the file is something else: got format '" + root.text("format").substr(0, 40) + "', expected '" +
                        kFormat + "'.");
  const int64_t version = root.integer("version", 1, INT32_MAX);
  if (version > kCheckpointVersion)
    malformed(path, detail::concat("the file is newer than this program: got version ", version, ", expected at most ",
                                   kCheckpointVersion, ". Update needlecpp."));

  Settings s;
  s.step = root.integer("step", 0, INT64_MAX);
  root.three("background", 0, 1, s.background);

  const Description field = root.object("field");
  s.field.box = read_box(path, field.object("box"));
  // Bounds that keep the arithmetic of sizes exact; hash grid and field check what they can work with.
  const Description grid = field.object("grid");
  s.field.grid.levels = static_cast<int>(grid.integer("levels", 1, 64));
  s.field.grid.features = static_cast<int>(grid.integer("features", 1, 8));
  s.field.grid.log2_table_size = static_cast<int>(grid.integer("log2_table_size", 1, 30));
  s.field.grid.base_resolution = static_cast<int>(grid.integer("base_resolution", 1, 1 << 24));
  s.field.grid.growth = grid.real("growth", 1, 1e6);
  s.field.density_hidden = static_cast<int>(field.integer("density_hidden", 1, 256));
  s.field.features = static_cast<int>(field.integer("features", 1, 256));
  s.field.color_hidden = static_cast<int>(field.integer("color_hidden", 1, 256));
  s.field.color_layers = static_cast<int>(field.integer("color_layers", 1, 8));
  s.field.sh_degree = static_cast<int>(field.integer("sh_degree", 1, 4));
  if (field.has("precision")) {  // files from before it existed
    const std::string precision = field.text("precision");
    if (precision != "float32" && precision != "bfloat16")
      malformed(path, "description.field.precision is unknown: got '" + precision.substr(0, 40) +
                          "', expected 'float32' or 'bfloat16'.");
    s.field.precision = precision_from_name(precision);
  }

  const Description occupancy = root.object("occupancy");
  s.occupancy_box = read_box(path, occupancy.object("box"));
  s.occupancy_resolution = static_cast<int>(occupancy.integer("resolution", 8, kMaxOccupancyResolution));
  if (s.occupancy_resolution % 8 != 0)
    malformed(path, detail::concat("description.occupancy.resolution is wrong: got ", s.occupancy_resolution,
                                   ", expected a multiple of 8."));

  const Description march = root.object("march");
  s.march.step = static_cast<float>(march.real("step", 1e-20, kMaxWorld));
  s.march.cone_angle = static_cast<float>(march.real("cone_angle", 0, 1e6));
  s.march.max_step = static_cast<float>(march.real("max_step", 1e-20, kMaxWorld));
  if (s.march.max_step < s.march.step)
    malformed(path, detail::concat("description.march.max_step is below march.step: got ", s.march.max_step,
                                   ", expected at least ", s.march.step, "."));
  s.march.near = static_cast<float>(march.real("near", 0, kMaxWorld));
  s.march.max_samples = static_cast<int>(march.integer("max_samples", 1, 1 << 20));
  return s;
}

// The tensor of this name, of exactly this shape and dtype.
Tensor find(const std::string& path, const std::map<std::string, Tensor>& tensors, const std::string& wanted,
            const Shape& shape, DType dtype) {
  const auto found = tensors.find(wanted);
  if (found == tensors.end()) malformed(path, "the tensor '" + wanted + "' is missing.");
  const Tensor& tensor = found->second;
  if (tensor.shape() != shape || tensor.dtype() != dtype)
    malformed(path, detail::concat("the tensor '", wanted, "' does not fit the description: got ", name(tensor.dtype()),
                                   " ", tensor.shape(), ", expected ", name(dtype), " ", shape, "."));
  return tensor;
}

// What a part of the engine makes of the description; its complaint is one about the file.
template <class Make>
auto built(const std::string& path, Make&& make) {
  try {
    return make();
  } catch (const ValueError& error) {
    malformed(path, "the description is not of a field that can be built: " + std::string(error.what()));
  }
}

Shape bits_shape(int resolution) { return {int64_t{resolution} * resolution * resolution / 8}; }

}  // namespace

SafetensorsFile to_safetensors(const Checkpoint& checkpoint, const std::string& path) {
  OpScope scope("checkpoint");
  if (!checkpoint.field || !checkpoint.occupancy)
    malformed(path, "nothing to save: field or occupancy grid is missing.");
  Settings s;
  s.field = checkpoint.field->config();
  s.occupancy_box = checkpoint.occupancy->box();
  s.occupancy_resolution = checkpoint.occupancy->resolution();
  s.march = checkpoint.march;
  std::copy_n(checkpoint.background, 3, s.background);
  s.step = checkpoint.step;
  const std::string description = json_of(s).dump();
  read_settings(path, description);  // what could not be loaded again is not saved

  SafetensorsFile file;
  file.metadata = {{kKey, description}};
  for (const auto& [parameter_name, parameter] : checkpoint.field->named_parameters())
    file.tensors.emplace_back(kParameterPrefix + parameter_name, parameter);
  file.tensors.emplace_back(kBits, checkpoint.occupancy->bits());
  return file;
}

bool is_finite(const Checkpoint& checkpoint) {
  for (const auto& [parameter_name, parameter] : checkpoint.field->named_parameters()) {
    const float* at = parameter.data<float>();
    std::atomic<bool> finite = true;
    parallel_for(parameter.numel(), int64_t{1} << 16, [&](int64_t begin, int64_t end) {
      bool here = true;
      for (int64_t i = begin; i < end; ++i) here &= std::fabs(at[i]) <= std::numeric_limits<float>::max();
      if (!here) finite = false;
    });
    if (!finite) return false;
  }
  return true;
}

void save_checkpoint(const std::string& path, const Checkpoint& checkpoint) {
  const SafetensorsFile file = to_safetensors(checkpoint, path);
  save_safetensors(path, file.tensors, file.metadata);
}

Checkpoint load_checkpoint(const std::string& path) {
  OpScope scope("checkpoint");
  SafetensorsFile file = load_safetensors(path);
  const auto description = file.metadata.find(kKey);
  if (description == file.metadata.end())
    malformed(path, "this is no checkpoint: a safetensors file without the metadata key 'needlecpp'.");
  const Settings s = read_settings(path, description->second);
  const std::map<std::string, Tensor> tensors(file.tensors.begin(), file.tensors.end());
  file.tensors.clear();

  NoGrad no_grad;
  Checkpoint checkpoint;
  const Tensor bits = find(path, tensors, kBits, bits_shape(s.occupancy_resolution), DType::UInt8);
  const int64_t entries = built(path, [&] { return hashgrid_entries(s.field.grid); });
  find(path, tensors, kParameterPrefix + std::string("table"), {entries, s.field.grid.features}, DType::Float32);
  checkpoint.field = built(path, [&] { return std::make_shared<RadianceField>(s.field); });
  checkpoint.occupancy =
      built(path, [&] { return std::make_shared<OccupancyGrid>(s.occupancy_box, s.occupancy_resolution); });
  for (const auto& [parameter_name, parameter] : checkpoint.field->named_parameters())
    copy_(parameter, find(path, tensors, kParameterPrefix + parameter_name, parameter.shape(), DType::Float32));
  checkpoint.occupancy->set_bits(bits);
  checkpoint.march = s.march;
  std::copy_n(s.background, 3, checkpoint.background);
  checkpoint.step = s.step;
  return checkpoint;
}

}  // namespace needlecpp
