# find_package(needlecpp) for programs that embed the engine.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
if(NOT SKBUILD)
  install(TARGETS needlecpp EXPORT needlecpp-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(DIRECTORY cpp/include/needlecpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(EXPORT needlecpp-targets NAMESPACE needlecpp:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/needlecpp)
  configure_package_config_file(cmake/needlecpp-config.cmake.in needlecpp-config.cmake
    INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/needlecpp)
  write_basic_package_version_file(needlecpp-config-version.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/needlecpp-config.cmake
    ${CMAKE_CURRENT_BINARY_DIR}/needlecpp-config-version.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/needlecpp)
endif()
