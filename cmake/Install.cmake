# What programs that embed the installed engine find it by: find_package(needlecpp), or pkg-config.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
install(TARGETS needlecpp EXPORT needlecpp-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY cpp/include/needlecpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/needlecpp)
install(EXPORT needlecpp-targets NAMESPACE needlecpp:: DESTINATION ${config_dir})
configure_package_config_file(cmake/needlecpp-config.cmake.in needlecpp-config.cmake INSTALL_DESTINATION ${config_dir})
write_basic_package_version_file(needlecpp-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/needlecpp-config.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/needlecpp-config-version.cmake
  DESTINATION ${config_dir})

# The file lies in ${prefix}/lib/pkgconfig and names everything from there, so that the tree can be moved.
if(NEEDLECPP_OPENMP)
  set(pkgconfig_threads ${OpenMP_CXX_LIB_NAMES})
else()
  set(pkgconfig_threads pthread)
endif()
list(TRANSFORM pkgconfig_threads PREPEND "-l")
list(JOIN pkgconfig_threads " " pkgconfig_threads)
set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH pkgconfig_up /${pkgconfig_dir} /)
configure_file(cmake/needlecpp.pc.in needlecpp.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/needlecpp.pc DESTINATION ${pkgconfig_dir})
