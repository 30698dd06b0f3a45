# lectio_tool(NAME SOURCE…): one executable of the suite and where it is installed.
include(GNUInstallDirs)
function(lectio_tool name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE common lectio_flags)
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()
