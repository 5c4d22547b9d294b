# nlohmann-json's headers: an installed package, the PyPI package nlohmann-json (found through the Python of the
# build), or a download.
add_library(needlecpp_json INTERFACE)
find_package(nlohmann_json 3.10 QUIET)
if(nlohmann_json_FOUND)
  target_link_libraries(needlecpp_json INTERFACE nlohmann_json::nlohmann_json)
else()
  find_package(Python COMPONENTS Interpreter QUIET)
  if(Python_Interpreter_FOUND)
    execute_process(
      COMMAND ${Python_EXECUTABLE} -c
        "import importlib.util as u, pathlib; s = u.find_spec('nlohmann_json'); print(pathlib.Path(s.origin or s.submodule_search_locations[0]).parent if s and s.origin else (s.submodule_search_locations[0] if s else ''))"
      OUTPUT_VARIABLE NEEDLECPP_JSON_PACKAGE OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
  find_path(NEEDLECPP_JSON_INCLUDE nlohmann/json.hpp HINTS ${NEEDLECPP_JSON_PACKAGE}
    PATH_SUFFIXES include ../include single_include)
  if(NEEDLECPP_JSON_INCLUDE)
    target_include_directories(needlecpp_json SYSTEM INTERFACE ${NEEDLECPP_JSON_INCLUDE})
  else()
    include(FetchContent)
    FetchContent_Declare(json URL https://github.com/nlohmann/json/releases/download/v3.11.3/json.tar.xz)
    FetchContent_MakeAvailable(json)
    target_link_libraries(needlecpp_json INTERFACE nlohmann_json::nlohmann_json)
  endif()
endif()
