// Files of scenes: what is saved renders the same after loading, and a description is believed in nothing.
#include <unistd.h>

#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "needlecpp/io/safetensors.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/render/fields/ngp.h"
#include "needlecpp/render/scene.h"

namespace fs = std::filesystem;
using namespace needlecpp;
using nlohmann::json;

namespace {

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("checkpoint_test_" + std::to_string(getpid()))) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  std::string file(const std::string& file_name) const { return (path_ / file_name).string(); }

 private:
  fs::path path_;
};

NgpConfig small_config() {
  NgpConfig config;
  config.precision = Precision::BFloat16;
  config.box = {{-1.5f, -1, 0.25f}, {1.5f, 2, 0.75f}};
  config.grid = {5, 4, 9, 3, 1.7};
  config.density_hidden = 24;
  config.features = 7;
  config.color_hidden = 20;
  config.color_layers = 3;
  config.sh_degree = 3;
  return config;
}

Scene small_scene() {
  const auto occupancy = std::make_shared<OccupancyGrid>(Box{{-2, -2, -2}, {2, 2, 3.5f}}, 16);
  Tensor bits = Tensor::empty({16 * 16 * 16 / 8}, DType::UInt8);
  for (int64_t i = 0; i < bits.numel(); ++i) bits.data<uint8_t>()[i] = static_cast<uint8_t>(i * 31 + 5);
  occupancy->set_bits(bits);
  Scene scene;
  scene.model = std::make_shared<VolumeModel>(std::make_shared<NgpField>(small_config(), 7), occupancy,
                                              MarchOptions{0.0123f, 0.004f, 0.5f, 0.1f, 777, false, {0, 0}});
  scene.background[1] = 0.3f;
  scene.step = 123456789012;
  return scene;
}
const VolumeModel& volume(const Scene& scene) { return static_cast<const VolumeModel&>(*scene.model); }

// Saves a good checkpoint with its description or tensors changed, loads it, and returns the complaint.
class Tampered {
 public:
  Tampered() {
    small_scene().save(path_);
    good_ = load_safetensors(path_);
    description_ = json::parse(good_.metadata.at("needlecpp"));
  }
  std::string description(const std::function<void(json&)>& change) {
    json changed = description_;
    change(changed);
    return text(changed.dump());
  }
  std::string text(const std::string& text) { return complaint(good_.tensors, {{"needlecpp", text}}); }
  std::string tensors(const std::function<void(NamedTensors&)>& change) {
    NamedTensors changed = good_.tensors;
    change(changed);
    return complaint(changed, good_.metadata);
  }
  std::string complaint(const NamedTensors& tensors, const std::map<std::string, std::string>& metadata) {
    save_safetensors(path_, tensors, metadata);
    try {
      Scene::load(path_);
    } catch (const ValueError& error) {
      const std::string text = error.what();
      REQUIRE(text.rfind("[checkpoint] " + path_ + ": ", 0) == 0);
      return text.substr(path_.size() + 15);
    }
    return "accepted";
  }

 private:
  Folder folder_;
  std::string path_ = folder_.file("model.safetensors");
  SafetensorsFile good_;
  json description_;
};

