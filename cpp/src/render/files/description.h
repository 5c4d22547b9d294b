// Structs of settings as JSON, both ways, by what they tell of themselves (core/config.h). Reading takes every number
// as hostile: it is of the right kind and within bounds before anything is done with it.
#pragma once

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "needlecpp/core/config.h"

namespace needlecpp {

[[noreturn]] inline void malformed(const std::string& path, const std::string& what) {
  detail::fail<ValueError>("checkpoint", path, ": ", what);
}

// One object of the description; every value it hands out is of the right kind and within bounds.
class Description {
 public:
  using json = nlohmann::json;
  Description(const std::string& path, std::string where, const json& object)
      : path_(path), where_(std::move(where)), object_(object) {
    if (!object.is_object()) malformed(path, where_ + " is no JSON object.");
  }
  const std::string& path() const { return path_; }
  const std::string& where() const { return where_; }
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
  int64_t number(const char* key, int64_t low, int64_t high) const {
    const json& number = value(key);
    // An unsigned number beyond int64 would wrap around when read as one.
    const bool fits =
        number.is_number_integer() && !(number.is_number_unsigned() && number.get<uint64_t>() > INT64_MAX);
    if (!fits || number.get<int64_t>() < low || number.get<int64_t>() > high) out_of_bounds(key, number, low, high);
    return number.get<int64_t>();
  }
  double number(const char* key, double low, double high) const { return real(key, value(key), low, high); }
  void three(const char* key, double low, double high, float (&to)[3]) const {
    const json& list = value(key);
    if (!list.is_array() || list.size() != 3) malformed(path_, where_ + "." + key + " is no list of three numbers.");
    for (size_t i = 0; i < 3; ++i) to[i] = static_cast<float>(real(key, list[i], low, high));
  }
  // A whole struct.
  template <class Config>
  void read(Config& to) const;

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

class ConfigReader {
 public:
  explicit ConfigReader(const Description& from) : from_(from) {}

  template <Numeric Number>
  void operator()(const char* name, Number& value, Bound<Number> low, Bound<Number> high, const char*) const {
    value = static_cast<Number>(from_.number(name, low, high));
  }
  void operator()(const char* name, float (&values)[3], double low, double high, const char*) const {
    from_.three(name, low, high, values);
  }
  template <class Value>
  void operator()(const char* name, Value& value, const char*, Absent absent = Absent::Error) const {
    if (absent == Absent::Default && !from_.has(name)) return;
    if constexpr (Named<Value>) {
      const std::string text = from_.text(name);
      if (!assign_named(value, text))
        malformed(from_.path(), from_.where() + "." + name + " is unknown: got '" + text.substr(0, 40) +
                                    "', expected " + names_listed(value) + ".");
    } else {
      from_.object(name).read(value);
    }
  }
  template <class... Text>
  void must(bool holds, const char* name, const Text&... text) const {
    if (!holds) malformed(from_.path(), detail::concat(from_.where(), ".", name, " ", text...));
  }

 private:
  const Description& from_;
};

template <class Config>
void Description::read(Config& to) const {
  ConfigReader reader(*this);
  describe(reader, to);
}

class ConfigWriter {
 public:
  template <class Number>
  void operator()(const char* name, const Number& value, Bound<Number>, Bound<Number>, const char*) {
    json_[name] = value;
  }
  void operator()(const char* name, const float (&values)[3], double, double, const char*) { json_[name] = values; }
  template <class Value>
  void operator()(const char* name, const Value& value, const char*, Absent = Absent::Error) {
    if constexpr (Named<Value>) {
      json_[name] = name_of(value);
    } else {
      ConfigWriter inner;
      describe(inner, value);
      json_[name] = std::move(inner.json_);
    }
  }
  template <class... Text>
  void must(bool, const Text&...) const {}

  nlohmann::json take() { return std::move(json_); }

 private:
  nlohmann::json json_ = nlohmann::json::object();
};

template <class Config>
nlohmann::json json_of(const Config& config) {
  ConfigWriter writer;
  describe(writer, config);
  return writer.take();
}

}  // namespace needlecpp
