// The safetensors format.
#include "needlecpp/io/safetensors.h"

#include "convert.h"

namespace needlecpp::python {

void bind_safetensors(nb::module_& m) {
  m.def(
      "load_safetensors",
      [](const std::string& path) {
        const SafetensorsFile file = load_safetensors(path);
        nb::dict tensors;
        for (const auto& [key, tensor] : file.tensors) tensors[key.c_str()] = tensor;
        return nb::make_tuple(tensors, file.metadata);
      },
      "path"_a, "The tensors by name, and the metadata.");
  m.def(
      "save_safetensors",
      [](const std::string& path, const nb::dict& tensors, const std::map<std::string, std::string>& metadata) {
        NamedTensors named;
        for (auto [key, value] : tensors) named.emplace_back(nb::cast<std::string>(key), nb::cast<Tensor>(value));
        unlocked([&] {
          save_safetensors(path, named, metadata);
          return 0;
        });
      },
      "path"_a, "tensors"_a, "metadata"_a = std::map<std::string, std::string>{}, "Writes tensors and metadata.");
}

}  // namespace needlecpp::python
