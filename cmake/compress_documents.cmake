# Run by CPack over what is to be packed: Debian's manual pages and changelogs are compressed.
file(GLOB_RECURSE documents ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share/man/*.8
     ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share/doc/*/changelog*)
foreach(document IN LISTS documents)
  execute_process(COMMAND gzip --best --no-name --force ${document} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