bool says(const std::string& text, const std::string& part) {
  INFO(text);
  CHECK(text.find(part) != std::string::npos);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a scene comes back whole") {
  const Folder folder;
  const std::string path = folder.file("model.safetensors");
  const Scene before = small_scene();
  before.save(path);
  const Scene after = Scene::load(path);

  const NgpConfig a = static_cast<const NgpField&>(*volume(before).field()).config();
  const NgpConfig b = static_cast<const NgpField&>(*volume(after).field()).config();
  CHECK(a.precision == b.precision);
  for (int axis = 0; axis < 3; ++axis) {
    REQUIRE(a.box.low[axis] == b.box.low[axis]);
    REQUIRE(a.box.high[axis] == b.box.high[axis]);
    REQUIRE(volume(before).occupancy()->box().low[axis] == volume(after).occupancy()->box().low[axis]);
    REQUIRE(volume(before).occupancy()->box().high[axis] == volume(after).occupancy()->box().high[axis]);
    REQUIRE(before.background[axis] == after.background[axis]);
  }
  REQUIRE(a.grid.levels == b.grid.levels);
  REQUIRE(a.grid.features == b.grid.features);
  REQUIRE(a.grid.log2_table_size == b.grid.log2_table_size);
  REQUIRE(a.grid.base_resolution == b.grid.base_resolution);
  REQUIRE(a.grid.growth == b.grid.growth);
  REQUIRE(a.density_hidden == b.density_hidden);
  REQUIRE(a.features == b.features);
  REQUIRE(a.color_hidden == b.color_hidden);
  REQUIRE(a.color_layers == b.color_layers);
  REQUIRE(a.sh_degree == b.sh_degree);
  REQUIRE(volume(before).march().step == volume(after).march().step);
  REQUIRE(volume(before).march().cone_angle == volume(after).march().cone_angle);
  REQUIRE(volume(before).march().max_step == volume(after).march().max_step);
  REQUIRE(volume(before).march().near == volume(after).march().near);
  REQUIRE(volume(before).march().max_samples == volume(after).march().max_samples);
  REQUIRE_FALSE(volume(after).march().jitter);
  REQUIRE(before.step == after.step);
  REQUIRE(volume(after).occupancy()->resolution() == 16);
  REQUIRE(volume(before).occupancy()->bits().to_vector<uint8_t>() ==
          volume(after).occupancy()->bits().to_vector<uint8_t>());

  const auto parameters_before = before.model->parameters();
  const auto parameters_after = after.model->parameters();
  REQUIRE(parameters_before.size() == parameters_after.size());
  for (size_t i = 0; i < parameters_before.size(); ++i) {
    REQUIRE(parameters_before[i].name == parameters_after[i].name);
    REQUIRE(parameters_before[i].tensor.to_vector<float>() == parameters_after[i].tensor.to_vector<float>());
    REQUIRE(parameters_after[i].tensor.requires_grad());
  }
}

TEST_CASE("bits set on a grid are the cells that it marches through") {
  OccupancyGrid grid(Box{}, 8);
  Tensor bits = Tensor::zeros({64}, DType::UInt8);
  // Cell (x, y, z) = (5, 2, 3) alone: bit 5 + 8 * (2 + 8 * 3).
  const int cell = 5 + 8 * (2 + 8 * 3);
  bits.data<uint8_t>()[cell / 8] = static_cast<uint8_t>(1 << (cell % 8));
  grid.set_bits(bits);
  REQUIRE(grid.occupied_fraction() == Approx(1.0 / 512));
  REQUIRE(grid.density().to_vector<float>()[static_cast<size_t>(cell)] == -1);
  REQUIRE(grid.density().to_vector<float>()[0] == 0);
  bits.data<uint8_t>()[0] = 255;  // the grid keeps its own copy
  REQUIRE(grid.bits().to_vector<uint8_t>()[0] == 0);

  // Through the cell's centre along x: every sample lies in it.
  Rays rays{Tensor::from_vector<float>({-3, -1 + 2.5f / 4, -1 + 3.5f / 4}, {1, 3}),
            Tensor::from_vector<float>({1, 0, 0}, {1, 3})};
  MarchOptions options;
  options.step = 0.01f;
  const Samples samples = grid.march(rays, options);
  REQUIRE(samples.count() > 15);
  for (int64_t i = 0; i < samples.count(); ++i) {
    const float x = samples.positions.to_vector<float>()[static_cast<size_t>(3 * i)];
    REQUIRE(x >= 0.25f - 1e-5f);
    REQUIRE(x <= 0.5f + 1e-5f);
  }

  REQUIRE_THROWS_AS(grid.set_bits(Tensor::zeros({63}, DType::UInt8)), ValueError);
  REQUIRE_THROWS_AS(grid.set_bits(Tensor::zeros({64})), TypeError);
}

