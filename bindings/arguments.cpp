// What a call with wrong arguments is told. nanobind lists every signature of the function; here one sentence takes
// that place, for every function at once: each is called through a function of this file, which looks at errors alone.
// The sentence itself is made by needlecpp/_arguments.py from the signatures.
#include <array>
#include <string_view>

#include "convert.h"

namespace needlecpp::python {
namespace {

// nanobind calls functions through a few entries of its own, by their kinds of arguments.
constexpr size_t kMostEntries = 8;
std::array<vectorcallfunc, kMostEntries> g_entries{};

// Replaces the exception that stands, if it is nanobind's about arguments.
void explain(PyObject* function, PyObject* const* args, size_t nargsf, PyObject* names) {
  nb::python_error error;  // takes the exception
  if (!error.matches(PyExc_TypeError) ||
      text_of(error.value()).find("incompatible function arguments") == std::string::npos)
    return error.restore();
  try {
    const size_t count = static_cast<uint32_t>(nargsf);  // above it stand flags: Python's, and nanobind's of its own
    nb::list positional;
    for (size_t i = 0; i < count; ++i) positional.append(nb::handle(args[i]));
    nb::dict named;
    for (size_t i = 0; names && i < nb::len(nb::handle(names)); ++i)
      named[nb::handle(PyTuple_GetItem(names, static_cast<Py_ssize_t>(i)))] = nb::handle(args[count + i]);
    const nb::object sentence =
        nb::module_::import_("needlecpp._arguments").attr("explain")(nb::handle(function), positional, named);
    PyErr_SetObject(PyExc_TypeError, sentence.ptr());
  } catch (...) {
    error.restore();
  }
}

template <size_t entry>
PyObject* call(PyObject* function, PyObject* const* args, size_t nargsf, PyObject* names) {
  PyObject* const result = g_entries[entry](function, args, nargsf, names);
  if (!result) [[unlikely]]
    explain(function, args, nargsf, names);
  return result;
}

template <size_t... entries>
constexpr std::array<vectorcallfunc, kMostEntries> calls(std::index_sequence<entries...>) {
  return {&call<entries>...};
}

void reroute(nb::handle function) {
  static constexpr auto kCalls = calls(std::make_index_sequence<kMostEntries>());
  const vectorcallfunc entry = PyVectorcall_Function(function.ptr());
  for (const vectorcallfunc ours : kCalls)
    if (entry == ours) return;
  size_t i = 0;
  while (i < kMostEntries && g_entries[i] && g_entries[i] != entry) ++i;
  if (!entry || i == kMostEntries) return;
  g_entries[i] = entry;
  char* const object = reinterpret_cast<char*>(function.ptr());
  *reinterpret_cast<vectorcallfunc*>(object + Py_TYPE(function.ptr())->tp_vectorcall_offset) = kCalls[i];
}

bool is_bound_function(nb::handle object) {
  const std::string_view kind = Py_TYPE(object.ptr())->tp_name;
  return kind.ends_with("nb_func") || kind.ends_with("nb_method");
}

// The functions among the attributes of a module or class, and in its properties, classes and submodules.
void reroute_all(nb::handle scope) {
  for (nb::handle value : nb::list(scope.attr("__dict__").attr("values")())) {
    if (is_bound_function(value)) reroute(value);
    if ((PyType_Check(value.ptr()) && nb::type_check(value)) || PyModule_Check(value.ptr())) reroute_all(value);
    if (PyObject_TypeCheck(value.ptr(), &PyProperty_Type))
      if (const nb::object setter = value.attr("fset"); is_bound_function(setter)) reroute(setter);
  }
}

}  // namespace

void explain_arguments(nb::module_& m) { reroute_all(m); }

}  // namespace needlecpp::python
