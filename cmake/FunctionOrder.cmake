# A regular run executes a third of the code, and where that is spread evenly the kernel maps nearly all of it: it maps
# files by 64 kB. So what a regular run executes lies together. Nothing but memory depends on the list: a name that is
# gone matches nothing.
#
# By the linker's own script, the list put first into its .text: binutils has an option for a list since 2.43 only,
# another linker would be one more package, and a section of its own has no symbols for valgrind.
set(LECTIO_FUNCTION_ORDER "")

# lectio_linker_script(VARIABLE): the script that this linker follows when it links a tool; empty where it has none.
function(lectio_linker_script variable)
  separate_arguments(flags UNIX_COMMAND "${CMAKE_EXE_LINKER_FLAGS}") # may choose another linker
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} ${flags} -pie -Wl,-z,relro -Wl,-z,now -Wl,--verbose
    OUTPUT_VARIABLE said ERROR_QUIET RESULT_VARIABLE without_anything_to_link)
  set(script "")
  if(said MATCHES "\n=====+\n(.*)\n=====+\n")
    set(script "${CMAKE_MATCH_1}")
  endif()
  set(${variable} "${script}" PARENT_SCOPE)
endfunction()

# lectio_order_lines(VARIABLE LIST): the list as lines of such a script.
function(lectio_order_lines variable list)
  file(STRINGS ${list} lines REGEX "^[^#]")
  # archive.a:member.o is taken whole, of everything else the section that -ffunction-sections gave it.
  list(TRANSFORM lines REPLACE "^.*[.]a:.*$" "    *\\0(.text .text.*)")
  list(TRANSFORM lines REPLACE "^[^ ].*$" "    *(.text.\\0)")
  list(PREPEND lines "    *crt*.o(.text)" "    *(.text.startup .text.startup.*)")
  # What is ours and not named is newer than the list, or small: all of it in few pages, before the libraries' rest.
  list(APPEND lines "    *.cpp.o(.text .text.*)")
  list(JOIN lines "\n" lines)
  set(${variable} "${lines}" PARENT_SCOPE)
endfunction()

if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT LECTIO_SANITIZE)
  include(CheckLinkerFlag)
  set(order_list ${CMAKE_CURRENT_LIST_DIR}/function_order.txt)
  set(order_script ${CMAKE_BINARY_DIR}/function_order.ld)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${order_list})
  lectio_linker_script(linker_script)
  lectio_order_lines(order_lines ${order_list})
  string(REGEX REPLACE "(\n *[.]text *: *\n *{\n)" "\\1${order_lines}\n" ordered_script "${linker_script}")
  if(NOT ordered_script STREQUAL linker_script)
    file(CONFIGURE OUTPUT ${order_script} CONTENT "@ordered_script@" @ONLY)
    check_linker_flag(CXX "-Wl,-T,${order_script}" LECTIO_LINKER_TAKES_ORDER)
  endif()
  if(LECTIO_LINKER_TAKES_ORDER)
    set(LECTIO_FUNCTION_ORDER ${order_script})
  else()
    message(STATUS "Not binutils' linker: functions stay in the order of their sources, a tool weighs up to 2 MB more")
  endif()
endif()

# lectio_order_functions(TOOL): links it by the list, where the linker can.
function(lectio_order_functions tool)
  if(LECTIO_FUNCTION_ORDER)
    target_link_options(${tool} PRIVATE "-Wl,-T,${LECTIO_FUNCTION_ORDER}")
    set_property(TARGET ${tool} APPEND PROPERTY LINK_DEPENDS ${LECTIO_FUNCTION_ORDER})
  endif()
endfunction()