TEST_CASE("files that are something else") {
  Tampered file;
  REQUIRE(file.text("{}") != "accepted");
  REQUIRE(file.description([](json&) {}) == "accepted");
  REQUIRE(says(file.complaint({}, {}), "this is no checkpoint"));
  REQUIRE(says(file.complaint({}, {{"other", "{}"}}), "this is no checkpoint"));
  for (const char* text : {"", "{", "nonsense", "{\"format\":\"needlecpp-field\"} x"})
    REQUIRE(says(file.text(text), "not JSON"));
  for (const char* text : {"[]", "3", "null", "\"x\""}) REQUIRE(says(file.text(text), "is no JSON object"));
  REQUIRE(says(file.text(std::string(60'000, '[')), "not JSON"));
  REQUIRE(says(file.text(std::string(30'000, '[') + std::string(30'000, ']')), "is no JSON object"));
  REQUIRE(says(file.text(std::string(70'000, ' ')), "too long"));
  REQUIRE(says(file.description([](json& d) { d["format"] = "other"; }), "something else"));
  REQUIRE(says(file.description([](json& d) { d["format"] = 3; }), "format is no string"));
  REQUIRE(says(file.description([](json& d) { d["version"] = kSceneVersion + 1; }), "newer than this program"));
  REQUIRE(says(file.description([](json& d) { d["version"] = 0; }), "version is out of bounds"));
}

TEST_CASE("every entry of the description is needed and checked") {
  Tampered file;
  const json::json_pointer paths[] = {"/format"_json_pointer,
                                      "/version"_json_pointer,
                                      "/step"_json_pointer,
                                      "/background"_json_pointer,
                                      "/field"_json_pointer,
                                      "/occupancy"_json_pointer,
                                      "/march"_json_pointer,
                                      "/field/box"_json_pointer,
                                      "/field/grid"_json_pointer,
                                      "/field/box/low"_json_pointer,
                                      "/field/box/high"_json_pointer,
                                      "/field/grid/levels"_json_pointer,
                                      "/field/grid/features"_json_pointer,
                                      "/field/grid/log2_table_size"_json_pointer,
                                      "/field/grid/base_resolution"_json_pointer,
                                      "/field/grid/growth"_json_pointer,
                                      "/field/density_hidden"_json_pointer,
                                      "/field/features"_json_pointer,
                                      "/field/color_hidden"_json_pointer,
                                      "/field/color_layers"_json_pointer,
                                      "/field/sh_degree"_json_pointer,
                                      "/occupancy/box"_json_pointer,
                                      "/occupancy/box/low"_json_pointer,
                                      "/occupancy/box/high"_json_pointer,
                                      "/occupancy/resolution"_json_pointer,
                                      "/march/step"_json_pointer,
                                      "/march/cone_angle"_json_pointer,
                                      "/march/max_step"_json_pointer,
                                      "/march/near"_json_pointer,
                                      "/march/max_samples"_json_pointer};
  for (const json::json_pointer& path : paths) {
    INFO(path.to_string());
    REQUIRE(says(file.description([&](json& d) { d[path.parent_pointer()].erase(path.back()); }), "is missing"));
    const json wrong[] = {nullptr,
                          true,
                          json::array(),
                          json::object(),
                          json::array({1, 2}),
                          -1e300,
                          1e300,
                          -2,
                          "text",
                          std::numeric_limits<int64_t>::min()};
    for (const json& value : wrong) {
      INFO(value.dump());
      const std::string complaint = file.description([&](json& d) { d[path] = value; });
      REQUIRE(complaint != "accepted");
      REQUIRE(complaint.size() < 300);
    }
  }
}

TEST_CASE("integers beyond 64 bits do not wrap around") {
  Tampered file;
  for (const char* path : {"/step", "/version", "/field/grid/levels", "/occupancy/resolution", "/march/max_samples"}) {
    const json::json_pointer pointer(path);
    REQUIRE(
        says(file.description([&](json& d) { d[pointer] = std::numeric_limits<uint64_t>::max(); }), "out of bounds"));
    REQUIRE(says(file.description([&](json& d) { d[pointer] = (uint64_t{1} << 32) + 8; }),
                 std::string(path) == "/step" ? "accepted" : "out of bounds"));
  }
}

TEST_CASE("numbers within bounds that do not go together") {
  Tampered file;
  REQUIRE(says(file.description([](json& d) { d["field"]["box"]["low"][1] = 2; }), "empty on axis 1"));
  REQUIRE(says(file.description([](json& d) { d["field"]["box"]["low"] = {0, 0}; }), "three numbers"));
  REQUIRE(says(file.description([](json& d) { d["background"] = {0, 0, 1.5}; }), "background is out of bounds"));
  REQUIRE(says(file.description([](json& d) { d["field"]["sh_degree"] = 2.5; }), "expected an integer from 1 to 4"));
  REQUIRE(says(file.description([](json& d) { d["occupancy"]["resolution"] = 20; }), "multiple of 8"));
  REQUIRE(says(file.description([](json& d) { d["march"]["max_step"] = 0.01; }), "below march.step"));
  REQUIRE(says(file.description([](json& d) { d["occupancy"]["resolution"] = 1024; }), "does not fit the description"));
  REQUIRE(says(file.description([](json& d) { d["field"]["grid"]["features"] = 3; }), "expected 1, 2, 4 or 8"));
  REQUIRE(says(file.description([](json& d) { d["field"]["grid"]["growth"] = 1000; }), "finest level too fine"));
  REQUIRE(says(file.description([](json& d) { d["field"]["kind"] = "other"; }), "expected one of ngp"));
  // Sizes that would take terabytes: the file does not hold such tensors, so nothing is allocated.
  REQUIRE(file.description([](json& d) {
    d["field"]["grid"] = {
        {"levels", 64}, {"features", 8}, {"log2_table_size", 24}, {"base_resolution", 1 << 20}, {"growth", 1}};
  }) != "accepted");
  REQUIRE(says(file.description([](json& d) { d["field"]["color_hidden"] = 256; }), "'field.color.0' does not fit"));
  REQUIRE(says(file.description([](json& d) { d["field"]["color_layers"] = 4; }), "'field.color.3' does not fit"));
  REQUIRE(says(file.description([](json& d) { d["field"]["color_layers"] = 2; }), "'field.color.2' does not fit"));
}

TEST_CASE("tensors that are missing or differ") {
  Tampered file;
  REQUIRE(file.tensors([](NamedTensors& t) { t.emplace_back("extra", Tensor::zeros({1})); }) == "accepted");
  const size_t count = load_safetensors([] {
                         static const Folder folder;
                         small_scene().save(folder.file("x"));
                         return folder.file("x");
                       }())
                           .tensors.size();
  REQUIRE(count == 1 + 2 + 4 + 1);  // table, density, colour, bits
  for (size_t i = 0; i < count; ++i) {
    REQUIRE(says(file.tensors([&](NamedTensors& t) { t.erase(t.begin() + static_cast<int64_t>(i)); }), "is missing"));
    REQUIRE(says(file.tensors([&](NamedTensors& t) { t[i].second = Tensor::zeros({3}, t[i].second.dtype()); }),
                 "does not fit the description"));
    REQUIRE(says(file.tensors([&](NamedTensors& t) { t[i].second = cast(t[i].second, DType::Float16); }),
                 "does not fit the description"));
  }
}

TEST_CASE("what could not be loaded is not saved") {
  const Folder folder;
  const std::string path = folder.file("model");
  REQUIRE_THROWS_AS(Scene().save(path), ValueError);
  Scene scene = small_scene();
  scene.background[0] = 2;
  REQUIRE_THROWS_AS(scene.save(path), ValueError);
  REQUIRE_FALSE(fs::exists(path));
  REQUIRE_THROWS_AS(Scene::load(path), Error);
  MarchOptions march;
  march.step = std::numeric_limits<float>::quiet_NaN();
  REQUIRE_THROWS_AS(VolumeModel(volume(scene).field(), volume(scene).occupancy(), march), ValueError);
}

TEST_CASE("a field with a number that is not finite is recognised") {
  const Scene scene = small_scene();
  REQUIRE(scene.finite());
  for (const auto& [parameter_name, parameter, lr_scale, touched_only] : scene.model->parameters())
    for (float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
      CAPTURE(parameter_name, bad);
      float& last = parameter.data<float>()[parameter.numel() - 1];
      const float before = last;
      last = bad;
      REQUIRE_FALSE(scene.finite());
      last = before;
    }
  REQUIRE(scene.finite());
}
