# Warnings and hardening live on interface targets, so that they apply to our own code and never to a
# dependency's headers.
add_library(lectio_flags INTERFACE)
target_compile_options(lectio_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  $<$<BOOL:${LECTIO_DEVELOPER}>:-Werror>)

# Small before fast: a run of a few milliseconds pays for each page of code that it touches, and what scans much
# (RE2, PCRE2, zlib) is in libraries of its own. -O3 made the text twice as large and the run no faster.
set(CMAKE_CXX_FLAGS_RELEASE "-Os -DNDEBUG")

if(LECTIO_SANITIZE)
  # -O1: the sanitizers at -O0 make the tests several times slower; what only asserts (LECTIO_ASSERTS) does not need it.
  # -g1: line numbers are enough. A null pointer that is used ends the program without a check before each use, and these
  # checks with those of alignment took two fifths of the compiler's time.
  target_compile_options(lectio_flags INTERFACE -O$<IF:$<BOOL:$<TARGET_PROPERTY:LECTIO_ASSERTS>>,0,1> -g1
                         -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize=null,alignment
                         -fno-sanitize-recover=all)
  # GCC says so itself (its manual, -Wmaybe-uninitialized): between the sanitizers' own code it sees ghosts.
  target_compile_options(lectio_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(lectio_flags INTERFACE -fsanitize=address,undefined)
  if(LECTIO_FUZZ)
    # A number that somebody else wrote may be one that no integer holds.
    target_compile_options(lectio_flags INTERFACE -fsanitize=fuzzer-no-link,float-cast-overflow)
  endif()
else()
  target_compile_options(lectio_flags INTERFACE
    -fstack-protector-strong -fstack-clash-protection -fcf-protection
    $<$<CONFIG:Release>:-U_FORTIFY_SOURCE> $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2>)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  target_link_options(lectio_flags INTERFACE -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endif()
# Relocations packed: 270 kB of entries that the loader reads through at each start become 4 kB. The loader that is here
# must know them (glibc 2.36), so it is asked by running what the linker made of them.
if(NOT LECTIO_SANITIZE AND NOT CMAKE_CROSSCOMPILING)
  include(CheckCXXSourceRuns)
  set(CMAKE_REQUIRED_FLAGS -fPIE)
  set(CMAKE_REQUIRED_LINK_OPTIONS -pie -Wl,-z,now -Wl,-z,pack-relative-relocs)
  check_cxx_source_runs("int value; int* place = &value; int main() { return *place; }" LECTIO_PACKED_RELOCATIONS)
  unset(CMAKE_REQUIRED_FLAGS)
  unset(CMAKE_REQUIRED_LINK_OPTIONS)
  if(LECTIO_PACKED_RELOCATIONS)
    target_link_options(lectio_flags INTERFACE -Wl,-z,pack-relative-relocs)
  endif()
endif()
# One static library, many tools: each keeps only the objects and the shared libraries that it uses.
target_compile_options(lectio_flags INTERFACE -ffunction-sections -fdata-sections)
target_link_options(lectio_flags INTERFACE -Wl,--as-needed -Wl,--gc-sections)

find_program(LECTIO_CCACHE ccache)
if(LECTIO_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${LECTIO_CCACHE})
endif()
