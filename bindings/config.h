// Structs of settings in Python, by what they tell of themselves (needlecpp/core/config.h): properties that refuse what
// is out of range, a constructor by position or keyword, and a repr.
#pragma once

#include <deque>
#include <string>
#include <type_traits>
#include <vector>

#include "convert.h"
#include "needlecpp/core/config.h"

namespace needlecpp::python {

// How a setting that is itself described looks in Python: an object of its class, whose changes are seen by the struct
// around it. Others may be specialised.
template <class Value>
struct Shown {
  static nb::object get(Value& value, nb::handle parent) {
    return nb::cast(value, nb::rv_policy::reference_internal, nb::cast<nb::object>(parent));
  }
  // Of its class; or what its constructor takes, as a tuple or a dict.
  static void set(const char*, Value& value, nb::handle given) {
    const nb::handle type = nb::type<Value>();
    nb::object made = nb::borrow(given);
    if (nb::isinstance<nb::dict>(given))
      made = type(**nb::borrow<nb::dict>(given));
    else if (!nb::isinstance<Value>(given))
      made = type(*nb::tuple(made));
    value = nb::cast<const Value&>(made);
  }
  static std::string type() { return nb::cast<std::string>(nb::type<Value>().attr("__name__")); }
};

// The setting `name` of a struct, as an object.
class ConfigGetter {
 public:
  ConfigGetter(const char* name, nb::handle parent) : name_(name), parent_(parent) {}

  template <Numeric Number>
  void operator()(const char* name, Number& value, Bound<Number>, Bound<Number>, const char*) {
    if (is(name)) found = nb::cast(value);
  }
  void operator()(const char* name, float (&values)[3], double, double, const char*) {
    if (is(name)) found = nb::cast(triple(values));
  }
  template <class Value>
  void operator()(const char* name, Value& value, const char*, Absent = Absent::Error) {
    if (!is(name)) return;
    if constexpr (Named<Value>)
      found = nb::cast(name_of(value));
    else if constexpr (std::is_arithmetic_v<Value>)
      found = nb::cast(value);
    else
      found = Shown<Value>::get(value, parent_);
  }
  template <class... Text>
  void must(bool, const Text&...) const {}

  nb::object found;

 private:
  bool is(const char* name) const { return std::string_view(name) == name_; }
  const char* name_;
  nb::handle parent_;
};

// Gives the setting `name` of a struct a value.
class ConfigSetter {
 public:
  ConfigSetter(const char* config, const char* name, nb::handle value) : config_(config), name_(name), given_(value) {}

  template <Numeric Number>
  void operator()(const char* name, Number& value, Bound<Number> low, Bound<Number> high, const char* text) {
    if (!is(name)) return;
    const Number number = number_of<Number>(given_);
    ConfigCheck check(config_);
    check(name, number, low, high, text);
    value = number;
  }
  void operator()(const char* name, float (&values)[3], double low, double high, const char* text) {
    if (!is(name)) return;
    const bool fits = PySequence_Check(given_.ptr()) && nb::len(given_) == 3;
    if (!fits) refuse("three numbers");
    float numbers[3];
    ConfigCheck check(config_);
    for (size_t i = 0; i < 3; ++i) numbers[i] = number_of<float>(nb::object(given_[i]));
    check(name, numbers, low, high, text);
    std::copy_n(numbers, 3, values);
  }
  template <class Value>
  void operator()(const char* name, Value& value, const char*, Absent = Absent::Error) {
    if (!is(name)) return;
    if constexpr (Named<Value>) {
      if (!nb::isinstance<nb::str>(given_) || !assign_named(value, nb::cast<std::string>(given_)))
        detail::fail<ValueError>(config_, "unknown ", name, ": got ", nb::repr(given_).c_str(), ", expected ",
                                 names_listed(value), ".");
    } else if constexpr (std::is_same_v<Value, bool>) {
      if (!PyBool_Check(given_.ptr())) refuse("True or False");
      value = given_.is(nb::bool_(true));
    } else if constexpr (std::is_arithmetic_v<Value>) {
      value = number_of<Value>(given_);
    } else {
      Shown<Value>::set(config_, value, given_);
    }
  }
  template <class... Text>
  void must(bool, const Text&...) const {}

 private:
  bool is(const char* name) const { return std::string_view(name) == name_; }
  [[noreturn]] void refuse(const char* expected) const {
    detail::fail<TypeError>(config_, name_, " is of a wrong kind: got ", nb::repr(given_).c_str(), ", expected ",
                            expected, ".");
  }
  template <class Number>
  Number number_of(nb::handle object) const {
    Number number{};
    if constexpr (std::is_integral_v<Number>) {
      if (PyBool_Check(object.ptr()) || !is_integer(object) || !nb::try_cast(nb::int_(object), number))
        refuse(std::is_signed_v<Number> ? "an integer" : "an integer of 64 bits, 0 or more");
    } else {
      if (PyBool_Check(object.ptr()) || !PyNumber_Check(object.ptr())) refuse("a number");
      number = static_cast<Number>(double_of(nb::float_(object)));
    }
    return number;
  }

