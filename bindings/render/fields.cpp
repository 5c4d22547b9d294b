// The kinds of fields, in _core.fields, of which needlecpp.render.fields offers everything.
#include "config.h"
#include "field.h"
#include "needlecpp/render/fields/ngp.h"

namespace needlecpp::python {
namespace {

// A class of fields that has a Config, which is described, and config(). `name`: of the class; `config_name`: of its
// settings.
template <class Kind>
void bind_kind(nb::module_& m, const char* name, const char* config_name, const char* config_doc, const char* doc) {
  using Config = typename Kind::Config;
  bind_config<Config>(m, config_name, config_doc);
  nb::class_<Kind, Field>(m, name, doc)
      .def(
          "__init__",
          [=](Kind* self, nb::object config, uint64_t seed, const nb::kwargs& settings) {
            Config wanted;
            if (!config.is_none()) {
              NDL_CHECK(nb::isinstance<Config>(config), TypeError, name, "config is something else: got ",
                        nb::cast<std::string>(nb::object(config.type().attr("__name__"))), ", expected an ",
                        config_name, ".");
              wanted = nb::cast<Config>(config);
            }
            fill_config(config_name, wanted, nb::tuple(), settings);
            new (self) Kind(wanted, seed);
          },
          "config"_a = nb::none(), "seed"_a = 0, "settings"_a)
      .def_prop_ro(
          "config", [](const Kind& field) { return field.config(); }, "A copy of its settings.");
}

}  // namespace

void bind_fields(nb::module_& core) {
  nb::module_ m = core.def_submodule("fields", "The kinds of fields, as needlecpp.render.fields offers them.");
  bind_kind<NgpField>(
      m, "NGP", "NgpConfig", "Sizes of an NGP field.",
      "Instant-NGP's field: a hash grid, a density network and a colour network (Mueller et al., \"Instant Neural "
      "Graphics Primitives\", 2022, section 5.4):\n\n"
      "    features = mlp(hashgrid(x)),  sigma = exp(features[0]) * s,  color = sigmoid(mlp(features, "
      "Y(direction)))\n\n"
      "with s such that a fresh field is thin across its box, and Y the spherical harmonics.\n\n"
      "Args:\n"
      "    config: an NgpConfig; or its settings as keywords.\n"
      "    seed: of the first weights.\n\n"
      ">>> field = ndl.render.fields.NGP(box=ndl.render.Box((-1, -1, -1), (1, 1, 1)), density_hidden=32)\n"
      ">>> sigma, features = field.density(ndl.zeros(5, 3))\n"
      ">>> sigma.shape, features.shape\n"
      "((5,), (5, 16))");
  name_all(m);

  core.def("_field_kinds", &field_kind_names, "The kinds of fields, by the names that files know them by.");
  core.def("_small_field", &small_field, "kind"_a, "seed"_a = 0, "A small field of a kind, for tests.");
}

}  // namespace needlecpp::python
