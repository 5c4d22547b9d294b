// Exceptions and the one check macro. Every message reads "[op] what: got ..., expected .... remedy."
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace needlecpp {

// Base of all errors; Python sees RuntimeError.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
// A wrong size, axis or option; Python sees ValueError.
class ValueError : public Error {
 public:
  using Error::Error;
};
// A wrong dtype or device; Python sees TypeError.
class TypeError : public Error {
 public:
  using Error::Error;
};
// An index outside its axis; Python sees IndexError.
class IndexError : public Error {
 public:
  using Error::Error;
};
// The memory limit or the machine is exhausted; Python sees MemoryError.
class MemoryError : public Error {
 public:
  using Error::Error;
};

namespace detail {

template <class... Args>
std::string concat(const Args&... args) {
  std::ostringstream stream;
  (stream << ... << args);
  return stream.str();
}

template <class Exception, class... Args>
[[noreturn]] void fail(const char* op, const Args&... args) {
  throw Exception(concat("[", op, "] ", args...));
}

}  // namespace detail
}  // namespace needlecpp

// NDL_CHECK(condition, ValueError, "matmul", "inner sizes differ: got ", m, ", expected ", k, ".")
#define NDL_CHECK(condition, Exception, op, ...)                          \
  do {                                                                    \
    if (!(condition)) [[unlikely]]                                        \
      ::needlecpp::detail::fail<::needlecpp::Exception>(op, __VA_ARGS__); \
  } while (false)
