# nlohmann-json's headers: those of the system, those of the PyPI package nlohmann-json (its site-packages folder is on
# CMAKE_PREFIX_PATH in a wheel build), or a download.
add_library(needlecpp_json INTERFACE)
find_path(NEEDLECPP_JSON_INCLUDE nlohmann/json.hpp PATH_SUFFIXES nlohmann_json/include)
if(NEEDLECPP_JSON_INCLUDE)
  target_include_directories(needlecpp_json SYSTEM INTERFACE ${NEEDLECPP_JSON_INCLUDE})
else()
  include(FetchContent)
  FetchContent_Declare(json URL https://github.com/nlohmann/json/releases/download/v3.11.3/json.tar.xz)
  FetchContent_MakeAvailable(json)
  target_link_libraries(needlecpp_json INTERFACE nlohmann_json::nlohmann_json)
endif()
