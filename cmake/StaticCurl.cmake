# libcurl's own archive instead of the shared library, with what the suite speaks (HTTP, SMTP) and nothing else
# (docs/decisions/0018). The shared one brings LDAP, Kerberos, RTMP and SSH: 22 libraries and 2.8 MB of resident memory
# in each run, for protocols that are never spoken. The names that libcurl has from those libraries are answered by
# curl_left_out.cpp.in, as are those of the list of public suffixes, which it asks for cookies that it never keeps here.
# What it needs seldom (names beyond ASCII, compressions that are not asked for) is loaded when it does
# (curl_when_asked.cpp.in). Everything else that the shared library needs is linked as it links it.

# lectio_curl_archive(): makes lectio_curl from the archive; leaves it undefined where one of the pieces is not there.
function(lectio_curl_archive)
  find_library(LECTIO_CURL_ARCHIVE libcurl.a)
  find_library(LECTIO_CURL_SHARED curl)
  if(NOT LECTIO_CURL_ARCHIVE OR NOT LECTIO_CURL_SHARED)
    return()
  endif()
  lectio_curl_needs(needed) # sets LECTIO_CURL_LOADS_… too
  lectio_curl_left_out(names)
  if(NOT needed OR NOT names)
    return()
  endif()

  list(TRANSFORM names REPLACE "^(gss_.*|ldap_get_option)$" "FAILS(\\0)")
  list(TRANSFORM names REPLACE "^(RTMP|libssh2|ssh|sftp|ldap|ber|psl|GSS)_.*$" "LEFT_OUT(\\0)")
  list(TRANSFORM names REPLACE "^LEFT_OUT.(libssh2_(init|exit|version)|ssh_(init|finalize|version)|psl_get_version).$"
       "NOTHING_TO_DO(\\1)")
  list(JOIN names "\n" LECTIO_CURL_LEFT_OUT)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/curl_left_out.cpp.in ${CMAKE_BINARY_DIR}/curl_left_out.cpp @ONLY)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/curl_when_asked.cpp.in ${CMAKE_BINARY_DIR}/curl_when_asked.cpp @ONLY)
  add_library(lectio_curl_left_out STATIC ${CMAKE_BINARY_DIR}/curl_left_out.cpp ${CMAKE_BINARY_DIR}/curl_when_asked.cpp)
  target_compile_options(lectio_curl_left_out PRIVATE -ffunction-sections)

  add_library(lectio_curl INTERFACE)
  target_include_directories(lectio_curl SYSTEM INTERFACE ${CURL_INCLUDE_DIRS})
  target_link_libraries(lectio_curl INTERFACE ${LECTIO_CURL_ARCHIVE} lectio_curl_left_out ${needed})
endfunction()

# The files of the libraries that the shared libcurl asks for, less those of the protocols left out; of those that are
# loaded when they are asked for the names, as LECTIO_CURL_LOADS_idn2 and so on.
function(lectio_curl_needs variable)
  execute_process(COMMAND ${CMAKE_OBJDUMP} -p ${LECTIO_CURL_SHARED} OUTPUT_VARIABLE said ERROR_QUIET)
  string(REGEX MATCHALL "NEEDED +[^\n]+" lines "${said}")
  list(TRANSFORM lines REPLACE "NEEDED +" "")
  foreach(seldom idn2 brotlidec zstd)
    set(names ${lines})
    list(FILTER names INCLUDE REGEX "^lib${seldom}[.]so")
    set(LECTIO_CURL_LOADS_${seldom} "${names}" PARENT_SCOPE)
  endforeach()
  list(FILTER lines EXCLUDE REGEX "^lib(idn2|brotlidec|zstd|psl|rtmp|ssh2|ssh|ldap|lber|gssapi_krb5|c|ssl|crypto)[-.]")
  set(files "")
  foreach(name IN LISTS lines)
    find_library(LECTIO_CURL_NEEDS_${name} NAMES ${name})
    if(NOT LECTIO_CURL_NEEDS_${name})
      return()
    endif()
    list(APPEND files ${LECTIO_CURL_NEEDS_${name}})
  endforeach()
  set(${variable} "${files}" PARENT_SCOPE)
endfunction()

# The names that the archive has from the libraries left out.
function(lectio_curl_left_out variable)
  execute_process(COMMAND ${CMAKE_NM} -u ${LECTIO_CURL_ARCHIVE} OUTPUT_VARIABLE said ERROR_QUIET)
  string(REGEX MATCHALL " U (RTMP|libssh2|ssh|sftp|ldap|ber|psl|gss|GSS)_[A-Za-z0-9_]+" names "${said}")
  list(TRANSFORM names REPLACE "^ U " "")
  list(REMOVE_DUPLICATES names)
  set(${variable} "${names}" PARENT_SCOPE)
endfunction()
