// A training on disk, and back. Numbers stand in the metadata of a safetensors file, as decimal digits.
#include "train/trainer_state.h"

#include <charconv>

#include "needlecpp/autograd/autograd.h"
#include "needlecpp/ops/elementwise.h"
#include "needlecpp/ops/inplace.h"
#include "render/scene_file.h"

namespace needlecpp {
namespace {

constexpr const char* kStateFormat = "needlecpp-training-1";
constexpr const char* kStatePrefix = "trainer.";  // of metadata keys; the others are notes
constexpr const char* kParameter = "parameter.";
constexpr const char* kFirstMoment = "first_moment.";
constexpr const char* kSecondMoment = "second_moment.";
constexpr const char* kDensity = "occupancy.density";

[[noreturn]] void not_a_state(const std::string& path, const std::string& what) {
  detail::fail<ValueError>("training_state", path, ": ", what);
}

uint64_t state_number(const std::string& path, const std::map<std::string, std::string>& metadata, const char* key,
                      uint64_t low, uint64_t high) {
  const auto found = metadata.find(std::string(kStatePrefix) + key);
  if (found == metadata.end()) not_a_state(path, std::string(key) + " is missing.");
  const std::string& text = found->second;
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < low || value > high)
    not_a_state(path, detail::concat(key, " is out of bounds: got \"", text.substr(0, 40), "\", expected ", low, " to ",
                                     high, "."));
  return value;
}

}  // namespace

Snapshot Trainer::snapshot() const {
  const State& s = *state_;
  NoGrad no_grad;
  Snapshot snapshot;
  snapshot.step_ = s.steps;
  snapshot.model_ = to_safetensors(scene(), "model");
  for (auto& [tensor_name, tensor] : snapshot.model_.tensors) tensor = clone(tensor.detach());

  NamedTensors& tensors = snapshot.state_.tensors;
  for (size_t i = 0; i < s.moments.size(); ++i) {
    const std::string& parameter_name = s.moments[i].parameter.name;
    tensors.emplace_back(kParameter + parameter_name, snapshot.model_.tensors[i].second);  // in the same order
    tensors.emplace_back(kFirstMoment + parameter_name, clone(s.moments[i].m));
    tensors.emplace_back(kSecondMoment + parameter_name, clone(s.moments[i].v));
  }
  tensors.emplace_back(kDensity, clone(s.occupancy->density()));
  const auto note = [&](const char* key, const std::string& text) {
    snapshot.state_.metadata[std::string(kStatePrefix) + key] = text;
  };
  note("format", kStateFormat);
  note("step", std::to_string(s.steps));
  note("rays", std::to_string(s.rays));
  note("seed", std::to_string(s.generator.seed()));
  note("draw", std::to_string(s.generator.draw()));
  return snapshot;
}

std::map<std::string, std::string> Trainer::load_state(const std::string& path) {
  State& s = *state_;
  NoGrad no_grad;
  SafetensorsFile file = load_safetensors(path);
  const auto format = file.metadata.find(std::string(kStatePrefix) + "format");
  if (format == file.metadata.end() || format->second != kStateFormat)
    not_a_state(path, std::string("this is no training state: got another format, expected ") + kStateFormat + ".");
  const uint64_t steps = state_number(path, file.metadata, "step", 0, INT64_MAX);
  const uint64_t rays = state_number(path, file.metadata, "rays", 1, static_cast<uint64_t>(s.config.max_rays));
  const uint64_t seed = state_number(path, file.metadata, "seed", 0, UINT64_MAX);
  const uint64_t draw = state_number(path, file.metadata, "draw", 0, UINT64_MAX);
  const std::map<std::string, Tensor> tensors(file.tensors.begin(), file.tensors.end());
  const auto find = [&](const std::string& wanted, const Tensor& like) {
    const auto found = tensors.find(wanted);
    if (found == tensors.end()) not_a_state(path, "the tensor '" + wanted + "' is missing.");
    if (found->second.shape() != like.shape() || found->second.dtype() != like.dtype())
      not_a_state(path, detail::concat("the tensor '", wanted, "' does not fit: got ", name(found->second.dtype()), " ",
                                       found->second.shape(), ", expected ", name(like.dtype()), " ", like.shape(),
                                       ". The state is of other settings."));
    return found->second;
  };
  std::vector<std::pair<Tensor, Tensor>> copies;  // to, from; nothing is written before all have been found
  for (const State::Moments& p : s.moments) {
    const Tensor& parameter = p.parameter.tensor;
    copies.emplace_back(parameter, find(kParameter + p.parameter.name, parameter));
    copies.emplace_back(p.m, find(kFirstMoment + p.parameter.name, p.m));
    copies.emplace_back(p.v, find(kSecondMoment + p.parameter.name, p.v));
  }
  const Tensor density = find(kDensity, s.occupancy->density());
  for (const auto& [to, from] : copies) copy_(to, from);
  s.occupancy->set_density(density, s.config.march.step);
  s.generator.seed(seed);
  s.generator.set_draw(draw);
  s.steps = static_cast<int64_t>(steps);
  s.rays = static_cast<int64_t>(rays);
  // A trainer that has stepped holds gradients of zero, which Adam's moments go on fading with.
  if (steps > 0)
    for (const State::Moments& p : s.moments)
      p.parameter.tensor.set_grad(Tensor::zeros(p.m.shape(), p.m.dtype(), p.m.device()));
  std::erase_if(file.metadata, [](const auto& entry) { return entry.first.rfind(kStatePrefix, 0) == 0; });
  return file.metadata;
}

void Snapshot::save_model(const std::string& path) const { save_safetensors(path, model_.tensors, model_.metadata); }

void Snapshot::save_state(const std::string& path, const std::map<std::string, std::string>& notes) const {
  std::map<std::string, std::string> metadata = state_.metadata;
  metadata.insert(notes.begin(), notes.end());
  save_safetensors(path, state_.tensors, metadata);
}

}  // namespace needlecpp
