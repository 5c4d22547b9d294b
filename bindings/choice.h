// Options that PyTorch names by words.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>

#include "needlecpp/core/error.h"

namespace needlecpp::python {

// The value named `word`; ValueError lists the names.
template <class Enum>
Enum choice(const char* op, const char* what, const std::string& word,
            std::initializer_list<std::pair<const char*, Enum>> options) {
  std::string names;
  for (const auto& [option, value] : options) {
    if (word == option) return value;
    names += (names.empty() ? "" : ", ") + std::string(option);
  }
  detail::fail<ValueError>(op, "bad ", what, ": got \"", word, "\", expected one of ", names, ".");
}

}  // namespace needlecpp::python