  const char* config_;
  const char* name_;
  nb::handle given_;
};

// What help says of the settings, and their names in order.
class ConfigList {
 public:
  template <Numeric Number>
  void operator()(const char* name, const Number& value, Bound<Number> low, Bound<Number> high, const char* text) {
    add(name, std::is_integral_v<Number> ? "int" : "float", detail::concat(value),
        detail::concat(text, ". ", low, " to ", high));
  }
  void operator()(const char* name, const float (&v)[3], double, double, const char* text) {
    add(name, "tuple[float, float, float]", detail::concat("(", v[0], ", ", v[1], ", ", v[2], ")"), text);
  }
  template <class Value>
  void operator()(const char* name, const Value& value, const char* text, Absent = Absent::Error) {
    if constexpr (Named<Value>)
      add(name, "str", "'" + std::string(name_of(value)) + "'", std::string(text) + ". " + names_listed(value));
    else if constexpr (std::is_same_v<Value, bool>)
      add(name, "bool", value ? "True" : "False", text);
    else if constexpr (std::is_arithmetic_v<Value>)
      add(name, "int", detail::concat(value), text);
    else
      add(name, Shown<Value>::type(), "...", text);
  }
  template <class... Text>
  void must(bool, const Text&...) const {}

  struct Setting {
    const char* name;
    std::string type, initial, text;
  };
  std::vector<Setting> settings;

 private:
  void add(const char* name, std::string type, std::string initial, std::string text) {
    settings.push_back({name, std::move(type), std::move(initial), std::move(text)});
  }
};

// nanobind keeps pointers to docstrings and signatures.
inline const char* kept(std::string text) {
  static auto* all = new std::deque<std::string>();
  return all->emplace_back(std::move(text)).c_str();
}

template <class Config>
void set_config(const char* config_name, Config& config, const char* name, nb::handle value) {
  ConfigSetter setter(config_name, name, value);
  describe(setter, config);
}

// Gives settings their values: by position, then by keyword; then checks the whole.
template <class Config>
void fill_config(const char* config_name, Config& config, const nb::tuple& args, const nb::kwargs& kwargs) {
  ConfigList list;
  describe(list, config);
  NDL_CHECK(args.size() <= list.settings.size(), TypeError, config_name, "too many settings: got ", args.size(),
            ", expected at most ", list.settings.size(), ".");
  for (size_t i = 0; i < args.size(); ++i) set_config(config_name, config, list.settings[i].name, args[i]);
  for (const auto& [key, value] : kwargs) {
    const std::string wanted = nb::cast<std::string>(key);
    const ConfigList::Setting* found = nullptr;
    std::string names;
    for (size_t i = 0; i < list.settings.size(); ++i) {
      names += (i == 0 ? "" : ", ") + std::string(list.settings[i].name);
      if (wanted != list.settings[i].name) continue;
      found = &list.settings[i];
      NDL_CHECK(i >= args.size(), TypeError, config_name, wanted, " is given twice: got it by position and name.");
    }
    NDL_CHECK(found, TypeError, config_name, "unknown setting: got '", wanted, "', expected one of ", names, ".");
    set_config(config_name, config, found->name, value);
  }
  check_config(config_name, config);
}

// A class whose objects are that struct; `what` is the first sentence of its docstring.
template <class Config>
nb::class_<Config> bind_config(nb::module_& m, const char* name, const char* what) {
  ConfigList list;
  const Config initial{};
  describe(list, initial);
  std::string text = std::string(what) + "\n\nSettings, in this order, by position or keyword:";
  std::string signature = "def __init__(self";
  for (const ConfigList::Setting& s : list.settings) {
    text += "\n    " + std::string(s.name) + " (" + s.type + (s.initial == "..." ? "" : ", " + s.initial) +
            "): " + s.text + ".";
    signature += ", " + std::string(s.name) + ": " + s.type + " = ...";
  }
  nb::class_<Config> c(m, name, kept(text));
  c.def(
      "__init__",
      [name](Config* self, const nb::args& args, const nb::kwargs& kwargs) {
        Config config{};
        fill_config(name, config, args, kwargs);
        new (self) Config(config);
      },
      nb::sig(kept(signature + ") -> None")));
  for (const ConfigList::Setting& s : list.settings) {
    const char* setting = s.name;
    c.def_prop_rw(
        setting,
        [setting](nb::handle self) {
          ConfigGetter getter(setting, self);
          describe(getter, nb::cast<Config&>(self));
          return getter.found;
        },
        [setting, name](Config& self, nb::handle value) { set_config(name, self, setting, value); },
        nb::for_getter(nb::sig(kept("def " + std::string(setting) + "(self, /) -> " + s.type))),
        nb::for_setter(nb::sig(kept("def " + std::string(setting) + "(self, value: object, /) -> None"))),
        kept(s.text + "."));
  }
  const std::vector<ConfigList::Setting> settings = list.settings;
  c.def("__repr__", [name, settings](nb::handle self) {
    std::string out = std::string(name) + "(";
    for (size_t i = 0; i < settings.size(); ++i)
      out += (i == 0 ? "" : ", ") + std::string(settings[i].name) + "=" +
             nb::cast<std::string>(nb::repr(self.attr(settings[i].name)));
    return out + ")";
  });
  return c;
}

}  // namespace needlecpp::python
