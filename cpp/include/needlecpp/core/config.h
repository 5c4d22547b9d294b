// What a struct of settings consists of, told once: beside each such struct stands
//
//   template <class Visitor, MaybeConst<HashGridConfig> Config>
//   void describe(Visitor& v, Config& c) {
//     v("levels", c.levels, 1, 64, "levels of detail");
//     v.must(finest(c) <= kFinest, "growth", "is too large: got ", ...);
//   }
//
// with name, reference, bounds and meaning of every setting, and what must hold between them. Visitors make the rest of
// it: the check below; files, both ways (render/files/description.h in the sources); properties, keyword arguments and
// repr in Python. A setting is a number with bounds, three floats with bounds, or without: a bool, a seed, an
// enumeration with `names_of`, or another struct that is described.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include "needlecpp/core/error.h"

namespace needlecpp {

template <class Given, class Config>
concept MaybeConst = std::same_as<std::remove_const_t<Given>, Config>;

// What a setting is where a file does not name it: files from before it existed do not.
enum class Absent { Error, Default };

// An enumeration names its values: constexpr std::array<std::pair<const char*, Enum>, n> names_of(Enum).
template <class Enum>
concept Named = std::is_enum_v<Enum> && requires(Enum value) {
  names_of(value);
};
template <Named Enum>
const char* name_of(Enum value) {
  for (const auto& [name, named] : names_of(value))
    if (named == value) return name;
  return "";
}
// 'float32' or 'bfloat16', for errors.
template <Named Enum>
std::string names_listed(Enum value) {
  std::string list;
  const auto names = names_of(value);
  for (size_t i = 0; i < names.size(); ++i)
    list += (i == 0 ? "'" : i + 1 == names.size() ? " or '" : ", '") + std::string(names[i].first) + "'";
  return list;
}
// Whether `text` is a name; `value` becomes what it names.
template <Named Enum>
bool assign_named(Enum& value, const std::string& text) {
  for (const auto& [name, named] : names_of(value))
    if (text == name) {
      value = named;
      return true;
    }
  return false;
}

// Bounds as they are compared: a float's in double, so that one at the edge is inside.
template <class Number>
using Bound = std::conditional_t<std::is_integral_v<Number>, int64_t, double>;
template <class Number>
concept Numeric = std::is_arithmetic_v<Number> && !std::same_as<Number, bool>;

// Throws ValueError "[op] name out of range: got ..., expected ..." for the first setting that is.
class ConfigCheck {
 public:
  explicit ConfigCheck(const char* op) : op_(op) {}

  template <Numeric Number>
  void operator()(const char* name, const Number& value, Bound<Number> low, Bound<Number> high, const char*) const {
    const auto number = static_cast<Bound<Number>>(value);
    NDL_CHECK(number >= low && number <= high, ValueError, op_, inside_, name, " out of range: got ", value,
              ", expected ", low, " to ", high, ".");
  }
  void operator()(const char* name, const float (&values)[3], double low, double high, const char* text) const {
    for (const float& value : values) (*this)(name, value, low, high, text);
  }
  template <class Value>
  void operator()(const char* name, const Value& value, const char*, Absent = Absent::Error) const {
    if constexpr (requires(ConfigCheck & inner) { describe(inner, value); }) {
      ConfigCheck inner(op_);
      inner.inside_ = inside_ + name + ".";
      describe(inner, value);
    }
  }
  template <class... Text>
  void must(bool holds, const char* name, const Text&... text) const {
    NDL_CHECK(holds, ValueError, op_, inside_, name, " ", text...);
  }

 private:
  const char* op_;
  std::string inside_;  // of which nested struct
};

template <class Config>
void check_config(const char* op, const Config& config) {
  ConfigCheck check(op);
  describe(check, config);
}

}  // namespace needlecpp
