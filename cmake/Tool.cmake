# lectio_tool(NAME SOURCE…): one executable of the suite, and where it, its manual page and its completion are installed.
include(GNUInstallDirs)
function(lectio_tool name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE common lectio_flags)
  if(LECTIO_STATIC_SMALL)
    target_link_options(${name} PRIVATE -static-libstdc++ -static-libgcc)
  endif()
  lectio_order_functions(${name})
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(FILES ${CMAKE_SOURCE_DIR}/packaging/man/${name}.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
  install(FILES ${CMAKE_SOURCE_DIR}/packaging/completion.bash
          DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME ${name})
endfunction()
