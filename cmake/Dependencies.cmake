# Every dependency is a package of the distribution (packaging/dependencies.txt names them).
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(SYSTEMD REQUIRED libsystemd) # its headers; the library is loaded when a unit or the journal is asked for
pkg_check_modules(LIBPQ REQUIRED libpq) # its header; the library is loaded when it is asked for
pkg_check_modules(LIBARCHIVE REQUIRED IMPORTED_TARGET libarchive)
find_library(LECTIO_UNISTRING unistring REQUIRED)
pkg_check_modules(HIREDIS REQUIRED IMPORTED_TARGET hiredis)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(SQLITE3 REQUIRED IMPORTED_TARGET sqlite3)
find_path(LECTIO_HS_INCLUDE hs/hs.h REQUIRED) # its header; the library is loaded when much is to be read
find_path(TOMLPLUSPLUS_INCLUDE toml++/toml.h REQUIRED)
find_path(CLI11_INCLUDE CLI/CLI.hpp REQUIRED)

# What is loaded once a minute is better inside: as shared libraries the C++ runtime, fmt, hiredis, RE2 and PCRE2 cost
# 1.5 MB of resident memory and a millisecond of the loader a run, libcurl with all that it brings 2.8 MB and two. What
# guards every connection (OpenSSL) and what belongs to the running system (systemd) stays shared: it gets security
# updates that must not wait for a rebuild. A sanitizer wants its runtime shared.
set(small_inside OFF)
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT LECTIO_SANITIZE)
  set(small_inside ON)
endif()
option(LECTIO_STATIC_SMALL "Link the C++ runtime and the small libraries statically" ${small_inside})
option(LECTIO_STATIC_CURL "Link libcurl statically, with the protocols that are spoken" ${small_inside})

# lectio_library(NAME TARGET ARCHIVE): TARGET as lectio_NAME, its archive in place of it where that is wanted and there.
function(lectio_library name target archive)
  add_library(lectio_${name} INTERFACE)
  if(LECTIO_STATIC_SMALL)
    find_library(LECTIO_ARCHIVE_${name} ${archive})
  endif()
  if(LECTIO_ARCHIVE_${name})
    target_include_directories(lectio_${name} SYSTEM INTERFACE
      $<TARGET_PROPERTY:${target},INTERFACE_INCLUDE_DIRECTORIES>)
    target_link_libraries(lectio_${name} INTERFACE ${LECTIO_ARCHIVE_${name}} Threads::Threads)
  else()
    target_link_libraries(lectio_${name} INTERFACE ${target})
  endif()
endfunction()

lectio_library(hiredis PkgConfig::HIREDIS libhiredis.a)
lectio_library(pcre2 PkgConfig::PCRE2 libpcre2-8.a)
lectio_library(re2 PkgConfig::RE2 libre2.a)
lectio_library(sqlite PkgConfig::SQLITE3 libsqlite3.a)

if(LECTIO_STATIC_CURL)
  include(${CMAKE_CURRENT_LIST_DIR}/StaticCurl.cmake)
  lectio_curl_archive()
endif()
if(NOT TARGET lectio_curl)
  add_library(lectio_curl INTERFACE)
  target_link_libraries(lectio_curl INTERFACE PkgConfig::CURL)
endif()

# Debian has no static fmt: its own source, which its headers bring with them, is compiled here.
if(LECTIO_STATIC_SMALL)
  add_library(lectio_fmt STATIC ${CMAKE_CURRENT_LIST_DIR}/fmt.cpp)
  target_compile_options(lectio_fmt PRIVATE -ffunction-sections -fdata-sections)
  target_include_directories(lectio_fmt SYSTEM PUBLIC $<TARGET_PROPERTY:fmt::fmt,INTERFACE_INCLUDE_DIRECTORIES>)
else()
  add_library(lectio_fmt INTERFACE)
  target_link_libraries(lectio_fmt INTERFACE fmt::fmt)
endif()
